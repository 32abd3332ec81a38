"""The joint density of response and random effects, and where it has a local mode.

``F(theta) = min over beta and b of -2 log p(y, b)`` is the marginal deviance and the log determinants of the effects'
conditional covariances. It falls without bound as a direction of ``S`` goes to zero. With ``J`` levels of ``n`` rows,
an intercept each, ``s^2`` the mean square of the level means about their mean and ``sigma^2`` known,
``dF / d tau^2 = 0`` is ``tau^2 - s tau + sigma^2 / n = 0``: a local mode (the larger root) exists where
``s^2 >= 4 sigma^2 / n``, that is where the ML variance ``s^2 - sigma^2 / n`` is at least ``3 sigma^2 / n``. With
``sigma`` at its joint mode too it is ``(3 - 4 / n^2) sigma^2 / n``, in terms of the ML ``sigma``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.levels import LevelRows, residuals
from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import covariance_root, natural_from_root

__all__ = ["Resting", "joint_deviance", "resting"]

Array = npt.NDArray[np.float64]

# Relative change of the covariance at which iterated conditional modes have converged.
_SAME = 1e-10
# Sd of a direction of the effects, in residual sds, below which it has collapsed.
_GONE = 1e-7
_MOST = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """Where iterated conditional modes lead.

    Parameters
    ----------
    theta : (k,)
        The local mode; None where the covariance collapses.
    iterations
    """

    theta: Array | None
    iterations: int


def resting(problem: LevelRows, theta: Array) -> Resting:
    """Return where the joint density leads from some sds, correlations and sigma.

    Iterated conditional modes (Besag 1986): effects and beta given the variances, then ``S = sum_j b_j b_j' / J``
    and ``sigma^2 = RSS / n`` given them. The joint density rises in each step, so that its end is a local mode, or
    the edge where the density is unbounded.

    Parameters
    ----------
    theta : (k,)
        Natural parameters.
    """
    layout, d = problem.layout, problem.products
    root, sigma = covariance_root(theta[layout.sd], theta[layout.cor], layout), float(theta[layout.sigma])
    if not (np.isfinite(root).all() and np.isfinite(sigma) and sigma > 0):
        return Resting(theta=None, iterations=0)
    before = root @ root.T
    for iteration in range(1, _MOST + 1):
        lam = d.relative_root(root, sigma)
        if np.linalg.svd(lam, compute_uv=False)[-1] < _GONE:
            break
        _, h, roots, solved, _ = kernel.forward(lam, d.r, d.c, d.within)
        delta = np.linalg.solve(h[:-1, :-1], h[:-1, -1])
        e = np.append(-delta, 1.0)
        left = solved @ e
        effects = np.einsum("jab,ja->jb", roots, left) @ (root / sigma).T
        sigma = float(np.sqrt((e @ d.within @ e + np.sum(left**2)) / len(problem.y)))
        covariance = _blocks(effects.T @ effects / problem.count, problem)
        try:
            root = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            break
        change = np.abs(covariance - before).max(initial=0.0)
        before = covariance
        if change <= _SAME * np.abs(covariance).max(initial=0.0):
            sd, cor = natural_from_root(root, layout)
            return Resting(theta=np.concatenate([d.beta(delta), sd, cor, [sigma]]), iterations=iteration)
    return Resting(theta=None, iterations=iteration)


def _blocks(matrix: Array, problem: LevelRows) -> Array:
    """Return a matrix with zeros between effects that are not correlated."""
    out = np.zeros_like(matrix)
    for block in problem.layout.block_slices:
        out[block, block] = matrix[block, block]
    return out


def joint_deviance(problem: LevelRows, theta: Array, effects: Array) -> float:
    """Return -2 log joint density at natural parameters ``(k,)`` and effects ``(J, q)``."""
    layout = problem.layout
    sigma = theta[layout.sigma]
    with np.errstate(all="ignore"):
        root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
        squares = np.sum(residuals(problem, theta[layout.beta], effects) ** 2) / sigma**2
        value = len(problem.y) * np.log(2 * np.pi * sigma**2) + squares
        diagonal = np.abs(np.diag(root))
        if layout.q and (diagonal > 0).all():
            solved = np.linalg.solve(root, effects.T)
            value += problem.count * np.sum(np.log(2 * np.pi * diagonal**2)) + np.sum(solved**2)
        elif layout.q:
            value = -np.inf
    return float(value)
