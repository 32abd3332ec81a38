"""The intervals of a study as arrays, each row with its series: (cell, kind, level)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescompare.comparison.cells import Frames, Points
from bayescompare.comparison.grouping import Array, Codes, Groups, encode, find, mixed

__all__ = ["Intervals", "intervals_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The intervals that have bounds, of the estimates that can be judged.

    Parameters
    ----------
    points
        Those estimates.
    series
        A row a series: ``cell`` (its place among the cells), ``kind``, ``level``.
    groups
        The series of each interval.
    point : (N,)
        Its place among the estimates.
    lower, upper : (N,)
        Its bounds.
    """

    points: Points
    series: pd.DataFrame
    groups: Groups
    point: Codes
    lower: Array
    upper: Array

    @property
    def cell(self) -> Codes:
        """The cell of each series."""
        return self.series["cell"].to_numpy()

    @property
    def n_total(self) -> Codes:
        """The fits that each series was asked for."""
        return self.points.cells["fits"].to_numpy()[self.cell]

    @property
    def truth(self) -> Array:
        """The true value behind each interval."""
        return self.points.truth[self.point]


def intervals_of(tables: Frames, points: Points) -> Intervals:
    """Return the intervals of the table ``intervals``.

    A cell has a series for each kind and level that its estimator gives its parameter in any
    scenario, so that a cell in which no interval could be made is seen. Where the estimator never
    gave any and all its fits failed, the series are those of the rows that say so.
    """
    table = tables["intervals"]
    point, cell = _places(table, points)
    (kind,), kinds = encode(table["kind"])
    (level,), levels = encode(table["level"])
    form, n_forms = kind * len(levels) + level, len(kinds) * len(levels)
    lower, upper = table["lower"].to_numpy(float), table["upper"].to_numpy(float)
    seen = cell >= 0
    judged = points.applicable & np.isfinite(points.truth)
    given = seen & np.isfinite(lower) & np.isfinite(upper)
    given[seen] &= judged[point[seen]]
    pairs = pd.DataFrame({"cell": cell[seen], "form": form[seen], "given": given[seen]})
    series = _series(points, pairs.groupby(["cell", "form"], sort=False, as_index=False)["given"].any())
    place = np.full(len(points.cells) * n_forms, -1)
    place[series["cell"] * n_forms + series["form"]] = np.arange(len(series))
    of = series["form"].to_numpy()
    named = {"kind": [kinds[k] for k in of // max(len(levels), 1)], "level": [levels[k % len(levels)] for k in of]}
    return Intervals(
        points=points,
        series=series[["cell"]].assign(**named),
        groups=Groups(place[(cell * n_forms + form)[given]], len(series)),
        point=point[given],
        lower=lower[given],
        upper=upper[given],
    )


def _places(table: pd.DataFrame, points: Points) -> tuple[Codes, Codes]:
    """Return the place of each interval's estimate, and its cell; -1 where it cannot be judged."""
    sizes = [len(points.names[name]) for name in ("scenario", "estimator", "parameter")]
    codes = [_codes(table[name], points.names[name]) for name in ("scenario", "estimator", "parameter", "replicate")]
    known = np.all([code >= 0 for code in codes], axis=0)
    of_cell = np.full(int(np.prod(sizes)) + 1, -1)
    cells = points.cells
    of_cell[mixed([cells[name].to_numpy() for name in ("scenario", "estimator", "parameter")], sizes)] = np.arange(
        len(cells)
    )
    cell = of_cell[np.where(known, mixed(codes[:3], sizes), -1)]
    width = len(points.names["replicate"])
    point = find(cell * width + codes[3], points.groups.code * width + points.replicate)
    point = np.where(cell >= 0, point, -1)
    return point, np.where(point >= 0, cell, -1)


def _codes(column: pd.Series, names: list[object]) -> Codes:
    """Return a column as the codes of known names, -1 for others."""
    codes, uniques = pd.factorize(column)
    place = {name: k for k, name in enumerate(names)}
    return np.array([place.get(name, -1) for name in uniques], dtype=np.int64)[codes]


def _series(points: Points, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the series of all cells, from the cells and forms that have rows; see `intervals_of`."""
    cells = points.cells[["estimator", "parameter"]].assign(cell=np.arange(len(points.cells)))
    pairs = pairs.merge(cells, on="cell")
    given = pairs[pairs["given"]]
    usual = given[["estimator", "parameter", "form"]].drop_duplicates()
    found = cells.merge(usual, on=["estimator", "parameter"])
    dead = cells[~cells["cell"].isin(found["cell"]) & ~points.groups.some(points.estimated)]
    silent = pairs[~pairs["estimator"].isin(given["estimator"])]
    fallback = pd.concat([given, silent])[["estimator", "form"]].drop_duplicates()
    both = pd.concat([found, dead.merge(fallback, on="estimator")])
    return both[["cell", "form"]].sort_values(["cell", "form"], ignore_index=True)
