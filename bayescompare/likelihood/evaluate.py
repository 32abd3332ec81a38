"""The likelihood at natural parameters, and the random effects given them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.fits import RandomEffects
from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import covariance_root, roots_of_draws
from bayescompare.likelihood.problem import Problem

__all__ = ["conditional_effects", "deviance", "draw_effects", "group_loglik", "profiled_deviance"]

Array = npt.NDArray[np.float64]


def deviance(problem: Problem, theta: Array) -> float:
    """Return -2 log likelihood at natural parameters ``(k,)``; sds may be zero, R may be singular."""
    products, layout = problem.products, problem.layout
    root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
    sigma = theta[layout.sigma]
    lam = products.relative_root(root, sigma)
    log_det, h = kernel.sums(lam, products.r, products.c, products.within)
    e = np.append(-products.delta(theta[layout.beta]), 1.0)
    return float(log_det + products.n * np.log(2 * np.pi * sigma**2) + e @ h @ e / sigma**2)


def profiled_deviance(problem: Problem, theta: Array, *, reml: bool) -> float:
    """Return the (restricted) deviance at the sds, correlations and sigma, at their best ``beta``."""
    products, layout = problem.products, problem.layout
    root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
    lam = products.relative_root(root, theta[layout.sigma])
    value = kernel.steady(
        lam, products.r, products.c, products.within, float(products.n), reml, float(theta[layout.sigma])
    )[0]
    return float(value) + (products.log_det_x if reml else 0.0)


def _given(problem: Problem, theta: Array) -> tuple[Array, Array]:
    """Return the modes ``(J, q)`` and a root of their covariances ``(J, q, q)``."""
    products, layout = problem.products, problem.layout
    root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
    sigma = theta[layout.sigma]
    lam = products.relative_root(root, sigma)
    _, _, roots, solved, _ = kernel.forward(lam, products.r, products.c, products.within)
    e = np.append(-products.delta(theta[layout.beta]), 1.0)
    scaled = np.einsum("jab,ja->jb", roots, solved @ e)
    modes = scaled @ (root / sigma).T
    inner = np.linalg.cholesky(np.linalg.inv(np.eye(layout.q) + np.swapaxes(roots, 1, 2) @ roots))
    return modes, root @ inner


def conditional_effects(problem: Problem, theta: Array) -> RandomEffects | None:
    """Return the conditional modes of the random effects and their sds, given the parameters.

    Bates et al. (2015, equation 56 and section 5.3); None for a model without groups.
    """
    products, layout = problem.products, problem.layout
    if layout.q == 0 or not np.all(np.isfinite(theta[layout.sd])):
        return None
    root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
    lam = products.relative_root(root, theta[layout.sigma])
    delta, sigma = products.delta(theta[layout.beta]), theta[layout.sigma]
    mode, sd = kernel.conditional_moments(root, lam, delta, sigma, products.r, products.c)
    return RandomEffects(mode=mode, sd=sd)


def draw_effects(problem: Problem, values: Array, rng: np.random.Generator) -> Array:
    """Draw the random effects from their exact Gaussian conditional at each of ``(S, k)`` parameter vectors."""
    layout = problem.layout
    out = np.empty((len(values), len(layout.levels), layout.q))
    for s, theta in enumerate(values):
        modes, roots = _given(problem, theta)
        out[s] = modes + np.einsum("jab,jb->ja", roots, rng.standard_normal(modes.shape))
    return out


def group_loglik(problem: Problem, values: Array) -> Array:
    """Return the marginal log likelihood of each group at each of ``S`` parameter vectors, ``(S, J)``."""
    products, layout = problem.products, problem.layout
    sigmas = np.ascontiguousarray(values[:, layout.sigma])
    lams = np.ascontiguousarray(products.relative_root(roots_of_draws(values, layout), sigmas))
    deltas = np.ascontiguousarray(products.delta(values[:, layout.beta]))
    deviances = kernel.group_deviances(deltas, lams, sigmas, products.r, products.c, products.w, products.rows)
    return np.asarray(-deviances / 2)
