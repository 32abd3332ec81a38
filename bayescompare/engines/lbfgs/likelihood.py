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
from bayescompare.likelihood.wald import curvature
from bayescompare.seeds import generator, seed_key

__all__ = ["LbfgsML", "LbfgsREML", "natural_at"]

Array = npt.NDArray[np.float64]


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
        bend = curvature(problem, theta, reml=self.reml)
        flags = [*note_flags(problem), *_flags(optimum, theta, layout)]
        return Fit(
            estimator=self.label,
            layout=layout,
            status=status_of(flags),
            flags=tuple(flags),
            message=optimum.message,
            estimate=theta,
            se=bend.se,
            working_se=bend.working_se,
            estimand=("REML mode" if self.reml else "ML mode",) * layout.size,
            reason=bend.reason,
            objective=optimum.deviance + (problem.products.log_det_x if self.reml else 0.0),
            grad_norm=optimum.gradient,
            seconds=seconds,
            evaluations=optimum.evaluations,
            seed_key=seed_key,
            random_effects=conditional_effects(problem, theta),
            info={"starts_deviance": optimum.ends, **self._way(optimum)},
        )


def _flags(optimum: Optimum, theta: Array, layout: Layout) -> list[Flag]:
    """Return what a reader must know about the optimum."""
    flags = []
    if optimum.at_zero or np.any(theta[layout.sd] == 0) or np.any(np.abs(theta[layout.cor]) == 1):
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
