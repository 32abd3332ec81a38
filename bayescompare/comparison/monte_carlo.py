"""A statistic with its Monte Carlo standard error, its denominator and what that was out of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

__all__ = ["Estimated", "jackknife", "mean", "share", "wilson"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimated:
    """A value, its Monte Carlo standard error, and the replicates behind it."""

    value: float
    mcse: float
    n_used: int
    n_total: int


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def mean(values: Array) -> Estimated:
    """Return the mean of the finite values, its standard error, and both counts."""
    used = _finite(np.asarray(values, dtype=float))
    n = len(used)
    mcse = float(np.std(used, ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return Estimated(float(used.mean()) if n else np.nan, mcse, n, len(values))


def share(values: Array) -> Estimated:
    """Return the share of ones among the finite values, with its binomial standard error."""
    used = _finite(np.asarray(values, dtype=float))
    n = len(used)
    p = float(used.mean()) if n else np.nan
    return Estimated(p, float(np.sqrt(p * (1 - p) / n)) if n else np.nan, n, len(values))


def jackknife(values: Array, statistic: str) -> Estimated:
    """Return a root mean square or a standard deviation with its jackknife standard error.

    Parameters
    ----------
    statistic
        ``rms`` of the values, or ``sd``: square roots of means, so that leaving one out is arithmetic.
    """
    used = _finite(np.asarray(values, dtype=float))
    n = len(used)
    if n < 3:
        value = float(np.sqrt(np.mean(used**2))) if n and statistic == "rms" else np.nan
        return Estimated(value, np.nan, n, len(values))
    if statistic == "rms":
        squares = used**2
        whole = np.sqrt(squares.mean())
        left_out = np.sqrt(np.clip(squares.sum() - squares, 0, None) / (n - 1))
    else:
        squares = (used - used.mean()) ** 2
        whole = np.sqrt(squares.sum() / (n - 1))
        left_out = np.sqrt(np.clip(squares.sum() - squares * n / (n - 1), 0, None) / (n - 2))
    mcse = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    return Estimated(float(whole), float(mcse), n, len(values))


def wilson(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = norm.ppf((1 + level) / 2)
    p = successes / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))
