"""Maps between natural parameters, covariance roots and working coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout
from bayescompare.likelihood import kernel, roots
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
    "variance_coordinates",
]

Array = npt.NDArray[np.float64]


def correlation_matrix(cor: Array, layout: Layout) -> Array:
    """Return the ``(..., q, q)`` correlation matrices of correlations ``(..., m)``."""
    matrix = np.broadcast_to(np.eye(layout.q), (*cor.shape[:-1], layout.q, layout.q)).copy()
    for k, (i, j) in enumerate(layout.pairs):
        matrix[..., i, j] = matrix[..., j, i] = cor[..., k]
    return matrix


def covariance_root(sd: Array, cor: Array, layout: Layout) -> Array:
    """Return the lower triangular root ``(q, q)`` of ``D R D``; R may be singular, an undefined correlation is zero."""
    return np.asarray(sd[:, None] * roots.partial_correlations(cor, layout.starts, layout.q)[1])


def roots_of_draws(values: Array, layout: Layout) -> Array:
    """Return roots ``(S, q, q)`` of the covariance at each of ``S`` parameter vectors ``(S, k)``."""
    eigenvalues, vectors = np.linalg.eigh(correlation_matrix(values[:, layout.cor], layout))
    return np.asarray(values[:, layout.sd, None] * vectors * np.sqrt(np.clip(eigenvalues, 0, None))[:, None, :])


def natural_from_root(root: Array, layout: Layout) -> tuple[Array, Array]:
    """Return sds ``(q,)`` and correlations ``(m,)`` of a covariance root; NaN where an sd is zero."""
    sd, cor = roots.sds_and_correlations(np.ascontiguousarray(root), layout.starts)
    return sd, cor


def correlations(partials: Array, layout: Layout, starts: npt.NDArray[np.intp]) -> Array:
    """Return the correlations ``(m,)`` of canonical partial correlations ``(m,)``."""
    factor = kernel.correlation_factor(partials, starts, layout.q)
    return np.array([factor[i] @ factor[j] for i, j in layout.pairs])


def partials_from_correlations(cor: Array, layout: Layout) -> Array:
    """Return the canonical partial correlations ``(m,)`` of correlations; inverse of `correlations`."""
    return np.asarray(roots.partial_correlations(cor, layout.starts, layout.q)[0])


def to_working(theta: Array, layout: Layout, products: Products) -> Array:
    """Map natural parameters ``(k,)`` to ``delta``, log sds, Fisher z of the partials, log sigma.

    A zero sd maps to minus infinity, a correlation of one to infinity; an undefined one to zero.
    """
    return np.concatenate([products.delta(theta[layout.beta]), variance_coordinates(theta, layout)])


def natural_working(theta: Array, layout: Layout) -> Array:
    """Return natural ``beta``, log sds, Fisher z of the partial correlations and log sigma of ``(k,)``."""
    return np.concatenate([theta[layout.beta], variance_coordinates(theta, layout)])


def variance_coordinates(theta: Array, layout: Layout) -> Array:
    """Return log sds, Fisher z of the partials and log sigma of natural parameters; see `to_working`."""
    return np.asarray(
        roots.variance_coordinates(theta[layout.sd], theta[layout.cor], theta[layout.sigma], layout.starts)
    )


def from_working(x: Array, layout: Layout, products: Products) -> Array:
    """Inverse of `to_working`."""
    cor: Any = correlations(np.tanh(x[layout.cor]), layout, products.starts) if layout.m else []
    beta = products.beta(x[layout.beta])
    return np.concatenate([beta, np.exp(x[layout.sd]), cor, [np.exp(x[-1])]])
