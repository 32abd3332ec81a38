"""Differences between estimators on the same data sets, where what the data share cancels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescompare.comparison.cells import Frames, Points, points_of
from bayescompare.comparison.grouping import Array, Codes, Groups, Mask, find
from bayescompare.comparison.interval_measures import covers, interval_scores
from bayescompare.comparison.interval_rows import Intervals, intervals_of
from bayescompare.comparison.measure_rows import chosen, measure_rows, tidy
from bayescompare.comparison.monte_carlo import means
from bayescompare.comparison.readings import READINGS, intervals_used, points_used, refused
from bayescompare.comparison.schema import DIFFERENCE_COLUMNS

__all__ = ["paired_differences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairs:
    """Data sets that two estimators were asked for.

    Parameters
    ----------
    row, base : (N,)
        Places of the estimate and of the reference's among the points.
    groups
        The cell of ``row``.
    reasons
        Why a cell, or the reference's beside it, has no number.
    """

    row: Codes
    base: Codes
    groups: Groups
    reasons: list[str]


def paired_differences(tables: Frames, reference: str, *, reading: str | Sequence[str] | None = "all") -> pd.DataFrame:
    """Return the mean difference of each estimator from a reference on the same data sets.

    The standard error is that of paired differences, ``sd(d) / sqrt(n)``. ``difference`` is of the
    estimates, the others are of squared error, coverage, width and interval score. Intervals of
    one level are compared: with those of the reference that are of the same kind, else with each
    of its kinds (``reference_kind``). ``n_total`` counts the data sets for which both were
    asked, ``n_used`` those for which both have the number.

    Parameters
    ----------
    tables
        ``estimates``, ``intervals`` and ``fits``.
    reference
        Label of the estimator to compare with.
    reading
        As in `performance.performance`; in ``misses`` there is only the difference in coverage.

    Raises
    ------
    InputError
        If the reference or a reading is not known.
    """
    points = points_of(tables)
    chosen(reference, points.names["estimator"], "estimator")
    intervals = intervals_of(tables, points)
    parts: list[pd.DataFrame] = []
    for name in chosen(reading, READINGS, "reading"):
        pairs = _pairs(points, reference, refused(points, name))
        if name != "misses":
            parts += _point_rows(points, pairs, name)
        parts += _interval_rows(intervals, pairs, name)
    return tidy(parts, list(DIFFERENCE_COLUMNS)).assign(reference=reference)


def _pairs(points: Points, reference: str, reasons: list[str]) -> _Pairs:
    mine = points.cells["estimator"].to_numpy() == points.names["estimator"].index(reference)
    is_base = mine[points.groups.code] & points.applicable
    base = np.flatnonzero(is_base)
    others = np.flatnonzero(~mine[points.groups.code] & points.applicable)
    at = find(points.sets.code[others], points.sets.code[base])
    row, base = others[at >= 0], base[at[at >= 0]]
    groups = Groups(points.groups.code[row], points.groups.size)
    beside = np.full(groups.size, -1)
    beside[groups.code] = points.groups.code[base]
    why = [*reasons, ""]
    return _Pairs(
        row=row, base=base, groups=groups, reasons=[own or why[at] for own, at in zip(reasons, beside, strict=True)]
    )


def _rows(points: Points, pairs: _Pairs, measure: str, reading: str, difference: Array, **more: object) -> pd.DataFrame:
    """Return the mean difference of each cell that has pairs."""
    n = pairs.groups.count()
    found = means(difference, pairs.groups)
    return measure_rows(points.keys.assign(**more), measure, reading, found, n, pairs.reasons, n > 0)


def _point_rows(points: Points, pairs: _Pairs, reading: str) -> Iterator[pd.DataFrame]:
    error = np.where(points_used(points, reading), points.error, np.nan)
    for measure, value in (("difference", error), ("squared_error_difference", error**2)):
        yield _rows(points, pairs, measure, reading, value[pairs.row] - value[pairs.base])


def _interval_rows(intervals: Intervals, pairs: _Pairs, reading: str) -> Iterator[pd.DataFrame]:
    points, used = intervals.points, intervals_used(intervals, reading)
    values = {"coverage": covers(intervals, intervals.truth).astype(float)}
    absent, reasons = np.nan, pairs.reasons
    if reading == "misses":
        absent, reasons = 0.0, [""] * len(reasons)
    else:
        values |= {"width": intervals.upper - intervals.lower, "interval_score": interval_scores(intervals)}
    for level, kind, other in _forms(intervals, pairs):
        mine, theirs = (_series(intervals, one, level) for one in (kind, other))
        both = _cells(intervals, mine)[pairs.groups.code] & _cells(intervals, theirs)[points.groups.code[pairs.base]]
        some = _Pairs(row=pairs.row[both], base=pairs.base[both], groups=pairs.groups[both], reasons=reasons)
        for name, value in values.items():
            of = [
                _on_points(intervals, value, used & series[intervals.groups.code], absent) for series in (mine, theirs)
            ]
            more = {"kind": kind, "reference_kind": other, "level": level}
            yield _rows(points, some, f"{name}_difference", reading, of[0][some.row] - of[1][some.base], **more)


def _forms(intervals: Intervals, pairs: _Pairs) -> Iterator[tuple[float, str, str]]:
    """Yield level, kind and kind of the reference of the intervals to compare."""
    ours = intervals.series["cell"].isin(pairs.groups.code)
    theirs = intervals.series["cell"].isin(intervals.points.groups.code[pairs.base])
    kinds = intervals.series[theirs].groupby("level", sort=False)["kind"].unique()
    for kind, level in intervals.series.loc[ours, ["kind", "level"]].drop_duplicates().itertuples(index=False):
        others = kinds.get(level, [])
        for other in [kind] if kind in others else others:
            yield level, kind, other


def _series(intervals: Intervals, kind: str, level: float) -> Mask:
    """Return which series are of a kind and a level."""
    return ((intervals.series["kind"] == kind) & (intervals.series["level"] == level)).to_numpy(bool)


def _cells(intervals: Intervals, series: Mask) -> Mask:
    """Return which cells have one of some series."""
    found = np.zeros(len(intervals.points.cells), dtype=bool)
    found[intervals.cell[series]] = True
    return found


def _on_points(intervals: Intervals, values: Array, used: Mask, absent: float) -> Array:
    """Return the value of each estimate's interval, or another where it has none."""
    found = np.full(len(intervals.points.error), absent)
    found[intervals.point[used]] = values[used]
    return found
