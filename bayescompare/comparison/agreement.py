"""Where each point estimate lies in the posterior of the same data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.records import Record

__all__ = ["agreement"]

Array = npt.NDArray[np.float64]

_COLUMNS = ["study", "scenario", "replicate", "estimator", "posterior", "parameter", "quantile", "z", "hdi_level"]


def _hdi_level(draws: Array, value: float) -> float:
    """Return the probability at which the shortest interval of the draws begins to hold a value; 1 outside all.

    By bisection over the shortest intervals of the sorted draws. Those of a sample are not quite
    nested, so another probability near it may hold the value too.
    """
    ordered = np.sort(draws)
    n = len(ordered)
    low, high = 1, n - 1
    if not ordered[0] <= value <= ordered[-1]:
        return 1.0

    def holds(size: int) -> bool:
        start = int(np.argmin(ordered[size:] - ordered[: n - size]))
        return bool(ordered[start] <= value <= ordered[start + size])

    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low / n


def _row(record: Record, posterior: Record, k: np.intp) -> dict[str, object]:
    draws = posterior.fit.draws.values[:, :, k].ravel() if posterior.fit.draws is not None else np.empty(0)
    value, spread = record.fit.estimate[k], float(np.std(draws, ddof=1))
    return {
        "study": record.study,
        "scenario": record.scenario,
        "replicate": record.replicate,
        "estimator": record.fit.estimator,
        "posterior": posterior.fit.estimator,
        "parameter": record.fit.layout.labels[k],
        "quantile": float(np.mean(draws < value) + np.mean(draws == value) / 2),
        "z": float((value - draws.mean()) / spread) if spread > 0 else np.nan,
        "hdi_level": _hdi_level(draws, float(value)),
    }


def agreement(records: Sequence[Record]) -> pd.DataFrame:
    """Return quantile, z and HDI level of every point estimate in every posterior of the same data.

    ``quantile`` is the share of draws below the estimate, ``z`` its distance from the posterior
    mean in posterior sds, ``hdi_level`` the smallest highest-density interval that holds it.
    """
    rows = []
    places: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        places.setdefault((record.scenario, record.replicate), []).append(record)
    for group in places.values():
        posteriors = [r for r in group if r.fit.draws is not None and np.all(np.isfinite(r.fit.draws.values))]
        points = [r for r in group if r.fit.draws is None]
        rows += [
            _row(record, posterior, k)
            for posterior in posteriors
            for record in points
            for k in np.flatnonzero(np.isfinite(record.fit.estimate))
        ]
    return pd.DataFrame(rows, columns=_COLUMNS)
