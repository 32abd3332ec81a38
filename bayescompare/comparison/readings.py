"""Which fits a summary uses: four readings of the same study, and when a number is refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayescompare.comparison.cells import Points
from bayescompare.comparison.grouping import Array, Codes, Mask
from bayescompare.comparison.interval_rows import Intervals

__all__ = ["READINGS", "intervals_used", "points_used", "refused"]

#: Reading -> which fits it uses. Fits that were not applicable are in none, nor in any denominator.
READINGS: Mapping[str, str] = {
    "all": "every fit that has a number, those that fail the convergence gate too",
    "passed": "every fit that has a number, has not failed and does not fail the convergence gate",
    "complete": "only data sets for which every estimator of the scenario gave a number and passed the gate",
    "misses": "a fit that failed, ran out of time or has no interval counts as an interval that misses",
}


def points_used(points: Points, reading: str) -> Mask:
    """Return which estimates a reading uses."""
    if reading == "all":
        return points.estimated
    if reading == "misses":
        return points.estimated & ~points.failed
    good = points.estimated & points.passed
    if reading == "passed":
        return good
    whole = _complete(points, points.sets.total(good), np.ones(len(points.cells)))
    return good & whole[points.sets.code]


def intervals_used(intervals: Intervals, reading: str) -> Mask:
    """Return which intervals a reading uses; one that it lacks is a miss in the reading ``misses``."""
    points, at = intervals.points, intervals.point
    if reading == "all":
        return np.ones(len(at), dtype=bool)
    if reading == "misses":
        return ~points.failed[at]
    good = points.passed[at]
    if reading == "passed":
        return good
    sets = points.sets.code[at]
    found = np.bincount(sets[good], minlength=points.sets.size)
    forms = np.bincount(intervals.cell, minlength=len(points.cells))
    return good & _complete(points, found, forms)[sets]


def _complete(points: Points, found: Array | Codes, forms: Array | Codes) -> Mask:
    """Return the data sets, parameter by parameter, that have as many numbers as the scenario's cells should give.

    Parameters
    ----------
    found
        Numbers that each data set has.
    forms
        Numbers that each cell should give a data set; none where its estimator is not applicable.
    """
    whole = points.cells.assign(forms=forms).groupby(["scenario", "parameter"])["forms"].transform("sum")
    wanted = np.zeros(points.sets.size)
    wanted[points.sets.code] = whole.to_numpy(float)[points.groups.code]
    exempt = np.asarray(forms, dtype=float)[points.groups.code] * ~points.applicable
    return np.equal(found, wanted - points.sets.total(exempt))


def refused(points: Points, reading: str) -> list[str]:
    """Return why each cell has no number, empty where it may have one.

    A number is refused where more than half of the cell's fits failed or, in the readings
    ``passed`` and ``complete``, are left out.
    """
    used = points.groups[points_used(points, reading) & ~points.failed].count()
    lost = points.cells["fits"].to_numpy() - used
    what = "failed" if reading in ("all", "misses") else "failed or are left out"
    total = points.cells["fits"]
    return [f"{out} of {n} fits {what}" if 2 * out > n else "" for out, n in zip(lost, total, strict=True)]
