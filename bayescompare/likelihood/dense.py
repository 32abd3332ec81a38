"""The textbook form of the likelihood, written to be read and to keep the fast ones honest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal

from bayescompare.layout import Layout

__all__ = ["covariance", "gls", "loglik", "marginal_covariance", "random_effects", "restricted_loglik"]

Array = npt.NDArray[np.float64]


def covariance(sd: Array, cor: Array, layout: Layout) -> Array:
    """Return ``S = D R D``, the ``(q, q)`` covariance of one group's random effects."""
    correlation = np.eye(layout.q)
    for value, (i, j) in zip(cor, layout.pairs, strict=True):
        correlation[i, j] = correlation[j, i] = value
    return np.diag(sd) @ correlation @ np.diag(sd)


def _expanded(z: Array, groups: npt.NDArray[np.intp], count: int) -> Array:
    """Return the ``(n, J q)`` indicator form of the random-effect columns."""
    full = np.zeros((len(z), count, z.shape[1]))
    full[np.arange(len(z)), groups] = z
    return full.reshape(len(z), -1)


def marginal_covariance(z: Array, groups: npt.NDArray[np.intp], count: int, s: Array, sigma: float) -> Array:
    """Return ``V = Z S Z' + sigma^2 I``, ``(n, n)``."""
    full = _expanded(z, groups, count)
    return full @ block_diag(*[s] * count) @ full.T + sigma**2 * np.eye(len(z))


def loglik(y: Array, x: Array, beta: Array, v: Array) -> float:
    """Return the log density of ``y ~ N(X beta, V)``."""
    return float(multivariate_normal.logpdf(y, x @ beta, v))


def gls(y: Array, x: Array, v: Array) -> tuple[Array, Array]:
    """Return the generalized least-squares ``beta`` and its covariance ``(X' V^-1 X)^-1``."""
    precision = x.T @ np.linalg.solve(v, x)
    return np.linalg.solve(precision, x.T @ np.linalg.solve(v, y)), np.linalg.inv(precision)


def restricted_loglik(y: Array, x: Array, v: Array) -> float:
    """Return the restricted log likelihood as lme4 counts it (Bates et al. 2015, equation 39).

    ``log N(y; X beta, V) - log|X' V^-1 X| / 2 + p log(2 pi) / 2`` at the GLS ``beta``.
    """
    beta, cov = gls(y, x, v)
    return loglik(y, x, beta, v) + np.linalg.slogdet(cov)[1] / 2 + x.shape[1] * np.log(2 * np.pi) / 2


def random_effects(
    y: Array, x: Array, z: Array, groups: npt.NDArray[np.intp], count: int, beta: Array, s: Array, sigma: float
) -> tuple[Array, Array]:
    """Return the mean ``(J, q)`` and covariance ``(J q, J q)`` of the effects given the data and parameters."""
    full, prior = _expanded(z, groups, count), block_diag(*[s] * count)
    v = marginal_covariance(z, groups, count, s, sigma)
    gain = prior @ full.T @ np.linalg.inv(v)
    mean = gain @ (y - x @ beta)
    return mean.reshape(count, -1), prior - gain @ full @ prior
