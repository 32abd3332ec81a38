"""Where point estimates lie in the exact posterior of the same data, whatever became of the draws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["exact_places"]

Array = npt.NDArray[np.float64]

_NAN = float("nan")


def exact_places(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return quantile, z and HDI level of each point estimate in the exact posterior.

    From the tables ``densities`` and ``exact``; the columns are those of ``agreement`` that place an estimate.
    Quantiles beyond the ends of a density, 0.2 % on each side, are those of its end.
    """
    estimates, moments = tables["estimates"], _moments(tables["exact"])
    curves = {str(name): rows for name, rows in tables["densities"].groupby("parameter", sort=False)}
    points = estimates[estimates["estimate"].notna() & (estimates["estimand"] != "posterior mean")]
    rows = [
        {"scenario": row["scenario"], "estimator": row["estimator"], "parameter": row["parameter"]}
        | _place(float(row["estimate"]), curves[row["parameter"]], moments.get(row["parameter"], (_NAN, _NAN)))
        for row in points.to_dict("records")
        if row["parameter"] in curves
    ]
    return pd.DataFrame(rows, columns=["scenario", "estimator", "parameter", "quantile", "z", "hdi_level"])


def _moments(exact: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the exact mean and sd of each parameter."""
    known = {(row["parameter"], row["quantity"]): float(row["exact"]) for row in exact.to_dict("records")}
    return {label: (value, known[label, "sd"]) for (label, quantity), value in known.items() if quantity == "mean"}


def _place(value: float, curve: pd.DataFrame, moments: tuple[float, float]) -> dict[str, float]:
    x, density = curve["value"].to_numpy(float), curve["density"].to_numpy(float)
    pieces = np.diff(x) * (density[1:] + density[:-1]) / 2
    below = (1 - pieces.sum()) / 2 + np.concatenate([[0.0], np.cumsum(pieces)])
    mean, sd = moments
    return {
        "quantile": float(np.interp(value, x, below)),
        "z": (value - mean) / sd if sd > 0 else _NAN,
        "hdi_level": _level(value, x, density, pieces),
    }


def _level(value: float, x: Array, density: Array, pieces: Array) -> float:
    """Return the probability of all that is denser than the place of a value; 1 beyond the ends."""
    if not x[0] <= value <= x[-1]:
        return 1.0
    return float(pieces[(density[1:] + density[:-1]) / 2 > np.interp(value, x, density)].sum())
