"""Tables as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.results import Results
from bayescompare.reporting.formats import harmless

__all__ = ["sheets"]


def sheets(results: Results) -> Mapping[str, str]:
    """Return each table that is not empty as CSV, by file name.

    Texts that a spreadsheet would run as a formula have an apostrophe before them; lists have semicolons between
    their entries. Numbers keep all digits.
    """
    frames = {**results.tables, **_derived(results)}
    return {f"{name}.csv": _csv(frame) for name, frame in frames.items() if len(frame)}


def _derived(results: Results) -> dict[str, pd.DataFrame]:
    """Return what is computed from the tables, and is not one of them."""
    summary = {"summary": results.table}
    if results.about.get("kind") != "study":
        return summary
    parts = results.decomposition
    return summary | {
        "measures": results.performance,
        "verdicts": results.verdicts,
        "headline": results.headline,
        "error_means": parts.means,
        "error_squares": parts.squares,
        "detectors": results.detectors,
    }


def _csv(frame: pd.DataFrame) -> str:
    texts = {
        name: column.map(_plain) for name, column in frame.items() if not pd.api.types.is_numeric_dtype(column.dtype)
    }
    return frame.assign(**texts).to_csv(index=False, lineterminator="\n")


def _plain(value: Any) -> Any:
    """Return a cell without structure, and without a formula."""
    if isinstance(value, list | tuple | set | np.ndarray):
        value = ";".join(map(str, value))
    return harmless(value) if isinstance(value, str) else value
