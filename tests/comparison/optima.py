"""Tables of fits that were never run, with their own optima and the marginal ML estimates of their data sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from tests.comparison.long_tables import NAN, fit, long


def point(estimate: float = NAN, own: float = NAN, ml: float = NAN, scale: float = 1.0, **more: Any) -> dict[str, Any]:
    """Return a fit of one parameter with its optima."""
    return fit(estimate, **({"estimator": "adam-marginal"} | more)) | {
        "own_optimum": own,
        "marginal_ml": ml,
        "scale": scale,
    }


def posterior(estimate: float, ml: float, **more: Any) -> dict[str, Any]:
    """Return a posterior mean."""
    return point(estimate, ml=ml, estimator="nuts", estimand="posterior mean", **more)


def tables(fits: Iterable[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Return the tables of fits; what has no marginal ML estimate has no row in ``optimum``."""
    every = list(fits)
    columns = ["scenario", "replicate", "estimator", "parameter", "own_optimum", "marginal_ml", "scale"]
    optimum = pd.DataFrame(every)[columns]
    return {**long(every), "optimum": optimum[optimum["marginal_ml"].notna()].assign(study="t")}
