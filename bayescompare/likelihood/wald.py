"""Wald standard errors from the curvature of the (restricted) likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import correlation_matrix, covariance_root, variance_coordinates
from bayescompare.likelihood.problem import Problem

__all__ = ["AT_BOUNDARY", "Curvature", "curvature", "no_residual", "variance_covariance"]

Array = npt.NDArray[np.float64]

AT_BOUNDARY = "at its boundary: no Wald standard error"
_UNDEFINED = "correlation with an sd of zero: not defined"
_FLAT = "the likelihood is not curved there: no Wald standard error"
# Smallest eigenvalue of a correlation matrix that is not zero.
_SINGULAR = 1e-10
# Relative sd above which the residual sd may be at zero, a share of it, and what is no rise of the deviance.
_LARGE, _LESS, _SAME = 50.0, 1e-2, 1e-9


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
    data, layout = problem.products, problem.layout
    hessian, active, w = _hessian(problem, theta, reml)
    root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
    h = kernel.sums(data.relative_root(root, theta[layout.sigma]), data.r, data.c, data.within)[1]
    se, working_se = kernel.standard_errors(hessian, active, w, h, data.starts, data.rx)
    found = Curvature(se=se, working_se=working_se, reason=_reasons(theta, se, problem, zero=not active[-1]))
    return found if problem.identified.everything else _of_identified(found, problem, reml)


def _of_identified(found: Curvature, problem: Problem, reml: bool) -> Curvature:
    """Return standard errors without those that the data do not determine."""
    unknown = problem.identified.given | problem.identified.errors
    said = problem.identified.reasons(problem.layout, reml=reml)
    return Curvature(
        se=np.where(unknown, np.nan, found.se),
        working_se=np.where(unknown, np.nan, found.working_se),
        reason=tuple(why or own for why, own in zip(said, found.reason, strict=True)),
    )


def variance_covariance(problem: Problem, theta: Array, *, reml: bool) -> Array:
    """Return the asymptotic covariance ``(q + m + 1, q + m + 1)`` of log sds, Fisher z and log sigma.

    Twice the inverse Hessian of the profiled (restricted) deviance over those that are inside and matter; NaN for the
    others, and everywhere where the Hessian is not safely positive. Fisher z is that of the partial correlations.
    """
    hessian, active, _ = _hessian(problem, theta, reml)
    return np.asarray(kernel.asymptotic_covariance(hessian, active, problem.layout.q))


def _hessian(problem: Problem, theta: Array, reml: bool) -> tuple[Array, npt.NDArray[np.bool_], Array]:
    """Return the Hessian by the working variance parameters, which of them are inside and defined, and they."""
    data, w = problem.products, variance_coordinates(theta, problem.layout)
    active = np.isfinite(w) & _defined(theta, problem) & ~problem.identified.held[problem.layout.p :]
    active[-1] &= not no_residual(problem, theta, reml=reml)
    n = float(data.n)
    return kernel.hessian(w, active, data.starts, data.t_inverse, data.r, data.c, data.within, n, reml), active, w


def no_residual(problem: Problem, theta: Array, *, reml: bool) -> bool:
    """Whether the residual sd is at zero, its boundary: the deviance is no higher with a hundredth of it.

    That may be where few groups have more rows than random effects; the likelihood is finite there.

    Parameters
    ----------
    theta : (k,)
        Natural parameters at an optimum.
    """
    d, layout = problem.products, problem.layout
    lam = d.relative_root(covariance_root(theta[layout.sd], theta[layout.cor], layout), theta[layout.sigma])
    if not np.max(np.abs(lam), initial=0.0) > _LARGE:
        return False
    here, less = (
        kernel.steady(lam / share, d.r, d.c, d.within, float(d.n), reml, theta[layout.sigma] * share)[0]
        for share in (1.0, _LESS)
    )
    return bool(less <= here + _SAME)


def _defined(theta: Array, problem: Problem) -> npt.NDArray[np.bool_]:
    """Return which working variance parameters mean something: correlations need two positive sds."""
    layout = problem.layout
    sd = theta[layout.sd] > 0
    pairs = [bool(sd[i] and sd[j]) for i, j in layout.pairs]
    return np.array([*[True] * layout.q, *pairs, True])


def _reasons(theta: Array, se: Array, problem: Problem, *, zero: bool) -> tuple[str, ...]:
    """Return a sentence for each parameter without a standard error, ``zero`` where the residual sd is at its bound."""
    layout = problem.layout
    if np.all(np.isfinite(se)) and np.all(np.abs(theta[layout.cor]) < 1):
        return ("",) * layout.size
    correlation = correlation_matrix(np.nan_to_num(theta[layout.cor]), layout)
    singular = layout.m and np.linalg.eigvalsh(correlation)[0] < _SINGULAR
    reasons = ["" if np.isfinite(value) else _FLAT for value in se]
    reasons[layout.sigma] = AT_BOUNDARY if zero else reasons[layout.sigma]
    for k in range(layout.size):
        if layout.sd.start <= k < layout.sd.stop and theta[k] == 0:
            reasons[k] = AT_BOUNDARY
        if layout.cor.start <= k < layout.cor.stop and not np.isfinite(theta[k]):
            reasons[k] = _UNDEFINED
        elif layout.cor.start <= k < layout.cor.stop and (abs(theta[k]) == 1 or (singular and not np.isfinite(se[k]))):
            reasons[k] = AT_BOUNDARY
    return tuple(reasons)
