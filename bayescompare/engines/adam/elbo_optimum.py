"""The best known Gaussian of an ELBO, found by L-BFGS-B on fixed draws: what Adam's end is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bayescompare.engines.adam.elbo_gaussian import Gaussian
from bayescompare.engines.adam.elbo_objective import Data, NegativeElbo
from bayescompare.engines.adam.loop import Loop, loop
from bayescompare.engines.adam.scaling import Scaling
from bayescompare.engines.lbfgs.map import LbfgsMAP
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import covariance_root, natural_from_root, variance_coordinates
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem

__all__ = ["Bound", "best_known", "laplace"]

Array = npt.NDArray[np.float64]

_OPTIONS = {"maxiter": 2000, "maxfun": 3000, "maxcor": 30, "ftol": 1e-12, "gtol": 1e-4}
# Bounds on a start: log sds against that of the residuals, Fisher z, and the sds of these; the latter where not known.
_LOWEST, _WIDEST = -4.0, 2.0
_SDS = (0.01, 1.0)
_USUAL = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """-2 ELBO of one problem on fixed draws.

    Parameters
    ----------
    data
        Of `NegativeElbo`, for one replicate.
    """

    gaussian: Gaussian
    compiled: Loop
    data: tuple[Array, ...]

    @classmethod
    def of(cls, objective: NegativeElbo, data: Sequence[Array]) -> Bound:
        """Return the bound of an objective on its data."""
        gaussian = objective.gaussian
        compiled = loop(objective, 1, gaussian.size, "float64")
        return cls(gaussian=gaussian, compiled=compiled, data=tuple(compiled.tf.constant(each) for each in data))

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Return value and gradient at a vector."""
        tf = self.compiled.tf
        with tf.device("/CPU:0"):
            value, gradient = self.compiled.evaluate(tf.constant(x[None]), self.data)
        return float(value[0]), np.asarray(gradient[0])

    def steepness(self, x: Array) -> float:
        """Return the largest slope, in deviance a variational sd."""
        return float(np.max(np.abs(self(x)[1] * self.gaussian.units(x))))

    def descend(self, x: Array) -> tuple[Array, float]:
        """Return where L-BFGS-B ends from a vector, in steps of its sds, and the value there."""
        units = self.gaussian.units(x)

        def scaled(t: Array) -> tuple[float, Array]:
            value, gradient = self(x + units * t)
            usable = np.isfinite(value) and np.isfinite(gradient).all()
            return (value, gradient * units) if usable else (1e100, np.zeros(len(t)))

        found = minimize(scaled, np.zeros(len(x)), jac=True, method="L-BFGS-B", options=_OPTIONS)
        return x + units * found.x, float(found.fun)


def best_known(bound: Bound, end: Array, start: Array) -> tuple[Array, float]:
    """Return the best of an end, of what L-BFGS-B makes of it, and of what it makes of another start; and its value."""
    found = [(end, bound(end)[0]), bound.descend(end), bound.descend(start)]
    return min(found, key=lambda one: one[1])


def laplace(gaussian: Gaussian, problem: Problem, unit: Scaling, data: Data, seed: np.random.SeedSequence) -> Array:
    """Return the Gaussian at the posterior mode by Adam's coordinates, with the curvature there along each axis.

    The mode is that of the marginal posterior of the parameters, the effects at theirs given these; what is at a
    bound, or has no curvature, is moved to a usual value.
    """
    layout = problem.layout
    found = LbfgsMAP(coordinates="unconstrained").fit([problem], [seed])[0]
    v, b = _coordinates(found.estimate, unit, layout), found.estimate[layout.beta]
    b = np.linalg.solve(unit.fixed, b - unit.centre) if layout.p else b
    point = np.concatenate([b, v])
    root = unit.roots(point[None], layout)[0]
    theta = unit.natural(point[None], layout)[0]
    effects = conditional_effects(problem, theta)
    u = np.zeros((gaussian.groups, 0)) if effects is None else np.linalg.solve(root, effects.mode.T).T
    lam = problem.products.t_inverse @ root / unit.unit
    x = gaussian.start(v, 1.0)
    x[: layout.p], x[layout.size : gaussian.means] = b, u.ravel()
    x[gaussian.means : 2 * gaussian.means] = np.log(_sds(data, lam, v[-1], found.working_se, layout))
    return x


def _coordinates(theta: Array, unit: Scaling, layout: Layout) -> Array:
    """Return the variance parameters in Adam's coordinates, inside their bounds, of natural parameters."""
    sd, cor = np.nan_to_num(theta[layout.sd]), np.nan_to_num(theta[layout.cor])
    log_sigma = np.log(theta[layout.sigma] / unit.unit)
    if not layout.q:
        return np.array([log_sigma])
    scaled = np.linalg.solve(unit.unit * unit.effects, covariance_root(sd, cor, layout))
    scaled_sd, scaled_cor = natural_from_root(scaled, layout)
    natural = np.concatenate([np.zeros(layout.p), np.nan_to_num(scaled_sd), np.nan_to_num(scaled_cor), [1.0]])
    with np.errstate(divide="ignore"):
        v = variance_coordinates(natural, layout)
    q = layout.q
    return np.concatenate([np.maximum(v[:q], log_sigma + _LOWEST), np.clip(v[q:-1], -_WIDEST, _WIDEST), [log_sigma]])


def _sds(data: Data, lam: Array, log_sigma: float, se: Array | None, layout: Layout) -> Array:
    """Return sds of all coordinates: of the variance parameters as given, of the others by their precision."""
    p, precision = layout.p, np.exp(-2 * log_sigma)
    squares = np.sum(data.squares[0], axis=0)[:p, :p]
    of_b = np.diag(data.slope[0].T @ squares @ data.slope[0]) * precision
    of_u = 1 + precision * np.einsum("ba,jbc,ca->ja", lam, data.gram[0], lam)
    of_v = np.full(layout.size - p, _USUAL) if se is None else np.where(np.isfinite(se[p:]), se[p:], _USUAL)
    return np.concatenate([1 / np.sqrt(of_b), np.clip(of_v, *_SDS), 1 / np.sqrt(of_u.ravel())])
