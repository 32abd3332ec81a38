"""Rows as CSV, and the points of a figure's lines as rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayescompare.reporting.formats import harmless

__all__ = ["Row", "as_csv", "of_figure"]

Row = Mapping[str, Any]
#: Points of a line, evenly taken of those that it has; all are in the stored tables and draws.
MOST_POINTS = 100


def as_csv(rows: Iterable[Row]) -> str:
    """Return rows as CSV, numbers with five digits; a text that a spreadsheet would run is quoted."""
    held = list(rows)
    if not held:
        return ""
    target = StringIO()
    writer = csv.DictWriter(target, list(held[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in held)
    return target.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.5g}"
    return harmless(str(value))


def of_figure(figure: Figure) -> Iterator[Row]:
    """Yield the points of every line in the units of its axes, by the estimator where the line has one."""
    for panel, axes in enumerate(figure.axes, start=1):
        for k, line in enumerate(axes.lines, start=1):
            if line.get_transform().contains_branch(axes.transData):
                yield from _points(line, panel, k)


def _points(line: Line2D, panel: int, number: int) -> Iterator[Row]:
    label = str(line.get_label())
    name = f"line {number}" if label.startswith(("_", "line")) else label
    points = np.asarray(line.get_xydata(), dtype=float)
    points = points[np.isfinite(points).all(axis=1)]
    some = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int))
    for x, y in points[some]:
        yield {"panel": panel, "line": name, "x": x, "y": y}
