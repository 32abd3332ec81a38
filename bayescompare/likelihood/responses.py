"""Other responses on the rows of a problem: products of all of them with one rotation of the columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.likelihood import rotation
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.products import Products, centred, far_shift

__all__ = ["products_of", "with_responses"]

Array = npt.NDArray[np.float64]


def with_responses(problem: Problem, responses: Array) -> Iterator[Problem]:
    """Yield the problem of each of ``(S, n)`` responses; its priors are those of the problem as it is."""
    for y, products in zip(responses, products_of(problem, responses), strict=True):
        yield replace(problem, y=y, products=products)


def products_of(problem: Problem, responses: Array) -> Iterator[Products]:
    """Yield what `compress` returns for each of ``(S, n)`` responses: only their own columns are computed.

    Cross-products of the columns with each other are those of the problem; the columns are rotated once for all.
    """
    old, layout = problem.products, problem.layout
    order = np.argsort(problem.groups, kind="stable")
    basis, _, beta0, residual = centred(np.asarray(responses, dtype=float).T, problem.x)
    sorted_rows = np.ascontiguousarray((problem.z @ old.t)[order]), basis[order]
    edges = np.concatenate([[0], np.cumsum(old.rows)]).astype(np.intp)

    def rotated(columns: Array) -> tuple[Array, Array, Array]:
        found: tuple[Array, Array, Array] = rotation.along(*sorted_rows, np.ascontiguousarray(columns[order]), edges)
        return found

    for centre, left, *added in zip(beta0.T, residual.T, *rotated(residual), strict=True):
        new = _with_columns(old, basis, left, *added)
        shift = far_shift(new.r, new.c, new.w, float(old.n)) if layout.q and layout.p else None
        if shift is not None:
            left, centre = left - basis @ shift, centre + solve_triangular(old.rx, shift)
            new = _with_columns(old, basis, left, *(part[0] for part in rotated(left[:, None])))
        yield replace(new, beta0=centre, scale=float(np.sqrt(np.mean(left**2))))


def _with_columns(
    old: Products, basis: Array, residual: Array, rotated: Array, crossed: Array, square: Array
) -> Products:
    """Return products with another last column: ``rotated (J, q)``, and of the other rows ``(J, p)`` and ``(J,)``."""
    c, w = old.c.copy(), old.w.copy()
    c[:, :, -1] = rotated
    w[:, :-1, -1] = w[:, -1, :-1] = crossed
    w[:, -1, -1] = square
    within = old.within.copy()
    if c.shape[1]:
        within[:, -1] = within[-1] = w.sum(axis=0)[-1]
    else:
        within[:-1, -1] = within[-1, :-1] = basis.T @ residual
        within[-1, -1] = residual @ residual
    return replace(old, c=c, w=w, within=within)
