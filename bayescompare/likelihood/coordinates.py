"""Maps between natural parameters, covariance roots and working coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout
from bayescompare.likelihood import kernel
from bayescompare.likelihood.products import Products

__all__ = [
    "correlation_matrix",
    "correlations",
    "covariance_root",
    "from_working",
    "natural_from_root",
    "natural_working",
    "partials_from_correlations",
    "roots_of_draws",
    "to_working",
]

Array = npt.NDArray[np.float64]


def correlation_matrix(cor: Array, layout: Layout) -> Array:
    """Return the ``(..., q, q)`` correlation matrices of correlations ``(..., m)``."""
    matrix = np.broadcast_to(np.eye(layout.q), (*cor.shape[:-1], layout.q, layout.q)).copy()
    for k, (i, j) in enumerate(layout.pairs):
        matrix[..., i, j] = matrix[..., j, i] = cor[..., k]
    return matrix


def covariance_root(sd: Array, cor: Array, layout: Layout) -> Array:
    """Return a root ``(q, q)`` of ``D R D``; it need not be triangular, and R may be singular."""
    values, vectors = np.linalg.eigh(correlation_matrix(cor, layout))
    root: Array = sd[:, None] * vectors * np.sqrt(np.clip(values, 0, None))
    return root


def roots_of_draws(values: Array, layout: Layout) -> Array:
    """Return roots ``(S, q, q)`` of the covariance at each of ``S`` parameter vectors ``(S, k)``."""
    eigenvalues, vectors = np.linalg.eigh(correlation_matrix(values[:, layout.cor], layout))
    roots: Array = values[:, layout.sd, None] * vectors * np.sqrt(np.clip(eigenvalues, 0, None))[:, None, :]
    return roots


def natural_from_root(root: Array, layout: Layout) -> tuple[Array, Array]:
    """Return sds ``(q,)`` and correlations ``(m,)`` of a covariance root; NaN where an sd is zero."""
    sd = np.sqrt(np.sum(root**2, axis=1))
    unit = np.divide(root, sd[:, None], out=np.full_like(root, np.nan), where=sd[:, None] > 0)
    cor = np.array([unit[i] @ unit[j] for i, j in layout.pairs])
    return sd, np.clip(cor, -1, 1)


def correlations(partials: Array, layout: Layout, starts: npt.NDArray[np.intp]) -> Array:
    """Return the correlations ``(m,)`` of canonical partial correlations ``(m,)``."""
    factor = kernel.correlation_factor(partials, starts, layout.q)
    return np.array([factor[i] @ factor[j] for i, j in layout.pairs])


def partials_from_correlations(cor: Array, layout: Layout) -> Array:
    """Return the canonical partial correlations ``(m,)`` of correlations; inverse of `correlations`."""
    factor = np.eye(layout.q)
    matrix = correlation_matrix(cor, layout)
    partials = np.zeros(layout.m)
    position = 0
    for block in layout.block_slices:
        for i in range(block.start, block.stop):
            left = 1.0
            for j in range(block.start, i):
                rest = matrix[i, j] - factor[i, :j] @ factor[j, :j]
                factor[i, j] = rest / factor[j, j] if factor[j, j] > 0 else 0.0
                partials[position] = np.clip(factor[i, j] / left, -1, 1) if left > 0 else 0.0
                left *= np.sqrt((1 - partials[position]) * (1 + partials[position]))
                position += 1
            factor[i, i] = left
    return partials


def to_working(theta: Array, layout: Layout, products: Products) -> Array:
    """Map natural parameters ``(k,)`` to ``delta``, log sds, Fisher z of the partials, log sigma.

    A zero sd maps to minus infinity, a correlation of one to infinity; an undefined one to zero.
    """
    with np.errstate(divide="ignore"):
        return np.concatenate([
            products.delta(theta[layout.beta]),
            np.log(theta[layout.sd]),
            np.arctanh(partials_from_correlations(np.nan_to_num(theta[layout.cor]), layout)),
            [np.log(theta[layout.sigma])],
        ])  # fmt: skip


def natural_working(theta: Array, layout: Layout) -> Array:
    """Return natural ``beta``, log sds, Fisher z of the partial correlations and log sigma of ``(k,)``."""
    with np.errstate(all="ignore"):
        return np.concatenate([
            theta[layout.beta],
            np.log(theta[layout.sd]),
            np.arctanh(partials_from_correlations(np.nan_to_num(theta[layout.cor]), layout)),
            [np.log(theta[layout.sigma])],
        ])  # fmt: skip


def from_working(x: Array, layout: Layout, products: Products) -> Array:
    """Inverse of `to_working`."""
    cor: Any = correlations(np.tanh(x[layout.cor]), layout, products.starts) if layout.m else []
    beta = products.beta(x[layout.beta])
    return np.concatenate([beta, np.exp(x[layout.sd]), cor, [np.exp(x[-1])]])
