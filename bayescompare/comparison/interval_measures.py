"""Measures of the intervals in each series: (scenario, estimator, parameter, kind, level)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bayescompare.comparison.grouping import Array, Mask
from bayescompare.comparison.interval_rows import Intervals
from bayescompare.comparison.monte_carlo import Statistics, means, shares
from bayescompare.comparison.point_measures import mean_error
from bayescompare.comparison.readings import intervals_used, points_used

__all__ = ["COUNTS_MISSES", "INTERVAL_MEASURES", "covers", "interval_scores"]

#: Measures that count an interval that is not there as a miss, in the reading ``misses``; others have no such reading.
COUNTS_MISSES = frozenset({"coverage", "bias_eliminated_coverage"})


def covers(intervals: Intervals, value: Array) -> Mask:
    """Return which intervals hold a value, bounds included."""
    return (intervals.lower <= value) & (value <= intervals.upper)


def interval_scores(intervals: Intervals) -> Array:
    """Return ``u - l + 2 / a (l - x)`` below, ``+ 2 / a (x - u)`` above, for the truth x and the level 1 - a.

    Small is good: it is width, and a fine for a miss (Gneiting and Raftery 2007, eq. 43; Winkler 1972).
    """
    fine = 2 / (1 - intervals.series["level"].to_numpy(float)[intervals.groups.code])
    below = np.clip(intervals.lower - intervals.truth, 0, None)
    above = np.clip(intervals.truth - intervals.upper, 0, None)
    return intervals.upper - intervals.lower + fine * (below + above)


def coverage(intervals: Intervals, reading: str) -> Statistics:
    """Return the share of intervals that hold the truth: ``sqrt(p (1 - p) / n)``, Wilson interval."""
    return _share(intervals, reading, intervals.truth)


def bias_eliminated_coverage(intervals: Intervals, reading: str) -> Statistics:
    """Return the share of intervals that hold the truth plus the bias of their cell (Morris et al. 2019, table 6).

    With a fixed truth that is the mean of the estimates. Its standard error, as in that table, is
    the binomial one.
    """
    points = intervals.points
    centre = mean_error(points, points_used(points, reading))
    return _share(intervals, reading, intervals.truth + centre[points.groups.code[intervals.point]])


def _share(intervals: Intervals, reading: str, value: Array) -> Statistics:
    used = intervals_used(intervals, reading)
    groups = intervals.groups[used]
    n = intervals.n_total if reading == "misses" else groups.count()
    return shares(groups.total(covers(intervals, value)[used]), n)


def width(intervals: Intervals, reading: str) -> Statistics:
    """Return the mean width; standard error ``sd / sqrt(n)``."""
    return _mean(intervals, reading, intervals.upper - intervals.lower)


def interval_score(intervals: Intervals, reading: str) -> Statistics:
    """Return the mean interval score; standard error ``sd / sqrt(n)``."""
    return _mean(intervals, reading, interval_scores(intervals))


def _mean(intervals: Intervals, reading: str, values: Array) -> Statistics:
    used = intervals_used(intervals, reading)
    return means(values[used], intervals.groups[used])


INTERVAL_MEASURES: Mapping[str, Callable[[Intervals, str], Statistics]] = {
    "coverage": coverage,
    "bias_eliminated_coverage": bias_eliminated_coverage,
    "width": width,
    "interval_score": interval_score,
}
