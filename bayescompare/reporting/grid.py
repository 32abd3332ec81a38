"""Tables as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bayescompare.reporting.formats import NOT_AVAILABLE, Value

__all__ = ["MOST_ROWS", "Column", "Grid", "grid"]

#: Rows of a table in the page; the stored tables have all.
MOST_ROWS = 600


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head, what it means, and whether it holds numbers."""

    title: str
    help: str = ""
    numeric: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table as it is printed.

    Parameters
    ----------
    key
        For its id.
    left_out
        Number of rows that are not shown.
    reasons
        Why numbers are missing, each reason once.
    """

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]] = field(default_factory=list)
    left_out: int = 0
    reasons: Sequence[str] = ()


def grid(
    key: str, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Value]], most: int = MOST_ROWS
) -> Grid:
    """Return a table, cut at so many rows."""
    shown = rows[:most]
    missing = (value.note for row in shown for value in row if value.text == NOT_AVAILABLE and value.note)
    return Grid(
        key=key,
        caption=caption,
        columns=columns,
        rows=shown,
        left_out=len(rows) - len(shown),
        reasons=list(dict.fromkeys(missing)),
    )
