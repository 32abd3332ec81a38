"""The rows of a user's data without their response, as plain values that can be stored and read back."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bayescompare.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Given", "Values"]

_MOST_ROWS = 10_000_000
# Entries of a column's table: plain values, or codes of levels.
_PLAIN, _CODED = {"values"}, {"codes", "levels", "ordered"}


@dataclass(frozen=True, kw_only=True)
class Values:
    """One column: values of one type, or codes of declared levels.

    Parameters
    ----------
    values : (n,)
        Truth values, whole numbers, finite numbers or texts; of a categorical, the codes of its levels, from 0.
    levels
        Of a categorical, in their order; None of other columns.
    ordered
        Whether the levels are declared to be ordered.
    """

    values: tuple[Any, ...]
    levels: tuple[Any, ...] | None = None
    ordered: bool = False

    @classmethod
    def of(cls, series: pd.Series[Any]) -> Values:
        """Return a column without missing values."""
        import pandas as pd

        if isinstance(series.dtype, pd.CategoricalDtype):
            levels = _plain([*series.cat.categories])
            return cls(values=tuple(series.cat.codes.tolist()), levels=levels, ordered=bool(series.cat.ordered))
        return cls(values=_plain(series.tolist()))

    @classmethod
    def read(cls, written: Any, name: str) -> Values:
        """Return a column of `as_dict`'s.

        Raises
        ------
        DataError
            If it is none.
        """
        keys = set(written) if isinstance(written, Mapping) else set()
        if keys not in (_PLAIN, _CODED):
            raise DataError(f"the column {name!r} needs values, or codes, levels and ordered, and nothing else.")
        if keys == _PLAIN:
            return cls(values=_checked(written["values"], name))
        levels, codes = _checked(written["levels"], name), _checked(written["codes"], name)
        if not all(type(code) is int and 0 <= code < len(levels) for code in codes) or len(set(levels)) < len(levels):
            raise DataError(f"the codes of the column {name!r} are not those of its levels.")
        return cls(values=codes, levels=levels, ordered=written["ordered"] is True)

    def as_dict(self) -> dict[str, Any]:
        """Return the column in JSON types."""
        if self.levels is None:
            return {"values": list(self.values)}
        return {"codes": list(self.values), "levels": list(self.levels), "ordered": self.ordered}

    def series(self) -> pd.Series[Any]:
        """Return the column as pandas has it."""
        import pandas as pd

        if self.levels is None:
            return pd.Series(list(self.values))
        categories = pd.Index(list(self.levels))
        return pd.Series(pd.Categorical.from_codes(list(self.values), categories, ordered=self.ordered))


def _plain(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return values as truth values, whole numbers, numbers or texts, all of one type."""
    if all(isinstance(value, bool) for value in values):
        return tuple(values)
    if all(isinstance(value, int) for value in values):
        return tuple(map(int, values))
    try:
        return tuple(map(str if any(isinstance(value, str) for value in values) else float, values))
    except (TypeError, ValueError):
        # intervals and other objects are labels
        return tuple(map(str, values))


def _checked(values: Any, name: str) -> tuple[Any, ...]:
    """Return a list of plain values of one type."""
    if not isinstance(values, list | tuple) or not values or len(values) > _MOST_ROWS:
        raise DataError(f"the column {name!r} must be a list of 1 to {_MOST_ROWS:,} values.")
    kinds = {type(value) for value in values}
    if len(kinds) > 1 or not kinds <= {bool, int, float, str}:
        raise DataError(f"the values of the column {name!r} must all be numbers, all texts, or all truth values.")
    if kinds == {float} and not all(map(math.isfinite, values)):
        raise DataError(f"the column {name!r} holds a number that is not finite.")
    return tuple(values)


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """The predictors and groups of a user's data, row by row: a design that is the same in every data set.

    Parameters
    ----------
    source
        What the data are called.
    rows
        Number of rows, n.
    columns
        Name to column of n rows.
    """

    source: str
    rows: int
    columns: Mapping[str, Values]

    def __post_init__(self) -> None:
        """Refuse columns of other lengths."""
        if not 2 <= self.rows <= _MOST_ROWS:
            raise DataError(f"data have 2 to {_MOST_ROWS:,} rows, not {self.rows:,}.")
        for name, column in self.columns.items():
            if len(column.values) != self.rows:
                raise DataError(f"the column {name!r} has {len(column.values):,} values for {self.rows:,} rows.")

    @classmethod
    def of(cls, frame: pd.DataFrame, source: str) -> Given:
        """Return the columns of a frame without missing values."""
        columns = {str(name): Values.of(frame[name]) for name in frame.columns}
        return cls(source=source, rows=len(frame), columns=columns)

    @classmethod
    def read(cls, written: Any) -> Given:
        """Return what `as_dict` gave.

        Raises
        ------
        DataError
            If it is something else.
        """
        if not isinstance(written, Mapping) or set(written) != {"source", "rows", "columns"}:
            raise DataError("data need source, rows and columns, and nothing else.")
        source, rows, columns = (written[key] for key in ("source", "rows", "columns"))
        if not isinstance(source, str) or type(rows) is not int or not isinstance(columns, Mapping):
            raise DataError("of data the source is a text, rows is a whole number, and columns is a table.")
        read = {str(name): Values.read(one, str(name)) for name, one in columns.items()}
        return cls(source=source, rows=rows, columns=read)

    def as_dict(self) -> dict[str, Any]:
        """Return the data in JSON types."""
        columns = {name: one.as_dict() for name, one in self.columns.items()}
        return {"source": self.source, "rows": self.rows, "columns": columns}

    @cached_property
    def sha256(self) -> str:
        """A hash of the columns."""
        return hashlib.sha256(json.dumps([self.rows, self.as_dict()["columns"]], sort_keys=True).encode()).hexdigest()

    def __repr__(self) -> str:
        """Say what it is in a line, from which different data can be told."""
        return f"Given({self.rows} rows of {', '.join(self.columns)}; sha256 {self.sha256})"

    def __eq__(self, other: object) -> bool:
        """Whether the columns are the same."""
        return isinstance(other, Given) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        """Return a hash of the columns."""
        return hash(self.sha256)

    def frame(self) -> pd.DataFrame:
        """Return the columns as a frame."""
        import pandas as pd

        return pd.DataFrame({name: one.series() for name, one in self.columns.items()}, index=range(self.rows))

    def sizes(self, grouping: Sequence[str]) -> tuple[int, ...]:
        """Return the rows of each group, by the columns that make the groups; none without such columns."""
        if not grouping:
            return ()
        counted = self.frame()[list(grouping)].astype(str).value_counts(sort=False)
        return tuple(int(count) for count in counted)
