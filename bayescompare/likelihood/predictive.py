"""Draws from the prior, and of new responses for new groups at given parameters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError
from bayescompare.likelihood.coordinates import roots_of_draws
from bayescompare.likelihood.problem import Problem

__all__ = ["draw_prior", "draw_proper", "draw_response"]

Array = npt.NDArray[np.float64]


def draw_prior(problem: Problem, rng: np.random.Generator, size: int) -> Array | None:
    """Return ``(size, k)`` parameter vectors from the prior, or None where a prior is improper."""
    drawn, missing = draw_proper(problem, rng, size)
    return None if missing else drawn


def draw_proper(problem: Problem, rng: np.random.Generator, size: int) -> tuple[Array, dict[str, str]]:
    """Return ``(size, k)`` parameter vectors from the prior, and why some parameters have no draws.

    Returns
    -------
    draws : (size, k)
        NaN for parameters that cannot be drawn.
    missing
        Label, as `PriorSet.labels` has it, to the reason.
    """
    layout, priors = problem.layout, problem.priors
    out, missing = np.full((size, layout.size), np.nan), {}
    singles = (*enumerate((*priors.beta, *priors.sd)), (layout.sigma, priors.sigma))
    for k, prior in singles:
        try:
            out[:, k] = prior.draw(rng, (size,))
        except PriorError as error:
            missing[layout.labels[k]] = str(error)
    matrices = np.broadcast_to(np.eye(layout.q), (size, layout.q, layout.q)).copy()
    blocks = [block for block in layout.block_slices if block.stop - block.start > 1]
    for block, prior in zip(blocks, priors.cor, strict=True):
        d = block.stop - block.start
        try:
            factor = prior.draw(rng, (size, d, d))
        except PriorError as error:
            missing[layout.cor_name] = str(error)
            factor = np.full((size, d, d), np.nan)
        matrices[:, block, block] = factor @ np.swapaxes(factor, 1, 2)
    for position, (i, j) in enumerate(layout.pairs):
        out[:, layout.cor.start + position] = matrices[:, i, j]
    return out, missing


def draw_response(problem: Problem, values: Array, rng: np.random.Generator) -> Array:
    """Return ``(S, n)`` responses of new groups of the same design at ``(S, k)`` parameter vectors."""
    layout = problem.layout
    mean = values[:, layout.beta] @ problem.x.T
    if layout.q:
        shape = (len(values), len(layout.levels), layout.q)
        effects = np.einsum("sab,sjb->sja", roots_of_draws(values, layout), rng.standard_normal(shape))
        mean += np.einsum("snq,nq->sn", effects[:, problem.groups], problem.z)
    return np.asarray(mean + values[:, [layout.sigma]] * rng.standard_normal(mean.shape))
