"""Performance of estimators over replicates (Morris, White and Crowther 2019, table 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from bayescompare.comparison.monte_carlo import Estimated, jackknife, mean, share
from bayescompare.comparison.records import same_estimand
from bayescompare.fits import GATE

__all__ = ["measures", "measures_past_the_gate", "paired_differences", "recovery_measures"]

_CELL = ["scenario", "estimator", "parameter"]


def _row(cell: Mapping[str, object], measure: str, found: Estimated) -> dict[str, object]:
    return {**cell, "measure": measure, **asdict(found)}


def _point_measures(estimates: pd.DataFrame) -> Iterator[dict[str, object]]:
    for key, group in same_estimand(estimates).groupby(_CELL, sort=False):
        cell = dict(zip(_CELL, key, strict=True))
        value, truth = group["estimate"].to_numpy(float), group["truth"].to_numpy(float)
        error = value - truth
        if not np.isfinite(value).any() or not np.isfinite(truth).any():
            continue
        yield _row(cell, "bias", mean(error))
        if np.all(truth != 0):
            yield _row(cell, "relative_bias", mean(error / truth))
        yield _row(cell, "empirical_se", jackknife(value, "sd"))
        yield _row(cell, "model_se", jackknife(group["se"].to_numpy(float), "rms"))
        yield _row(cell, "rmse", jackknife(error, "rms"))


def _interval_measures(intervals: pd.DataFrame, estimates: pd.DataFrame) -> Iterator[dict[str, object]]:
    keys = ["scenario", "replicate", "estimator", "parameter"]
    merged = intervals.merge(same_estimand(estimates)[[*keys, "truth"]], on=keys)
    for key, group in merged.groupby([*_CELL, "kind", "level"], sort=False):
        cell = dict(zip([*_CELL, "kind", "level"], key, strict=True))
        lower, upper, truth = (group[name].to_numpy(float) for name in ("lower", "upper", "truth"))
        known = np.isfinite(lower) & np.isfinite(upper) & np.isfinite(truth)
        if not known.any():
            continue
        covered = np.where(known, (lower <= truth) & (truth <= upper), np.nan)
        yield _row(cell, "coverage", share(covered))
        yield _row(cell, "width", mean(upper - lower))


def measures(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return bias, relative bias, empirical and model SE, RMSE, coverage and mean width.

    Each row has a value, its Monte Carlo standard error, and ``n_used`` out of ``n_total`` fits.
    Relative bias is left out where the truth is zero; estimates of another estimand are left out.
    """
    rows = [*_point_measures(tables["estimates"]), *_interval_measures(tables["intervals"], tables["estimates"])]
    columns = [*_CELL, "kind", "level", "measure", "value", "mcse", "n_used", "n_total"]
    return pd.DataFrame(rows, columns=columns)


def measures_past_the_gate(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the same measures without the fits that failed the convergence gate, where there are such fits.

    Beside `measures`, which keeps them: a reader sees both.
    """
    keys = ["scenario", "replicate", "estimator"]
    fits = tables["fits"]
    failed = fits[[bool(GATE & set(flags)) for flags in fits["flags"]]][keys]
    cells = failed[["scenario", "estimator"]].drop_duplicates()

    def passed(frame: pd.DataFrame) -> pd.DataFrame:
        near = frame.merge(cells, on=["scenario", "estimator"])
        marked = near.merge(failed, on=keys, how="left", indicator=True)
        return marked[marked["_merge"] == "left_only"].drop(columns="_merge")

    return measures({name: passed(tables[name]) for name in ("estimates", "intervals")})


def recovery_measures(recovery: pd.DataFrame) -> pd.DataFrame:
    """Return the mean RMSE and slope of the predicted random effects, with Monte Carlo errors."""
    cell = ["scenario", "estimator", "effect"]
    rows = [
        _row(dict(zip(cell, key, strict=True)), f"b_{measure}", mean(group[measure].to_numpy(float)))
        for key, group in recovery.groupby(cell, sort=False)
        for measure in ("rmse", "slope")
    ]
    return pd.DataFrame(rows, columns=[*cell, "measure", "value", "mcse", "n_used", "n_total"])


def paired_differences(estimates: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the mean difference of each estimator from a reference on the same data sets.

    Paired by replicate, so that what the data share cancels: the difference of the estimates, and
    of their squared errors where the truth is known.

    Parameters
    ----------
    reference
        Label of the estimator to compare with.
    """
    keys = ["scenario", "replicate", "parameter"]
    used = same_estimand(estimates)
    base = used[used["estimator"] == reference][[*keys, "estimate"]].rename(columns={"estimate": "reference_estimate"})
    merged = used[used["estimator"] != reference].merge(base, on=keys)
    rows = []
    for key, group in merged.groupby(_CELL, sort=False):
        cell = {**dict(zip(_CELL, key, strict=True)), "reference": reference}
        value, other, truth = (group[name].to_numpy(float) for name in ("estimate", "reference_estimate", "truth"))
        rows.append(_row(cell, "difference", mean(value - other)))
        rows.append(_row(cell, "squared_error_difference", mean((value - truth) ** 2 - (other - truth) ** 2)))
    return pd.DataFrame(rows, columns=[*_CELL, "reference", "measure", "value", "mcse", "n_used", "n_total"])
