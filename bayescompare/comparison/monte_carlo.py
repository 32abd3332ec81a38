"""Statistics of replicates with their Monte Carlo standard errors, of one sample or of many groups at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, betaincinv, ndtri, stdtrit

from bayescompare.comparison.grouping import Array, Codes, Groups

__all__ = [
    "NORMAL",
    "Estimated",
    "Statistics",
    "exact_share",
    "half_width",
    "jackknife",
    "jackknives",
    "mean",
    "means",
    "median_interval",
    "share",
    "shares",
    "symmetric",
    "wilson",
    "wilson_bounds",
]

#: Half the width of a 95 % interval, in standard errors.
NORMAL = float(ndtri(0.975))


@dataclass(frozen=True, slots=True)
class Estimated:
    """A value, its Monte Carlo standard error, and the replicates behind it."""

    value: float
    mcse: float
    n_used: int
    n_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A statistic of each group: value, Monte Carlo standard error, 95 % interval and replicates behind it."""

    value: Array
    mcse: Array
    lower: Array
    upper: Array
    n_used: Codes


def half_width(mcse: Array, n_used: Codes, choices: Array | int = 1) -> Array:
    """Return half the width of 95 % intervals of means: standard errors times a quantile of Student's t.

    Parameters
    ----------
    mcse, n_used
        Standard errors, and the number of replicates behind each: t has one degree of freedom less.
    choices
        How many intervals are to hold all together (Bonferroni).
    """
    freedom = np.asarray(n_used, dtype=float) - 1
    return np.where(freedom > 0, stdtrit(np.maximum(freedom, 1), 1 - 0.025 / choices), np.nan) * mcse


def symmetric(value: Array, mcse: Array, n_used: Codes) -> Statistics:
    """Return statistics with intervals of Student's t; see `half_width`."""
    half = half_width(mcse, n_used)
    return Statistics(value=value, mcse=mcse, lower=value - half, upper=value + half, n_used=n_used)


def means(values: Array, groups: Groups) -> Statistics:
    """Return the mean of the finite values of each group: the standard error is ``sd / sqrt(n)``."""
    finite = np.isfinite(values)
    values, groups = values[finite], groups[finite]
    n = groups.count()
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        variance = groups.total(groups.centred(values) ** 2) / np.where(n > 1, n - 1, np.nan)
        return symmetric(groups.mean(values), np.sqrt(variance / n), n)


def shares(hits: Array, n: Codes) -> Statistics:
    """Return the share of hits among n: ``sqrt(p (1 - p) / n)``, and the Wilson interval."""
    with np.errstate(invalid="ignore", divide="ignore"):
        p = hits / n
        mcse = np.sqrt(p * (1 - p) / n)
    lower, upper = wilson_bounds(hits, n)
    none = np.where(n == 0, np.nan, 0.0)
    return Statistics(value=p, mcse=mcse, lower=lower + none, upper=upper + none, n_used=n)


def jackknives(values: Array, groups: Groups, statistic: str) -> Statistics:
    """Return a root mean square or a standard deviation of each group with its jackknife standard error.

    ``sqrt((n - 1) / n * sum((t_i - mean t)^2))``, where t_i is the statistic without replicate i
    (Efron and Stein 1981); NaN with fewer than three values.

    Parameters
    ----------
    statistic
        ``rms`` of the values, or ``sd``: square roots of means, so that leaving one out is arithmetic.
    """
    finite = np.isfinite(values)
    values, groups = values[finite], groups[finite]
    n = groups.count()
    lost = 0 if statistic == "rms" else 1
    squares = (values if statistic == "rms" else groups.centred(values)) ** 2
    total = groups.total(squares)
    enough = np.where(n > 2, n, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.sqrt(total / n) if statistic == "rms" else np.sqrt(total / (enough - 1))
        weight, left = enough / (enough - lost), enough - 1 - lost
        rest = np.clip(total[groups.code] - squares * weight[groups.code], 0, None)
        spread = groups.total(groups.centred(np.sqrt(rest / left[groups.code])) ** 2)
        return symmetric(value, np.sqrt((enough - 1) / enough * spread), n)


def wilson_bounds(successes: Array, n: Codes, level: float = 0.95) -> tuple[Array, Array]:
    """Return the bounds of the Wilson score intervals of shares (Wilson 1927); 0 and 1 without data."""
    z = ndtri((1 + level) / 2)
    trials = np.maximum(n, 1)
    p = np.where(n > 0, successes / trials, 0.5)
    centre = (p + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    # exact where rounding would leave 1e-18
    lower, upper = np.where(successes > 0, centre - half, 0.0), np.where(successes < n, centre + half, 1.0)
    return np.where(n > 0, lower, 0.0), np.where(n > 0, upper, 1.0)


def _one(values: Array) -> Groups:
    return Groups(np.zeros(len(values), dtype=np.int64), 1)


def _only(found: Statistics, n_total: int) -> Estimated:
    return Estimated(float(found.value[0]), float(found.mcse[0]), int(found.n_used[0]), n_total)


def mean(values: Array) -> Estimated:
    """Return the mean of the finite values, its standard error, and both counts."""
    values = np.asarray(values, dtype=float)
    return _only(means(values, _one(values)), len(values))


def share(values: Array) -> Estimated:
    """Return the share of ones among the finite values, with its binomial standard error."""
    used = np.asarray(values, dtype=float)
    used = used[np.isfinite(used)]
    return _only(shares(used.sum(keepdims=True), np.array([len(used)])), len(values))


def jackknife(values: Array, statistic: str) -> Estimated:
    """Return the ``rms`` or the ``sd`` of one sample with its jackknife standard error; see `jackknives`."""
    values = np.asarray(values, dtype=float)
    return _only(jackknives(values, _one(values), statistic), len(values))


def wilson(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927)."""
    lower, upper = wilson_bounds(np.array([successes]), np.array([n]), level)
    return float(lower[0]), float(upper[0])


def exact_share(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share of Clopper and Pearson (1934): each end misses in at most half of 1 - level."""
    tail = (1 - level) / 2
    lower = betaincinv(successes, n - successes + 1, tail) if successes > 0 else 0.0
    upper = betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return float(lower), float(upper)


def median_interval(values: Array, level: float = 0.95) -> tuple[float, float, float]:
    """Return the median with the order statistics that hold it with at least a level; NaN where none do.

    The number of values below the median is binomial; at 95 % and with fewer than six values even the extremes may
    miss it.
    """
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return np.nan, np.nan, np.nan
    # the mean of two infinities is one
    middle = known[(len(known) - 1) // 2], known[len(known) // 2]
    median = float(middle[0] if middle[0] == middle[1] else (middle[0] + middle[1]) / 2)
    below = int(np.searchsorted(bdtr(np.arange(len(known)), len(known), 0.5), (1 - level) / 2))
    if below < 1:
        return median, np.nan, np.nan
    return median, float(known[below - 1]), float(known[-below])
