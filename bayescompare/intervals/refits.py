"""Refits by the estimator that made a fit, on responses simulated from it: what a parametric bootstrap is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import Engine, Progress
from bayescompare.engines.lbfgs.likelihood import LbfgsML, LbfgsREML, natural_at
from bayescompare.engines.lbfgs.search import search_from
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood.coordinates import covariance_root
from bayescompare.likelihood.predictive import draw_response
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.responses import with_responses
from bayescompare.priors import resolve, set_priors
from bayescompare.seeds import below, generator

__all__ = ["Refits", "refits_of"]

Array = npt.NDArray[np.float64]

# Numbers that the responses simulated at once may have, and cross-products made of them.
_AT_ONCE = 4_000_000
_LOST = frozenset({Flag.DIVERGED, Flag.DEGENERATE, Flag.NOT_FINITE, Flag.NOT_STATIONARY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refits:
    """The estimates of refits, in the order of their seeds.

    Parameters
    ----------
    values : (S, k)
        NaN where an estimate is not defined; rows of NaN for refits that failed.
    singular : (S,)
        Whether the optimum of a refit is at a boundary.
    """

    values: Array
    singular: npt.NDArray[np.bool_]

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """Which of them have no estimate at all."""
        return np.isnan(self.values).all(axis=1)


def refits_of(
    problem: Problem,
    fit: Fit,
    engine: Engine,
    seed: np.random.SeedSequence,
    count: int,
    progress: Progress | None = None,
) -> Refits:
    """Return refits on responses simulated at the estimate, with the design and the groups as they are.

    L-BFGS-B on the (restricted) likelihood searches once, from the estimate, as lme4's ``refit`` does, and with its
    safeguards at zero; all others run as they did, with seeds of their own.

    Parameters
    ----------
    seed
        Of the responses, and of refits that draw numbers.
    """
    problems = _simulated(problem, fit.optimum, engine, generator(seed, 0), count)
    if isinstance(engine, LbfgsML | LbfgsREML) and engine.coordinates == "cholesky":
        return _searched(problems, fit, engine, count, progress)
    fits = engine.fit(list(problems), [below(seed, 1, k) for k in range(count)], progress)
    return Refits(
        values=np.array([np.full(len(one.estimate), np.nan) if _lost(one) else one.estimate for one in fits]),
        singular=np.array([not _lost(one) and Flag.BOUNDARY in one.flags for one in fits]),
    )


def _simulated(
    problem: Problem, theta: Array, engine: Engine, rng: np.random.Generator, count: int
) -> Iterator[Problem]:
    """Yield problems with responses drawn at natural parameters; what the estimator has no estimate of is zero."""
    at, layout = np.nan_to_num(theta), problem.layout
    once = max(1, _AT_ONCE // max(len(problem.y), len(layout.levels) * (layout.p + layout.q + 1) ** 2))
    for first in range(0, count, once):
        values = np.broadcast_to(at, (min(once, count - first), layout.size))
        for one in with_responses(problem, draw_response(problem, values, rng)):
            yield _with_own_priors(one) if engine.uses_priors else one


def _with_own_priors(problem: Problem) -> Problem:
    """Return a problem with the priors of its set for its own response, where the model leaves them to the data."""
    own = set_priors(problem.model.prior_set, problem.layout, problem.y, problem.x, problem.z)
    return replace(problem, priors=resolve(problem.model.own_priors, own))


def _lost(fit: Fit) -> bool:
    """Whether a refit has no estimate that means something."""
    return fit.status not in (Status.OK, Status.FLAGGED) or bool(_LOST & set(fit.flags))


def _searched(
    problems: Iterator[Problem], fit: Fit, engine: LbfgsML | LbfgsREML, count: int, progress: Progress | None
) -> Refits:
    """Return refits by one search each from the estimate."""
    layout, values, singular = fit.layout, np.full((count, fit.layout.size), np.nan), np.zeros(count, dtype=bool)
    root = covariance_root(fit.optimum[layout.sd], fit.optimum[layout.cor], layout)
    for k, problem in enumerate(problems):
        start = problem.products.relative_root(root, fit.estimate[layout.sigma])
        optimum = search_from(problem, start, reml=engine.reml)
        if np.isfinite(optimum.deviance) and optimum.converged:
            values[k] = natural_at(problem, optimum)
            bounds = np.any(values[k, layout.sd] == 0), np.any(np.abs(values[k, layout.cor]) == 1)
            singular[k] = optimum.at_zero or any(bounds)
        if progress and (k + 1) % 50 == 0:
            progress(k + 1, count)
    return Refits(values=values, singular=singular)
