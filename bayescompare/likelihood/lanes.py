r"""Numba kernels of the sampler, the groups innermost so that a processor takes several at a time.

`working` has the same sums as `bayescompare.likelihood.kernel.working` in another order: there a group is
worked off before the next, here each step is done for all groups.

`draw_effects` is the random effects given the data and the parameters. With ``b_j = P u_j``, ``P P' = S``
and ``u_j ~ N(0, I)``, the rotated rows of group ``j`` say ``C_j e = R_j T^-1 P u_j + N(0, sigma^2 I)``.
With ``M_j = R_j T^-1 P / sigma`` the conditional of ``u_j`` is Gaussian with precision ``I + M_j' M_j``
and mean ``(I + M_j' M_j)^-1 M_j' C_j e / sigma`` (Bates et al. 2015, equations 21 to 24). It calls
compiled functions of this file alone: Numba's cache would not see another one change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from bayescompare.likelihood import kernel

__all__ = ["draw_effects", "groups_last", "working"]

Array = npt.NDArray[np.float64]

#: A product of determinants is turned into its logarithm when it gets this large.
_LARGE = 1e150
_LOG_2PI = float(np.log(2.0 * np.pi))


def groups_last(array: Array) -> Array:
    """Return data ``(J, ...)`` as the kernels take them, ``(..., J)``."""
    return np.ascontiguousarray(np.moveaxis(array, 0, -1))


@njit(error_model="numpy")
def _add(out: Any, x: Any, weight: float) -> None:
    for j in range(len(out)):
        out[j] += x[j] * weight


@njit(error_model="numpy")
def _add_product(out: Any, x: Any, y: Any) -> None:
    for j in range(len(out)):
        out[j] += x[j] * y[j]


@njit(error_model="numpy")
def _subtract_product(out: Any, x: Any, y: Any) -> None:
    for j in range(len(out)):
        out[j] -= x[j] * y[j]


@njit(error_model="numpy")
def _multiply(out: Any, x: Any) -> None:
    for j in range(len(out)):
        out[j] *= x[j]


@njit(error_model="numpy")
def _sum_of_products(x: Any, y: Any) -> float:
    """Return ``sum x y`` by four running sums, in an order that no processor changes."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    whole = len(x) - len(x) % 4
    for j in range(0, whole, 4):
        first += x[j] * y[j]
        second += x[j + 1] * y[j + 1]
        third += x[j + 2] * y[j + 2]
        fourth += x[j + 3] * y[j + 3]
    for j in range(whole, len(x)):
        first += x[j] * y[j]
    return (first + second) + (third + fourth)


@njit(error_model="numpy")
def _invert_pivots(pivots: Any) -> float:
    """Replace squared pivots by the reciprocals of their roots; return the sum of their logarithms."""
    log_det, product = 0.0, 1.0
    for j in range(len(pivots)):
        # a Schur complement of I + PP' is at least one; rounding may say otherwise
        pivots[j] = max(pivots[j], 1.0)
    for j in range(len(pivots)):
        product *= pivots[j]
        if product > _LARGE:
            log_det += np.log(product)
            product = 1.0
    for j in range(len(pivots)):
        pivots[j] = 1.0 / np.sqrt(pivots[j])
    return log_det + np.log(product)


@njit(error_model="numpy")
def _factor(root: Any, chol: Any) -> float:
    """Fill the Cholesky factors of ``I + P P'``, the reciprocals on the diagonals; return their log determinants."""
    log_det = 0.0
    for a in range(len(root)):
        for b in range(a + 1):
            chol[a, b] = 1.0 if a == b else 0.0
            for k in range(len(root)):
                _add_product(chol[a, b], root[a, k], root[b, k])
            for k in range(b):
                _subtract_product(chol[a, b], chol[a, k], chol[b, k])
            if a == b:
                log_det += _invert_pivots(chol[a, a])
            else:
                _multiply(chol[a, b], chol[b, b])
    return log_det


@njit(error_model="numpy")
def _forward(chol: Any, v: Any) -> None:
    """Solve ``L x = v`` in place, for all columns of ``v (q, columns, J)``."""
    q, columns, _ = v.shape
    for a in range(q):
        for col in range(columns):
            for k in range(a):
                _subtract_product(v[a, col], chol[a, k], v[k, col])
            _multiply(v[a, col], chol[a, a])


@njit(error_model="numpy")
def _backward(chol: Any, v: Any) -> None:
    """Solve ``L' x = v`` in place."""
    q, columns, _ = v.shape
    for a in range(q - 1, -1, -1):
        for col in range(columns):
            for k in range(a + 1, q):
                _subtract_product(v[a, col], chol[k, a], v[k, col])
            _multiply(v[a, col], chol[a, a])


@njit(error_model="numpy")
def _sides(lam: Any, r: Any, c: Any, e: Any, sides: Any) -> None:
    """Fill the roots ``P = R Lambda`` and, as a last column, the residuals ``C e``."""
    q = len(lam)
    for a in range(q):
        for b in range(q):
            for k in range(a, q):
                if lam[k, b] != 0.0:
                    _add(sides[a, b], r[a, k], lam[k, b])
        for col in range(len(e)):
            _add(sides[a, q], c[a, col], e[col])


@njit(error_model="numpy")
def _at(lam: Any, r: Any, c: Any, within: Any, e: Any, weight: float) -> Any:
    """Return ``log|V / sigma^2|``, ``H e`` and the gradient by ``Lambda`` at a known ``e``."""
    q, width, groups = c.shape
    sides, solved, chol = np.zeros((q, q + 1, groups)), np.empty((q, q + 1, groups)), np.empty((q, q, groups))
    he, grad, along = np.zeros(width), np.zeros((q, q)), np.empty(groups)
    _sides(lam, r, c, e, sides)
    log_det = _factor(sides, chol)
    solved[:] = sides
    _forward(chol, solved)
    _backward(chol, solved)
    for b in range(q):
        along[:] = 0.0
        for a in range(q):
            _add_product(along, solved[a, q], sides[a, b])
        along *= weight
        for a in range(q):
            _subtract_product(solved[a, b], solved[a, q], along)
    for a in range(width):
        for b in range(width):
            he[a] += within[a, b] * e[b]
        for k in range(q):
            he[a] += _sum_of_products(c[k, a], solved[k, q])
    for a in range(q):
        for b in range(q):
            for k in range(a + 1):
                grad[a, b] += 2.0 * _sum_of_products(r[k, a], solved[k, b])
    return log_det, he, grad


@njit(error_model="numpy")
def working(x: Any, p: int, starts: Any, t_inverse: Any, r: Any, c: Any, within: Any, n: float) -> Any:
    """Return -2 log likelihood and its gradient in working coordinates.

    Parameters
    ----------
    r, c : (q, q, J), (q, p + 1, J)
        Rotated data, the groups last; all else as in `bayescompare.likelihood.kernel.working`.
    """
    q, size = len(r), len(x)
    partials, root, lam = np.empty(size - p - q - 1), np.empty((q, q)), np.empty((q, q))
    sigma = kernel._relative(x, p, starts, t_inverse, partials, root, lam)
    e = np.ones(p + 1)
    for k in range(p):
        e[k] = -x[k]
    weight = 1.0 / (sigma * sigma)
    log_det, he, by_lam = _at(lam, r, c, within, e, weight)
    gradient, quadratic = np.empty(size), 0.0
    for k in range(p + 1):
        quadratic += weight * e[k] * he[k]
    for k in range(p):
        gradient[k] = -2.0 * weight * he[k]
    kernel._chain(gradient, x, p, by_lam, lam, t_inverse, root, partials, starts)
    gradient[size - 1] += 2.0 * n - 2.0 * quadratic
    return log_det + n * (_LOG_2PI + 2.0 * x[size - 1]) + quadratic, gradient


@njit(error_model="numpy")
def _conditional(lam: Any, r: Any, c: Any, e: Any, sigma: float, across: Any, chol: Any, residual: Any, u: Any) -> None:
    """Fill the Cholesky factors of the precisions of ``u_j``, and the means in ``u (q, 1, J)``."""
    q = len(lam)
    across[:], residual[:], u[:] = 0.0, 0.0, 0.0
    for a in range(q):
        for b in range(q):
            for k in range(a, q):
                _add(across[b, a], r[a, k], lam[k, b])
        for col in range(len(e)):
            _add(residual[a], c[a, col], e[col] / sigma)
        for b in range(q):
            _add_product(u[b, 0], across[b, a], residual[a])
    _factor(across, chol)
    _forward(chol, u)
    _backward(chol, u)


@njit(error_model="numpy")
def _add_moments(away: Any, root: Any, chol: Any, work: Any, sums: Any) -> None:
    """Add to the sums ``(3, q, J)``: mean less the first one, its square, and the conditional variance."""
    q = len(root)
    for a in range(q):
        _add(sums[0, a], away[a], 1.0)
        _add_product(sums[1, a], away[a], away[a])
        for k in range(q):
            work[k, a] = root[a, k]
    _forward(chol, work)
    for a in range(q):
        for k in range(q):
            _add_product(sums[2, a], work[k, a], work[k, a])


@njit(cache=True, error_model="numpy")
def draw_effects(deltas: Any, roots: Any, lams: Any, sigmas: Any, r: Any, c: Any, out: Any, sums: Any) -> None:
    """Turn standard normals into draws of the random effects, and sum up their conditional moments.

    Parameters
    ----------
    deltas, roots, lams, sigmas : (S, p), (S, q, q), (S, q, q), (S,)
        Draws: ``P`` and ``T^-1 P / sigma`` with ``P P' = S``.
    r, c : (q, q, J), (q, p + 1, J)
        Rotated data.
    out : (S, J, q)
        Standard normals; the random effects on return.
    sums : (4, q, J)
        Zeros; on return the conditional means less their first, the squares of that, the conditional
        variances, each summed over the draws, and that first.
    """
    draws, groups, q = out.shape
    across, chol, work = np.empty((q, q, groups)), np.empty((q, q, groups)), np.empty((q, q, groups))
    residual, away, e = np.empty((q, groups)), np.empty((q, groups)), np.ones(c.shape[1])
    u, normal = np.empty((q, 1, groups)), np.empty((q, 1, groups))
    for s in range(draws):
        for k in range(len(e) - 1):
            e[k] = -deltas[s, k]
        _conditional(lams[s], r, c, e, sigmas[s], across, chol, residual, u)
        away[:] = 0.0
        for a in range(q):
            for k in range(q):
                _add(away[a], u[k, 0], roots[s, a, k])
            if s == 0:
                _add(sums[3, a], away[a], 1.0)
            _add(away[a], sums[3, a], -1.0)
        _add_moments(away, roots[s], chol, work, sums)
        for a in range(q):
            for j in range(groups):
                normal[a, 0, j] = out[s, j, a]
        _backward(chol, normal)
        for a in range(q):
            _add(u[a, 0], normal[a, 0], 1.0)
            away[a] = 0.0
        for a in range(q):
            for k in range(q):
                _add(away[a], u[k, 0], roots[s, a, k])
            for j in range(groups):
                out[s, j, a] = away[a, j]
