"""Performance of estimators over replicates (Morris, White and Crowther 2019, table 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from bayescompare.comparison.averages import average
from bayescompare.comparison.cells import Frames, Points, points_of
from bayescompare.comparison.fit_measures import fit_measure_rows
from bayescompare.comparison.interval_measures import COUNTS_MISSES, INTERVAL_MEASURES
from bayescompare.comparison.interval_rows import Intervals, intervals_of
from bayescompare.comparison.measure_rows import chosen, measure_rows, tidy
from bayescompare.comparison.monte_carlo import shares
from bayescompare.comparison.point_measures import POINT_MEASURES, relative_bias_defined
from bayescompare.comparison.readings import READINGS, points_used, refused
from bayescompare.comparison.schema import FIT_MEASURES, MEASURE_COLUMNS, MEASURES

__all__ = ["performance"]


def performance(
    tables: Frames,
    *,
    factors: Mapping[str, Mapping[str, Any]] | None = None,
    by: str | Sequence[str] | None = None,
    reading: str | Sequence[str] | None = "all",
    measure: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return performance measures, each with its Monte Carlo standard error, 95 % interval and denominators.

    A row is a measure of a cell (scenario, estimator, parameter; for intervals also kind and level)
    in one reading of the study; the columns are those of `schema.MEASURE_COLUMNS`. Formulas
    and sources stand with `schema.MEASURES`, and in `point_measures` and `interval_measures`.
    ``n_total`` counts the fits that were asked for, those that are not applicable aside.

    A number is refused (NaN, with a reason) where more than half of a cell's fits failed. The
    convergence rate, and coverage in the reading ``misses``, count the failures and are never refused.

    Parameters
    ----------
    tables
        ``estimates``, ``intervals`` and ``fits``.
    factors
        Scenario -> factor of the grid -> value.
    by
        Factors to keep: cells that agree in them are averaged with equal weights; see `averages.average`.
    reading
        One or several of ``all``, ``passed``, ``complete``, ``misses``; each where None. See `readings.READINGS`.
        In ``misses`` there are only the measures that can count a missing interval as a miss.
    measure
        One or several names of `schema.MEASURES`; each where None. Those of `schema.FIT_MEASURES`, which are of
        whole fits and in the reading ``all`` only, are made where they are named.

    Raises
    ------
    InputError
        If a reading, a measure or a name to group by is not known.
    """
    wanted = [*MEASURES] if measure is None else chosen(measure, [*MEASURES, *FIT_MEASURES], "measure")
    asked = chosen(reading, READINGS, "reading")
    points = points_of(tables)
    intervals = intervals_of(tables, points)
    parts = [part for name in asked for part in _reading(points, intervals, name, wanted)]
    of_fits = fit_measure_rows(tables, wanted) if "all" in asked else ()
    cells = tidy([*parts, *of_fits], list(MEASURE_COLUMNS))
    return cells if by is None else average(cells, by, factors or {})


def _reading(points: Points, intervals: Intervals, reading: str, wanted: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of one reading."""
    reasons = refused(points, reading)
    if reading != "misses":
        yield from _point_rows(points, reading, wanted, reasons)
    yield from _interval_rows(intervals, reading, wanted, reasons)
    if reading in ("all", "misses") and "convergence_rate" in wanted:
        yield _convergence(points, reading)


def _point_rows(points: Points, reading: str, wanted: Sequence[str], reasons: list[str]) -> Iterator[pd.DataFrame]:
    used, keys, n_total = points_used(points, reading), points.keys, points.cells["fits"].to_numpy()
    for name, statistic in POINT_MEASURES.items():
        if name in wanted:
            kept = relative_bias_defined(points) if name == "relative_bias" else None
            yield measure_rows(keys, name, reading, statistic(points, used), n_total, reasons, kept)


def _interval_rows(
    intervals: Intervals, reading: str, wanted: Sequence[str], reasons: list[str]
) -> Iterator[pd.DataFrame]:
    forms = intervals.series[["kind", "level"]].set_index(intervals.cell)
    keys = intervals.points.keys.loc[intervals.cell].assign(kind=forms["kind"], level=forms["level"])
    for name, statistic in INTERVAL_MEASURES.items():
        if name in wanted and (reading != "misses" or name in COUNTS_MISSES):
            why = ["" if reading == "misses" else reasons[cell] for cell in intervals.cell]
            yield measure_rows(keys, name, reading, statistic(intervals, reading), intervals.n_total, why)


def _convergence(points: Points, reading: str) -> pd.DataFrame:
    """Return the share of the fits asked for that ended ``ok``: without a flag, or with harmless ones alone."""
    found = points.cells.drop_duplicates(["scenario", "estimator"])
    keys = points.keys.loc[found.index].assign(parameter="")
    keys.index += len(points.cells)
    n = found["fits"].to_numpy()
    rate = shares(found["converged"].to_numpy(float), n)
    return measure_rows(keys, "convergence_rate", reading, rate, n, [""] * len(n))
