"""A table with its name, checked when it is made, and notes on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bayescompare.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "Note", "check_na"]

_NA_ACTIONS = ("error", "drop")


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the data that a result must carry.

    Parameters
    ----------
    flag
        Name of the flag, such as ``rows_dropped``.
    message
        One sentence for the report.
    """

    flag: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """A table with its name.

    Parameters
    ----------
    frame
        The table, a row per observation; it is never changed.
    name
        Name for reports.
    source
        Where it came from: a path, a citation.
    truth
        The parameters that the data were simulated from; never part of the table.
    na
        ``error`` refuses missing values in the columns that a formula uses, ``drop`` drops their rows.
    texts
        Column to the texts of its cells, of a file whose labels or missing values the table does not show
        as they are written, such as ``007``.

    Raises
    ------
    DataError
        Where the table is empty, has no columns, or two columns of one name.
    """

    frame: pd.DataFrame
    name: str
    source: str = ""
    truth: Any = None
    na: str = "error"
    texts: Mapping[str, pd.Series[str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Check the names of the columns and the number of rows."""
        check_na(self.na)
        columns = [str(column) for column in self.frame.columns]
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise DataError(f"{self.name}: the column name {twice[0]!r} occurs more than once; rename one of them.")
        if not columns:
            raise DataError(f"{self.name}: there are no columns.")
        if len(self.frame) < 2:
            few = "is 1 row" if len(self.frame) else "are no rows"
            raise DataError(f"{self.name}: there {few} of data; a model needs at least 2 rows.")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)


def check_na(na: str) -> str:
    """Return ``na`` where it is ``error`` or ``drop``; raise ``DataError`` otherwise."""
    if na not in _NA_ACTIONS:
        raise DataError(f"na={na!r} is not known; use 'error' or 'drop'.")
    return na
