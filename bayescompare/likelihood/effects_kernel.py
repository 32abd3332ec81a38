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
def _factor(r: Any, lam: Any, m: Any, chol: Any) -> None:
    """Fill ``M = R lam`` and the lower Cholesky factor of ``I + M'M``, its diagonal inverted."""
    q = lam.shape[0]
    for a in range(q):
        for b in range(q):
            total = 0.0
            for k in range(a, q):
                total += r[a, k] * lam[k, b]
            m[a, b] = total
    for a in range(q):
        for b in range(a + 1):
            total = 1.0 if a == b else 0.0
            for k in range(q):
                total += m[k, a] * m[k, b]
            for k in range(b):
                total -= chol[a, k] * chol[b, k]
            chol[a, b] = 1.0 / np.sqrt(total) if a == b else total * chol[b, b]


@njit(cache=True, error_model="numpy")
def _forward(chol: Any, v: Any) -> None:
    """Solve ``L x = v`` in place."""
    for a in range(len(v)):
        total = v[a]
        for k in range(a):
            total -= chol[a, k] * v[k]
        v[a] = total * chol[a, a]


@njit(cache=True, error_model="numpy")
def _backward(chol: Any, v: Any) -> None:
    """Solve ``L' x = v`` in place."""
    for a in range(len(v) - 1, -1, -1):
        total = v[a]
        for k in range(a + 1, len(v)):
            total -= chol[k, a] * v[k]
        v[a] = total * chol[a, a]


@njit(cache=True, error_model="numpy")
def _mean(m: Any, chol: Any, c: Any, e: Any, sigma: float, mean: Any) -> None:
    """Fill the conditional mean of ``u_j``."""
    q, width = c.shape
    for a in range(q):
        mean[a] = 0.0
    for k in range(q):
        residual = 0.0
        for column in range(width):
            residual += c[k, column] * e[column]
        for a in range(q):
            mean[a] += m[k, a] * residual / sigma
    _forward(chol, mean)
    _backward(chol, mean)


@njit(cache=True, error_model="numpy")
def _times(root: Any, v: Any, out: Any) -> None:
    """Fill ``out = P v``."""
    for a in range(len(v)):
        total = 0.0
        for k in range(len(v)):
            total += root[a, k] * v[k]
        out[a] = total


@njit(cache=True, error_model="numpy")
def _add_moments(centre: Any, first: Any, root: Any, chol: Any, work: Any, sums: Any) -> None:
    """Add to the sums ``(3, q)``: conditional mean less the first one, its square, conditional variance."""
    for a in range(len(centre)):
        away = centre[a] - first[a]
        sums[0, a] += away
        sums[1, a] += away * away
        for k in range(len(centre)):
            work[k] = root[a, k]
        _forward(chol, work)
        for k in range(len(centre)):
            sums[2, a] += work[k] * work[k]


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
    first, sums = np.empty((groups, q)), np.zeros((groups, 3, q))
    m, chol, e = np.empty((q, q)), np.zeros((q, q)), np.ones(c.shape[2])
    mean, centre, work = np.empty(q), np.empty(q), np.empty(q)
    for s in range(draws):
        e[:-1] = -deltas[s]
        for j in range(groups):
            _factor(r[j], lams[s], m, chol)
            _mean(m, chol, c[j], e, sigmas[s], mean)
            _times(roots[s], mean, centre)
            if s == 0:
                first[j] = centre
            _add_moments(centre, first[j], roots[s], chol, work, sums[j])
            _backward(chol, out[s, j])
            for a in range(q):
                work[a] = mean[a] + out[s, j, a]
            _times(roots[s], work, out[s, j])
    shift = sums[:, 0] / draws
    return first + shift, sums[:, 2] / draws + sums[:, 1] / draws - shift**2
