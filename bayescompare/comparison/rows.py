"""A fit as one row with nested columns: what a part of a study holds, and what every table is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bayescompare.comparison.calibration_rows import calibration_rows
from bayescompare.comparison.records import (
    Record,
    estimate_rows,
    fit_row,
    random_effect_rows,
    recovery_rows,
    trace_rows,
)
from bayescompare.fits import Fit
from bayescompare.intervals import intervals
from bayescompare.likelihood.coordinates import natural_working

__all__ = ["ROWS", "SKETCH", "row_of", "table_of"]

Array = npt.NDArray[np.float64]

#: Order statistics of each parameter's draws that a study keeps: enough to place a point estimate
#: in the posterior to 1/400, finer than the Monte Carlo error of the draws.
SKETCH = 400

_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()


def _struct(**columns: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct(list(columns.items())))


_VALUES = _struct(parameter=_TEXT, estimate=_REAL, se=_REAL, estimand=_TEXT, truth=_REAL, reason=_TEXT)

#: Columns of a row; the nested ones have the names of the tables that they become.
ROWS = pa.schema({
    "study": _TEXT,
    "scenario": _TEXT,
    "replicate": _WHOLE,
    "estimator": _TEXT,
    "status": _TEXT,
    "flags": pa.list_(_TEXT),
    "message": _TEXT,
    "traceback": _TEXT,
    "seconds": _REAL,
    "evaluations": _WHOLE,
    "objective": _REAL,
    "gap_deviance": _REAL,
    "gap_sd": _REAL,
    "grad_norm": _REAL,
    "rhat_max": _REAL,
    "ess_bulk_min": _REAL,
    "ess_tail_min": _REAL,
    "divergences": _REAL,
    "newton_sd": _REAL,
    "drift_z": _REAL,
    "oscillation_sd": _REAL,
    "rhat_restarts": _REAL,
    "prediction_known": _REAL,
    "prediction_new": _REAL,
    "evaluations_near": _REAL,
    "seconds_near": _REAL,
    "near_reason": _TEXT,
    "seed_key": _TEXT,
    "draws_sha256": _TEXT,
    "estimates": _VALUES,
    "intervals": _struct(parameter=_TEXT, kind=_TEXT, level=_REAL, lower=_REAL, upper=_REAL, reason=_TEXT),
    "random_effects": _VALUES,
    "traces": _struct(restart=_WHOLE, step=_WHOLE, quantity=_TEXT, value=_REAL),
    "recovery": _struct(effect=_TEXT, rmse=_REAL, slope=_REAL),
    "calibration": _struct(
        parameter=_TEXT, kind=_TEXT, truth=_REAL, estimate=_REAL, sd=_REAL, pit=_REAL, covered_from=_REAL,
        rank=_WHOLE, n_ranks=_WHOLE, reason=_TEXT,
    ),
    "working": pa.list_(_REAL),
    "working_se": pa.list_(_REAL),
    "own_optimum": pa.list_(_REAL),
    "posterior": pa.list_(pa.list_(_REAL)),
})  # fmt: skip


def row_of(
    record: Record,
    *,
    levels: Sequence[float] = (0.95,),
    kinds: Sequence[str] | None = None,
    random_effects: bool = True,
    traces: bool = True,
    sketch: int | None = None,
) -> dict[str, Any]:
    """Return a record as a row.

    Parameters
    ----------
    levels, kinds
        Of the intervals; the usual kinds where None.
    random_effects, traces
        Whether to keep the random effects, and the optimizer's path.
    sketch
        Order statistics of the draws to keep for placing other estimates among them; all where None.
    """
    fit = record.fit
    nothing: list[float] = []
    return {
        **fit_row(record),
        "estimates": list(estimate_rows(record)),
        "intervals": [asdict(row) for row in intervals(fit, levels, kinds)],
        "random_effects": list(random_effect_rows(record)) if random_effects else [],
        "traces": list(trace_rows(record)) if traces else [],
        "recovery": list(recovery_rows(record)),
        "calibration": list(calibration_rows(record, kinds)),
        "working": natural_working(fit.estimate, fit.layout),
        "working_se": nothing if fit.working_se is None else fit.working_se,
        "own_optimum": nothing if fit.own_optimum is None else fit.own_optimum,
        "posterior": _posterior(fit, sketch),
    }


def _posterior(fit: Fit, sketch: int | None) -> list[Array]:
    """Return the order statistics of a fit's draws, or so many even quantiles of its marginals, by parameter."""
    if fit.marginals:
        size = SKETCH if sketch is None else sketch
        return [one.quantile((np.arange(size) + 0.5) / size) for one in fit.marginals]
    return _sketch(fit.draws.values, sketch) if fit.draws is not None else []


def _sketch(values: Array, size: int | None) -> list[Array]:
    """Return the order statistics of draws ``(chains, draws, k)`` by parameter; nothing where one is not finite."""
    flat = np.sort(values.reshape(-1, values.shape[-1]), axis=0)
    if not np.all(np.isfinite(flat)):
        return []
    if size is not None and len(flat) > size:
        flat = flat[np.floor((np.arange(size) + 0.5) * len(flat) / size).astype(int)]
    return list(flat.T)


def table_of(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Return rows as a table."""
    return pa.Table.from_pylist(list(rows), schema=ROWS)
