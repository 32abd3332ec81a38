"""Wald standard errors from the curvature of the (restricted) likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import correlation_matrix, correlations, covariance_root, to_working
from bayescompare.likelihood.problem import Problem

__all__ = ["AT_BOUNDARY", "Curvature", "curvature"]

Array = npt.NDArray[np.float64]

AT_BOUNDARY = "at its boundary: no Wald standard error"
_UNDEFINED = "correlation with an sd of zero: not defined"
_FLAT = "the likelihood is not curved there: no Wald standard error"
_STEP = 1e-4
# Inverse of the smallest conditional standard error at which that step is short enough.
_SHARP = 50.0
# Curvature of a coordinate that the deviance does not depend on.
_NOTHING = 1e-6
# Smallest eigenvalue of a scaled Hessian, or of a correlation matrix, that is not zero.
_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Curvature:
    """Standard errors at a point, in natural and in working units.

    Parameters
    ----------
    se : (k,)
        Natural units; NaN with a reason where there is none.
    working_se : (k,)
        Of beta, log sds, Fisher z of the partial correlations, log sigma.
    reason : (k,)
    """

    se: Array
    working_se: Array
    reason: tuple[str, ...]


def _hessian(w: Array, active: npt.NDArray[np.intp], problem: Problem, reml: bool) -> Array:
    """Return the Hessian of the profiled deviance by central differences of its exact gradient.

    Where a step is not short beside the standard error of its parameter given the others (a far
    origin of the slopes, very many rows), the differences are taken once more with shorter ones.
    """
    hessian = _differences(w, active, np.full(len(active), _STEP), problem, reml)
    curved = np.diag(hessian)
    if len(active) and np.all(curved > 0) and np.max(curved) > 2 * _SHARP**2:
        hessian = _differences(w, active, _STEP * np.minimum(1.0, _SHARP / np.sqrt(curved / 2)), problem, reml)
    return hessian


def _differences(w: Array, active: npt.NDArray[np.intp], steps: Array, problem: Problem, reml: bool) -> Array:
    data = problem.products
    rows = []
    for k, size in zip(active, steps, strict=True):
        step = np.zeros(len(w))
        step[k] = size
        above, below = (
            kernel.working_profiled(
                w + sign * step, data.starts, data.t_inverse, data.r, data.c, data.within, float(data.n), reml
            )[1]
            for sign in (1.0, -1.0)
        )
        rows.append((above - below)[active] / (2 * size))
    hessian = np.array(rows).reshape(len(active), len(active))
    return np.asarray((hessian + hessian.T) / 2)


def _fixed_effect_se(theta: Array, problem: Problem) -> Array:
    """Return the square roots of the diagonal of ``(X' V^-1 X)^-1``."""
    data, layout = problem.products, problem.layout
    if layout.p == 0:
        return np.zeros(0)
    root = covariance_root(theta[layout.sd], np.nan_to_num(theta[layout.cor]), layout)
    lam = data.relative_root(root, theta[layout.sigma])
    _, h, *_ = kernel.forward(lam, data.r, data.c, data.within)
    inverse = np.linalg.inv(data.rx)
    covariance = inverse @ np.linalg.inv(h[:-1, :-1]) @ inverse.T
    return np.asarray(theta[layout.sigma] * np.sqrt(np.diag(covariance)))


def _correlation_jacobian(z: Array, problem: Problem) -> Array:
    """Return the ``(m, m)`` derivatives of the correlations by the Fisher z of the partials."""
    layout, starts = problem.layout, problem.products.starts
    columns = [
        (correlations(np.tanh(z + h), layout, starts) - correlations(np.tanh(z - h), layout, starts)) / 2e-6
        for h in 1e-6 * np.eye(layout.m)
    ]
    return np.array(columns).T


def curvature(problem: Problem, theta: Array, *, reml: bool) -> Curvature:
    """Return the standard errors of a point estimate; a parameter at its boundary has none.

    Fixed effects have the generalized least-squares standard error given the variance
    parameters; those have the inverse Hessian of the profiled (restricted) deviance in log sds,
    Fisher z and log sigma.

    Parameters
    ----------
    theta : (k,)
        Natural parameters.
    reml
        Curvature of the restricted likelihood in place of the full one.
    """
    layout = problem.layout
    p, q = layout.p, layout.q
    w = to_working(theta, layout, problem.products)[p:]
    active = np.flatnonzero(np.isfinite(w) & _defined(theta, problem))
    hessian = _hessian(w, active, problem, reml)
    # where R is singular, partial correlations after its rank are of no consequence
    matters = (np.abs(np.diag(hessian)) > _NOTHING) | (active < q) | (active == len(w) - 1)
    covariance = np.full((len(w), len(w)), np.nan)
    covariance[np.ix_(active[matters], active[matters])] = _twice_inverse(hessian[np.ix_(matters, matters)])
    working = np.sqrt(np.diag(covariance))
    natural = working.copy()
    natural[:q] *= theta[layout.sd]
    natural[-1] *= theta[layout.sigma]
    if layout.m:
        natural[q:-1] = _correlation_se(w[q:-1], covariance[q:-1, q:-1], problem)
    fixed = _fixed_effect_se(theta, problem)
    se = np.concatenate([fixed, natural])
    return Curvature(se=se, working_se=np.concatenate([fixed, working]), reason=_reasons(theta, se, problem))


def _twice_inverse(hessian: Array) -> Array:
    """Return ``2 H^-1``, or NaN where ``H`` is not safely positive definite."""
    size = np.sqrt(np.clip(np.diag(hessian), 0, None))
    if not np.all(np.isfinite(hessian)) or not np.all(size > 0):
        return np.full_like(hessian, np.nan)
    scaled = hessian / np.outer(size, size)
    if len(scaled) and np.linalg.eigvalsh(scaled)[0] < _SINGULAR:
        return np.full_like(hessian, np.nan)
    return np.asarray(2 * np.linalg.inv(scaled) / np.outer(size, size))


def _correlation_se(z: Array, covariance: Array, problem: Problem) -> Array:
    """Return delta-method standard errors of the correlations; NaN where a partial is at its bound."""
    if not np.all(np.isfinite(covariance)):
        return np.full(len(z), np.nan) if len(z) > 1 else np.sqrt(np.diag(covariance))
    jacobian = _correlation_jacobian(z, problem)
    return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian)))


def _defined(theta: Array, problem: Problem) -> npt.NDArray[np.bool_]:
    """Return which working variance parameters mean something: correlations need two positive sds."""
    layout = problem.layout
    sd = theta[layout.sd] > 0
    pairs = [bool(sd[i] and sd[j]) for i, j in layout.pairs]
    return np.array([*[True] * layout.q, *pairs, True])


def _reasons(theta: Array, se: Array, problem: Problem) -> tuple[str, ...]:
    """Return a sentence for each parameter without a standard error."""
    layout = problem.layout
    correlation = correlation_matrix(np.nan_to_num(theta[layout.cor]), layout)
    singular = layout.m and np.linalg.eigvalsh(correlation)[0] < _SINGULAR
    reasons = ["" if np.isfinite(value) else _FLAT for value in se]
    for k in range(layout.size):
        if layout.sd.start <= k < layout.sd.stop and theta[k] == 0:
            reasons[k] = AT_BOUNDARY
        if layout.cor.start <= k < layout.cor.stop and not np.isfinite(theta[k]):
            reasons[k] = _UNDEFINED
        elif layout.cor.start <= k < layout.cor.stop and (abs(theta[k]) == 1 or (singular and not np.isfinite(se[k]))):
            reasons[k] = AT_BOUNDARY
    return tuple(reasons)
