"""Log prior densities of draws, by variable."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood.coordinates import correlation_matrix
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import numpy_namespace

__all__ = ["log_priors"]

Array = npt.NDArray[np.float64]


def log_priors(problem: Problem, values: Array) -> dict[str, Array]:
    """Return the log prior of each variable at draws ``(..., k)``, in the shape of the variable.

    Correlations have one value a draw, the sum over blocks, under the name of their variable.
    """
    layout, priors, xp = problem.layout, problem.priors, numpy_namespace()
    found: dict[str, Array] = {}
    if layout.p:
        found["beta"] = _columns(priors.beta, values[..., layout.beta], xp)
    if layout.q:
        found[layout.sd_name] = _columns(priors.sd, values[..., layout.sd], xp)
    if layout.m:
        matrices = correlation_matrix(values[..., layout.cor], layout)
        blocks = [block for block in layout.block_slices if block.stop - block.start > 1]
        density = sum(
            prior.logp(np.linalg.cholesky(matrices[..., block, block]), xp)
            for block, prior in zip(blocks, priors.cor, strict=True)
        )
        found[layout.cor_name] = np.asarray(density)
    found["sigma"] = np.asarray(priors.sigma.logp(values[..., layout.sigma], xp))
    return found


def _columns(priors: Any, values: Array, xp: Any) -> Array:
    return np.stack([prior.logp(values[..., i], xp) for i, prior in enumerate(priors)], axis=-1)
