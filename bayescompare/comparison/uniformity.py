"""Whether numbers between 0 and 1 are uniform: simultaneous bands of their distribution function, and what is wrong.

The band gives every order statistic the same local level (Aldor-Noiman et al. 2013; Säilynoja, Bürkner and Vehtari
2022, the envelope of ``az.plot_ecdf_pit``). The level that makes 95 % of uniform samples lie wholly inside is computed,
not simulated, by the steps of a Poisson process (Khmaladze and Shinjikashvili 2001; Moscovich and Nadler 2017).
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, log, pi, sqrt, tan
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import betainc, betaincinv, gammaln, ndtri, owens_t, xlogy

__all__ = ["Band", "Estimated", "band", "p_value", "shift_of", "spread_of", "spread_of_levels"]

Array = npt.NDArray[np.float64]

# Chance below which one less it has no digits left.
_RARELY = 1e-9
# Steps of a Poisson process that are rarer than this are left out.
_RARE = 1e-18


class Band(NamedTuple):
    """Where the order statistics ``(n,)`` of uniform samples lie, all of them at once."""

    lower: Array
    upper: Array

    def ecdf(self, points: Array) -> tuple[Array, Array]:
        """Return the bounds of the distribution function at points between 0 and 1."""
        n = len(self.lower)
        return np.searchsorted(self.upper, points, "right") / n, np.searchsorted(self.lower, points, "right") / n


class Estimated(NamedTuple):
    """A number and its 95 % Monte Carlo interval."""

    value: float
    lower: float
    upper: float


def p_value(values: Array) -> float:
    """Return the probability that a uniform sample has an order statistic as far out as the farthest of ``(n,)``."""
    n = len(values)
    ranks = np.arange(1, n + 1)
    at = betainc(ranks, n - ranks + 1, np.sort(np.clip(values, 0.0, 1.0)))
    # from the upper tail, where the lower one has lost its digits
    above = betainc(n - ranks + 1, ranks, 1 - np.sort(np.clip(values, 0.0, 1.0)))
    farthest = float(np.minimum(at, above).min())
    # one chance for each bound is too many together, but by less than a digit where they are rare
    together = 2 * n * farthest
    return together if together < _RARELY else min(1.0, 1 - _inside(*_bounds(n, farthest)))


@lru_cache(maxsize=256)
def band(n: int, prob: float = 0.95) -> Band:
    """Return the bounds that hold all order statistics of ``n`` uniform numbers with a probability."""
    level = brentq(
        lambda at: _inside(*_bounds(n, float(np.exp(at)))) - prob,
        log((1 - prob) / (2 * n)) - 1,
        log(0.5 * (1 - prob)) + 1e-9,
        xtol=1e-6,
    )
    return Band(*_bounds(n, float(np.exp(level))))


def _bounds(n: int, local: float) -> tuple[Array, Array]:
    """Return the bounds ``(n,)`` of each order statistic, which it is below, and above, with a probability."""
    ranks = np.arange(1, n + 1)
    return betaincinv(ranks, n - ranks + 1, local), 1 - betaincinv(n - ranks + 1, ranks, local)


def _inside(lower: Array, upper: Array) -> float:
    """Return the probability that all order statistics of uniform numbers lie within their bounds.

    The numbers are the events of a Poisson process of rate ``n`` on (0, 1), given that there are ``n``. At ``lower[i]``
    there must be no more than ``i`` of them so far, at ``upper[i]`` more than ``i``.
    """
    n = len(lower)
    times = np.concatenate([lower, upper])
    order = np.argsort(times, kind="stable")
    most = np.searchsorted(lower, times[order], "left")
    least = np.searchsorted(upper, times[order], "right")
    chance, first, before = np.ones(1), 0, 0.0
    for time, low, high in zip(times[order], least, most, strict=True):
        chance = np.convolve(chance, _steps(n * (time - before)))
        chance, first, before = chance[max(low - first, 0) : high - first + 1], max(low, first), time
        if not len(chance):
            return 0.0
    rest = _steps(n * (1 - before))
    left = n - first - np.arange(len(chance))
    known = (left >= 0) & (left < len(rest))
    return float(chance[known] @ rest[left[known]] / np.exp(xlogy(n, n) - n - gammaln(n + 1)))


def _steps(rate: float) -> Array:
    """Return the probabilities of 0, 1, 2, ... events, up to those that are rare."""
    rate = max(rate, 0.0)
    count = np.arange(int(rate + 12 * sqrt(rate) + 20))
    found = np.exp(xlogy(count, rate) - rate - gammaln(count + 1))
    return np.asarray(found[: max(int(np.max(np.flatnonzero(found > _RARE), initial=0)) + 1, 1)])


def _mean(values: Array) -> Estimated:
    error = 1.959963984540054 * float(np.std(values, ddof=1)) / sqrt(len(values))
    mean = float(np.mean(values))
    return Estimated(mean, mean - error, mean + error)


def _variance(values: Array) -> Estimated:
    n, variance = len(values), float(np.var(values, ddof=1))
    fourth = float(np.mean((values - values.mean()) ** 4))
    error = 1.959963984540054 * sqrt(max(fourth - variance**2, 0.0) / n)
    return Estimated(variance, max(variance - error, 0.0), variance + error)


def spread_of(pits: Array) -> Estimated:
    """Return how many times wider the distributions should be, from probability integral transforms ``(n,)``.

    If truths lie ``d + s Z`` sds from the centre of normal distributions, with ``Z`` standard normal, the transforms
    have the mean ``Phi(d / sqrt(1 + s^2))`` and a variance that is found by Owen's T; both are solved for ``s``.
    """
    mean, variance = float(np.mean(pits)), _variance(pits)
    return Estimated(*(_spread(mean, one) for one in variance))


def _spread(mean: float, variance: float) -> float:
    """Return the ``s`` of a mean and a variance of transforms."""
    if not 0 < mean < 1:
        return float("nan")
    at, wanted = float(ndtri(mean)), (mean * (1 - mean) - variance) / 2
    if wanted <= 0:
        return inf
    # Owen's T is a quarter of a turn at s = 0 and vanishes as s grows
    if wanted >= owens_t(at, 1.0):
        return 0.0
    return float(np.sqrt((1 / brentq(lambda a: owens_t(at, a) - wanted, 0.0, 1.0) ** 2 - 1) / 2))


def shift_of(pits: Array) -> Estimated:
    """Return by how many of their sds the centres of the distributions lie below the truths; see `spread_of`."""
    mean, spread = _mean(pits), spread_of(pits).value
    scale = sqrt(1 + spread**2) if np.isfinite(spread) else float("nan")
    return Estimated(*(float(ndtri(min(max(one, 0.0), 1.0))) * scale for one in mean))


def spread_of_levels(levels: Array) -> Estimated:
    """Return how many times wider intervals should be, from the smallest levels ``(n,)`` that hold the truth.

    Of centred normal distributions: ``E[2 Phi(s |Z|) - 1] = 2 / pi atan(s)``.
    """
    return Estimated(*(tan(pi / 2 * min(max(one, 0.0), 1.0 - 1e-12)) for one in _mean(levels)))
