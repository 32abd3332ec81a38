"""What a study has found so far: counts by status, and two measures whose Monte Carlo errors shrink as it goes on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["COLUMNS", "Mean", "Running"]

#: Columns of the rows of a part that are looked at.
COLUMNS = ("estimator", "status", "seconds", "estimates", "intervals")


@dataclass(slots=True)
class Mean:
    """A mean of values that come one by one, and its standard error (Welford 1962)."""

    n: int = 0
    value: float = math.nan
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Take in a value; NaN is none."""
        if math.isnan(value):
            return
        before = 0.0 if self.n == 0 else self.value
        self.n += 1
        self.value = before + (value - before) / self.n
        self._squares += (value - before) * (value - self.value)

    @property
    def error(self) -> float:
        """Standard error of the mean; NaN of fewer than two values."""
        return math.sqrt(self._squares / (self.n - 1) / self.n) if self.n > 1 else math.nan


@dataclass(slots=True)
class Running:
    """One estimator so far, over all scenarios.

    Attributes
    ----------
    statuses
        Fits by status.
    seconds
        Of the fits together.
    coverage
        Mean share of a fit's intervals that hold the truth, of the first kind and level that it has.
    error
        Mean relative error of a fit's estimates of the sds of the groups that are not zero.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    coverage: Mean = field(default_factory=Mean)
    error: Mean = field(default_factory=Mean)

    def add(self, rows: pa.Table) -> None:
        """Take in the fits of a part; see `COLUMNS`."""
        for row in rows.to_pylist():
            self.statuses[row["status"]] += 1
            self.seconds += row["seconds"] if math.isfinite(row["seconds"] or math.nan) else 0.0
            truth = {each["parameter"]: each["truth"] for each in row["estimates"]}
            self.coverage.add(_covered(row["intervals"], truth))
            self.error.add(_error(row["estimates"]))


def _covered(intervals: Sequence[Mapping[str, Any]], truth: Mapping[str, float]) -> float:
    """Return the share of intervals of the first kind and level that hold the truth, NaN where there are none."""
    there = [each for each in intervals if np.isfinite(truth.get(each["parameter"], math.nan))
             and not math.isnan(each["lower"])]  # fmt: skip
    first = [each for each in there if (each["kind"], each["level"]) == (there[0]["kind"], there[0]["level"])]
    return _mean([each["lower"] <= truth[each["parameter"]] <= each["upper"] for each in first])


def _error(estimates: Sequence[Mapping[str, Any]]) -> float:
    """Return the mean relative error of the sds of the groups, NaN where none is estimated, or all are zero."""
    sds = [each for each in estimates if each["parameter"].startswith("sd_") and each["truth"] > 0]
    return _mean([each["estimate"] / each["truth"] - 1 for each in sds])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
