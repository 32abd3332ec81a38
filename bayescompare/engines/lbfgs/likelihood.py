"""SciPy L-BFGS-B on the marginal (restricted) likelihood: the statistician's point estimate."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import OneByOne, failed_fit, note_flags, status_of
from bayescompare.engines.deadline import Deadline, nothing_yet
from bayescompare.engines.lbfgs.limit import cut_short
from bayescompare.engines.lbfgs.search import FIXED_STARTS, Optimum, search
from bayescompare.engines.lbfgs.way import Way, natural_of
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.layout import Layout
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.wald import AT_BOUNDARY, curvature
from bayescompare.seeds import generator, seed_key

__all__ = ["LbfgsML", "LbfgsREML", "natural_at"]

Array = npt.NDArray[np.float64]

# An sd that is not identified, in residual sds, that rounding keeps off zero.
_ROUNDING = 1e-6


def natural_at(problem: Problem, optimum: Optimum) -> Array:
    """Return the natural parameters ``(k,)`` at an optimum; a relative root of zero is an sd of exactly zero."""
    return natural_of(problem, optimum.root, optimum.delta, optimum.sigma)


@dataclass(frozen=True, kw_only=True)
class _Lbfgs(OneByOne):
    """Profiled likelihood by L-BFGS-B.

    Parameters
    ----------
    starts
        Dispersed starts, of which the best end is kept.
    coordinates
        ``cholesky``: entries of the relative Cholesky factor, with the safeguards at zero;
        ``log-sd``: logs of the relative sds and Fisher z, which cannot reach zero, without.
    """

    engine: ClassVar[str] = "lbfgs"
    reml: ClassVar[bool] = False

    starts: int = 4
    coordinates: Literal["cholesky", "log-sd"] = "cholesky"

    def __post_init__(self) -> None:
        """Refuse a number of starts below one."""
        if self.starts < 1:
            raise EstimatorError(f"{self.name}: starts must be at least 1, not {self.starts}.")

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence, limit: float | None = None) -> Fit:
        """Fit one problem, in so many seconds; see `Engine.fit`."""
        started, until = time.perf_counter(), Deadline(limit)
        optimum = search(
            problem,
            reml=self.reml,
            starts=self.starts,
            coordinates=self.coordinates,
            rng=generator(seed) if self.starts > FIXED_STARTS else None,
            until=until,
        )
        seconds = time.perf_counter() - started
        if not np.isfinite(optimum.deviance):
            return self._nowhere(problem, until, seconds)
        fit = self._result(problem, optimum, seconds, seed_key(seed))
        return cut_short(fit, until.limit) if until.cut else fit

    def _nowhere(self, problem: Problem, until: Deadline, seconds: float) -> Fit:
        """Return the row of a fit without a point at which the likelihood is finite."""
        if until.cut:
            return failed_fit(self.label, problem.layout, nothing_yet(until.limit), Status.TIMEOUT, seconds=seconds)
        return failed_fit(self.label, problem.layout, "the likelihood is not finite at any start", seconds=seconds)

    def _way(self, optimum: Optimum) -> dict[str, Way]:
        """Return the way of the search as it was; a path is made of it where one is asked for."""
        return {"way": Way(visits=optimum.visits, reml=self.reml, coordinates=self.coordinates)}

    def _result(self, problem: Problem, optimum: Optimum, seconds: float, seed_key: str) -> Fit:
        layout, theta = problem.layout, natural_at(problem, optimum)
        bend, known = curvature(problem, theta, reml=self.reml), _determined(problem, theta, reml=self.reml)
        flags = [*note_flags(problem), *_flags(optimum, known, layout, bend.reason)]
        return Fit(
            estimator=self.label,
            layout=layout,
            status=status_of(flags),
            flags=tuple(flags),
            message=optimum.message,
            estimate=known,
            se=bend.se,
            working_se=bend.working_se,
            estimand=("REML mode" if self.reml else "ML mode",) * layout.size,
            reason=bend.reason,
            objective=optimum.deviance + (problem.products.log_det_x if self.reml else 0.0),
            grad_norm=optimum.gradient,
            seconds=seconds,
            evaluations=optimum.evaluations,
            seed_key=seed_key,
            random_effects=conditional_effects(problem, known),
            info={"starts_deviance": optimum.ends, **_in_full(problem, theta), **self._way(optimum)},
        )


def _in_full(problem: Problem, theta: Array) -> dict[str, Array]:
    """Return what `Fit.optimum` is where some of it is no estimate."""
    return {} if problem.identified.everything else {"optimum": theta}


def _determined(problem: Problem, theta: Array, *, reml: bool) -> Array:
    """Return an optimum ``(k,)`` without what the data do not determine.

    The likelihood has a maximum at zero where the fixed effects take up the groups: it falls with ``log|V|`` alone.
    """
    layout, found = problem.layout, problem.identified
    if found.everything:
        return theta
    known, size = theta.copy(), np.sqrt(np.mean(problem.z**2, axis=0))
    known[found.unknown(reml=reml)] = np.nan
    tiny = known[layout.sd] * size < _ROUNDING * theta[layout.sigma]
    known[layout.sd] = np.where(found.given[layout.sd] & tiny, 0.0, known[layout.sd])
    for k, (i, j) in enumerate(layout.pairs, layout.cor.start):
        known[k] = np.nan if 0.0 in known[layout.sd][[i, j]] else known[k]
    return known


def _flags(optimum: Optimum, theta: Array, layout: Layout, reasons: tuple[str, ...]) -> list[Flag]:
    """Return what a reader must know about the optimum."""
    flags = []
    effects = optimum.at_zero or np.any(theta[layout.sd] == 0) or np.any(np.abs(theta[layout.cor]) == 1)
    if effects or reasons[layout.sigma] == AT_BOUNDARY:
        flags.append(Flag.BOUNDARY)
    if not optimum.converged:
        flags.append(Flag.NOT_STATIONARY)
    return flags


class LbfgsML(_Lbfgs):
    """Maximum marginal likelihood."""

    name: ClassVar[str] = "lbfgs-ml"


class LbfgsREML(_Lbfgs):
    """Restricted maximum likelihood: the variance parameters account for the fixed effects fitted."""

    name: ClassVar[str] = "lbfgs-reml"
    reml: ClassVar[bool] = True
