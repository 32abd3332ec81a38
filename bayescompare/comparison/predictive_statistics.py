"""Statistics of simulated responses, and their distributions as bands of quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood.problem import Problem

__all__ = ["NEEDS_CENTRE", "Fan", "fan_of", "group_means", "statistics_of"]

Array = npt.NDArray[np.float64]

#: Statistics that an intercept moves.
NEEDS_CENTRE = ("mean", "smallest", "largest")

_SHARES = np.linspace(0.01, 0.99, 99)
_BANDS = (0.025, 0.25, 0.5, 0.75, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """The quantile function of a sample, over many simulated ones and as it was observed.

    Parameters
    ----------
    shares : (T,)
        Probabilities of the quantiles.
    bands : (5, T)
        Quantiles 2.5, 25, 50, 75 and 97.5 % over the simulations of each quantile.
    observed : (T,)
    """

    shares: Array
    bands: Array
    observed: Array


def fan_of(simulated: Array, observed: Array) -> Fan:
    """Return the fan of samples ``(S, n)`` and the observed ``(n,)``; simulations that overflow are left out."""
    kept = simulated[np.all(np.isfinite(simulated), axis=1)]
    each = np.quantile(kept, _SHARES, axis=1) if len(kept) else np.full((len(_SHARES), 1), np.nan)
    return Fan(
        shares=_SHARES,
        bands=np.quantile(each, _BANDS, axis=1),
        observed=np.quantile(observed, _SHARES),
    )


def group_means(responses: Array, problem: Problem) -> Array:
    """Return the means ``(S, J)`` of responses ``(S, n)`` over the rows of each group."""
    order = np.argsort(problem.groups, kind="stable")
    rows = np.bincount(problem.groups)
    starts = np.concatenate([[0], np.cumsum(rows)[:-1]])
    return np.asarray(np.add.reduceat(responses[:, order], starts, axis=1) / rows)


def statistics_of(responses: Array, problem: Problem) -> dict[str, Array]:
    """Return statistics of responses ``(S, n)``, each ``(S,)``, by name."""
    smallest, largest = responses.min(axis=1), responses.max(axis=1)
    found = {
        "mean": responses.mean(axis=1),
        "sd": responses.std(axis=1, ddof=1),
        "smallest": smallest,
        "largest": largest,
        "range": largest - smallest,
    }
    if problem.layout.q:
        found["sd of group means"] = group_means(responses, problem).std(axis=1, ddof=1)
    return found
