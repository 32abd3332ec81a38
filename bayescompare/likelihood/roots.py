"""Numba kernels between natural parameters, covariance roots and working coordinates, one point at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["partial_correlations", "sds_and_correlations", "variance_coordinates"]

# Diagonal of a correlation factor below which rounding made it.
_DEPENDENT = 1e-8


@njit(cache=True, error_model="numpy")
def partial_correlations(cor: Any, starts: Any, q: int) -> Any:
    """Return the partial correlations ``(m,)`` of correlations ``(m,)``, and the Cholesky factor ``(q, q)``.

    Inverse of `bayescompare.likelihood.kernel.correlation_factor`. The correlations may be singular: an
    effect that is a combination of those before it has a diagonal of zero, and what follows is not along
    it. An undefined correlation counts as zero.
    """
    factor, partials = np.zeros((q, q)), np.zeros(len(cor))
    position = 0
    for block in range(len(starts) - 1):
        first = starts[block]
        for i in range(first, starts[block + 1]):
            left = 1.0
            for j in range(first, i):
                rest = 0.0 if np.isnan(cor[position]) else cor[position]
                for k in range(first, j):
                    rest -= factor[i, k] * factor[j, k]
                partial = 0.0
                if factor[j, j] > _DEPENDENT and left > 0.0:
                    partial = min(max(rest / factor[j, j] / left, -1.0), 1.0)
                factor[i, j] = partial * left
                left *= np.sqrt((1.0 - partial) * (1.0 + partial))
                partials[position] = partial
                position += 1
            factor[i, i] = left
    return partials, factor


@njit(cache=True, error_model="numpy")
def variance_coordinates(sd: Any, cor: Any, sigma: float, starts: Any) -> Any:
    """Return log sds, Fisher z of the partial correlations, and log sigma; infinite at a boundary."""
    q, m = len(sd), len(cor)
    out, partials = np.empty(q + m + 1), partial_correlations(cor, starts, q)[0]
    for k in range(q):
        out[k] = np.log(sd[k])
    for k in range(m):
        out[q + k] = np.arctanh(partials[k])
    out[q + m] = np.log(sigma)
    return out


@njit(cache=True, error_model="numpy")
def sds_and_correlations(root: Any, starts: Any) -> Any:
    """Return the sds ``(q,)`` and the correlations ``(m,)`` of a covariance root; NaN where an sd is zero."""
    q, m = len(root), 0
    for block in range(len(starts) - 1):
        m += (starts[block + 1] - starts[block]) * (starts[block + 1] - starts[block] - 1) // 2
    sd, cor, position = np.empty(q), np.empty(m), 0
    for i in range(q):
        total = 0.0
        for k in range(q):
            total += root[i, k] * root[i, k]
        sd[i] = np.sqrt(total)
    for block in range(len(starts) - 1):
        for i in range(starts[block], starts[block + 1]):
            for j in range(starts[block], i):
                total = 0.0
                for k in range(q):
                    total += root[i, k] / sd[i] * (root[j, k] / sd[j])
                cor[position] = min(max(total, -1.0), 1.0) if sd[i] > 0.0 and sd[j] > 0.0 else np.nan
                position += 1
    return sd, cor
