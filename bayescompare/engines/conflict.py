"""Prior-data conflict that costs next to nothing to see: the likelihood's estimate against each prior, and hard walls.

Power-scaling cannot see the second: inside its walls a uniform prior is the same to any power.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import status_of
from bayescompare.engines.lbfgs.likelihood import natural_at
from bayescompare.engines.lbfgs.search import FIXED_STARTS, search
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.wald import curvature
from bayescompare.priors import Prior
from bayescompare.priors.tails import RARE, beyond, walls

__all__ = ["Likeliest", "conflicts", "likeliest", "prior_tails", "with_conflicts"]

Array = npt.NDArray[np.float64]

# Standard errors to each side of the ML estimate that must lie in a prior's tail.
_ERRORS = 2.0
# Share of the draws within the last tenth of their way to a wall that is no even spread any more: twice a tenth.
_LAST, _PILED = 0.1, 0.2
# Standard errors from a wall at which an estimate is at it.
_NEAR = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeliest:
    """The maximum of the marginal likelihood with its standard errors, both ``(k,)``."""

    estimate: Array
    se: Array


def likeliest(problem: Problem) -> Likeliest | None:
    """Return the ML estimate, None where the likelihood has no finite maximum."""
    starts = FIXED_STARTS if problem.layout.q else 0
    optimum = search(problem, reml=False, starts=starts, coordinates="cholesky")
    if not np.isfinite(optimum.deviance):
        return None
    estimate = natural_at(problem, optimum)
    return Likeliest(estimate=estimate, se=curvature(problem, estimate, reml=False).se)


def _marginal_priors(problem: Problem) -> Iterator[tuple[int, Prior, int]]:
    """Yield position, prior and, for a correlation, size of the matrix, of every parameter."""
    layout, priors = problem.layout, problem.priors
    for k, prior in enumerate((*priors.beta, *priors.sd)):
        yield k, prior, 0
    blocks = [block for block in layout.block_slices if block.stop - block.start > 1]
    for block, prior in zip(blocks, priors.cor, strict=True):
        for position, (i, _) in enumerate(layout.pairs):
            if block.start <= i < block.stop:
                yield layout.cor.start + position, prior, block.stop - block.start
    yield layout.sigma, priors.sigma, 0


def prior_tails(problem: Problem, ml: Likeliest) -> Array:
    """Return for each parameter the prior probability of the tail that its ML estimate, give or take two SE, lies in.

    NaN where the prior cannot be drawn from, or the estimate has no standard error; see `tails.beyond`.
    """
    found = np.full(problem.layout.size, math.nan)
    for k, prior, d in _marginal_priors(problem):
        if math.isfinite(ml.se[k]):
            reach = _ERRORS * ml.se[k]
            found[k] = beyond(prior, ml.estimate[k] - reach, ml.estimate[k] + reach, d)
    return found


def conflicts(problem: Problem, fit: Fit, ml: Likeliest | None) -> dict[str, str]:
    """Return label to sentence for each parameter whose prior and data disagree.

    The ML estimate and two standard errors to each side lie outside the prior's central 99.8 %; or a wall of the prior
    holds the posterior back: more than a fifth of its draws are in the last tenth of their way to it, or the
    estimate is at it.
    """
    labels, found = problem.layout.labels, {}
    tails = np.full(len(labels), math.nan) if ml is None else prior_tails(problem, ml)
    for k, prior, _ in _marginal_priors(problem):
        said = [
            *([_tail_sentence(prior, ml, k, tails[k])] if ml is not None and tails[k] < RARE else []),
            *_at_walls(prior, fit, k, math.nan if ml is None else ml.se[k]),
        ]
        if said:
            found[labels[k]] = f"{labels[k]}: {'; '.join(said)}"
    return found


def _tail_sentence(prior: Prior, ml: Likeliest, k: int, tail: float) -> str:
    estimate, reach = ml.estimate[k], _ERRORS * ml.se[k]
    share = f"{tail:.2g}" if tail else "under 0.00003"
    return (
        f"the ML estimate {estimate:.4g}, give or take {reach:.3g} (two standard errors), "
        f"lies in a tail of {prior!r} of probability {share}"
    )


def _at_walls(prior: Prior, fit: Fit, k: int, se: float) -> Iterator[str]:
    """Yield a sentence for each wall of a prior that a posterior, or its mode, is pressed against."""
    for wall in walls(prior):
        if not math.isfinite(wall):
            continue
        if fit.draws is not None:
            share = _piled(fit.draws.values[..., k].ravel(), wall)
            if share > _PILED:
                yield f"{share:.0%} of the posterior is piled up at the wall of {prior!r} at {wall:.4g}"
        elif math.isfinite(se) and abs(fit.estimate[k] - wall) <= _NEAR * se:
            yield f"the estimate is at the wall of {prior!r} at {wall:.4g}"


def _piled(values: Array, wall: float) -> float:
    """Return the share of draws in the last tenth of the way from the draw farthest from a wall to the wall."""
    away = np.abs(values - wall)
    return float(np.mean(away <= _LAST * away.max())) if np.all(np.isfinite(away)) else 0.0


def with_conflicts(fit: Fit, found: Mapping[str, str] | Sequence[str]) -> Fit:
    """Return a fit with the flag ``prior_conflict`` and its sentences, as it was where there are none."""
    said = list(found.values()) if isinstance(found, Mapping) else list(found)
    if not said or fit.status == Status.NOT_APPLICABLE:
        return fit
    flags = fit.flags if Flag.PRIOR_CONFLICT in fit.flags else (*fit.flags, Flag.PRIOR_CONFLICT)
    message = "; ".join([*([fit.message] if fit.message else []), f"prior and data disagree on {'; '.join(said)}"])
    return replace(fit, flags=flags, status=status_of(flags, fit.status), message=message)
