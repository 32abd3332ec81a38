"""Columns of lists as NumPy sees them, and the rows that share a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Ragged", "datasets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """A column whose entries are arrays of different lengths.

    Parameters
    ----------
    values : (N,)
        All entries one after another.
    ends : (F + 1,)
        Where each begins, and the last one ends.
    """

    values: npt.NDArray[Any]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, column: pa.ChunkedArray, field: str | None = None) -> Self:
        """Return a column of lists, or one field of a column of lists of structs."""
        nested = column.combine_chunks()
        lengths = pc.list_value_length(nested).to_numpy(zero_copy_only=False)
        entries = pc.list_flatten(nested)
        values = entries if field is None else pc.struct_field(entries, field)
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return cls(values=values.to_numpy(zero_copy_only=False), ends=ends)

    def __getitem__(self, place: int) -> npt.NDArray[Any]:
        """Return one entry."""
        return self.values[self.ends[place] : self.ends[place + 1]]


def datasets(rows: pa.Table) -> list[list[int]]:
    """Return the places of the rows of each data set, in the order in which they come."""
    found: dict[tuple[str, int], list[int]] = {}
    keys = zip(rows["scenario"].to_pylist(), rows["replicate"].to_pylist(), strict=True)
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return list(found.values())
