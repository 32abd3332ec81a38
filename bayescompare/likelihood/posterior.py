"""-2 log joint density of data and parameters in working coordinates, with its gradient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import from_working
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import numpy_namespace

__all__ = ["Posterior"]

Array = npt.NDArray[np.float64]

_STEP = 1e-5


class Posterior:
    """-2 log posterior density, up to a constant, at ``(delta, log sd, Fisher z, log sigma)``.

    Parameters
    ----------
    problem
        Data and priors.
    jacobian
        With respect to the working coordinates of the sds, correlations and sigma, rather than
        to these themselves.
    """

    def __init__(self, problem: Problem, *, jacobian: bool) -> None:
        self.problem = problem
        self.jacobian = jacobian
        self._exponents = _jacobian_exponents(problem)

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Return the value and the gradient ``(k,)``; the prior's by central differences."""
        d = self.problem.products
        value, gradient = kernel.working(
            x, self.problem.layout.p, d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n)
        )
        steps = np.eye(len(x)) * _STEP * self._units()
        with np.errstate(all="ignore"):
            points = np.concatenate([x[None], x + steps, x - steps])
            log_prior = self.log_prior(points)
            k = len(x)
            slope = (log_prior[1 : k + 1] - log_prior[k + 1 :]) / (2 * _STEP * self._units())
        return float(value - 2 * log_prior[0]), gradient - 2 * np.where(np.isfinite(x), slope, 0.0)

    def _units(self) -> Array:
        """Return the natural size of a step in each coordinate."""
        units = np.ones(self.problem.layout.size)
        units[self.problem.layout.beta] = self.problem.products.scale
        return units

    def log_prior(self, x: Array) -> Array:
        """Return the log prior density at points ``(S, k)``, with the Jacobian if that is asked for."""
        problem, layout = self.problem, self.problem.layout
        data = problem.products
        beta = np.array([data.beta(point) for point in x[:, layout.beta]]).reshape(len(x), layout.p)
        partials = np.tanh(x[:, layout.cor])
        factor = np.array([kernel.correlation_factor(point, data.starts, layout.q) for point in partials])
        total = problem.priors.logp(beta, np.exp(x[:, layout.sd]), factor, np.exp(x[:, -1]), numpy_namespace())
        if self.jacobian:
            total = total + x[:, layout.sd].sum(axis=1) + x[:, -1]
            total = total + np.log1p(-(partials**2)) @ self._exponents
        return np.asarray(total)

    def standard_errors(self, x: Array, theta: Array) -> tuple[Array, Array]:
        """Return natural and working standard errors from the curvature at a mode; NaN at a bound."""
        layout = self.problem.layout
        active = np.flatnonzero(np.isfinite(x))
        units = self._units()
        rows = []
        for k in active:
            step = np.zeros(len(x))
            step[k] = 1e-3 * units[k]
            rows.append((self(x + step)[1] - self(x - step)[1])[active] / (2e-3 * units[k]))
        hessian = np.array(rows)
        nothing = np.full(len(x), np.nan)
        if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian + hessian.T)[0] <= 0:
            return nothing, nothing
        covariance = np.full((len(x), len(x)), np.nan)
        covariance[np.ix_(active, active)] = 2 * np.linalg.inv((hessian + hessian.T) / 2)
        working = np.sqrt(np.diag(covariance))
        inverse = np.linalg.inv(self.problem.products.rx)
        working[layout.beta] = np.sqrt(np.diag(inverse @ covariance[layout.beta, layout.beta] @ inverse.T))
        return self._natural(x, theta, covariance, working), working

    def _natural(self, x: Array, theta: Array, covariance: Array, working: Array) -> Array:
        """Return delta-method standard errors in natural units."""
        layout, natural = self.problem.layout, working.copy()
        natural[layout.sd] *= theta[layout.sd]
        natural[-1] *= theta[-1]
        if layout.m and np.all(np.isfinite(covariance[layout.cor, layout.cor])):
            steps = np.zeros((layout.m, len(x)))
            steps[:, layout.cor] = np.eye(layout.m) * 1e-6
            data = self.problem.products
            above, below = (np.array([from_working(x + s * h, layout, data) for h in steps]) for s in (1, -1))
            jacobian = (above - below)[:, layout.cor].T / 2e-6
            natural[layout.cor] = np.sqrt(np.diag(jacobian @ covariance[layout.cor, layout.cor] @ jacobian.T))
        return natural


def _jacobian_exponents(problem: Problem) -> Array:
    """Return the powers of ``1 - p^2`` in the Jacobian from Fisher z of the partials to correlations.

    ``(d - j) / 2`` for column ``j`` (from 0) of a block of ``d`` effects (Lewandowski et al. 2009).
    """
    exponents = [
        (block.stop - block.start - (j - block.start)) / 2
        for block in problem.layout.block_slices
        for i in range(block.start, block.stop)
        for j in range(block.start, i)
    ]
    return np.array(exponents, dtype=float)
