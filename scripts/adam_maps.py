"""The tables of docs/adam.md from a folder of the study adam-maps: python scripts/adam_maps.py OUT.

Shares and medians are over fits, each design with the same number of them; errors are relative to those of lbfgs-ml on
the same data set. A Monte Carlo standard error stands behind each mean, by design and data set.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

import bayescompare as bc
from bayescompare.engines.catalog import estimator
from bayescompare.study.store import read_results

BEST = "lbfgs-ml"


def fits_of(results: bc.Results) -> pd.DataFrame:
    """Return the fits with the factors of their design, their settings, and errors relative to the best."""
    fits = results.tables["fits"].copy()
    for name in ("effects", "groups", "sd_g"):
        fits[name] = fits["scenario"].map({scenario: one[name] for scenario, one in results.factors.items()})
    rmse = results.tables["recovery"].groupby(["scenario", "replicate", "estimator"])["rmse"]
    fits = fits.merge(
        rmse.apply(lambda one: np.sqrt(np.mean(one**2))).rename("b_rmse").reset_index(),
        on=["scenario", "replicate", "estimator"], how="left",
    )  # fmt: skip
    best = fits[fits["estimator"] == BEST].set_index(["scenario", "replicate"])
    place = pd.MultiIndex.from_frame(fits[["scenario", "replicate"]])
    for name in ("prediction_known", "prediction_new", "b_rmse"):
        fits[name] = fits[name].to_numpy() / best[name].reindex(place).to_numpy()
    engines = {label: estimator(label) for label in fits["estimator"].unique()}
    fits["rule"] = fits["estimator"].map({label: rule_of(engine) for label, engine in engines.items()})
    for name in ("lr", "batch"):
        fits[name] = fits["estimator"].map({label: getattr(engine, name, None) for label, engine in engines.items()})
    return fits


def rule_of(engine: object) -> str:
    """Say when an estimator stops."""
    if getattr(engine, "patience", None) is not None:
        return "early"
    return "epochs" if getattr(engine, "epochs", None) else "convergence"


def table(fits: pd.DataFrame, by: str | list[str]) -> pd.DataFrame:
    """Return a row a level."""
    found = fits.groupby(by, sort=False, dropna=False)
    near = fits["near_reason"].eq("") | fits["near_reason"].isna()
    return pd.DataFrame({
        "fits": found.size(),
        "arrived": near.groupby([fits[name] for name in np.atleast_1d(by)], sort=False, dropna=False).mean().round(2),
        "gap_sd": found["gap_sd"].median().round(2),
        "gap_90": found["gap_sd"].quantile(0.9).round(1),
        **{name: flagged(fits, by, name) for name in ("premature", "oscillating", "diverged")},
        "known": mean_with_error(found["prediction_known"]),
        "new": mean_with_error(found["prediction_new"]),
        "b": mean_with_error(found["b_rmse"]),
        "evaluations": found["evaluations_near"].median(),
        "seconds": found["seconds_near"].median().round(3),
    })  # fmt: skip


def flagged(fits: pd.DataFrame, by: str | list[str], flag: str) -> pd.Series:
    """Return the share of fits with a flag."""
    has = fits["flags"].map(lambda flags: flag in flags)
    return has.groupby([fits[name] for name in np.atleast_1d(by)], sort=False, dropna=False).mean().round(2)


def mean_with_error(found: pd.core.groupby.SeriesGroupBy) -> pd.Series:
    """Return means with their standard errors, as text."""
    return found.mean().map("{:.2f}".format) + " +- " + found.sem().map("{:.2f}".format)


def main(folder: str) -> None:
    """Print the tables."""
    pd.set_option("display.width", 250, "display.max_columns", 30, "display.max_rows", 200)
    results = read_results(folder)
    fits = fits_of(results)
    print(f"{len(fits)} fits, {fits['scenario'].nunique()} designs\n")
    print(table(fits, ["rule", "lr", "batch"]).to_string())
    adam = fits[fits["estimator"] != BEST]
    for factor in ("effects", "groups", "sd_g"):
        print("\n", table(adam, ["rule", factor]).sort_index().to_string())
    coverage = bc.measures(results, by="estimator", measure=["coverage", "bias"])
    coverage = coverage[coverage["parameter"].str.contains(r"^sigma$|^beta\[x1\]$|Intercept\]$", regex=True)]
    shown = coverage[["estimator", "parameter", "measure", "value", "mcse", "n_used", "n_total", "reason"]]
    print("\n", shown.round(3).to_string())


if __name__ == "__main__":
    main(sys.argv[1])
