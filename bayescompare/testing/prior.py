"""A prior that somebody has written, checked from all sides."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bayescompare.errors import PriorError
from bayescompare.priors import HalfNormal, Prior, numpy_namespace
from bayescompare.priors.contract import faults_of
from bayescompare.testing.checks import density_faults, draw_faults, elementwise_faults, object_faults
from bayescompare.testing.line import Line
from bayescompare.testing.symbols import keras_faults, pytensor_faults

__all__ = ["check_prior"]

# A density that takes so much longer than HalfNormal's, and so many seconds, is worth a word.
_MUCH, _SECONDS = 50.0, 1e-3

_CHECKS: tuple[Callable[[Line], Iterator[str]], ...] = (
    object_faults,
    elementwise_faults,
    density_faults,
    draw_faults,
    pytensor_faults,
    keras_faults,
)


def check_prior(prior: Prior, *, seed: int = 0) -> None:
    """Check a prior: its density, its draws, its gradients, in NumPy, PyTensor and Keras; for a test of one's own.

    That a density integrates to one and that draws follow it is found numerically; draws of a right prior are refused
    with probability 1e-6, and the same seed gives the same answer. A prior says that it is improper by a ``draw`` that
    raises a `PriorError` with that word. A slow density is a warning.

    Parameters
    ----------
    prior
        An object with its numbers, such as ``Weibull(2, 50)``.
    seed
        Of the draws.

    Raises
    ------
    PriorError
        With all that is wrong, a line each.
    """
    if isinstance(prior, type):
        raise PriorError(f"Give check_prior an object with its numbers, such as {prior.__name__}(1.0), not the class.")
    faults = faults_of(type(prior))
    if not faults:
        line = Line(prior, seed)
        faults = list(dict.fromkeys(fault for check in _CHECKS for fault in _found(check, line)))
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise PriorError(f"{prior!r} has {len(faults)} fault{'s' * (len(faults) > 1)}:\n{listed}")
    _time(prior)


def _found(check: Callable[[Line], Iterator[str]], line: Line) -> list[str]:
    """Return what a check finds, also where the author's code raises."""
    found: list[str] = []
    try:
        with np.errstate(all="ignore"):
            found.extend(check(line))
    except PriorError as error:
        found.append(str(error))
    return found


def _time(prior: Prior) -> None:
    """Warn of a density that takes much longer than HalfNormal's."""
    if prior.support == "correlation":
        return
    x, xp = np.linspace(0.5, 1.5, 20), numpy_namespace()
    own, usual = (min(_seconds(one, x, xp) for _ in range(5)) for one in (prior, HalfNormal(1.0)))
    if own > _SECONDS and own > _MUCH * usual:
        warnings.warn(
            f"{prior!r} is slow: logp takes {1e3 * own:.3g} ms, {own / usual:.0f} times as long as HalfNormal's.",
            stacklevel=3,
        )


def _seconds(prior: Prior, x: Any, xp: Any) -> float:
    started = time.perf_counter()
    prior.logp(x, xp)
    return time.perf_counter() - started
