"""Interval rows of any fit, each kind at each level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.errors import InputError
from bayescompare.fits import Fit
from bayescompare.intervals.posterior import eti, hdi
from bayescompare.intervals.wald import wald

__all__ = ["KINDS", "IntervalRow", "check_level", "intervals"]

Array = npt.NDArray[np.float64]

#: Kinds of intervals, each with what it is.
KINDS: Mapping[str, str] = {
    "wald": "estimate and standard error on the log, Fisher z or natural scale",
    "eti": "equal-tailed interval of the posterior draws",
    "hdi": "shortest interval of the posterior draws",
    "variational": "equal-tailed interval of a Gaussian fitted to the posterior, on its own scale",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One interval of one parameter; NaN bounds come with a reason."""

    parameter: str
    kind: str
    level: float
    lower: float
    upper: float
    reason: str = ""


def check_level(level: float) -> float:
    """Return a level, or refuse one that is not between 0 and 1."""
    if not 0 < level < 1:
        raise InputError(f"An interval's level must lie between 0 and 1, such as 0.95, not {level:g}.")
    return level


def intervals(fit: Fit, levels: Sequence[float] = (0.95,)) -> list[IntervalRow]:
    """Return every kind of interval that a fit has, for every parameter.

    Parameters
    ----------
    fit
        A point estimate (``wald``), a fit with draws (``eti`` and ``hdi``) or one of a distribution that stands for
        the posterior (``variational``).
    levels
        Probabilities, such as 0.95.

    Raises
    ------
    InputError
        If a level is not between 0 and 1.
    """
    return [row for level in levels for row in _at(fit, check_level(level))]


def _at(fit: Fit, level: float) -> Iterator[IntervalRow]:
    if fit.variational is not None:
        yield from _rows(fit, "variational", level, eti(fit.variational[None], level))
    elif fit.draws is None:
        yield from _rows(fit, "wald", level, wald(fit, level))
    else:
        yield from _rows(fit, "eti", level, eti(fit.draws.values, level))
        yield from _rows(fit, "hdi", level, hdi(fit.draws.values, level))


def _rows(fit: Fit, kind: str, level: float, bounds: Array) -> Iterator[IntervalRow]:
    for label, (lower, upper), reason in zip(fit.layout.labels, bounds, fit.reason, strict=True):
        missing = reason if not np.isfinite(lower + upper) else ""
        yield IntervalRow(
            parameter=label, kind=kind, level=level, lower=float(lower), upper=float(upper), reason=missing
        )
