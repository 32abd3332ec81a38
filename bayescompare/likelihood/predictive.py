"""Draws from the prior, and of new responses for new groups at given parameters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError
from bayescompare.likelihood.coordinates import roots_of_draws
from bayescompare.likelihood.problem import Problem

__all__ = ["draw_prior", "draw_response"]

Array = npt.NDArray[np.float64]


def draw_prior(problem: Problem, rng: np.random.Generator, size: int) -> Array | None:
    """Return ``(size, k)`` parameter vectors from the prior, or None where a prior is improper."""
    layout, priors = problem.layout, problem.priors
    out = np.empty((size, layout.size))
    try:
        for k, prior in enumerate((*priors.beta, *priors.sd)):
            out[:, k] = prior.draw(rng, (size,))
        out[:, layout.sigma] = priors.sigma.draw(rng, (size,))
        matrices = np.broadcast_to(np.eye(layout.q), (size, layout.q, layout.q)).copy()
        blocks = [block for block in layout.block_slices if block.stop - block.start > 1]
        for block, prior in zip(blocks, priors.cor, strict=True):
            d = block.stop - block.start
            factor = prior.draw(rng, (size, d, d))
            matrices[:, block, block] = factor @ np.swapaxes(factor, 1, 2)
    except PriorError:
        return None
    for position, (i, j) in enumerate(layout.pairs):
        out[:, layout.cor.start + position] = matrices[:, i, j]
    return out


def draw_response(problem: Problem, values: Array, rng: np.random.Generator) -> Array:
    """Return ``(S, n)`` responses of new groups of the same design at ``(S, k)`` parameter vectors."""
    layout = problem.layout
    mean = values[:, layout.beta] @ problem.x.T
    if layout.q:
        shape = (len(values), len(layout.levels), layout.q)
        effects = np.einsum("sab,sjb->sja", roots_of_draws(values, layout), rng.standard_normal(shape))
        mean += np.einsum("snq,nq->sn", effects[:, problem.groups], problem.z)
    return np.asarray(mean + values[:, [layout.sigma]] * rng.standard_normal(mean.shape))
