"""The numbers of a figure as CSV: what one needs to draw it again."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.reporting.formats import harmless

__all__ = ["Row", "as_csv", "bins", "columns", "thinned"]

Row = Mapping[str, Any]
# Significant digits at the least, digits of the range of a column, and significant digits at the most.
_DIGITS, _OF_RANGE, _MOST_DIGITS = 5, 4, 12


def as_csv(rows: Iterable[Row]) -> str:
    """Return rows as CSV with a column for each of their names, empty where a row has none.

    Numbers have five significant digits, and more where the column's range is small beside them; a text that a
    spreadsheet would run is quoted.
    """
    held = list(rows)
    names = list(dict.fromkeys(name for row in held for name in row))
    spread = {name: _spread([row.get(name) for row in held]) for name in names}
    target = StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(map(harmless, names))
    writer.writerows([_cell(row.get(name), spread[name]) for name in names] for row in held)
    return target.getvalue()


def _spread(values: Iterable[Any]) -> float:
    """Return the range of the finite numbers among some values, zero where there are none."""
    found = [float(value) for value in values if isinstance(value, float) and math.isfinite(value)]
    return max(found) - min(found) if found else 0.0


def _cell(value: Any, spread: float) -> str:
    if not isinstance(value, float):
        return "" if value is None else harmless(str(value))
    if math.isnan(value):
        return ""
    digits = _DIGITS
    if value and math.isfinite(value) and 0 < spread < math.inf:
        digits = max(digits, _OF_RANGE + math.ceil(math.log10(abs(value)) - math.log10(spread)))
    return f"{value:.{min(digits, _MOST_DIGITS)}g}"


def columns(**named: Any) -> Iterator[Row]:
    """Yield the rows of columns, of which those that are not arrays are the same in every row.

    Points that no column knows, all numbers of which are NaN, are left out.
    """
    arrays = {name: each for name, each in named.items() if isinstance(each, np.ndarray)}
    known = np.any([np.isfinite(each) for each in arrays.values() if each.dtype.kind == "f"], axis=0)
    lists = {name: each[known].tolist() for name, each in arrays.items()}
    for k in range(int(known.sum())):
        yield {name: lists[name][k] if name in lists else each for name, each in named.items()}


def bins(edges: npt.NDArray[np.float64], draws: npt.NDArray[np.float64], **named: Any) -> Iterator[Row]:
    """Yield the bins of a histogram with their counts, and those that its axis leaves out."""
    low, high = float(draws.min()), float(draws.max())
    every = [*([low] if low < edges[0] else []), *edges.tolist(), *([high] if high > edges[-1] else [])]
    counts = np.histogram(draws, every)[0]
    for lower, upper, count in zip(every[:-1], every[1:], counts.tolist(), strict=True):
        yield {**named, "lower": lower, "upper": upper, "count": count}


def thinned(length: int, most: int) -> tuple[npt.NDArray[np.intp], int]:
    """Return the places of every k-th of some points, the last among them, and k: the first that leaves few enough."""
    every = max(1, -(-length // most))
    return np.arange(length - 1, -1, -every)[::-1].astype(np.intp), every
