"""Zipper plots of the cells of a study whose intervals cover worst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bayescompare.reporting.factorial import names
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.series import Dot
from bayescompare.reporting.figures.zipper import Teeth, zipper_panel
from bayescompare.reporting.formats import count, plain
from bayescompare.reporting.picture import dot_of, shown_measures
from bayescompare.reporting.subject import Subject

__all__ = ["teeth_of", "zippers"]

#: Cells that are drawn.
MOST = 8
_KEY = ["scenario", "estimator", "parameter", "kind", "level"]


def zippers(subject: Subject) -> list[Drawing]:
    """Return the zipper plots of the scenario where an estimator most surely covers too seldom, the surest first.

    At its head each has its estimator, at its foot the scenario and the coverage in words.
    """
    if not subject.is_study:
        return []
    where = names(subject)
    return [
        _zipper(subject, f"zipper{k}", row, dot_of(row, where[str(row["scenario"])]))
        for k, row in enumerate(_worst(subject).to_dict("records"))
    ]


def _worst(subject: Subject) -> pd.DataFrame:
    rows = shown_measures(subject)
    rows = rows[(rows["measure"] == "coverage") & rows["value"].notna() & (rows["n_used"] > 1)]
    # by what it is at most: a coverage of three fits may be low by chance
    worst = rows.sort_values("upper", kind="stable").drop_duplicates(["estimator", "parameter"])
    return worst.head(MOST)


def _zipper(subject: Subject, key: str, row: dict[str, object], coverage: Dot) -> Drawing:
    look, teeth = subject.look(str(row["estimator"])), teeth_of(subject, row)
    drawn = len(teeth.shown)
    error = (coverage.upper - coverage.lower) / 4
    shown = ", ".join(plain(100 * bound, 100 * error) for bound in (coverage.lower, coverage.upper))
    words = (
        f"{coverage.where}: {row['kind']} intervals: coverage {plain(100 * coverage.value, 100 * error)} % [{shown}]"
    )
    words += f", n = {count(coverage.used, coverage.total)}" + (f", {drawn} drawn" if drawn < coverage.used else "")
    return zipper_panel(key, str(row["parameter"]), look, teeth, coverage, float(str(row["level"])), words)


def teeth_of(subject: Subject, row: dict[str, object]) -> Teeth:
    """Return the intervals of a cell less their truths, ranked by |estimate - truth| in standard errors.

    Where there is no standard error, half the width of the interval stands for it.
    """
    intervals, estimates = _of(subject.table("intervals"), row, _KEY), _of(subject.table("estimates"), row, _KEY[:3])
    both = intervals[["replicate", "lower", "upper"]].merge(
        estimates[["replicate", "estimate", "se", "truth"]], on="replicate"
    )
    both = both[np.isfinite(both[["lower", "upper", "estimate", "truth"]].to_numpy(float)).all(axis=1)]
    half = (both["upper"] - both["lower"]) / 2 / ndtri((1 + float(str(row["level"]))) / 2)
    error = (both["estimate"] - both["truth"]).abs()
    z = error / both["se"].where(both["se"] > 0, half).replace(0, np.nan)
    order = np.argsort(z.fillna(np.inf).to_numpy(float), kind="stable")
    truth = both["truth"].to_numpy(float)
    return Teeth(
        lower=(both["lower"].to_numpy(float) - truth)[order], upper=(both["upper"].to_numpy(float) - truth)[order]
    )


def _of(table: pd.DataFrame, row: dict[str, object], keys: Sequence[str]) -> pd.DataFrame:
    return table[np.logical_and.reduce([(table[name] == row[name]).to_numpy(bool) for name in keys])]
