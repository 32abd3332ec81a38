"""Parametric bootstrap intervals: percentiles of refits, or the shortest interval that holds their share.

Efron and Tibshirani (1993). What is bootstrapped is the whole of the estimator: of an Adam fit its
start, its minibatches and where it stops, so that its optimizer's error is in the interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import Engine, Progress
from bayescompare.fits import Basis, Fit, Flag
from bayescompare.intervals.kinds import REFITS
from bayescompare.intervals.posterior import EqualTails, Shortest
from bayescompare.intervals.refits import Refits, refits_of
from bayescompare.likelihood.problem import Problem

__all__ = ["Bootstrap", "percentile", "shortest"]

Array = npt.NDArray[np.float64]

_NO_SIGMA = "no residual sd to simulate from"
_DIVERGED = "diverged: nothing to simulate from"
_AWAY = "simulated from an estimate that is not at an optimum"
_WORSE = "simulated from a worse optimum than another fit's"
_SAID = {Flag.PREMATURE: _AWAY, Flag.NOT_STATIONARY: _AWAY, Flag.WORSE_OPTIMUM: _WORSE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap(Basis):
    """Estimates of refits, and what is to be known of them.

    Parameters
    ----------
    values : (S, k)
        Of those that did not fail; NaN where an estimate is not defined, and all of a parameter without an interval.
    n, n_failed, n_singular
        Refits made, those without an estimate, and those whose optimum is at a boundary.
    reasons : (k,)
    shortest
        The shortest interval that holds a share of the refits, not their quantiles.
    """

    values: Array
    n: int
    n_failed: int
    n_singular: int
    reasons: tuple[str, ...]
    shortest: bool = False

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds."""
        kind = Shortest if self.shortest else EqualTails
        out = np.full((self.values.shape[1], 2), np.nan)
        for row, column in zip(out, self.values.T, strict=True):
            known = column[~np.isnan(column)]
            if len(known):
                row[:] = kind(known[:, None], ("",)).bounds(level)[0]
        return out

    @property
    def reason(self) -> tuple[str, ...]:
        """Why there is none, or what happened to the refits."""
        return self.reasons


def percentile(
    problem: Problem,
    fit: Fit,
    engine: Engine,
    seed: np.random.SeedSequence,
    *,
    refits: int = REFITS,
    progress: Progress | None = None,
) -> Bootstrap | None:
    """Return percentile intervals of a point estimate, None of a fit of a distribution.

    Parameters
    ----------
    refits
        How many.
    progress
        Called as they go on.
    """
    if fit.draws is not None or fit.variational is not None:
        return None
    fault = _fault(fit)
    if fault:
        nothing = np.empty((0, fit.layout.size))
        return Bootstrap(values=nothing, n=0, n_failed=0, n_singular=0, reasons=(fault,) * fit.layout.size)
    unknown = problem.identified.given | problem.identified.errors | np.isnan(fit.estimate)
    return _basis(fit, unknown, refits_of(problem, fit, engine, seed, refits, progress))


def shortest(
    problem: Problem,
    fit: Fit,
    engine: Engine,
    seed: np.random.SeedSequence,
    *,
    refits: int = REFITS,
    progress: Progress | None = None,
    made: Mapping[str, Basis] = {},
) -> Bootstrap | None:
    """Return the shortest intervals; of the same refits where ``made`` has the kind ``bootstrap``. See `percentile`."""
    same = made.get("bootstrap")
    found = same if isinstance(same, Bootstrap) else percentile(
        problem, fit, engine, seed, refits=refits, progress=progress
    )  # fmt: skip
    return None if found is None else replace(found, shortest=True)


def _fault(fit: Fit) -> str:
    """Return why nothing can be simulated from a fit, or nothing."""
    sigma = fit.estimate[fit.layout.sigma]
    if Flag.DIVERGED in fit.flags:
        return _DIVERGED
    return "" if np.isfinite(sigma) and sigma > 0 else _NO_SIGMA


def _basis(fit: Fit, unknown: npt.NDArray[np.bool_], found: Refits) -> Bootstrap:
    """Return the intervals of some refits, none of what is not known."""
    kept, n = found.values[~found.failed], len(found.values)
    n_failed, n_singular = n - len(kept), int(found.singular.sum())
    said = [_SAID[flag] for flag in fit.flags if flag in _SAID]
    said += [f"{n_failed:,} of {n:,} refits failed"] if n_failed else []
    said += [f"{n_singular:,} of {n:,} refits are at a boundary"] if n_singular else []
    reasons = [
        why if no else "; ".join([*said, *([] if count == len(kept) else [f"{count:,} of {n:,} refits have a number"])])
        for no, why, count in zip(unknown, fit.reason, np.sum(~np.isnan(kept), axis=0), strict=True)
    ]
    return Bootstrap(
        values=np.where(unknown | (2 * len(kept) < n), np.nan, kept),
        n=n,
        n_failed=n_failed,
        n_singular=n_singular,
        reasons=tuple(reasons),
    )
