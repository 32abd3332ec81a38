"""Measures of the estimates in each cell; n is the number of estimates used, e = estimate - truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bayescompare.comparison.cells import Points
from bayescompare.comparison.grouping import Array, Mask
from bayescompare.comparison.monte_carlo import Statistics, jackknives, means, symmetric

__all__ = ["POINT_MEASURES", "mean_error", "relative_bias_defined"]


def _of(values: Array, used: Mask) -> Array:
    return np.where(used, values, np.nan)


def bias(points: Points, used: Mask) -> Statistics:
    """Return ``mean(e)``; standard error ``sqrt(sum (e - mean e)^2 / (n (n - 1)))`` (Morris et al. 2019, table 6)."""
    return means(_of(points.error, used), points.groups)


def mean_error(points: Points, used: Mask) -> Array:
    """Return the bias of each cell alone."""
    return points.groups[used].mean(points.error[used])


def relative_bias(points: Points, used: Mask) -> Statistics:
    """Return ``mean(e) / mean(truth)``, which is ``mean(e / truth)`` where the truth is the same in each replicate.

    A truth drawn from a prior can come near zero, where the mean of ``e / truth`` has no finite
    expectation; the ratio of the means has. Standard error by the delta method:
    ``sd(e - r truth) / (sqrt(n) |mean truth|)``, with r the relative bias.
    """
    groups, error, truth = points.groups[used], points.error[used], points.truth[used]
    centre = groups.mean(truth)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = groups.mean(error) / centre
        rest = means(error - ratio[groups.code] * truth, groups)
        return symmetric(ratio, rest.mcse / np.abs(centre), rest.n_used)


def relative_bias_defined(points: Points) -> Mask:
    """Return the cells whose truths are all above zero, or all below."""
    known = points.applicable & np.isfinite(points.truth)
    up, down = (points.groups.some(known & mask) for mask in (points.truth >= 0, points.truth <= 0))
    return up ^ down


def empirical_se(points: Points, used: Mask) -> Statistics:
    """Return ``sd(e)`` with its jackknife standard error.

    Where the truth is fixed this is the sd of the estimates. Where it is drawn anew in each
    replicate, the sd of the estimates would hold the spread of the truths; that of the errors does not.
    """
    return jackknives(_of(points.error, used), points.groups, "sd")


def model_se(points: Points, used: Mask) -> Statistics:
    """Return ``sqrt(mean(se^2))`` with its jackknife standard error."""
    return jackknives(_of(points.se, used), points.groups, "rms")


def se_ratio(points: Points, used: Mask) -> Statistics:
    """Return model over empirical SE, both of the fits that have a standard error.

    Less one, in percent, it is the relative error of Morris et al. (2019, table 6), whose standard
    error it has: ``ratio sqrt(var(se^2) / (4 n model_se^4) + 1 / (2 (n - 1)))``. That formula takes the
    estimates to be normal and independent of their standard errors.
    """
    both = used & np.isfinite(points.se)
    groups, squares = points.groups[both], points.se[both] ** 2
    n, model = groups.count(), groups.mean(squares)
    with np.errstate(invalid="ignore", divide="ignore"):
        free = np.where(n > 1, n - 1, np.nan)
        empirical = groups.total(groups.centred(points.error[both]) ** 2) / free
        variance = groups.total(groups.centred(squares) ** 2) / free
        ratio = np.sqrt(model / empirical)
        return symmetric(ratio, ratio * np.sqrt(variance / (4 * n * model**2) + 1 / (2 * free)), n)


def mse(points: Points, used: Mask) -> Statistics:
    """Return ``mean(e^2)``; standard error ``sd(e^2) / sqrt(n)`` (Morris et al. 2019, table 6)."""
    return means(_of(points.error, used) ** 2, points.groups)


def rmse(points: Points, used: Mask) -> Statistics:
    """Return ``sqrt(mean(e^2))`` with its jackknife standard error."""
    return jackknives(_of(points.error, used), points.groups, "rms")


POINT_MEASURES: Mapping[str, Callable[[Points, Mask], Statistics]] = {
    "bias": bias,
    "relative_bias": relative_bias,
    "empirical_se": empirical_se,
    "model_se": model_se,
    "se_ratio": se_ratio,
    "mse": mse,
    "rmse": rmse,
}
