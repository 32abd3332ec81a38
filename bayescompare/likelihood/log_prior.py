"""Log prior densities of draws, by variable."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood.coordinates import correlation_matrix
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import numpy_namespace
from bayescompare.priors.answers import density

__all__ = ["log_priors", "not_finite"]

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
        total = sum(
            density(prior, np.linalg.cholesky(matrices[..., block, block]), xp)
            for block, prior in zip(blocks, priors.cor, strict=True)
        )
        found[layout.cor_name] = np.asarray(total)
    found["sigma"] = np.asarray(density(priors.sigma, values[..., layout.sigma], xp))
    return found


def not_finite(problem: Problem, theta: Array) -> str:
    """Name label, value and prior of each parameter whose density is zero, infinite or NaN at ``theta (k,)``.

    Correlations are left out; empty where there is none.
    """
    found = []
    for label, prior in problem.priors.labels().items():
        if label == problem.layout.cor_name:
            continue
        value = theta[problem.layout.index(label)]
        with np.errstate(all="ignore"):
            log_density = float(density(prior, value, numpy_namespace()))
        if not np.isfinite(log_density):
            found.append(f"{label} at {value:.6g} under {prior!r}")
    return f"the prior density is not finite near the data for {'; '.join(found)}" if found else ""


def _columns(priors: Any, values: Array, xp: Any) -> Array:
    return np.stack([density(prior, values[..., i], xp) for i, prior in enumerate(priors)], axis=-1)
