r"""Numba kernel of the random effects given the data and the parameters, at many draws.

With ``b_j = P u_j``, ``P P' = S`` and ``u_j ~ N(0, I)``, the rotated rows of group ``j`` (see
`bayescompare.likelihood.kernel`) say ``C_j e = R_j T^-1 P u_j + N(0, sigma^2 I)``. With
``M_j = R_j T^-1 P / sigma`` the conditional of ``u_j`` is Gaussian with precision ``I + M_j' M_j``
and mean ``(I + M_j' M_j)^-1 M_j' C_j e / sigma`` (Bates et al. 2015, equations 21 to 24).
The file calls no compiled function of another one: Numba's cache would not see that one change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["draw_effects"]


@njit(cache=True, error_model="numpy")
def _factor(m: Any, chol: Any) -> None:
    """Fill the lower Cholesky factor of ``I + M'M``."""
    q = m.shape[0]
    for a in range(q):
        for b in range(a + 1):
            total = 1.0 if a == b else 0.0
            for k in range(q):
                total += m[k, a] * m[k, b]
            for k in range(b):
                total -= chol[a, k] * chol[b, k]
            chol[a, b] = np.sqrt(total) if a == b else total / chol[b, b]


@njit(cache=True, error_model="numpy")
def _forward(chol: Any, v: Any) -> None:
    """Solve ``L x = v`` in place."""
    for a in range(len(v)):
        for k in range(a):
            v[a] -= chol[a, k] * v[k]
        v[a] /= chol[a, a]


@njit(cache=True, error_model="numpy")
def _backward(chol: Any, v: Any) -> None:
    """Solve ``L' x = v`` in place."""
    for a in range(len(v) - 1, -1, -1):
        for k in range(a + 1, len(v)):
            v[a] -= chol[k, a] * v[k]
        v[a] /= chol[a, a]


@njit(cache=True, error_model="numpy")
def _conditional(lam: Any, sigma: float, r: Any, c: Any, e: Any, chol: Any, mean: Any) -> None:
    """Fill the Cholesky factor of the precision of ``u_j`` and its mean."""
    q = lam.shape[0]
    m = np.zeros((q, q))
    for a in range(q):
        for k in range(a, q):
            for b in range(q):
                m[a, b] += r[a, k] * lam[k, b]
    _factor(m, chol)
    mean[:] = 0.0
    for k in range(q):
        residual = np.sum(c[k] * e) / sigma
        for a in range(q):
            mean[a] += m[k, a] * residual
    _forward(chol, mean)
    _backward(chol, mean)


@njit(cache=True, error_model="numpy")
def _times(root: Any, v: Any, out: Any) -> None:
    """Fill ``out = P v``."""
    for a in range(len(v)):
        out[a] = np.sum(root[a] * v)


@njit(cache=True, error_model="numpy")
def draw_effects(deltas: Any, roots: Any, lams: Any, sigmas: Any, r: Any, c: Any, out: Any) -> Any:
    """Turn standard normals into draws of the random effects, and sum up their conditional moments.

    Parameters
    ----------
    deltas, roots, lams, sigmas : (S, p), (S, q, q), (S, q, q), (S,)
        Draws: ``P`` and ``T^-1 P / sigma`` with ``P P' = S``.
    r, c : (J, q, q), (J, q, p + 1)
        Rotated data.
    out : (S, J, q)
        Standard normals; the random effects on return.

    Returns
    -------
    mean, variance : (J, q)
        Of the random effects given the data: mean of the conditional means over the draws, and
        mean of the conditional variances plus variance of the conditional means.
    """
    draws, groups, q = out.shape
    first, total = np.zeros((groups, q)), np.zeros((groups, q))
    square, within = np.zeros((groups, q)), np.zeros((groups, q))
    chol, e = np.zeros((q, q)), np.ones(c.shape[2])
    mean, centre, work = np.empty(q), np.empty(q), np.empty(q)
    for s in range(draws):
        e[:-1] = -deltas[s]
        for j in range(groups):
            _conditional(lams[s], sigmas[s], r[j], c[j], e, chol, mean)
            _times(roots[s], mean, centre)
            _backward(chol, out[s, j])
            work[:] = mean + out[s, j]
            _times(roots[s], work, out[s, j])
            if s == 0:
                first[j] = centre
            total[j] += centre - first[j]
            square[j] += (centre - first[j]) ** 2
            for a in range(q):
                work[:] = roots[s, a]
                _forward(chol, work)
                within[j, a] += np.sum(work**2)
    shift = total / draws
    return first + shift, within / draws + square / draws - shift**2
