r"""Numba kernels of the Gaussian marginal likelihood in compressed data.

Each group's rows are rotated by the Householder reflections that make its random-effect
columns upper triangular: ``Z_j = Q_j [R_j; 0]``. In the rotated rows the covariance
``V_j / sigma^2 = I + Z_j Lambda Lambda' Z_j'`` is ``B_j = I + R_j Lambda Lambda' R_j'`` in the
first ``q`` rows and the identity in the others. With ``C_j`` the first ``q`` rows of
``Q_j' [X_j, r_j]`` and ``W`` the cross-product of the other rows,

    log|V / sigma^2| = sum_j log|B_j|,
    H = [X, r]' (V / sigma^2)^-1 [X, r] = W + sum_j C_j' B_j^-1 C_j,

a sum of positive terms: nothing cancels, whatever the ratio of the sds. ``r`` is the response
less a least-squares fit, so ``beta = beta_0 + R_x^-1 delta`` and the quadratic form at
``delta`` is ``e' H e`` with ``e = (-delta, 1)``. This is the block form of Bates et al. (2015,
section 3) after one orthogonal rotation a group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "backward",
    "compress",
    "correlation_factor",
    "correlation_factor_vjp",
    "forward",
    "group_deviances",
    "profiled",
    "profiled_entries",
    "relative_factor",
    "working",
    "working_profiled",
]

_LOG_2PI = float(np.log(2 * np.pi))
# A product of pivots above this is turned into its logarithm, before it can overflow.
_LARGE = 1e100


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
        for k in range(rank):
            r_out[j, k, k:] = a[k, k:]
            c_out[j, k] = b[k]
        rest = b[rank:]
        w_out[j] = rest.T @ rest
    return r_out, c_out, w_out


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
def _factor(lam: Any, r: Any, root: Any, chol: Any) -> float:
    """Fill ``root = R_j Lambda`` and the Cholesky factor of ``B_j``; return ``log|B_j|``.

    The diagonal of ``chol`` holds reciprocals, so that `_solve` need not divide.
    """
    q = lam.shape[0]
    for a in range(q):
        for b in range(q):
            total = 0.0
            for k in range(a, q):
                total += r[a, k] * lam[k, b]
            root[a, b] = total
    log_det, product = 0.0, 1.0
    for a in range(q):
        for b in range(a + 1):
            total = 1.0 if a == b else 0.0
            for k in range(q):
                total += root[a, k] * root[b, k]
            for k in range(b):
                total -= chol[a, k] * chol[b, k]
            if a == b:
                # a Schur complement of I + PP' is at least one; rounding may say otherwise
                if total < 1.0:
                    total = 1.0
                chol[a, a] = 1.0 / np.sqrt(total)
                product *= total
                if product > _LARGE:
                    log_det += np.log(product)
                    product = 1.0
            else:
                chol[a, b] = total * chol[b, b]
    return log_det + np.log(product)


@njit(cache=True, error_model="numpy")
def _solve(chol: Any, rhs: Any, out: Any) -> None:
    """Fill ``out = B_j^-1 rhs``, given the Cholesky factor with the reciprocals of its diagonal."""
    q, c = rhs.shape
    for col in range(c):
        for a in range(q):
            total = rhs[a, col]
            for k in range(a):
                total -= chol[a, k] * out[k, col]
            out[a, col] = total * chol[a, a]
        for a in range(q - 1, -1, -1):
            total = out[a, col]
            for k in range(a + 1, q):
                total -= chol[k, a] * out[k, col]
            out[a, col] = total * chol[a, a]


@njit(cache=True, error_model="numpy")
def forward(lam: Any, r: Any, c: Any, within: Any) -> Any:
    """Return ``log|V / sigma^2|``, ``H``, ``R Lambda``, ``B^-1 C`` and ``B^-1``, group by group.

    Parameters
    ----------
    lam : (q, q)
        Any root of the relative covariance, ``Lambda Lambda' = S / sigma^2``.
    r, c : (J, q, q), (J, q, p + 1)
        Rotated data.
    within : (p + 1, p + 1)
        Cross-products of the rows that the random effects do not reach.
    """
    groups, q, width = c.shape
    roots, solved, inverse = np.empty((groups, q, q)), np.empty((groups, q, width)), np.empty((groups, q, q))
    chol, eye = np.zeros((q, q)), np.eye(q)
    h = within.copy()
    log_det = 0.0
    for j in range(groups):
        log_det += _factor(lam, r[j], roots[j], chol)
        _solve(chol, c[j], solved[j])
        _solve(chol, eye, inverse[j])
        for a in range(width):
            for b in range(a + 1):
                total = 0.0
                for k in range(q):
                    total += c[j, k, a] * solved[j, k, b]
                h[a, b] += total
    for a in range(width):
        for b in range(a):
            h[b, a] = h[a, b]
    return log_det, h, roots, solved, inverse


@njit(cache=True, error_model="numpy")
def backward(r: Any, roots: Any, solved: Any, inverse: Any, e: Any, weight: float, m_inverse: Any) -> Any:
    """Return the gradient of ``log|B| + weight e'He (+ log|M|)`` with respect to ``Lambda``.

    Parameters
    ----------
    e : (p + 1,)
        ``(-delta, 1)``.
    weight
        Derivative of the deviance with respect to the quadratic form.
    m_inverse : (p, p) or (0, 0)
        Inverse of ``M = H[:p, :p]`` for the restricted likelihood, empty for the full one.
    """
    groups, q, width = solved.shape
    p, reml = width - 1, m_inverse.shape[0] > 0
    grad, f, k_matrix, kp = np.zeros((q, q)), np.empty(q), np.empty((q, q)), np.empty((q, q))
    for j in range(groups):
        for a in range(q):
            total = 0.0
            for col in range(width):
                total += solved[j, a, col] * e[col]
            f[a] = total
        for a in range(q):
            for b in range(q):
                total = inverse[j, a, b] - weight * f[a] * f[b]
                if reml:
                    for s in range(p):
                        for t in range(p):
                            total -= solved[j, a, s] * m_inverse[s, t] * solved[j, b, t]
                k_matrix[a, b] = total
        for a in range(q):
            for b in range(q):
                total = 0.0
                for k in range(q):
                    total += k_matrix[a, k] * roots[j, k, b]
                kp[a, b] = total
        for k in range(q):
            for a in range(k, q):
                for b in range(q):
                    grad[a, b] += 2.0 * r[j, k, a] * kp[k, b]
    return grad


@njit(cache=True, error_model="numpy")
def _symmetric_solve(m: Any, v: Any) -> Any:
    """Return the inverse of ``m``, its log determinant, and ``m^-1 v``; NaN where ``m`` is not positive."""
    p = len(v)
    chol, inverse, solution = np.zeros((p, p)), np.empty((p, p)), np.empty((p, 1))
    log_det = 0.0
    for a in range(p):
        for b in range(a + 1):
            total = m[a, b]
            for k in range(b):
                total -= chol[a, k] * chol[b, k]
            if a == b:
                chol[a, a] = 1.0 / np.sqrt(total)
                log_det += np.log(total)
            else:
                chol[a, b] = total * chol[b, b]
    _solve(chol, np.eye(p), inverse)
    _solve(chol, v.copy().reshape(p, 1), solution)
    return inverse, log_det, solution[:, 0]


@njit(cache=True, error_model="numpy")
def profiled(lam: Any, r: Any, c: Any, within: Any, n: float, reml: bool, sigma: float) -> Any:
    """Return the deviance with ``beta`` profiled out, its derivatives, ``delta`` and ``sigma``.

    Parameters
    ----------
    lam : (q, q)
        Relative root, as in `forward`.
    n
        Number of rows.
    reml
        Restricted likelihood (Patterson and Thompson 1971) in place of the full one.
    sigma
        Residual sd; zero or less profiles it out too (Bates et al. 2015, equations 34 and 42).

    Returns
    -------
    deviance : float
        Without the constant ``log|R_x|^2`` of the restricted likelihood.
    gradient : (q, q)
        With respect to ``lam``.
    slope : float
        Derivative with respect to ``log sigma`` at fixed ``lam``.
    delta : (p,)
    sigma : float
    m_inverse : (p, p)
    """
    log_det, h, roots, solved, inverse = forward(lam, r, c, within)
    p = h.shape[0] - 1
    m_inverse, log_m, delta = _symmetric_solve(h[:p, :p], h[:p, p])
    quadratic = h[p, p] - np.sum(h[:p, p] * delta)
    freedom = n - p if reml else n
    if sigma <= 0.0:
        sigma = np.sqrt(quadratic / freedom)
    deviance = log_det + freedom * (_LOG_2PI + 2.0 * np.log(sigma)) + quadratic / sigma**2
    if reml:
        deviance += log_m
    e = np.ones(p + 1)
    e[:p] = -delta
    reml_inverse = m_inverse if reml else np.empty((0, 0))
    gradient = backward(r, roots, solved, inverse, e, 1.0 / sigma**2, reml_inverse)
    slope = 2.0 * freedom - 2.0 * quadratic / sigma**2
    return deviance, gradient, slope, delta, sigma, m_inverse


@njit(cache=True, error_model="numpy")
def relative_factor(point: Any, rows: Any, columns: Any, q: int) -> Any:
    """Return the matrix ``(q, q)`` with the given entries, zero elsewhere."""
    lam = np.zeros((q, q))
    for k in range(len(point)):
        lam[rows[k], columns[k]] = point[k]
    return lam


@njit(cache=True, error_model="numpy")
def profiled_entries(point: Any, rows: Any, columns: Any, r: Any, c: Any, within: Any, n: float, reml: bool) -> Any:
    """Return the deviance with ``beta`` and ``sigma`` profiled out, and its gradient by entries of ``Lambda``."""
    lam = relative_factor(point, rows, columns, r.shape[1])
    deviance, gradient, _, _, _, _ = profiled(lam, r, c, within, n, reml, 0.0)
    out = np.empty(len(point))
    for k in range(len(point)):
        out[k] = gradient[rows[k], columns[k]]
    return deviance, out


@njit(cache=True, error_model="numpy")
def correlation_factor(partials: Any, starts: Any, q: int) -> Any:
    """Return the Cholesky factor ``(q, q)`` of the correlations with the given partial correlations.

    Canonical partial correlations of Lewandowski, Kurowicka and Joe (2009), row by row of
    each block's lower triangle.
    """
    factor = np.zeros((q, q))
    position = 0
    for block in range(len(starts) - 1):
        first = starts[block]
        for i in range(first, starts[block + 1]):
            left = 1.0
            for j in range(first, i):
                factor[i, j] = partials[position] * left
                left *= np.sqrt((1.0 - partials[position]) * (1.0 + partials[position]))
                position += 1
            factor[i, i] = left
    return factor


@njit(cache=True, error_model="numpy")
def correlation_factor_vjp(partials: Any, starts: Any, g: Any) -> Any:
    """Return the gradient with respect to the Fisher z of the partials, given that by the factor."""
    out = np.zeros(len(partials))
    position = 0
    for block in range(len(starts) - 1):
        first = starts[block]
        for i in range(first, starts[block + 1]):
            row = position
            remaining = 1.0
            lefts = np.empty(i - first + 1)
            for j in range(first, i):
                lefts[j - first] = remaining
                remaining *= np.sqrt((1.0 - partials[position]) * (1.0 + partials[position]))
                position += 1
            # after: sum over later columns k of g[i, k] * factor[i, k], which all carry sqrt(1 - p^2)
            after = g[i, i] * remaining
            for j in range(i - 1, first - 1, -1):
                p = partials[row + j - first]
                out[row + j - first] = g[i, j] * lefts[j - first] * (1.0 - p) * (1.0 + p) - after * p
                after += g[i, j] * p * lefts[j - first]
    return out


@njit(cache=True, error_model="numpy")
def _at(lam: Any, r: Any, c: Any, within: Any, e: Any, weight: float) -> Any:
    """Return ``log|V / sigma^2|``, ``H e`` and the gradient by ``Lambda``, in one pass at a known ``e``."""
    groups, q, width = c.shape
    root, chol = np.empty((q, q)), np.zeros((q, q))
    residual, f, kp = np.empty((q, 1)), np.empty((q, 1)), np.empty((q, q))
    he, grad = np.zeros(width), np.zeros((q, q))
    for a in range(width):
        for b in range(width):
            he[a] += within[a, b] * e[b]
    log_det = 0.0
    for j in range(groups):
        log_det += _factor(lam, r[j], root, chol)
        for a in range(q):
            total = 0.0
            for col in range(width):
                total += c[j, a, col] * e[col]
            residual[a, 0] = total
        _solve(chol, residual, f)
        _solve(chol, root, kp)
        for b in range(q):
            total = 0.0
            for a in range(q):
                total += f[a, 0] * root[a, b]
            for a in range(q):
                kp[a, b] -= weight * f[a, 0] * total
        for k in range(q):
            for col in range(width):
                he[col] += c[j, k, col] * f[k, 0]
            for a in range(k, q):
                for b in range(q):
                    grad[a, b] += 2.0 * r[j, k, a] * kp[k, b]
    return log_det, he, grad


@njit(cache=True, error_model="numpy")
def _relative(x: Any, first: int, starts: Any, t_inverse: Any, partials: Any, root: Any, lam: Any) -> float:
    """Fill the partial correlations, the root ``D R^(1/2)`` and ``Lambda`` at a point; return sigma.

    From position ``first`` the point holds log sds, Fisher z and log sigma. Loops rather than array
    expressions: Numba compiles them in a fraction of the time.
    """
    q = t_inverse.shape[0]
    sigma = np.exp(x[len(x) - 1])
    for k in range(len(partials)):
        partials[k] = np.tanh(x[first + q + k])
    factor = correlation_factor(partials, starts, q)
    for a in range(q):
        sd = np.exp(x[first + a])
        for b in range(q):
            root[a, b] = sd * factor[a, b]
    for a in range(q):
        for b in range(q):
            total = 0.0
            for k in range(q):
                total += t_inverse[a, k] * root[k, b]
            lam[a, b] = total / sigma
    return float(sigma)


@njit(cache=True, error_model="numpy")
def _chain(gradient: Any, x: Any, first: int, g_lam: Any, lam: Any, t_inverse: Any, root: Any,
           partials: Any, starts: Any) -> None:  # fmt: skip
    """Fill the gradient from position ``first``, given that by ``Lambda``."""
    q, last = lam.shape[0], len(x) - 1
    sigma = np.exp(x[last])
    g_factor = np.empty((q, q))
    by_log_sigma = 0.0
    for a in range(q):
        sd, by_log_sd = np.exp(x[first + a]), 0.0
        for b in range(q):
            total = 0.0
            for k in range(q):
                total += t_inverse[k, a] * g_lam[k, b]
            total /= sigma
            by_log_sd += total * root[a, b]
            g_factor[a, b] = total * sd
            by_log_sigma -= g_lam[a, b] * lam[a, b]
        gradient[first + a] = by_log_sd
    by_z = correlation_factor_vjp(partials, starts, g_factor)
    for k in range(len(partials)):
        gradient[first + q + k] = by_z[k]
    gradient[last] = by_log_sigma


@njit(cache=True, error_model="numpy")
def working(x: Any, p: int, starts: Any, t_inverse: Any, r: Any, c: Any, within: Any, n: float) -> Any:
    """Return -2 log likelihood and its gradient in working coordinates.

    Parameters
    ----------
    x : (p + q + m + 1,)
        ``delta``, log sds, Fisher z of the partial correlations, log sigma.
    starts : (blocks + 1,)
        First effect of each block, and ``q``.
    t_inverse : (q, q)
        From the effects' own units to those of the rotated data.
    """
    q, size = r.shape[1], len(x)
    partials, root, lam = np.empty(size - p - q - 1), np.empty((q, q)), np.empty((q, q))
    sigma = _relative(x, p, starts, t_inverse, partials, root, lam)
    e = np.ones(p + 1)
    for k in range(p):
        e[k] = -x[k]
    weight = 1.0 / (sigma * sigma)
    log_det, he, g_lam = _at(lam, r, c, within, e, weight)
    gradient, quadratic = np.empty(size), 0.0
    for k in range(p + 1):
        quadratic += weight * e[k] * he[k]
    for k in range(p):
        gradient[k] = -2.0 * weight * he[k]
    _chain(gradient, x, p, g_lam, lam, t_inverse, root, partials, starts)
    gradient[size - 1] += 2.0 * n - 2.0 * quadratic
    return log_det + n * (_LOG_2PI + 2.0 * x[size - 1]) + quadratic, gradient


@njit(cache=True, error_model="numpy")
def working_profiled(w: Any, starts: Any, t_inverse: Any, r: Any, c: Any, within: Any, n: float, reml: bool) -> Any:
    """Return the deviance and its gradient by (log sds, Fisher z, log sigma), ``beta`` profiled out."""
    q, size = r.shape[1], len(w)
    partials, root, lam = np.empty(size - q - 1), np.empty((q, q)), np.empty((q, q))
    sigma = _relative(w, 0, starts, t_inverse, partials, root, lam)
    deviance, g_lam, slope, _, _, _ = profiled(lam, r, c, within, n, reml, sigma)
    gradient = np.empty(size)
    _chain(gradient, w, 0, g_lam, lam, t_inverse, root, partials, starts)
    gradient[size - 1] += slope
    return deviance, gradient


@njit(cache=True, error_model="numpy")
def group_deviances(deltas: Any, lams: Any, sigmas: Any, r: Any, c: Any, w: Any, rows: Any) -> Any:
    """Return -2 log likelihood of each group at each of ``S`` draws, ``(S, J)``.

    Parameters
    ----------
    deltas, lams, sigmas : (S, p), (S, q, q), (S,)
    w : (J, p + 1, p + 1)
        Each group's cross-products beyond the reach of its random effects.
    rows : (J,)
        Rows of each group.
    """
    draws, groups, q = len(sigmas), r.shape[0], r.shape[1]
    width = c.shape[2]
    out = np.empty((draws, groups))
    root, chol, solved, e = np.empty((q, q)), np.zeros((q, q)), np.empty((q, 1)), np.ones(width)
    for s in range(draws):
        e[: width - 1] = -deltas[s]
        for j in range(groups):
            log_det = _factor(lams[s], r[j], root, chol)
            residual = (c[j] @ e).reshape(q, 1)
            _solve(chol, residual, solved)
            quadratic = np.sum(residual * solved) + np.sum(e * (w[j] @ e))
            out[s, j] = log_det + rows[j] * (_LOG_2PI + 2.0 * np.log(sigmas[s])) + quadratic / sigmas[s] ** 2
    return out
