"""The estimands of the claims in one cell, each with its 95 % interval and its denominators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.monte_carlo import Estimated, exact_share, half_width, mean

__all__ = [
    "Interval",
    "contrast",
    "coverage_shortfall",
    "flagged_share",
    "largest_bias",
    "largest_mean",
    "share_of",
]

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
    """Return a share with its exact interval; NaN entries are not used, but counted in the total."""
    hits = np.asarray(hits, dtype=float)
    used = hits[np.isfinite(hits)]
    if not len(used):
        return Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=len(hits))
    lower, upper = exact_share(float(used.sum()), len(used))
    return Interval(value=float(used.mean()), lower=lower, upper=upper, n_used=len(used), n_total=len(hits))


def flagged_share(fits: pd.DataFrame, flags: set[str]) -> Interval:
    """Return the share of fits with any of some flags; a fit without a result counts as one of them.

    What an estimator does not apply to is not used.
    """
    status = fits["status"]
    hits = np.array([bool(flags & set(found)) for found in fits["flags"]], dtype=bool)
    hits |= status.isin(["failed", "timeout", "worker_died"]).to_numpy(bool)
    return share_of(np.where(status == "not_applicable", np.nan, hits))


def largest_bias(optimum: pd.DataFrame, minuend: str, subtrahend: str, n_total: int) -> Interval:
    """Return the largest absolute mean difference over the parameters, in standard errors, paired.

    Parameters
    ----------
    n_total
        How many fits were asked for.

    See Also
    --------
    largest_mean : The interval.
    """
    difference = (optimum[minuend] - optimum[subtrahend]) / optimum["scale"]
    found = [
        (str(parameter), mean(values.where(np.isfinite(values)).to_numpy(float)))
        for parameter, values in difference.groupby(optimum["parameter"], sort=False)
    ]
    return largest_mean([(name, one) for name, one in found if one.n_used], n_total)


def largest_mean(found: Sequence[tuple[str, Estimated]], n_total: int) -> Interval:
    """Return the largest absolute value of several means, with the interval of the largest true one.

    The intervals of the means hold all together (Student's t, Bonferroni); the largest true mean lies between the
    largest of their lower and the largest of their upper ends. So it is beyond a margin where one of the means is, and
    within it where all are. A mean without a spread, as that of a single value, may lie anywhere.
    """
    if not found:
        return Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=n_total)
    size = np.array([abs(one.value) for _, one in found])
    mcse, n = np.array([one.mcse for _, one in found]), np.array([one.n_used for _, one in found])
    half = np.where(mcse > 0, half_width(mcse, n, len(found)), np.inf)
    parameter, estimated = found[int(size.argmax())]
    return Interval(
        value=float(size.max()),
        lower=max(float((size - half).max()), 0.0),
        upper=float((size + half).max()),
        n_used=estimated.n_used,
        n_total=n_total,
        where=f"{parameter}: {estimated.value:+.3g}",
    )


def coverage_shortfall(intervals: pd.DataFrame, estimates: pd.DataFrame, kind: str = "eti") -> Interval:
    """Return the nominal less the actual coverage of the worst-covered parameter, at the first level in the table.

    The exact intervals of the parameters hold all together (Bonferroni); the largest true shortfall lies between the
    largest of their lower and the largest of their upper ends.
    """
    keys = ["scenario", "replicate", "estimator", "parameter"]
    kept = intervals[intervals["kind"] == kind]
    first = kept["level"].iloc[0] if len(kept) else np.nan
    merged = kept[kept["level"] == first].merge(estimates[[*keys, "truth"]], on=keys)
    known = np.isfinite(merged[["lower", "upper", "truth"]].to_numpy(float)).all(axis=1)
    inside = (merged["lower"] <= merged["truth"]) & (merged["truth"] <= merged["upper"])
    covered = inside.where(known).astype(float).groupby(merged["parameter"], sort=False).agg(["sum", "count", "size"])
    covered = covered[covered["count"] > 0]
    if not len(covered):
        return Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=0)
    ends = np.array([
        exact_share(row["sum"], int(row["count"]), 1 - 0.05 / len(covered)) for _, row in covered.iterrows()
    ])  # fmt: skip
    shortfall = first - covered["sum"] / covered["count"]
    worst = shortfall.idxmax()
    return Interval(
        value=float(shortfall[worst]),
        lower=float((first - ends[:, 1]).max()),
        upper=float((first - ends[:, 0]).max()),
        n_used=int(covered.loc[worst, "count"]),
        n_total=int(covered.loc[worst, "size"]),
        where=str(worst),
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
