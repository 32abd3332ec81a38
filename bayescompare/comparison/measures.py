"""The measures that a report shows, and how well random effects are recovered."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayescompare.comparison.cells import Frames
from bayescompare.comparison.grouping import Groups
from bayescompare.comparison.measure_rows import measure_rows, tidy
from bayescompare.comparison.monte_carlo import means
from bayescompare.comparison.performance import performance
from bayescompare.fits import GATE

__all__ = ["REPORTED", "measures", "measures_past_the_gate", "recovery_measures"]

#: The measures that a report shows of `schema.MEASURES`.
REPORTED = ("bias", "relative_bias", "empirical_se", "model_se", "rmse", "coverage", "width")


def measures(tables: Frames) -> pd.DataFrame:
    """Return the measures that a report shows, of all fits; see `performance.performance` for every measure."""
    return performance(tables, measure=REPORTED)


def measures_past_the_gate(tables: Frames) -> pd.DataFrame:
    """Return the reading ``passed`` of the estimators and scenarios that have fits that fail the convergence gate.

    Beside the reading ``all``, which keeps them: a reader sees both.
    """
    fits = tables["fits"]
    failed = np.array([not GATE.isdisjoint(flags) for flags in fits["flags"]], dtype=bool)
    cells = fits.loc[failed, ["scenario", "estimator"]].drop_duplicates()
    return performance(tables, reading="passed", measure=REPORTED).merge(cells, on=["scenario", "estimator"])


def recovery_measures(recovery: pd.DataFrame) -> pd.DataFrame:
    """Return the mean RMSE and slope of the predicted random effects, with Monte Carlo errors."""
    cell = ["scenario", "estimator", "effect"]
    found = recovery.groupby(cell, sort=False)
    groups = Groups(found.ngroup().to_numpy(np.int64), found.ngroups)
    heads = recovery.loc[~recovery.duplicated(cell), cell].reset_index(drop=True)
    n, reasons = groups.count(), [""] * len(heads)
    parts = (
        measure_rows(heads, f"b_{name}", "all", means(recovery[name].to_numpy(float), groups), n, reasons)
        for name in ("rmse", "slope")
    )
    return tidy(parts, [*cell, "measure", "value", "mcse", "n_used", "n_total"])
