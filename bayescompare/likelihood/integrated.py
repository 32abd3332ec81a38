r"""The likelihood of a model with one random effect a group, with the fixed effects integrated out too.

With one effect ``Lambda`` is a number, and groups whose ``r_j`` are equal share a weight: in the symbols of
`bayescompare.likelihood.kernel`

    log|V / sigma^2| = sum_u n_u log(1 + r_u^2 Lambda^2),    H = W + sum_u S_u / (1 + r_u^2 Lambda^2),

``S_u`` the sum of ``C_j' C_j`` over the ``n_u`` groups with ``r_j = r_u``. Under Normal priors
``N(m_k, s_k^2)``, or flat ones, on the fixed effects ``delta`` is Gaussian given sd and sigma, with precision
``A / sigma^2`` and mean ``A^-1 g``:

    A = M + sigma^2 P,    g = v + sigma^2 R_x^-T D (m - beta_0),    P = R_x^-T D R_x^-1,    D = diag(1 / s_k^2),

    int L p(beta) dbeta = L p(beta) |_mean (2 pi)^(p/2) sigma^p |A|^(-1/2) / |R_x|:

Lindley and Smith (1972). Everything is evaluated at the mean, where the terms are sums of squares: nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.linalg import solve_triangular

from bayescompare.fits import RandomEffects
from bayescompare.likelihood.products import Products

__all__ = ["Integrated"]

Array = npt.NDArray[np.float64]

_LOG_2PI = float(np.log(2 * np.pi))
# Relative difference below which two groups have the same ``r``.
_DIGITS = 12


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
def _log_integrals(lams: Any, sigmas: Any, n: float, squares: Any, counts: Any, sums: Any, within: Any,
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
def _moments(lams: Any, sigmas: Any, squares: Any, counts: Any, sums: Any, within: Any, precision: Any,
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
def _effects(lams: Any, sigmas: Any, sds: Any, shares: Any, squares: Any, counts: Any, sums: Any, within: Any,
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


@dataclass(frozen=True, kw_only=True)
class Integrated:
    """The likelihood at (sd, sigma), the random and the fixed effects integrated out.

    Parameters
    ----------
    products
        Of a model with one random effect a group.
    r, c : (J,), (J, p + 1)
        Rotated data, as in the products.
    squares, counts, sums : (U,), (U,), (U, p + 1, p + 1)
        ``r^2``, number of groups and sum of ``C'C`` of the groups with one ``r``.
    inverse : (p, p)
        ``R_x^-1``.
    away, weights : (p,)
        ``beta_0 - m`` and ``1 / s^2`` of the priors; zero where flat.
    precision, pull : (p, p), (p,)
        What the priors add to the precision of ``delta``, and to precision times mean.
    constant
        Log of the priors' and of ``R_x``'s constants.
    """

    products: Products
    r: Array
    c: Array
    squares: Array
    counts: Array
    sums: Array
    inverse: Array
    away: Array
    weights: Array
    precision: Array
    pull: Array
    constant: float

    @classmethod
    def of(cls, products: Products, centres: Array, widths: Array) -> Integrated:
        """Return that of products under Normal priors.

        Parameters
        ----------
        centres, widths : (p,)
            Means and sds of the priors of the fixed effects; an infinite sd is a flat prior, of density one.
        """
        r, c = np.sign(products.t_inverse[0, 0]) * products.r[:, 0, 0], products.c[:, 0, :].copy()
        # of logs, so that the digits are relative
        with np.errstate(divide="ignore"):
            _, first, member = np.unique(np.round(np.log(np.abs(r)), _DIGITS), return_index=True, return_inverse=True)
        sums = np.zeros((len(first), c.shape[1], c.shape[1]))
        np.add.at(sums, member, c[:, :, None] * c[:, None, :])
        p, weights = len(products.rx), widths**-2.0
        inverse = solve_triangular(products.rx, np.eye(p)) if p else np.zeros((0, 0))
        away = np.where(weights > 0, products.beta0 - centres, 0.0)
        normals = np.log(widths[weights > 0]) + _LOG_2PI / 2
        return cls(
            products=products,
            r=r,
            c=c,
            squares=r[first] ** 2,
            counts=np.bincount(member, minlength=len(first)).astype(float),
            sums=sums,
            inverse=np.ascontiguousarray(inverse),
            away=away,
            weights=weights,
            precision=inverse.T @ (weights[:, None] * inverse),
            pull=-inverse.T @ (weights * away),
            constant=-float(normals.sum()) - products.log_det_x / 2,
        )

    @property
    def _given(self) -> tuple[Array, Array, Array, Array, Array, Array]:
        """What the kernels need of data and priors."""
        return self.squares, self.counts, self.sums, self.products.within, self.precision, self.pull

    def _at(self, sd: Array, sigma: Array) -> tuple[Array, Array]:
        """Return relative sds of the rotated effect, and sigmas, as the kernels take them."""
        return np.ascontiguousarray(abs(self.products.t_inverse[0, 0]) * sd / sigma), np.ascontiguousarray(sigma)

    def log(self, sd: Array, sigma: Array) -> Array:
        """Return the log of likelihood times prior of the fixed effects, integrated, at points ``(N,)``."""
        prior = self.inverse, self.away, self.weights
        found = _log_integrals(*self._at(sd, sigma), float(self.products.n), *self._given, *prior)
        return np.asarray(found + self.constant)

    def fixed_effects(self, sd: Array, sigma: Array) -> tuple[Array, Array]:
        """Return means and sds ``(N, p)`` of the fixed effects given sd and sigma."""
        means, sds = _moments(*self._at(sd, sigma), *self._given, self.inverse)
        return self.products.beta0 + means, sds

    def random_effects(self, sd: Array, sigma: Array, shares: Array) -> RandomEffects:
        """Return means and sds of the random effects over points ``(N,)`` with shares that sum to one."""
        mean, spread = _effects(*self._at(sd, sigma), sd, shares, *self._given, self.r, self.c)
        return RandomEffects(mode=mean[:, None], sd=spread[:, None])
