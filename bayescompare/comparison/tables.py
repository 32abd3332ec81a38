"""The long tables of a comparison, unfolded from rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bayescompare.comparison.agreement import agreement
from bayescompare.comparison.judgement import judged_rows
from bayescompare.comparison.ragged import Ragged, datasets
from bayescompare.comparison.schema import TABLES
from bayescompare.engines.optima import marginal_ml

__all__ = ["tables"]

Array = npt.NDArray[np.float64]

_KEY = ["study", "scenario", "replicate", "estimator"]
_NESTED = ("estimates", "intervals", "random_effects", "traces", "recovery", "calibration")


def tables(rows: pa.Table) -> dict[str, pd.DataFrame]:
    """Return the long tables of rows; their columns are described in `schema.TABLES`.

    Fits of one objective on the same data are judged by the best of them first.
    """
    rows = judged_rows(rows)
    return {
        **{name: _unfolded(rows, name) for name in _NESTED},
        "fits": rows.select(list(TABLES["fits"])).to_pandas(),
        "optimum": _optimum(rows),
        "agreement": agreement(rows),
    }


def _unfolded(rows: pa.Table, name: str) -> pd.DataFrame:
    """Return a nested column as a table, a row an entry."""
    nested = rows[name].combine_chunks()
    parents = pc.list_parent_indices(nested)
    entries = pc.list_flatten(nested)
    columns = {key: rows[key].take(parents) for key in _KEY}
    columns |= {field.name: pc.struct_field(entries, field.name) for field in entries.type}
    return pa.table(columns).select(list(TABLES[name])).to_pandas()


def _optimum(rows: pa.Table) -> pd.DataFrame:
    """Return the optimum of each fit's own objective, beside the marginal ML estimate and its error."""
    columns = list(TABLES["optimum"])
    return pd.DataFrame(_optimum_rows(rows), columns=columns)


def _optimum_rows(rows: pa.Table) -> Iterator[Mapping[str, Any]]:
    keys = rows.select(_KEY).to_pylist()
    own = Ragged.of(rows["own_optimum"])
    estimate, se, label = (Ragged.of(rows["estimates"], name) for name in ("estimate", "se", "parameter"))
    for places in datasets(rows):
        reference = marginal_ml([keys[k]["estimator"] for k in places])
        if reference is None:
            continue
        ml = places[reference]
        # another fit of the likelihood may have ended lower than the one that stands for it
        best = own[ml] if len(own[ml]) else estimate[ml]
        for k in places:
            entries = zip(label[k], own[k], best, se[ml], strict=False)
            yield from (
                keys[k] | {"parameter": name, "own_optimum": optimum, "marginal_ml": value, "scale": spread}
                for name, optimum, value, spread in entries
            )
