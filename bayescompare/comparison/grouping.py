"""Rows in groups, by arrays: a million rows are summed by group in milliseconds, without a loop over the groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Array", "Codes", "Groups", "Mask", "encode", "find", "mixed"]

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each row.

    Parameters
    ----------
    code : (N,)
        Number of the group, from 0.
    size
        How many groups there are; some may have no row.
    """

    code: Codes
    size: int

    def __getitem__(self, kept: Mask) -> Groups:
        """Return the groups of some of the rows."""
        return Groups(self.code[kept], self.size)

    def total(self, values: Array | Mask) -> Array:
        """Return the sum of each group."""
        return np.bincount(self.code, weights=values, minlength=self.size)

    def count(self) -> Codes:
        """Return the number of rows of each group."""
        return np.bincount(self.code, minlength=self.size)

    def some(self, marked: Mask) -> Mask:
        """Return which groups have a marked row."""
        found = np.zeros(self.size, dtype=bool)
        found[self.code[marked]] = True
        return found

    def mean(self, values: Array) -> Array:
        """Return the mean of each group; NaN where it has no row."""
        with np.errstate(invalid="ignore"):
            return self.total(values) / self.count()

    def centred(self, values: Array) -> Array:
        """Return each row less the mean of its group."""
        return values - self.mean(values)[self.code]


def encode(*columns: pd.Series) -> tuple[list[Codes], list[Any]]:
    """Return columns as numbers that mean the same in each, and what the numbers stand for."""
    found = [pd.factorize(column) for column in columns]
    names = list(dict.fromkeys(chain.from_iterable(uniques for _, uniques in found)))
    place = {name: k for k, name in enumerate(names)}
    return [np.array([place[name] for name in uniques], dtype=np.int64)[codes] for codes, uniques in found], names


def mixed(codes: Sequence[Codes], sizes: Sequence[int]) -> Codes:
    """Return several codes as one number: digits in a mixed radix."""
    key = np.zeros_like(codes[0])
    for code, size in zip(codes, sizes, strict=True):
        key = key * size + code
    return key


def find(wanted: Codes, keys: Codes) -> Codes:
    """Return the place of each wanted key among unsorted keys, -1 where it is not there."""
    if not len(keys):
        return np.full(len(wanted), -1)
    order = np.argsort(keys, kind="stable")
    place = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    return np.where(keys[place] == wanted, place, -1)
