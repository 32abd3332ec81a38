"""Where each point estimate lies in the posterior of the same data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bayescompare.comparison.ragged import Ragged, datasets

__all__ = ["agreement"]

Array = npt.NDArray[np.float64]

_COLUMNS = ["study", "scenario", "replicate", "estimator", "posterior", "parameter", "quantile", "z", "hdi_level"]
_POSTERIOR_MEAN = "posterior mean"


def _hdi_level(ordered: Array, value: float) -> float:
    """Return the probability at which the shortest interval of the draws begins to hold a value; 1 outside all.

    By bisection over the shortest intervals of the sorted draws. Those of a sample are not quite
    nested, so another probability near it may hold the value too.
    """
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


def agreement(rows: pa.Table) -> pd.DataFrame:
    """Return quantile, z and HDI level of every point estimate in every posterior of the same data.

    ``quantile`` is the share of draws below the estimate, ``z`` its distance from the posterior
    mean in posterior sds, ``hdi_level`` the smallest highest-density interval that holds it.
    """
    return pd.DataFrame(_located(rows), columns=_COLUMNS)


def _located(rows: pa.Table) -> Iterator[dict[str, object]]:
    keys = rows.select(_COLUMNS[:4]).to_pylist()
    drawn, estimands = Ragged.of(rows["posterior"]), Ragged.of(rows["estimates"], "estimand")
    label, estimate, se = (Ragged.of(rows["estimates"], name) for name in ("parameter", "estimate", "se"))
    for places in datasets(rows):
        for point in (k for k in places if _POSTERIOR_MEAN not in estimands[k]):
            for posterior in (k for k in places if len(drawn[k])):
                cell = keys[point] | {"posterior": keys[posterior]["estimator"]}
                for k in np.flatnonzero(np.isfinite(estimate[point])):
                    where = _position(estimate[point][k], drawn[posterior][k], estimate[posterior][k], se[posterior][k])
                    yield cell | {"parameter": label[point][k], **where}


def _position(value: float, draws: Array, mean: float, sd: float) -> dict[str, float]:
    """Return where a value lies among sorted draws of a mean and sd."""
    below, not_above = np.searchsorted(draws, value, "left"), np.searchsorted(draws, value, "right")
    return {
        "quantile": float(below + not_above) / 2 / len(draws),
        "z": float((value - mean) / sd) if sd > 0 else np.nan,
        "hdi_level": _hdi_level(draws, float(value)),
    }
