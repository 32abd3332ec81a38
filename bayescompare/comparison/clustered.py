"""Shares of fits of which several belong to one data set."""

from __future__ import annotations

import numpy as np

from bayescompare.comparison.grouping import Array, Codes, Groups
from bayescompare.comparison.monte_carlo import Statistics, wilson_bounds

__all__ = ["clustered_shares"]


def clustered_shares(hits: Array, groups: Groups, sets: Codes) -> Statistics:
    """Return the share of ones in each group, where what belongs to one data set is not independent.

    The standard error is that of a ratio of sums over data sets, ``sqrt(sum_d (sum_{i in d} (h_i - p))^2) / n``
    (Cochran 1977); with one fit a data set it is ``sqrt(p (1 - p) / n)`` of Morris, White and Crowther (2019,
    table 6). The interval is Wilson's with the effective number of fits, n over the design effect (Korn and
    Graubard 1998); where p is zero or one and says nothing of it, the number of data sets.

    Parameters
    ----------
    hits : (N,)
        One, zero, or NaN where there is nothing to count.
    groups
        The group of each.
    sets : (N,)
        The number of its data set.
    """
    used = np.isfinite(hits)
    hits, groups, sets = hits[used], groups[used], sets[used]
    n, share = groups.count(), groups.mean(hits)
    clusters, of = np.unique(np.stack([groups.code, sets]), axis=1, return_inverse=True)
    within = Groups(of.ravel().astype(np.int64), clusters.shape[1])
    between = Groups(clusters[0], groups.size)
    variance = between.total(within.total(groups.centred(hits)) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.where(share * (1 - share) > 0, variance / (n * share * (1 - share)), n / between.count())
        # a hair for n / 1.0000000000000002
        effective = np.floor(n / np.maximum(effect, 1) + 1e-9)
        mcse = np.sqrt(variance) / n
    effective = np.where(n > 0, np.maximum(effective, 1), 0).astype(np.int64)
    lower, upper = wilson_bounds(np.where(n > 0, share, 0) * effective, effective)
    none = np.where(n == 0, np.nan, 0.0)
    return Statistics(value=share, mcse=mcse, lower=lower + none, upper=upper + none, n_used=n)
