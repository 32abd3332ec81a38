"""What a prior of somebody else's answers: an error, or an array of another shape, is said with its name."""

from __future__ import annotations

import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.errors import AbsentPriorError, PriorError
from bayescompare.priors.base import Prior, numpy_namespace
from bayescompare.priors.names import described

__all__ = ["check_answers", "density", "drawn", "said", "some_points"]

Array = npt.NDArray[np.float64]

_HERE = str(Path(__file__).parents[1])


def density(prior: Prior, x: Any, xp: Any) -> Any:
    """Return the log density of a prior.

    Raises
    ------
    PriorError
        If its author's ``logp`` raises; the prior and the line are named.
    """
    try:
        return prior.logp(x, xp)
    except PriorError:
        raise
    except Exception as error:
        advice = " Use functions of xp on x, not those of math." if isinstance(error, TypeError) else ""
        raise PriorError(
            f"The log density of {described(type(prior))} cannot be computed: {said(error)}{advice}"
        ) from error


def drawn(prior: Prior, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return draws of a prior.

    Raises
    ------
    PriorError
        If its author's ``draw`` raises, or returns another shape.
    """
    try:
        found = np.asarray(prior.draw(rng, shape), dtype=float)
    except PriorError:
        raise
    except Exception as error:
        raise PriorError(f"{described(type(prior))} cannot be drawn from: {said(error)}") from error
    if found.shape != shape:
        raise PriorError(
            f"{described(type(prior))} cannot be drawn from: draw returned the shape {found.shape} where {shape} was "
            "asked for; give shape to the generator, as in rng.normal(0, 1, shape)."
        )
    return found


def said(error: BaseException) -> str:
    """Return an error of an author's code in a line, with its place in the file."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith(_HERE)]
    # what raised may be a library that the author's code called
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}."


def some_points(prior: Prior, count: int = 3) -> Array:
    """Return values that a prior's parameter may have, ``(count,)``, or Cholesky factors ``(count, 2, 2)``."""
    steps = (np.arange(count) + 1.0) / count
    if prior.support == "correlation":
        cor = 0.9 * steps - 0.4
        rows = [np.ones(count), np.zeros(count), cor, np.sqrt(1 - cor**2)]
        return np.stack(rows, axis=-1).reshape(count, 2, 2)
    return 3 * steps if prior.support != "real" else 4 * steps - 2


@lru_cache(maxsize=256)
def check_answers(prior: Prior) -> None:
    """Refuse a prior whose density cannot be computed for NumPy arrays elementwise.

    Raises
    ------
    PriorError
        If ``logp`` raises, or returns what is no array of numbers of the shape of its values.
    """
    points = some_points(prior)
    try:
        density(prior, points, numpy_namespace())
    except AbsentPriorError:
        # to read results the name is enough
        return
    for x, shape in ((points, (len(points),)), (points[0], ())):
        with np.errstate(all="ignore"):
            found = density(prior, x, numpy_namespace())
        try:
            given = np.asarray(found, dtype=float).shape
        except (TypeError, ValueError):
            raise PriorError(
                f"The log density of {described(type(prior))} must be a number for each value, not {found!r}."
            ) from None
        if given != shape:
            raise PriorError(
                f"The log density of {described(type(prior))} has the shape {given} for values of the shape {shape}: "
                "logp works on each value by itself, without sums over them."
            )
