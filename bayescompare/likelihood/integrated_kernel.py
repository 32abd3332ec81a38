"""Numba kernels of the likelihood with one random effect a group, the fixed effects integrated out.

See `bayescompare.likelihood.integrated` for the symbols. One file, since Numba's cache does not see that a function of
another one has changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["effects", "log_integrals", "moments"]

_LOG_2PI = float(np.log(2 * np.pi))


@njit(cache=True, error_model="numpy")
def _given(lam: float, sigma: float, squares: Any, counts: Any, sums: Any, within: Any, precision: Any, pull: Any,
           h: Any, chol: Any, delta: Any) -> Any:  # fmt: skip
    """Fill ``H``, the Cholesky factor of ``A`` (diagonal inverted) and the mean of ``delta``.

    Returns ``log|V / sigma^2|`` and ``log|A|``.
    """
    p = len(delta)
    log_det, log_a = 0.0, 0.0
    for a in range(p + 1):
        for b in range(a + 1):
            h[a, b] = within[a, b]
    for u in range(len(squares)):
        inflation = 1.0 + squares[u] * lam * lam
        log_det += counts[u] * np.log(inflation)
        for a in range(p + 1):
            for b in range(a + 1):
                h[a, b] += sums[u, a, b] / inflation
    for a in range(p):
        for b in range(a + 1):
            total = h[a, b] + sigma * sigma * precision[a, b]
            for k in range(b):
                total -= chol[a, k] * chol[b, k]
            if a == b:
                chol[a, a] = 1.0 / np.sqrt(total)
                log_a += np.log(total)
            else:
                chol[a, b] = total * chol[b, b]
    for a in range(p):
        total = h[p, a] + sigma * sigma * pull[a]
        for k in range(a):
            total -= chol[a, k] * delta[k]
        delta[a] = total * chol[a, a]
    for a in range(p - 1, -1, -1):
        total = delta[a]
        for k in range(a + 1, p):
            total -= chol[k, a] * delta[k]
        delta[a] = total * chol[a, a]
    return log_det, log_a


@njit(cache=True, error_model="numpy")
def log_integrals(lams: Any, sigmas: Any, n: float, squares: Any, counts: Any, sums: Any, within: Any,
                   precision: Any, pull: Any, inverse: Any, away: Any, weights: Any) -> Any:  # fmt: skip
    """Return the log integral at each point, without the constants of the priors and of ``R_x``."""
    p = len(pull)
    out, h, chol, delta = np.empty(len(lams)), np.zeros((p + 1, p + 1)), np.zeros((p, p)), np.zeros(p)
    for i in range(len(lams)):
        sigma = sigmas[i]
        log_det, log_a = _given(lams[i], sigma, squares, counts, sums, within, precision, pull, h, chol, delta)
        quadratic, penalty = h[p, p], 0.0
        for a in range(p):
            quadratic -= 2.0 * delta[a] * h[p, a]
            for b in range(a):
                quadratic += 2.0 * delta[a] * h[a, b] * delta[b]
            quadratic += delta[a] * h[a, a] * delta[a]
            distance = away[a]
            for b in range(a, p):
                distance += inverse[a, b] * delta[b]
            penalty += weights[a] * distance * distance
        # rounding may leave a sum of squares below zero
        quadratic = max(quadratic, 0.0) / (sigma * sigma)
        out[i] = -0.5 * (log_det + (n - p) * (_LOG_2PI + 2.0 * np.log(sigma)) + quadratic + penalty + log_a)
    return out


@njit(cache=True, error_model="numpy")
def moments(lams: Any, sigmas: Any, squares: Any, counts: Any, sums: Any, within: Any, precision: Any,
             pull: Any, inverse: Any) -> Any:  # fmt: skip
    """Return means, less ``beta_0``, and sds of the fixed effects at each point, both ``(N, p)``."""
    p = len(pull)
    means, sds = np.empty((len(lams), p)), np.empty((len(lams), p))
    h, chol, delta, column = np.zeros((p + 1, p + 1)), np.zeros((p, p)), np.zeros(p), np.zeros(p)
    for i in range(len(lams)):
        _given(lams[i], sigmas[i], squares, counts, sums, within, precision, pull, h, chol, delta)
        for k in range(p):
            mean, variance = 0.0, 0.0
            for b in range(k, p):
                mean += inverse[k, b] * delta[b]
            for a in range(p):
                total = inverse[k, a]
                for b in range(a):
                    total -= chol[a, b] * column[b]
                column[a] = total * chol[a, a]
                variance += column[a] * column[a]
            means[i, k], sds[i, k] = mean, sigmas[i] * np.sqrt(variance)
    return means, sds


@njit(cache=True, error_model="numpy")
def effects(lams: Any, sigmas: Any, sds: Any, shares: Any, squares: Any, counts: Any, sums: Any, within: Any,
             precision: Any, pull: Any, r: Any, c: Any) -> Any:  # fmt: skip
    """Return means and sds ``(J,)`` of the random effects over points with shares that sum to one."""
    p, groups = len(pull), len(r)
    first, second = np.zeros(groups), np.zeros(groups)
    h, chol, delta, column = np.zeros((p + 1, p + 1)), np.zeros((p, p)), np.zeros(p), np.zeros(p)
    for i in range(len(lams)):
        _given(lams[i], sigmas[i], squares, counts, sums, within, precision, pull, h, chol, delta)
        for j in range(groups):
            root = r[j] * lams[i]
            inflation, residual, spread = 1.0 + root * root, c[j, p], 0.0
            for a in range(p):
                residual -= c[j, a] * delta[a]
                total = c[j, a]
                for b in range(a):
                    total -= chol[a, b] * column[b]
                column[a] = total * chol[a, a]
                spread += column[a] * column[a]
            gain = sds[i] * root / inflation
            mean = gain * residual / sigmas[i]
            first[j] += shares[i] * mean
            second[j] += shares[i] * (mean * mean + sds[i] * sds[i] / inflation + gain * gain * spread)
    return first, np.sqrt(np.maximum(second - first * first, 0.0))
