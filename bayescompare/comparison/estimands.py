"""The estimands of the claims in one cell, each with its 95 % interval and its denominators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from bayescompare.comparison.monte_carlo import mean, wilson

__all__ = ["Interval", "contrast", "coverage_shortfall", "flagged_share", "largest_bias", "share_of"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its 95 % interval, its denominators, and where it was found."""

    value: float
    lower: float
    upper: float
    n_used: int
    n_total: int
    where: str = ""


def share_of(hits: Array) -> Interval:
    """Return a share with its Wilson interval; NaN entries are not used, but counted in the total."""
    hits = np.asarray(hits, dtype=float)
    used = hits[np.isfinite(hits)]
    if not len(used):
        return Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=len(hits))
    lower, upper = wilson(float(used.sum()), len(used))
    return Interval(value=float(used.mean()), lower=lower, upper=upper, n_used=len(used), n_total=len(hits))


def flagged_share(fits: pd.DataFrame, flags: set[str]) -> Interval:
    """Return the share of fits with any of some flags; a fit without a result counts as one of them.

    What an estimator does not apply to is not used.
    """
    status = fits["status"]
    hits = np.array([bool(flags & set(found)) for found in fits["flags"]], dtype=bool)
    hits |= status.isin(["failed", "timeout", "worker_died"]).to_numpy(bool)
    return share_of(np.where(status == "not_applicable", np.nan, hits))


def largest_bias(optimum: pd.DataFrame, minuend: str, subtrahend: str) -> Interval:
    """Return the largest absolute mean difference over the parameters, in standard errors, paired.

    The interval is of that parameter's mean, at a level that allows for the choice among the
    parameters (Bonferroni).
    """
    found = []
    for parameter, group in optimum.groupby("parameter", sort=False):
        difference = (group[minuend] - group[subtrahend]).to_numpy(float) / group["scale"].to_numpy(float)
        estimated = mean(np.where(np.isfinite(difference), difference, np.nan))
        if estimated.n_used > 1:
            found.append((abs(estimated.value), str(parameter), estimated))
    if not found:
        return Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=0)
    size, parameter, estimated = max(found, key=lambda entry: entry[0])
    half = float(ndtri(1 - 0.025 / len(found))) * estimated.mcse
    return Interval(
        value=size,
        lower=max(size - half, 0.0),
        upper=size + half,
        n_used=estimated.n_used,
        n_total=estimated.n_total,
        where=f"{parameter}: {estimated.value:+.3g}",
    )


def coverage_shortfall(intervals: pd.DataFrame, estimates: pd.DataFrame, kind: str = "eti") -> Interval:
    """Return the nominal less the actual coverage of the worst-covered parameter, allowing for the choice."""
    keys = ["scenario", "replicate", "estimator", "parameter"]
    merged = intervals[intervals["kind"] == kind].merge(estimates[[*keys, "truth"]], on=keys)
    found = []
    for (parameter, level), group in merged.groupby(["parameter", "level"], sort=False):
        known = np.isfinite(group[["lower", "upper", "truth"]].to_numpy(float)).all(axis=1)
        used = group[known]
        covered = float(((used["lower"] <= used["truth"]) & (used["truth"] <= used["upper"])).sum())
        if len(used):
            found.append(
                (float(level) - covered / len(used), str(parameter), float(level), covered, len(used), len(group))
            )
    if not found:
        return Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=0)
    shortfall, parameter, level, covered, n_used, n_total = max(found)
    lower, upper = wilson(covered, n_used, 1 - 0.05 / len(found))
    return Interval(
        value=shortfall, lower=level - upper, upper=level - lower, n_used=n_used, n_total=n_total, where=parameter
    )


def contrast(worse: Interval, base: Interval) -> Interval:
    """Return the difference of two independent estimands, by the square-and-add method (Newcombe 1998)."""
    difference = worse.value - base.value
    below = np.hypot(worse.value - worse.lower, base.upper - base.value)
    above = np.hypot(worse.upper - worse.value, base.value - base.lower)
    return Interval(
        value=float(difference),
        lower=float(difference - below),
        upper=float(difference + above),
        n_used=min(worse.n_used, base.n_used),
        n_total=min(worse.n_total, base.n_total),
    )
