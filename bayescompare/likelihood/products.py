"""Everything the data contribute to the likelihood, computed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.layout import Layout
from bayescompare.likelihood import kernel, rotation

__all__ = ["Products", "centred", "compress", "far_shift"]

Array = npt.NDArray[np.float64]

# Between-group sd, in residual sds, at which the centre of the fixed effects is taken.
_FAR = 1e3
# Below this share of the sum of squares the least-squares centre has lost digits.
_LOST = 1e-2


@dataclass(frozen=True, kw_only=True)
class Products:
    """Compressed data of one problem; see `bayescompare.likelihood.kernel` for the symbols.

    Parameters
    ----------
    r, c, w : (J, q, q), (J, q, p + 1), (J, p + 1, p + 1)
        Rotated random-effect columns, rotated ``[X, r]``, and cross-products of the other rows.
    within : (p + 1, p + 1)
        Sum of ``w`` over groups (all rows for a model without groups).
    rows : (J,)
        Rows of each group.
    n
        Number of rows.
    beta0, rx : (p,), (p, p)
        ``beta = beta0 + rx^-1 delta``.
    t : (q, q)
        The rotated data use ``Z T``; ``T`` is upper triangular within each block.
    starts : (blocks + 1,)
        First effect of each block, and ``q``.
    scale
        Root mean square of the residual ``r``, in units of the response.
    """

    r: Array
    c: Array
    w: Array
    within: Array
    rows: Array
    n: int
    beta0: Array
    rx: Array
    t: Array
    t_inverse: Array
    starts: npt.NDArray[np.intp]
    scale: float

    @property
    def log_det_x(self) -> float:
        """``log|X'X|``: what the restricted likelihood in ``delta`` lacks."""
        return float(2 * np.sum(np.log(np.abs(np.diag(self.rx)))))

    def delta(self, beta: Array) -> Array:
        """Map fixed effects ``(..., p)`` to the orthonormal coordinates."""
        return (beta - self.beta0) @ self.rx.T

    def beta(self, delta: Array) -> Array:
        """Map orthonormal coordinates ``(p,)`` back to fixed effects."""
        return np.asarray(self.beta0 + kernel.upper_solve(self.rx, delta[:, None])[:, 0])

    def relative_root(self, root: Array, sigma: Array | float) -> Array:
        """Map roots ``(..., q, q)`` of the effects' covariance to those of the rotated data, over sigma."""
        return self.t_inverse @ root / np.asarray(sigma)[..., None, None]


def _block_scale(z: Array) -> tuple[Array, Array]:
    """Return ``T`` and its inverse so that the columns of ``Z T`` are orthogonal with unit mean square."""
    upper = np.linalg.qr(z, mode="r") / np.sqrt(len(z))
    size = np.abs(np.diag(upper))
    # a column that depends on the others keeps its own scale: T must stay invertible
    floor = np.sqrt(np.mean(z**2, axis=0)) * 1e-10
    upper[np.diag_indices(len(size))] = np.where(size > floor, np.diag(upper), np.maximum(floor, 1e-300))
    return np.linalg.inv(upper), upper


def centred(y: Array, x: Array) -> tuple[Array, Array, Array, Array]:
    """Return ``Q``, ``R_x``, the least-squares ``beta`` and its residual, free of the response's offset.

    Parameters
    ----------
    y : (n,) or (n, S)
        A response, or several as columns.
    x : (n, p)
    """
    beta = np.zeros((x.shape[1], *y.shape[1:]))
    if x.shape[1] == 0:
        return x, np.zeros((0, 0)), beta, y
    basis, rx = np.linalg.qr(x)
    constant = np.flatnonzero((np.ptp(x, axis=0) == 0) & (x[0] != 0))
    if len(constant):
        # a difference of near numbers is exact: the fit of a far level would round every row by itself
        nearest = np.argmin(np.abs(y - y.mean(axis=0)), axis=0, keepdims=True)
        level = np.take_along_axis(y, nearest, axis=0)[0]
        beta[constant[0]] = level / x[0, constant[0]]
        y = y - level
    first = basis.T @ y
    residual = y - basis @ first
    second = basis.T @ residual
    return basis, rx, beta + solve_triangular(rx, first + second), residual - basis @ second


def _in_coordinates(y: Array, x: Array, like: Products) -> tuple[Array, Array, Array, Array]:
    """Return what `centred` does, in the coordinates of other data."""
    basis = solve_triangular(like.rx, x.T, trans="T").T if x.shape[1] else x
    return basis, like.rx, like.beta0, y - x @ like.beta0


def compress(
    *,
    y: Array,
    x: Array,
    z: Array,
    groups: npt.NDArray[np.intp],
    count: int,
    layout: Layout,
    like: Products | None = None,
) -> Products:
    """Return the products of one data set.

    Parameters
    ----------
    y, x, z : (n,), (n, p), (n, q)
    groups : (n,)
        Index of each row's group.
    count
        Number of groups ``J``; every one has a row.
    like
        Other data, whose fixed effects' coordinates are used: these rows alone need not tell the columns apart.
    """
    n, q = z.shape
    order = np.argsort(groups, kind="stable")
    basis, rx, beta0, residual = centred(y, x) if like is None else _in_coordinates(y, x, like)
    t, t_inverse = np.zeros((q, q)), np.zeros((q, q))
    for block in layout.block_slices:
        t[block, block], t_inverse[block, block] = _block_scale(z[:, block])
    edges = np.searchsorted(groups[order], np.arange(count + 1))
    rotated, columns = np.ascontiguousarray((z @ t)[order]), np.column_stack([basis, residual])[order]
    r, c, w = rotation.compress(rotated, columns, edges)
    shift = far_shift(r, c, w, float(n)) if q and x.shape[1] and like is None else None
    if shift is not None:
        residual = residual - basis @ shift
        beta0 = beta0 + solve_triangular(rx, shift)
        columns[:, -1] = residual[order]
        r, c, w = rotation.compress(rotated, columns, edges)
    return Products(
        r=r,
        c=c,
        w=w,
        within=w.sum(axis=0) if q else columns.T @ columns,
        rows=np.diff(edges).astype(float),
        n=n,
        beta0=beta0,
        rx=rx,
        t=t,
        t_inverse=t_inverse,
        starts=layout.starts,
        scale=float(np.sqrt(np.mean(residual**2))),
    )


def far_shift(r: Array, c: Array, w: Array, n: float) -> Array | None:
    """Return the step to the GLS fit at a large group sd where least squares is a poor centre, else None."""
    lam = np.eye(r.shape[1]) * _FAR
    _, h, *_ = kernel.forward(lam, r, c, w.sum(axis=0))
    m_inverse = np.linalg.pinv(h[:-1, :-1], hermitian=True)
    shift: Array = m_inverse @ h[:-1, -1]
    left = h[-1, -1] - h[:-1, -1] @ shift
    return shift if left < _LOST * h[-1, -1] else None
