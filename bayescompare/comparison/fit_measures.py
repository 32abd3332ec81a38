"""Measures of whole fits: how far they ended from their own optimum, what that cost, how they predict, their flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from bayescompare.comparison.arrival import UNKNOWN
from bayescompare.comparison.cells import FAILED, Frames
from bayescompare.comparison.grouping import Array, Groups
from bayescompare.comparison.measure_rows import measure_rows
from bayescompare.comparison.monte_carlo import NORMAL, Statistics, means, median_interval, shares
from bayescompare.fits import Flag, Status

__all__ = ["fit_measure_rows", "medians"]

# Rows of fits come after those of parameters.
_AFTER = 10**9


def medians(values: Array, groups: Groups) -> Statistics:
    """Return the median of each group with its exact 95 % interval from order statistics, NaN entries left out.

    The interval runs from the l-th smallest to the l-th largest value, with the largest l at which a binomial(n, 1/2)
    count is below l with probability at most 0.025 (Conover 1999, section 3.2); none with fewer than six. Its width
    over 2 x 1.96 stands for the standard error. Values may be infinite.
    """
    found = np.full((4, groups.size), np.nan)
    n = np.zeros(groups.size, dtype=np.int64)
    for k in range(groups.size):
        own = values[(groups.code == k) & ~np.isnan(values)]
        n[k] = len(own)
        middle, lower, upper = median_interval(own)
        found[:, k] = middle, (upper - lower) / (2 * NORMAL), lower, upper
    return Statistics(value=found[0], mcse=found[1], lower=found[2], upper=found[3], n_used=n)


def _gap(fits: pd.DataFrame, groups: Groups) -> Statistics:
    return medians(fits["gap_sd"].to_numpy(float), groups)


def _cost(column: str) -> Callable[[pd.DataFrame, Groups], Statistics]:
    """Return the median cost; a fit that never arrived, or that failed, costs more than any that did."""

    def cost(fits: pd.DataFrame, groups: Groups) -> Statistics:
        values, unknown = fits[column].to_numpy(float), fits["near_reason"].isin(UNKNOWN).to_numpy(bool)
        return medians(np.where(np.isnan(values) & ~unknown, np.inf, values), groups)

    return cost


def _mean(column: str) -> Callable[[pd.DataFrame, Groups], Statistics]:
    return lambda fits, groups: means(fits[column].to_numpy(float), groups)


def _rate(flag: Flag) -> Callable[[pd.DataFrame, Groups], Statistics]:
    """Return the share of fits with a flag, those without a result among them."""

    def rate(fits: pd.DataFrame, groups: Groups) -> Statistics:
        hits = np.array([str(flag) in found for found in fits["flags"]], dtype=bool)
        hits |= fits["status"].isin([str(status) for status in FAILED]).to_numpy(bool)
        return shares(groups.total(hits), groups.count())

    return rate


_STATISTICS: Mapping[str, Callable[[pd.DataFrame, Groups], Statistics]] = {
    "gap_sd": _gap,
    "evaluations_near": _cost("evaluations_near"),
    "seconds_near": _cost("seconds_near"),
    "prediction_known": _mean("prediction_known"),
    "prediction_new": _mean("prediction_new"),
    "premature_rate": _rate(Flag.PREMATURE),
    "oscillating_rate": _rate(Flag.OSCILLATING),
    "diverged_rate": _rate(Flag.DIVERGED),
}
_RECOVERED = {"b_rmse": "rmse", "b_slope": "slope"}


def fit_measure_rows(tables: Frames, wanted: Sequence[str], reading: str = "all") -> Iterator[pd.DataFrame]:
    """Yield the rows of the measures of `schema.FIT_MEASURES` that are wanted, as `measure_rows` makes them."""
    fits = tables["fits"]
    fits = fits[fits["status"] != Status.NOT_APPLICABLE].reset_index(drop=True)
    keys, groups = _cells(fits, [])
    asked = groups.count()
    for name in [name for name in _STATISTICS if name in wanted]:
        found = _STATISTICS[name](fits, groups)
        lost = np.isposinf(found.value)
        reasons = ["half of the fits or more have no finite value" if one else "" for one in lost]
        yield measure_rows(keys.assign(parameter=""), name, reading, found, asked, reasons)
    recovery = tables.get("recovery")
    for name in [name for name in _RECOVERED if name in wanted and recovery is not None]:
        yield _recovered(recovery, name, reading, dict(zip(map(tuple, keys.to_numpy()), asked, strict=True)))


def _recovered(recovery: pd.DataFrame, name: str, reading: str, asked: Mapping[tuple[str, ...], int]) -> pd.DataFrame:
    """Return how well the effects are recovered; the effect stands in the place of the parameter."""
    keys, groups = _cells(recovery, ["effect"])
    total = np.array([asked[pair] for pair in map(tuple, keys[["scenario", "estimator"]].to_numpy())])
    found = means(recovery[_RECOVERED[name]].to_numpy(float), groups)
    return measure_rows(keys.rename(columns={"effect": "parameter"}), name, reading, found, total, [""] * len(keys))


def _cells(frame: pd.DataFrame, more: list[str]) -> tuple[pd.DataFrame, Groups]:
    """Return the cells of a table, and the cell of each row."""
    names = ["scenario", "estimator", *more]
    found = frame.groupby(names, sort=False)
    keys = frame.loc[~frame.duplicated(names), names].reset_index(drop=True)
    keys.index += _AFTER
    return keys, Groups(found.ngroup().to_numpy(np.int64), found.ngroups)
