"""Which columns of a design are linear combinations of others, and which random effects cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["are_identifiable", "independent_columns"]

Array = npt.NDArray[np.float64]

_COLLINEAR = 1e-7
_CONSTANT = 1e-13
_SAME_IMAGE = 1e-10


def independent_columns(X: Array) -> tuple[int, ...]:
    """Return the positions of the columns that are not combinations of earlier ones.

    Columns are taken in order, so that of two collinear ones the later is left out. A column is
    judged by what projection leaves of it, relative to its spread about its mean where the earlier
    columns hold a constant; so neither an offset (a year, 1e6) nor a scale makes it collinear.

    Parameters
    ----------
    X
        Design matrix, shape (n, p).
    """
    return _scan(X)[0]


def are_identifiable(Z: Array, blocks: Sequence[slice]) -> bool:
    """Return whether different covariances of the random effects give different covariances of the response.

    With an orthonormal basis of each block, and ``Q R`` of the bases together, the response has
    covariance ``Q R S R' Q'``; so the free entries of ``S`` must have linearly independent images
    ``R_j R_k' + R_k R_j'``.

    Parameters
    ----------
    Z
        Columns of the random effects, shape (n, q).
    blocks
        Positions of the columns of each block; entries of ``S`` between blocks are zero.
    """
    bases = []
    for block in blocks:
        kept, basis = _scan(Z[:, block])
        if len(kept) < block.stop - block.start:
            return False
        bases.append(basis)
    triangle = np.linalg.qr(np.column_stack(bases), mode="r")
    pairs = [(j, k) for block in blocks for j in range(block.start, block.stop) for k in range(block.start, j + 1)]
    images = [np.outer(triangle[:, j], triangle[:, k]) for j, k in pairs]
    flat = np.array([(image + image.T).ravel() for image in images])
    return int(np.linalg.matrix_rank(flat, tol=_SAME_IMAGE)) == len(pairs)


def _scan(X: Array) -> tuple[tuple[int, ...], Array]:
    """Return the positions of the independent columns and an orthonormal basis of their span."""
    basis = np.empty((X.shape[0], 0))
    kept: list[int] = []
    for position in range(X.shape[1]):
        direction = _new_direction(_unit_scale(X[:, position]), basis)
        if direction is not None:
            kept.append(position)
            basis = np.column_stack((basis, direction))
    return tuple(kept), basis


def _unit_scale(column: Array) -> Array:
    largest = np.abs(column).max()
    return column / largest if largest > 0 else column


def _new_direction(column: Array, basis: Array) -> Array | None:
    """Return the unit vector that a column adds to an orthonormal basis, or None."""
    centred = column - column.mean() if _holds_constant(basis) else column
    spread = np.linalg.norm(centred)
    if basis.shape[1] == basis.shape[0] or spread <= _CONSTANT * np.linalg.norm(column):
        return None
    left = centred - basis @ (basis.T @ centred)
    left -= basis @ (basis.T @ left)
    size = np.linalg.norm(left)
    return left / size if size > _COLLINEAR * spread else None


def _holds_constant(basis: Array) -> bool:
    ones = np.ones(basis.shape[0])
    return bool(np.linalg.norm(ones - basis @ (basis.T @ ones)) < _COLLINEAR * np.linalg.norm(ones))
