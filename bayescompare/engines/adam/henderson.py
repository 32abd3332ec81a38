"""The mixed-model equations of a problem at known variances, from its rotated data: what a penalised run is judged by.

Henderson (1950): the minimum over fixed and random effects of ``RSS / sigma^2 + sum_j b_j' S^-1 b_j`` is generalised
least squares and the best linear unbiased predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import covariance_root
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem

__all__ = ["Henderson", "Penalty", "penalty"]

Array = npt.NDArray[np.float64]

# Sd of a direction of the effects, in residual sds, below which it is zero: its share of a fitted value is 1e-10.
_INVISIBLE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """What a covariance asks of the effects.

    Parameters
    ----------
    precision : (q, q)
        ``S^-1``, or where ``S`` is singular its inverse on what ``S`` reaches.
    reach : (q, q)
        Projection on that; effects outside of it are zero.
    """

    precision: Array
    reach: Array


def penalty(theta: Array, problem: Problem) -> Penalty:
    """Return the penalty at natural parameters ``(k,)``; sds may be zero and the correlations singular."""
    layout, d = problem.layout, problem.products
    sigma = theta[layout.sigma]
    root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
    directions, sizes, _ = np.linalg.svd(d.relative_root(root, sigma))
    counts = sizes > _INVISIBLE
    basis, back = directions[:, counts], d.t_inverse.T @ directions[:, counts]
    precision = (back / (sigma * sizes[counts]) ** 2) @ back.T
    return Penalty(precision=precision, reach=d.t @ basis @ back.T)


@dataclass(frozen=True, kw_only=True)
class Henderson:
    """The mixed-model equations.

    Parameters
    ----------
    problem
        With ``J`` levels.
    theta : (k,)
        Natural parameters of which the sds, correlations and sigma count.
    """

    problem: Problem
    theta: Array

    @cached_property
    def _cross(self) -> Array:
        """Return ``[X, r]' (V / sigma^2)^-1 [X, r]`` in orthonormal coordinates."""
        layout, d = self.problem.layout, self.problem.products
        root = covariance_root(self.theta[layout.sd], self.theta[layout.cor], layout)
        lam = d.relative_root(root, self.theta[layout.sigma])
        return np.asarray(kernel.forward(lam, d.r, d.c, d.within)[1])

    @cached_property
    def beta(self) -> Array:
        """Return the generalised least-squares fixed effects ``(p,)``."""
        d, h = self.problem.products, self._cross
        return np.asarray(d.beta(np.linalg.solve(h[:-1, :-1], h[:-1, -1])))

    @cached_property
    def beta_se(self) -> Array:
        """Return their standard errors given the variances ``(p,)``."""
        inverse = solve_triangular(self.problem.products.rx, np.eye(self.problem.layout.p))
        cov = inverse @ np.linalg.solve(self._cross[:-1, :-1], inverse.T)
        return np.asarray(self.theta[self.problem.layout.sigma] * np.sqrt(np.diag(cov)))

    @cached_property
    def effects(self) -> tuple[Array, Array]:
        """Return the predictions ``(J, q)`` and their sds given the fixed effects."""
        layout = self.problem.layout
        at = self.theta.copy()
        at[layout.beta] = self.beta
        found = conditional_effects(self.problem, at)
        return (np.zeros((0, 0)), np.zeros((0, 0))) if found is None else (found.mode, found.sd)
