r"""t intervals of the fixed effects with Satterthwaite degrees of freedom.

With ``v(w)`` the variance of a fixed effect as a function of the variance parameters, ``g`` its gradient and ``A``
their asymptotic covariance, twice the inverse Hessian of the (restricted) deviance,

    df = 2 v^2 / (g' A g)

(Giesbrecht and Burns 1985; Kuznetsova, Brockhoff and Christensen 2017). It does not depend on the coordinates of the
variance parameters, since at an optimum ``A`` transforms as ``g`` does: those here are log sds, Fisher z of the partial
correlations and log sigma; ``g`` is exact, and ``A`` is by differences of an exact gradient.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import NOT_THERE, Engine
from bayescompare.engines.lbfgs.likelihood import LbfgsML, LbfgsREML
from bayescompare.fits import Fit, Flag
from bayescompare.intervals.student import Student, of_fixed_effects
from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import covariance_root, variance_coordinates
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.wald import variance_covariance

__all__ = ["degrees_of_freedom", "wald_t"]

Array = npt.NDArray[np.float64]

_HELD = "degrees of freedom given the variance parameters at their boundary"
_WORSE = "in a worse optimum than another fit's"
_FLAT = "the likelihood is not curved there: no degrees of freedom"
_EXACT = "no groups: the exact t interval, with the residual variance RSS/(n - p)"


def wald_t(problem: Problem, fit: Fit, engine: Engine, seed: np.random.SeedSequence) -> Student | None:
    """Return the t intervals of the fixed effects of a fit by (restricted) maximum likelihood, None for others.

    Of a linear model without groups they are the exact ones: ``n - p`` degrees of freedom and the residual variance
    ``RSS/(n - p)``, by maximum likelihood too. Away from its optimum a fit has none.
    """
    layout = problem.layout
    if not isinstance(engine, LbfgsML | LbfgsREML) or not layout.p:
        return None
    estimate, se, reason = fit.estimate[layout.beta], fit.se[layout.beta], fit.reason[layout.beta]
    nothing = np.full(layout.p, np.nan)
    if Flag.NOT_STATIONARY in fit.flags:
        return of_fixed_effects(estimate, nothing, nothing, (NOT_THERE,) * layout.p, layout.size)
    if not layout.q:
        n, left = problem.products.n, problem.products.n - layout.p
        exact = se if engine.reml else se * np.sqrt(n / left)
        said = ("" if engine.reml else _EXACT,) * layout.p
        return of_fixed_effects(estimate, exact, np.full(layout.p, float(left)), said, layout.size)
    df, held = degrees_of_freedom(problem, fit.optimum, reml=engine.reml)
    worse = Flag.WORSE_OPTIMUM in fit.flags
    reasons = tuple(why or _said(one, held, worse) for why, one in zip(reason, df, strict=True))
    return of_fixed_effects(estimate, se, df, reasons, layout.size)


def _said(df: float, held: bool, worse: bool) -> str:
    """Return why there are no degrees of freedom, or what is to be known of them."""
    if not np.isfinite(df):
        return _FLAT
    return "; ".join([_WORSE] * worse + [_HELD] * held)


def degrees_of_freedom(problem: Problem, theta: Array, *, reml: bool) -> tuple[Array, bool]:
    """Return the degrees of freedom ``(p,)`` of the fixed effects, and whether a variance parameter was held.

    One at its boundary (an sd of zero, a correlation of plus or minus one) is not free, nor is one without consequence.
    In lmerTest's coordinates the variances do not depend on it there, which is the same. NaN where the likelihood is
    not curved.

    Parameters
    ----------
    theta : (k,)
        Natural parameters at the optimum.
    """
    covariance = variance_covariance(problem, theta, reml=reml)
    free = np.isfinite(np.diag(covariance))
    if not free.any():
        return np.full(problem.layout.p, np.nan), False
    variances, slopes = _variances(problem, theta)
    part = slopes[:, free]
    spread = np.sum(part @ covariance[free][:, free] * part, axis=1)
    with np.errstate(divide="ignore"):
        return 2 * variances**2 / spread, not bool(np.all(free | problem.identified.given[problem.layout.p :]))


def _variances(problem: Problem, theta: Array) -> tuple[Array, Array]:
    """Return the variances ``(p,)`` of the fixed effects, and their slopes by log sds, Fisher z and log sigma.

    With ``a = M^-1 R_x^-T e_k`` and ``s_j = B_j^-1 C_j a`` the slope by ``Lambda`` is
    ``2 sigma^2 sum_j (R_j' s_j) (s_j' R_j Lambda)``.
    """
    data, layout, sigma = problem.products, problem.layout, theta[problem.layout.sigma]
    root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
    lam = data.relative_root(root, sigma)
    _, h, roots, solved, _ = kernel.forward(lam, data.r, data.c, data.within)
    unit = kernel.upper_solve(data.rx, np.eye(layout.p)).T
    along = np.linalg.solve(h[: layout.p, : layout.p], unit)
    s = solved[:, :, : layout.p] @ along
    left, right = np.swapaxes(data.r, 1, 2) @ s, np.swapaxes(roots, 1, 2) @ s
    by_lam = 2 * sigma**2 * np.einsum("jak,jbk->kab", left, right)
    variances = sigma**2 * np.sum(unit * along, axis=0)
    by_sigma = 2 * variances - np.sum(by_lam * lam, axis=(1, 2))
    return variances, np.column_stack([*_slopes(problem, theta, root, by_lam), by_sigma])


def _slopes(problem: Problem, theta: Array, root: Array, by_lam: Array) -> tuple[Array, Array]:
    """Return slopes by log sds ``(p, q)`` and by Fisher z ``(p, m)``, given those by ``Lambda``, ``(p, q, q)``."""
    data, layout = problem.products, problem.layout
    partials = np.tanh(variance_coordinates(theta, layout)[layout.q : -1])
    by_root = data.t_inverse.T @ by_lam / theta[layout.sigma]
    by_factor = by_root * theta[layout.sd, None]
    by_z = [kernel.correlation_factor_vjp(partials, data.starts, each) for each in by_factor]
    return np.sum(by_root * root, axis=2), np.array(by_z).reshape(layout.p, layout.m)
