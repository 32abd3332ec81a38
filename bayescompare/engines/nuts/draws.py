"""From the sampler's unbounded coordinates to parameters and random effects, all draws at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.engines.nuts.coordinates import Partials, correlations, factor_entries
from bayescompare.engines.nuts.model import whitening
from bayescompare.fits import RandomEffects
from bayescompare.layout import Layout
from bayescompare.likelihood import lanes
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import numpy_namespace

__all__ = ["draw_effects", "moments_of_effects", "natural_draws", "unbounded_point"]

Array = npt.NDArray[np.float64]


def _entries(z: Array, layout: Layout) -> list[list[Array]]:
    """Return the entries ``(S,)`` of the Cholesky factors of the correlations, given Fisher z ``(S, m)``."""
    xp = numpy_namespace()
    return factor_entries(Partials.of(list(z.T), np.tanh, xp), layout, xp)


def natural_draws(unbounded: Array, problem: Problem) -> Array:
    """Map draws ``(..., k)`` of the sampler's coordinates to natural parameters."""
    layout, products = problem.layout, problem.products
    inverse, log_sd0 = whitening(problem)
    out = np.empty_like(unbounded)
    out[..., layout.beta] = products.beta0 + products.scale * unbounded[..., layout.beta] @ inverse.T
    out[..., layout.sd] = np.exp(log_sd0 + unbounded[..., layout.sd])
    out[..., layout.sigma] = products.scale * np.exp(unbounded[..., layout.sigma])
    if layout.m:
        flat = unbounded[..., layout.cor].reshape(-1, layout.m)
        cor = np.stack(correlations(_entries(flat, layout), layout), axis=-1)
        out[..., layout.cor] = cor.reshape(*unbounded.shape[:-1], layout.m)
    return out


def unbounded_point(theta: Array, z: Array, problem: Problem) -> Array:
    """Return the sampler's coordinates of natural parameters ``(k,)``, Fisher z ``(m,)`` given; see `natural_draws`."""
    layout, products = problem.layout, problem.products
    out = np.empty_like(theta)
    out[layout.beta] = products.rx @ (theta[layout.beta] - products.beta0) / products.scale
    out[layout.sd] = np.log(theta[layout.sd]) - whitening(problem)[1]
    out[layout.cor] = z
    out[layout.sigma] = np.log(theta[layout.sigma] / products.scale)
    return out


def draw_effects(unbounded: Array, problem: Problem, rng: np.random.Generator) -> tuple[Array, RandomEffects]:
    """Draw the random effects from their exact conditional at each draw of the parameters.

    Parameters
    ----------
    unbounded : (chains, draws, k)
        Draws of the sampler's coordinates.

    Returns
    -------
    draws : (chains, draws, J, q)
    moments
        Posterior means and sds from the conditional moments, which have no noise of the draws above.
    """
    layout, products = problem.layout, problem.products
    chains, draws, k = unbounded.shape
    flat = unbounded.reshape(-1, k)
    sigma = products.scale * np.exp(flat[:, layout.sigma])
    sd = np.exp(whitening(problem)[1] + flat[:, layout.sd])
    root = np.zeros((len(flat), layout.q, layout.q))
    for i, row in enumerate(_entries(flat[:, layout.cor], layout)):
        for j, entry in enumerate(row):
            root[:, i, j] = sd[:, i] * entry
    out = rng.standard_normal((len(flat), len(layout.levels), layout.q))
    deltas = np.ascontiguousarray(products.scale * flat[:, layout.beta])
    lams = np.ascontiguousarray(products.relative_root(root, sigma))
    sums = np.zeros((4, layout.q, len(layout.levels)))
    both = lanes.groups_last(products.r), lanes.groups_last(products.c)
    lanes.draw_effects(deltas, root, lams, sigma, *both, out, sums)
    return out.reshape(chains, draws, *out.shape[1:]), _moments(sums, len(flat))


def _moments(sums: Array, count: int) -> RandomEffects:
    """Return mean of the conditional means, and root of mean variance plus variance of means."""
    shift, square, variance = sums[:3] / count
    return RandomEffects(mode=(sums[3] + shift).T, sd=np.sqrt(variance + square - shift**2).T)


def moments_of_effects(effects: Array) -> RandomEffects:
    """Return posterior means and sds of sampled random effects ``(chains, draws, J, q)``."""
    return RandomEffects(mode=effects.mean(axis=(0, 1)), sd=effects.std(axis=(0, 1), ddof=1))
