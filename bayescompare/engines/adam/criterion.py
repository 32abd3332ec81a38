"""The function that Adam minimised, as NumPy has it, with its optimum found by L-BFGS-B: what a run is judged by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.engines.lbfgs.map import LbfgsMAP
from bayescompare.fits import Fit
from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import to_working
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.posterior import Posterior
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.wald import curvature

__all__ = ["Criterion", "Likelihood", "PosteriorDensity"]

Array = npt.NDArray[np.float64]
StandardErrors = tuple[Array, Array, tuple[str, ...]]

_FLAT = "the posterior density is not curved there: no standard error"


@dataclass(frozen=True, slots=True)
class Criterion(ABC):
    """-2 log density of a problem at natural parameters."""

    problem: Problem
    estimand: ClassVar[str]

    @abstractmethod
    def value(self, theta: Array) -> float:
        """Return the criterion; infinity where the parameters are not finite."""

    @abstractmethod
    def slope(self, theta: Array) -> Array:
        """Return its gradient by orthonormal fixed effects, log sds, Fisher z and log sigma."""

    @abstractmethod
    def optimum(self, seed: np.random.SeedSequence) -> Fit:
        """Return its optimum, found independently of Adam."""

    @abstractmethod
    def standard_errors(self, theta: Array) -> StandardErrors:
        """Return natural and working standard errors at a point, and reasons where there is none."""

    def steepness(self, theta: Array, optimum: Fit | None) -> float:
        """Return the largest slope, in deviance a standard error of the optimum where there is one."""
        layout = self.problem.layout
        slope = self.slope(theta) if np.isfinite(theta).all() else np.full(layout.size, np.nan)
        slope[layout.beta] = slope[layout.beta] @ self.problem.products.rx
        se = np.ones(layout.size) if optimum is None or optimum.working_se is None else optimum.working_se
        return float(np.max(np.abs(slope * np.where(np.isfinite(se), se, 1.0))))


class Likelihood(Criterion):
    """The deviance: -2 log marginal likelihood."""

    estimand: ClassVar[str] = "ML mode"

    def value(self, theta: Array) -> float:
        """Return the deviance."""
        with np.errstate(all="ignore"):
            return deviance(self.problem, theta) if np.isfinite(theta).all() else float("inf")

    def slope(self, theta: Array) -> Array:
        """Return the gradient of the deviance."""
        layout, d = self.problem.layout, self.problem.products
        with np.errstate(all="ignore"):
            x = to_working(theta, layout, d)
            return np.asarray(kernel.working(x, layout.p, d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n))[1])

    def optimum(self, seed: np.random.SeedSequence) -> Fit:
        """Return the maximum likelihood fit."""
        return LbfgsML().fit([self.problem], [seed])[0]

    def standard_errors(self, theta: Array) -> StandardErrors:
        """Return Wald standard errors."""
        bend = curvature(self.problem, theta, reml=False)
        return bend.se, bend.working_se, bend.reason


class PosteriorDensity(Criterion):
    """-2 log joint posterior density by the natural parameters, without Jacobian."""

    estimand: ClassVar[str] = "posterior mode"

    def value(self, theta: Array) -> float:
        """Return the criterion up to the constant of the posterior."""
        return float(self._at(theta)[0]) if np.isfinite(theta).all() else float("inf")

    def slope(self, theta: Array) -> Array:
        """Return its gradient."""
        return self._at(theta)[1]

    def optimum(self, seed: np.random.SeedSequence) -> Fit:
        """Return the joint mode."""
        return LbfgsMAP().fit([self.problem], [seed])[0]

    def standard_errors(self, theta: Array) -> StandardErrors:
        """Return standard errors from the curvature at the mode."""
        x = to_working(theta, self.problem.layout, self.problem.products)
        se, working_se = Posterior(self.problem, jacobian=False).standard_errors(x, theta)
        return se, working_se, tuple("" if np.isfinite(value) else _FLAT for value in se)

    def _at(self, theta: Array) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            x = to_working(theta, self.problem.layout, self.problem.products)
            return Posterior(self.problem, jacobian=False)(x)
