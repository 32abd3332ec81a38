"""Where a value lies in the intervals of all levels: the smallest level that holds it, and on which side it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr

from bayescompare.fits import Basis
from bayescompare.intervals.bootstrap import Bootstrap
from bayescompare.intervals.posterior import EqualTails, ExactEqualTails, ExactShortest, Shortest
from bayescompare.marginal import Marginal

__all__ = ["Located", "located", "located_in_draws"]

Array = npt.NDArray[np.float64]

# Normal quantiles of the levels between which a bound is looked for: to 1 - 1e-9.
_RUNGS = np.array([1e-3, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a value lies.

    Parameters
    ----------
    pit
        Probability that the distribution, or the confidence distribution of equal-tailed intervals, puts below it.
    covered_from
        The smallest level whose interval holds it; 1 where none does.
    rank, n_ranks
        Of draws: how many are smaller, out of how many; in shortest intervals how many levels do not hold the value,
        out of how many. Zero where there are no draws.
    """

    pit: float
    covered_from: float
    rank: int = 0
    n_ranks: int = 0


# Levels of shortest intervals of draws.
_LEVELS = 127

_NOWHERE = Located(pit=np.nan, covered_from=np.nan)


def located(basis: Basis, values: Array) -> list[Located]:
    """Return where each of ``(k,)`` values lies in the intervals of its parameter; NaN where there are none."""
    if isinstance(basis, Bootstrap):
        return [
            located_in_draws(column[~np.isnan(column)], value, shortest=basis.shortest)
            for column, value in zip(basis.values.T, values, strict=True)
        ]
    if isinstance(basis, EqualTails | Shortest):
        shortest = isinstance(basis, Shortest)
        flat = basis.values.reshape(-1, len(values))
        return [
            located_in_draws(column, value, shortest=shortest) for column, value in zip(flat.T, values, strict=True)
        ]
    if isinstance(basis, ExactEqualTails):
        below = [float(one.cdf(value)) for one, value in zip(basis.marginals, values, strict=True)]
        return [Located(pit=pit, covered_from=abs(2 * pit - 1)) for pit in below]
    if isinstance(basis, ExactShortest):
        return [_in_shortest(one, float(value)) for one, value in zip(basis.marginals, values, strict=True)]
    rungs = np.stack([basis.bounds(level) for level in _level(_RUNGS)])
    return [_located(basis, rungs[:, k], k, float(value)) for k, value in enumerate(values)]


def located_in_draws(draws: Array, value: float, *, shortest: bool = False) -> Located:
    """Return where a value lies among draws ``(N,)``, in their equal-tailed or their shortest intervals."""
    if not len(draws) or not np.isfinite(value) or not np.all(np.isfinite(draws)):
        return _NOWHERE
    below = int(np.sum(draws < value))
    pit = (below + 0.5 * float(np.sum(draws == value))) / len(draws)
    if not shortest:
        return Located(pit=pit, covered_from=abs(2 * pit - 1), rank=below, n_ranks=len(draws))
    without = _levels_without(np.sort(draws), value)
    return Located(pit=pit, covered_from=(without + 0.5) / (_LEVELS + 1), rank=without, n_ranks=_LEVELS)


def _levels_without(draws: Array, value: float) -> int:
    """Return at how many of some levels the shortest interval of sorted draws does not hold a value.

    Shortest intervals of draws need not lie within one another: their number is what coverage at all levels adds up to.
    """
    n, without = len(draws), 0
    for steps in np.arange(1, _LEVELS + 1) * n // (_LEVELS + 1):
        first = int(np.argmin(draws[steps:] - draws[: n - steps]))
        without += not draws[first] <= value <= draws[first + steps]
    return without


def _in_shortest(marginal: Marginal, value: float) -> Located:
    """Return where a value lies in the shortest intervals of a distribution."""
    low, high = (float(_level(rung)) for rung in _RUNGS[[0, -1]])

    def inside(level: float) -> float:
        lower, upper = marginal.shortest(level)
        return min(value - lower, upper - value)

    first, last = inside(low), inside(high)
    level = low if first >= 0 else high if last <= 0 else float(brentq(inside, low, high, xtol=1e-6))
    return Located(pit=float(marginal.cdf(value)), covered_from=level)


def _level(quantile: Array | float) -> Array:
    """Return the probability that a normal variable is nearer to zero than a quantile."""
    return np.asarray(1 - 2 * ndtr(-np.asarray(quantile)))


def _located(basis: Basis, rungs: Array, k: int, value: float) -> Located:
    """Return where a value lies, given the bounds ``(R, 2)`` of one parameter at the levels of the rungs."""
    if not np.isfinite(rungs[1:-1]).any() or not np.isfinite(value):
        return _NOWHERE
    below, above = value < rungs[:, 0], value > rungs[:, 1]
    away = np.flatnonzero(below | above)
    if not len(away):
        return Located(pit=0.5, covered_from=0.0)
    last = int(away[-1])
    side = int(above[last])
    quantile = _crossing(basis, rungs[:, side], last, (k, side), value)
    return Located(pit=float(ndtr(quantile if side else -quantile)), covered_from=float(_level(quantile)))


def _crossing(basis: Basis, bounds: Array, last: int, place: tuple[int, int], value: float) -> float:
    """Return the normal quantile of the level at which a bound passes a value, after the last rung that leaves it out.

    Where the bounds were not followed so far, the last that they were.
    """
    if last + 1 == len(_RUNGS):
        return np.inf
    if not np.isfinite(bounds[last : last + 2]).all():
        return float(_RUNGS[last])
    return float(brentq(lambda at: basis.bounds(float(_level(at)))[place] - value, *_RUNGS[last : last + 2], xtol=1e-6))
