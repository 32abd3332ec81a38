"""Tables as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bayescompare.report.formats import Value

__all__ = ["MOST_ROWS", "Column", "Grid", "grid"]

#: Rows of a table in the page; the stored tables have all.
MOST_ROWS = 1500


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head, what it means, and whether it holds numbers."""

    title: str
    help: str = ""
    numeric: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: a key for ids, a caption, columns and rows; ``left_out`` says how many rows are not shown."""

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]] = field(default_factory=list)
    left_out: int = 0


def grid(key: str, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Value]], most: int = MOST_ROWS) -> Grid:
    """Return a table, cut at so many rows."""
    return Grid(key=key, caption=caption, columns=columns, rows=rows[:most], left_out=max(0, len(rows) - most))
