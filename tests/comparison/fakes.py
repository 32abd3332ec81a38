"""Fits that were never run, and tables of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bayescompare.comparison.records import Record
from bayescompare.comparison.rows import row_of, table_of
from bayescompare.comparison.schema import TABLES
from bayescompare.comparison.tables import tables as unfolded
from bayescompare.fits import Fit, Status
from bayescompare.layout import Layout

LAYOUT = Layout(coefs=("Intercept", "x"), factor="g", blocks=(("Intercept",),), levels=("a", "b", "c"))
TRUTH = np.array([0.0, 2.0, 1.0, 0.5])


def make_fit(estimator: str, estimate: Any, se: Any = 0.1, **more: Any) -> Fit:
    """Return a fit of the layout above."""
    size = LAYOUT.size
    given = {"status": Status.OK, "estimand": ("ML mode",) * size, "reason": ("",) * size} | more
    return Fit(
        estimator=estimator,
        layout=LAYOUT,
        estimate=np.asarray(estimate, dtype=float),
        se=np.broadcast_to(np.asarray(se, dtype=float), (size,)).copy(),
        **given,
    )


def record(fit: Fit, replicate: int = 0, scenario: str = "s", **more: Any) -> Record:
    """Return the record of a fit; the truth is the one above."""
    return Record(study="t", scenario=scenario, replicate=replicate, fit=fit, **({"truth": TRUTH} | more))


def rows(*records: Record, **options: Any) -> pa.Table:
    """Return the rows of records."""
    return table_of(row_of(one, **options) for one in records)


def tables(records: Iterable[Record], **options: Any) -> dict[str, pd.DataFrame]:
    """Return the tables of records."""
    return unfolded(rows(*records, **options))


def frames(**rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Return every table, with the rows that are given."""
    return {name: pd.DataFrame(rows.get(name, []), columns=list(columns)) for name, columns in TABLES.items()}
