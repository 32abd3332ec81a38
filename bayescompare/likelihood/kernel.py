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

Where a relative sd is in the ten thousands, ``I`` is lost beside ``R_j Lambda Lambda' R_j'`` in effects that are not
large. Then one more rotation a group, which makes ``R_j Lambda`` upper triangular with the large rows first, keeps the
digits: they are lost from large to small in a Cholesky factor, and not the other way. See `graded`.

Loops rather than array expressions: Numba compiles them in a fraction of the time. One file, since
Numba's cache does not see that a function of another one has changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "asymptotic_covariance",
    "backward",
    "conditional_moments",
    "correlation_factor",
    "correlation_factor_vjp",
    "correlation_jacobian",
    "forward",
    "graded",
    "group_deviances",
    "hessian",
    "profiled",
    "profiled_entries",
    "relative_factor",
    "standard_errors",
    "steady",
    "sums",
    "upper_solve",
    "working",
    "working_profiled",
]

_LOG_2PI = float(np.log(2 * np.pi))
# A product of pivots above this is turned into its logarithm, before it can overflow.
_LARGE = 1e100
# Entry of a relative root above which each group's rows are rotated once more.
_FAR = 1e4
# Step of the differences, and the inverse of the smallest conditional standard error that it is short beside.
_STEP = 1e-4
_SHARP = 50.0
# Curvature of a coordinate that the deviance does not depend on.
_NOTHING = 1e-6
# Share of a coordinate's curvature that is left given the others where the Hessian is singular.
_SINGULAR = 1e-10


@njit(cache=True, error_model="numpy")
def _factor(lam: Any, r: Any, root: Any, chol: Any, upper: bool) -> float:
    """Fill ``root = R_j Lambda`` and the Cholesky factor of ``B_j``; return ``log|B_j|``.

    The diagonal of ``chol`` holds reciprocals, so that `_solve` need not divide; ``upper`` says that ``R_j`` is upper
    triangular.
    """
    q = lam.shape[0]
    for a in range(q):
        for b in range(q):
            total = 0.0
            for k in range(a if upper else 0, q):
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
def _far(lam: Any) -> bool:
    """Whether an entry of a relative root is so large that `graded` rows are needed."""
    for a in range(lam.shape[0]):
        for b in range(lam.shape[1]):
            if abs(lam[a, b]) > _FAR:
                return True
    return False


@njit(cache=True, error_model="numpy")
def graded(lam: Any, r: Any, c: Any) -> Any:
    """Return ``R_j`` and ``C_j`` rotated so that the rows of ``R_j Lambda`` go from large to small.

    Householder reflections with the largest remaining column of ``R_j Lambda`` first.
    """
    groups, q, _ = c.shape
    turned_r, turned_c, p, v = r.copy(), c.copy(), np.empty((q, q)), np.empty(q)
    for j in range(groups):
        p[:] = r[j] @ lam
        for k in range(q - 1):
            square, largest = 0.0, k
            for b in range(q):
                total = 0.0
                for a in range(k, q):
                    total += p[a, b] * p[a, b]
                if total > square:
                    square, largest = total, b
            if square == 0.0:
                break
            size = 0.0
            for a in range(k, q):
                v[a] = p[a, largest]
            v[k] += np.sqrt(square) if v[k] >= 0.0 else -np.sqrt(square)
            for a in range(k, q):
                size += v[a] * v[a]
            _reflect(p, v, k, 2.0 / size)
            _reflect(turned_r[j], v, k, 2.0 / size)
            _reflect(turned_c[j], v, k, 2.0 / size)
    return turned_r, turned_c


@njit(cache=True, error_model="numpy")
def _reflect(matrix: Any, v: Any, first: int, scale: float) -> None:
    """Subtract ``scale v v'`` times the rows from ``first`` of a matrix, in place."""
    for col in range(matrix.shape[1]):
        total = 0.0
        for a in range(first, len(v)):
            total += v[a] * matrix[a, col]
        total *= scale
        for a in range(first, len(v)):
            matrix[a, col] -= total * v[a]


@njit(cache=True, error_model="numpy")
def sums(lam: Any, r: Any, c: Any, within: Any) -> Any:
    """Return ``log|V / sigma^2|`` and ``H``."""
    if _far(lam):
        turned_r, turned_c = graded(lam, r, c)
        found = _forward(lam, turned_r, turned_c, within, False)
    else:
        found = _forward(lam, r, c, within, True)
    return found[0], found[1]


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
    return _forward(lam, r, c, within, True)


@njit(cache=True, error_model="numpy")
def _forward(lam: Any, r: Any, c: Any, within: Any, upper: bool) -> Any:
    groups, q, width = c.shape
    roots, solved, inverse = np.empty((groups, q, q)), np.empty((groups, q, width)), np.empty((groups, q, q))
    chol, eye, h = np.zeros((q, q)), np.zeros((q, q)), within.copy()
    for a in range(q):
        eye[a, a] = 1.0
    log_det = 0.0
    for j in range(groups):
        log_det += _factor(lam, r[j], roots[j], chol, upper)
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
def backward(r: Any, roots: Any, solved: Any, inverse: Any, e: Any, weight: float, m_inverse: Any, reml: bool,
             upper: bool) -> Any:  # fmt: skip
    """Return the gradient of ``log|B| + weight e'He (+ log|M|)`` with respect to ``Lambda``.

    Parameters
    ----------
    e : (p + 1,)
        ``(-delta, 1)``.
    weight
        Derivative of the deviance with respect to the quadratic form.
    m_inverse : (p, >= p)
        Inverse of ``M = H[:p, :p]`` in its first columns.
    reml
        Whether ``log|M|`` is a part.
    upper
        Whether ``r`` is upper triangular.
    """
    groups, q, width = solved.shape
    p = width - 1
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
            for a in range(k if upper else 0, q):
                for b in range(q):
                    grad[a, b] += 2.0 * r[j, k, a] * kp[k, b]
    return grad


@njit(cache=True, error_model="numpy")
def _cholesky(m: Any, chol: Any) -> float:
    """Fill the Cholesky factor of ``m``, its diagonal inverted; return ``log|m|``. NaN where not positive."""
    log_det = 0.0
    for a in range(chol.shape[0]):
        for b in range(a + 1):
            total = m[a, b]
            for k in range(b):
                total -= chol[a, k] * chol[b, k]
            if a == b:
                chol[a, a] = 1.0 / np.sqrt(total)
                log_det += np.log(total)
            else:
                chol[a, b] = total * chol[b, b]
    return log_det


@njit(cache=True, error_model="numpy")
def _solve_with(h: Any, solution: Any) -> float:
    """Fill ``M^-1 [I, v]`` from ``H = [[M, v], [v', s]]``; return ``log|M|``."""
    p = solution.shape[0]
    chol, rhs = np.zeros((p, p)), np.zeros((p, p + 1))
    for a in range(p):
        rhs[a, a] = 1.0
        rhs[a, p] = h[a, p]
    log_det = _cholesky(h, chol)
    _solve(chol, rhs, solution)
    return log_det


@njit(cache=True, error_model="numpy")
def steady(lam: Any, r: Any, c: Any, within: Any, n: float, reml: bool, sigma: float) -> Any:
    """Return what `profiled` does, on `graded` rows where they are needed: it keeps its digits at any ``Lambda``."""
    if not _far(lam):
        return _profiled(lam, r, c, within, n, reml, sigma, True)
    turned_r, turned_c = graded(lam, r, c)
    return _profiled(lam, turned_r, turned_c, within, n, reml, sigma, False)


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
    solution : (p, p + 1)
        ``M^-1 [I, v]``.
    """
    return _profiled(lam, r, c, within, n, reml, sigma, True)


@njit(cache=True, error_model="numpy")
def _profiled(lam: Any, r: Any, c: Any, within: Any, n: float, reml: bool, sigma: float, upper: bool) -> Any:
    log_det, h, roots, solved, inverse = _forward(lam, r, c, within, upper)
    p = h.shape[0] - 1
    solution, e, delta = np.empty((p, p + 1)), np.ones(p + 1), np.empty(p)
    log_m, quadratic = _solve_with(h, solution), h[p, p]
    for k in range(p):
        delta[k] = solution[k, p]
        e[k] = -delta[k]
        quadratic -= h[k, p] * delta[k]
    freedom = n - p if reml else n
    if sigma <= 0.0:
        sigma = np.sqrt(quadratic / freedom)
    weight = 1.0 / (sigma * sigma)
    deviance = log_det + freedom * (_LOG_2PI + 2.0 * np.log(sigma)) + weight * quadratic
    if reml:
        deviance += log_m
    gradient = backward(r, roots, solved, inverse, e, weight, solution, reml, upper)
    return deviance, gradient, 2.0 * (freedom - weight * quadratic), delta, sigma, solution


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
        log_det += _factor(lam, r[j], root, chol, True)
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

    From position ``first`` the point holds log sds, Fisher z and log sigma.
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
    deviance, g_lam, slope, _, _, _ = steady(lam, r, c, within, n, reml, sigma)
    gradient = np.empty(size)
    _chain(gradient, w, 0, g_lam, lam, t_inverse, root, partials, starts)
    gradient[size - 1] += slope
    return deviance, gradient


@njit(cache=True, error_model="numpy")
def _too_long(steps: Any, hessian: Any) -> bool:
    """Shorten steps that are not short beside the standard error of their parameter given the others."""
    most = 0.0
    for k in range(len(steps)):
        if steps[k] > 0.0:
            if not hessian[k, k] > 0.0:
                return False
            most = max(most, hessian[k, k])
    for k in range(len(steps)):
        if steps[k] > 0.0:
            steps[k] = _STEP * min(1.0, _SHARP / np.sqrt(hessian[k, k] / 2.0))
    return most > 2.0 * _SHARP**2


@njit(cache=True, error_model="numpy")
def hessian(w: Any, active: Any, starts: Any, t_inverse: Any, r: Any, c: Any, within: Any, n: float,
            reml: bool) -> Any:  # fmt: skip
    """Return the Hessian of the profiled deviance over the active coordinates, zero elsewhere.

    By central differences of its exact gradient. Where a step is too long (a far origin of the
    slopes, very many rows), they are taken once more with shorter ones.

    Parameters
    ----------
    w : (q + m + 1,)
        Log sds, Fisher z of the partial correlations, log sigma.
    active : (q + m + 1,)
        Which of them are inside and defined.
    """
    size = len(w)
    out, at, steps = np.zeros((size, size)), w.copy(), np.zeros(size)
    for k in range(size):
        steps[k] = _STEP if active[k] else 0.0
    for _ in range(2):
        for k in range(size):
            for i in range(size):
                out[k, i] = 0.0
        for k in range(size):
            for sign in (-1.0, 1.0):
                if steps[k] > 0.0:
                    at[k] = w[k] + sign * steps[k]
                    gradient = working_profiled(at, starts, t_inverse, r, c, within, n, reml)[1]
                    for i in range(size):
                        half = sign * gradient[i] / (4.0 * steps[k]) if steps[i] > 0.0 else 0.0
                        out[k, i] += half
                        out[i, k] += half
            at[k] = w[k]
        if not _too_long(steps, out):
            break
    return out


@njit(cache=True, error_model="numpy")
def conditional_moments(root: Any, lam: Any, delta: Any, sigma: float, r: Any, c: Any) -> Any:
    """Return the means and the sds ``(J, q)`` of the random effects given the data and the parameters.

    With ``b_j = P u_j``, ``P P' = S`` and ``M_j = R_j Lambda``, ``u_j`` has the precision ``I + M_j' M_j``
    and the mean ``(I + M_j' M_j)^-1 M_j' C_j e / sigma`` (Bates et al. 2015, equations 21 to 24).

    Parameters
    ----------
    root, lam : (q, q)
        ``P``, and ``Lambda = T^-1 P / sigma``.
    """
    groups, q, width = c.shape
    mode, sd = np.empty((groups, q)), np.empty((groups, q))
    m, precision, chol, work = np.empty((q, q)), np.empty((q, q)), np.zeros((q, q)), np.empty(q)
    right, mean = np.empty((q, 1)), np.empty((q, 1))
    for j in range(groups):
        for a in range(q):
            right[a, 0] = 0.0
        for k in range(q):
            residual = c[j, k, width - 1]
            for col in range(width - 1):
                residual -= c[j, k, col] * delta[col]
            for b in range(q):
                total = 0.0
                for a in range(k, q):
                    total += r[j, k, a] * lam[a, b]
                m[k, b] = total
                right[b, 0] += total * residual / sigma
        for a in range(q):
            for b in range(a + 1):
                total = 1.0 if a == b else 0.0
                for k in range(q):
                    total += m[k, a] * m[k, b]
                precision[a, b] = total
        _cholesky(precision, chol)
        _solve(chol, right, mean)
        for a in range(q):
            centre, variance = 0.0, 0.0
            for k in range(q):
                centre += root[a, k] * mean[k, 0]
                total = root[a, k]
                for b in range(k):
                    total -= chol[k, b] * work[b]
                work[k] = total * chol[k, k]
                variance += work[k] * work[k]
            mode[j, a], sd[j, a] = centre, np.sqrt(variance)
    return mode, sd


@njit(cache=True, error_model="numpy")
def asymptotic_covariance(hessian: Any, active: Any, q: int) -> Any:
    """Return ``2 H^-1`` over the active coordinates that matter; NaN elsewhere, or if ``H`` is not safely positive.

    Where the correlations are singular, partial correlations after their rank are of no consequence.
    """
    size, count = len(hessian), 0
    kept, covariance = np.empty(size, np.int64), np.empty((size, size))
    for k in range(size):
        for i in range(size):
            covariance[k, i] = np.nan
        if active[k] and (abs(hessian[k, k]) > _NOTHING or k < q or k == size - 1):
            kept[count] = k
            count += 1
    scaled, chol, eye = np.empty((count, count)), np.zeros((count, count)), np.zeros((count, count))
    units, inverse = np.empty(count), np.empty((count, count))
    for a in range(count):
        units[a] = np.sqrt(hessian[kept[a], kept[a]])
        eye[a, a] = 1.0
        for b in range(a + 1):
            scaled[a, b] = hessian[kept[a], kept[b]] / (units[a] * units[b])
    _cholesky(scaled, chol)
    _solve(chol, eye, inverse)
    for a in range(count):
        if not inverse[a, a] * _SINGULAR < 1.0:
            return covariance
    for a in range(count):
        for b in range(count):
            covariance[kept[a], kept[b]] = 2.0 * inverse[a, b] / (units[a] * units[b])
    return covariance


@njit(cache=True, error_model="numpy")
def correlation_jacobian(partials: Any, starts: Any, q: int) -> Any:
    """Return the derivatives ``(m, m)`` of the correlations by the Fisher z of the partial correlations."""
    factor, g = correlation_factor(partials, starts, q), np.zeros((q, q))
    jacobian, position = np.empty((len(partials), len(partials))), 0
    for block in range(len(starts) - 1):
        for i in range(starts[block], starts[block + 1]):
            for j in range(starts[block], i):
                for k in range(q):
                    g[i, k], g[j, k] = factor[j, k], factor[i, k]
                row = correlation_factor_vjp(partials, starts, g)
                for k in range(len(partials)):
                    jacobian[position, k] = row[k]
                for k in range(q):
                    g[i, k] = g[j, k] = 0.0
                position += 1
    return jacobian


@njit(cache=True, error_model="numpy")
def upper_solve(upper: Any, rhs: Any) -> Any:
    """Return ``upper^-1 rhs`` of an upper triangular ``(p, p)`` and a ``(p, k)`` matrix."""
    p, columns = rhs.shape
    out = np.empty((p, columns))
    for a in range(p - 1, -1, -1):
        for col in range(columns):
            total = rhs[a, col]
            for k in range(a + 1, p):
                total -= upper[a, k] * out[k, col]
            out[a, col] = total / upper[a, a]
    return out


@njit(cache=True, error_model="numpy")
def _fixed_errors(h: Any, rx: Any, sigma: float, out: Any) -> None:
    """Fill the square roots of the diagonal of ``sigma^2 R_x^-1 M^-1 R_x^-T``."""
    p = len(rx)
    solution, transposed = np.empty((p, p + 1)), np.empty((p, p))
    _solve_with(h, solution)
    half = upper_solve(rx, solution)
    for a in range(p):
        for b in range(p):
            transposed[a, b] = half[b, a]
    variances = upper_solve(rx, transposed)
    for a in range(p):
        out[a] = sigma * np.sqrt(variances[a, a])


@njit(cache=True, error_model="numpy")
def _correlation_errors(covariance: Any, w: Any, starts: Any, q: int, out: Any) -> None:
    """Fill the delta-method standard errors of the correlations; NaN where a partial one is at its bound."""
    partials = np.empty(len(w) - q - 1)
    for k in range(len(partials)):
        partials[k] = np.tanh(w[q + k])
    jacobian = correlation_jacobian(partials, starts, q)
    for i in range(len(partials)):
        total = 0.0
        for j in range(len(partials)):
            for k in range(len(partials)):
                total += jacobian[i, j] * covariance[q + j, q + k] * jacobian[i, k]
        out[i] = np.sqrt(total)


@njit(cache=True, error_model="numpy")
def standard_errors(hessian: Any, active: Any, w: Any, h: Any, starts: Any, rx: Any) -> Any:
    """Return Wald standard errors in natural and in working units, NaN where there are none.

    Fixed effects have those of generalized least squares given the variance parameters; these have
    the inverse Hessian of the profiled (restricted) deviance, and the delta method.

    Parameters
    ----------
    hessian, active, w : (q + m + 1, q + m + 1), (q + m + 1,), (q + m + 1,)
        As in `hessian`.
    h : (p + 1, p + 1)
        From `forward`.
    rx : (p, p)
        As in `bayescompare.likelihood.products.Products`.

    Returns
    -------
    se, working_se : (p + q + m + 1,)
    """
    p, q, size = len(rx), starts[len(starts) - 1], len(w)
    se, working_se = np.empty(p + size), np.empty(p + size)
    covariance = asymptotic_covariance(hessian, active, q)
    _fixed_errors(h, rx, np.exp(w[size - 1]), se)
    for k in range(p):
        working_se[k] = se[k]
    for k in range(size):
        working_se[p + k] = np.sqrt(covariance[k, k])
        se[p + k] = working_se[p + k] * np.exp(w[k])
    _correlation_errors(covariance, w, starts, q, se[p + q :])
    return se, working_se


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
    draws, groups, q, width = len(sigmas), r.shape[0], r.shape[1], c.shape[2]
    out = np.empty((draws, groups))
    root, chol, residual, solved = np.empty((q, q)), np.zeros((q, q)), np.empty((q, 1)), np.empty((q, 1))
    e = np.ones(width)
    for s in range(draws):
        for k in range(width - 1):
            e[k] = -deltas[s, k]
        for j in range(groups):
            log_det = _factor(lams[s], r[j], root, chol, True)
            quadratic = 0.0
            for a in range(width):
                for b in range(width):
                    quadratic += e[a] * w[j, a, b] * e[b]
            for a in range(q):
                residual[a, 0] = 0.0
                for k in range(width):
                    residual[a, 0] += c[j, a, k] * e[k]
            _solve(chol, residual, solved)
            for a in range(q):
                quadratic += residual[a, 0] * solved[a, 0]
            log_scale = _LOG_2PI + 2.0 * np.log(sigmas[s])
            out[s, j] = log_det + rows[j] * log_scale + quadratic / (sigmas[s] * sigmas[s])
    return out
