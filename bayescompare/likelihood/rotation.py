"""Numba kernels of the rotation that compresses the rows of each group; see `bayescompare.likelihood.kernel`.

Loops rather than array expressions: Numba compiles them in a fraction of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["along", "compress", "moments"]


@njit(cache=True, error_model="numpy")
def compress(z: Any, xr: Any, starts: Any) -> Any:
    """Rotate each group's rows and return ``R (J, q, q)``, ``C (J, q, c)`` and ``W (J, c, c)``.

    Parameters
    ----------
    z : (n, q)
        Random-effect columns, rows sorted by group.
    xr : (n, c)
        Columns to be rotated along.
    starts : (J + 1,)
        First row of each group, and ``n``.
    """
    groups, q, c = len(starts) - 1, z.shape[1], xr.shape[1]
    r_out, c_out, w_out = np.zeros((groups, q, q)), np.zeros((groups, q, c)), np.zeros((groups, c, c))
    for j in range(groups):
        a = z[starts[j] : starts[j + 1]].copy()
        b = xr[starts[j] : starts[j + 1]].copy()
        rank = min(q, len(a))
        for k in range(rank):
            _reflect(a, b, k)
            for i in range(k, q):
                r_out[j, k, i] = a[k, i]
            for i in range(c):
                c_out[j, k, i] = b[k, i]
        _cross_products(b, rank, w_out[j])
    return r_out, c_out, w_out


@njit(cache=True, error_model="numpy")
def along(z: Any, x: Any, y: Any, starts: Any) -> Any:
    """Rotate each group's rows and return what each column of ``y`` adds to what `compress` returns for ``x``.

    Parameters
    ----------
    z, x, y : (n, q), (n, p), (n, S)
        Random-effect columns, others, and the columns wanted; rows sorted by group.
    starts : (J + 1,)
        First row of each group, and ``n``.

    Returns
    -------
    tuple
        Rotated ``y`` ``(S, J, q)``; of the other rows its products with ``x``, ``(S, J, p)``, and squares ``(S, J)``.
    """
    groups, q, p, count = len(starts) - 1, z.shape[1], x.shape[1], y.shape[1]
    rotated, crossed, square = np.zeros((count, groups, q)), np.zeros((count, groups, p)), np.zeros((count, groups))
    for j in range(groups):
        a, b = z[starts[j] : starts[j + 1]].copy(), np.empty((starts[j + 1] - starts[j], p + count))
        b[:, :p], b[:, p:] = x[starts[j] : starts[j + 1]], y[starts[j] : starts[j + 1]]
        rank = min(q, len(a))
        for k in range(rank):
            _reflect(a, b, k)
            for s in range(count):
                rotated[s, j, k] = b[k, p + s]
        for i in range(rank, len(a)):
            for s in range(count):
                square[s, j] += b[i, p + s] * b[i, p + s]
                for m in range(p):
                    crossed[s, j, m] += b[i, m] * b[i, p + s]
    return rotated, crossed, square


@njit(cache=True, error_model="numpy")
def _cross_products(b: Any, first: int, out: Any) -> None:
    """Add to ``out`` the cross-products of the rows of ``b`` from ``first``."""
    for i in range(first, b.shape[0]):
        for k in range(b.shape[1]):
            for m in range(b.shape[1]):
                out[k, m] += b[i, k] * b[i, m]


@njit(cache=True, error_model="numpy")
def _reflect(a: Any, b: Any, k: int) -> None:
    """Apply in place the Householder reflection that zeroes column ``k`` of ``a`` below row ``k``."""
    rows = a.shape[0]
    square = 0.0
    for i in range(k, rows):
        square += a[i, k] * a[i, k]
    if square == 0.0:
        return
    v = a[k:, k].copy()
    v[0] += np.sqrt(square) if v[0] >= 0 else -np.sqrt(square)
    scale = 0.0
    for i in range(rows - k):
        scale += v[i] * v[i]
    _reflect_columns(a, v, 2.0 / scale, k, k)
    _reflect_columns(b, v, 2.0 / scale, k, 0)


@njit(cache=True, error_model="numpy")
def _reflect_columns(matrix: Any, v: Any, scale: float, k: int, first: int) -> None:
    """Subtract ``scale v v'`` times the rows from ``k`` of the columns from ``first``, in place."""
    for column in range(first, matrix.shape[1]):
        total = 0.0
        for i in range(len(v)):
            total += v[i] * matrix[k + i, column]
        total *= scale
        for i in range(len(v)):
            matrix[k + i, column] -= total * v[i]


@njit(cache=True, error_model="numpy")
def moments(r: Any, c: Any) -> Any:
    """Return the sums over groups of ``G x G`` (Kronecker), ``G`` and ``u u'``, with ``G = R'R`` and ``u = R'c``.

    Parameters
    ----------
    r, c : (J, q, q), (J, q, p + 1)
        Rotated data; the last column of ``c`` is the response.
    """
    groups, q, last = c.shape[0], c.shape[1], c.shape[2] - 1
    products, gram, square = np.zeros((q * q, q * q)), np.zeros((q, q)), np.zeros((q, q))
    g, u = np.empty((q, q)), np.empty(q)
    for j in range(groups):
        for a in range(q):
            u[a] = 0.0
            for k in range(a + 1):
                u[a] += r[j, k, a] * c[j, k, last]
            for b in range(q):
                g[a, b] = 0.0
                for k in range(min(a, b) + 1):
                    g[a, b] += r[j, k, a] * r[j, k, b]
        for a in range(q):
            for b in range(q):
                gram[a, b] += g[a, b]
                square[a, b] += u[a] * u[b]
                for i in range(q * q):
                    products[a * q + i // q, b * q + i % q] += g[a, b] * g[i // q, i % q]
    return products, gram, square
