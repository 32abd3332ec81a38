"""Fits of one objective on one data set, judged by the best optimum that any of them found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import status_of
from bayescompare.fits import Fit, Flag
from bayescompare.likelihood.coordinates import to_working
from bayescompare.likelihood.problem import Problem

__all__ = ["judged", "working_distance"]

Array = npt.NDArray[np.float64]

# Gap in deviance above which a fit is in a worse optimum than another.
_WORSE = 0.01
_OBJECTIVES = {"ML mode": "ml", "REML mode": "reml"}


def working_distance(problem: Problem, theta: Array, optimum: Array, working_se: Array) -> float:
    """Return the largest distance from an optimum over the working parameters, in standard errors.

    Working parameters are beta, log sds, Fisher z of the partial correlations and log sigma; those
    without a standard error at the optimum (at their boundary) are left out.
    """
    layout, data = problem.layout, problem.products
    here, there = to_working(theta, layout, data), to_working(optimum, layout, data)
    here[layout.beta], there[layout.beta] = theta[layout.beta], optimum[layout.beta]
    known = np.isfinite(working_se) & (working_se > 0)
    if not known.any():
        return float("nan")
    return float(np.max(np.abs(here[known] - there[known]) / working_se[known]))


def _judge(problem: Problem, fit: Fit, best: Fit) -> Fit:
    """Return a likelihood fit with its gaps to the best one."""
    gap = max(fit.objective - best.objective, 0.0)
    distance = (
        np.nan if best.working_se is None else working_distance(problem, fit.estimate, best.estimate, best.working_se)
    )
    flags = [*fit.flags, *([Flag.WORSE_OPTIMUM] if gap > _WORSE else [])]
    return replace(
        fit, gap_deviance=gap, gap_sd=distance, own_optimum=best.estimate, flags=tuple(flags), status=status_of(flags)
    )


def _with_ml(fit: Fit, ml: Fit | None) -> Fit:
    """Note the marginal ML estimate, the common reference of the error decomposition."""
    if ml is None:
        return fit
    return replace(fit, info={**fit.info, "marginal_ml": ml.estimate, "marginal_ml_se": ml.se})


def judged(problem: Problem, fits: Sequence[Fit]) -> list[Fit]:
    """Return fits with their gaps filled in where several share the (restricted) likelihood.

    L-BFGS-B fits are held against the best of all fits of their objective; the others carry a
    gap of their own already. All are given the marginal ML estimate where there is one.
    """
    best: dict[str, Fit] = {}
    for fit in fits:
        kind = _OBJECTIVES.get(fit.estimand[0] if fit.estimand else "")
        if kind and np.isfinite(fit.objective) and np.all(np.isfinite(fit.estimate[problem.layout.sd])):
            best[kind] = min(best.get(kind, fit), fit, key=lambda one: one.objective)
    reference = next((f for f in fits if f.estimator.startswith("lbfgs-ml") and "starts=1" not in f.estimator), None)
    out = []
    for fit in fits:
        kind = _OBJECTIVES.get(fit.estimand[0] if fit.estimand else "")
        if fit.estimator.startswith("lbfgs") and kind in best:
            fit = _judge(problem, fit, best[kind])
        out.append(_with_ml(fit, reference))
    return out
