"""Fits of one objective on one data set, judged by the best optimum that any of them found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import status_of
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood.coordinates import natural_working

__all__ = ["Candidate", "Judgement", "judge", "judged", "marginal_ml", "working_distance"]

Array = npt.NDArray[np.float64]

# Gap in deviance above which a fit is in a worse optimum than another.
_WORSE = 0.01
_OBJECTIVES = {"ML mode": "ml", "REML mode": "reml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What judging a fit takes.

    Parameters
    ----------
    estimand
        Of its first parameter, which tells the objective.
    working, working_se : (k,)
        Estimate and standard errors on the working scale; empty errors where there are none.
    status, flags
        How it ended.
    """

    estimator: str
    estimand: str
    objective: float
    working: Array
    working_se: Array
    status: Status = Status.OK
    flags: Collection[str] = ()

    @property
    def on_its_way(self) -> bool:
        """Whether it was cut short before it had come to rest: how far it had to go is then known from others only."""
        return self.status == Status.TIMEOUT and Flag.NOT_STATIONARY in self.flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How far a fit is from the best of its objective, and which of the candidates that is."""

    gap_deviance: float
    gap_sd: float
    best: int

    @property
    def worse(self) -> bool:
        """Whether the fit is in a worse optimum."""
        return self.gap_deviance > _WORSE


def working_distance(here: Array, there: Array, working_se: Array) -> float:
    """Return the largest distance of two points ``(k,)`` over the working parameters, in standard errors.

    Working parameters are beta, log sds, Fisher z of the partial correlations and log sigma; those
    without a standard error (at their boundary) are left out. NaN where none has one.
    """
    known = np.isfinite(working_se) & (working_se > 0)
    if not known.any():
        return float("nan")
    return float(np.max(np.abs(here[known] - there[known]) / working_se[known]))


def judge(candidates: Sequence[Candidate]) -> list[Judgement | None]:
    """Return the judgement on each L-BFGS-B fit of a (restricted) likelihood, None for the others.

    The best may be any fit of the same objective; the others carry a gap of their own already.
    """
    kinds = [_OBJECTIVES.get(one.estimand) for one in candidates]
    best: dict[str, int] = {}
    for place, (kind, one) in enumerate(zip(kinds, candidates, strict=True)):
        known = np.isfinite(one.objective) and not np.any(np.isnan(one.working))
        if kind and known and (kind not in best or one.objective < candidates[best[kind]].objective):
            best[kind] = place
    return [
        _beside(one, candidates, best[kind]) if kind in best and one.estimator.startswith("lbfgs") else None
        for kind, one in zip(kinds, candidates, strict=True)
    ]


def _beside(one: Candidate, candidates: Sequence[Candidate], best: int) -> Judgement | None:
    """Return the judgement on a fit beside the best."""
    top = candidates[best]
    if one is top and top.on_its_way:
        return None
    away = working_distance(one.working, top.working, top.working_se) if len(top.working_se) else float("nan")
    return Judgement(gap_deviance=max(one.objective - top.objective, 0.0), gap_sd=away, best=best)


def marginal_ml(estimators: Sequence[str]) -> int | None:
    """Return the place of the estimator whose estimate stands for the marginal ML optimum, None where there is none."""
    return next(
        (k for k, name in enumerate(estimators) if name.startswith("lbfgs-ml") and "starts=1" not in name), None
    )


def _candidate(fit: Fit) -> Candidate:
    return Candidate(
        estimator=fit.estimator,
        estimand=fit.estimand[0] if fit.estimand else "",
        objective=fit.objective,
        working=natural_working(fit.estimate, fit.layout),
        working_se=np.empty(0) if fit.working_se is None else fit.working_se,
        status=fit.status,
        flags=fit.flags,
    )


def judged(fits: Sequence[Fit]) -> list[Fit]:
    """Return the fits of one data set with their gaps filled in where several share the (restricted) likelihood."""
    return [
        fit if found is None else _noted(fit, found, fits[found.best])
        for fit, found in zip(fits, judge([_candidate(fit) for fit in fits]), strict=True)
    ]


def _noted(fit: Fit, found: Judgement, best: Fit) -> Fit:
    """Return a fit with its judgement."""
    flags = (*fit.flags, *([Flag.WORSE_OPTIMUM] if found.worse else []))
    return replace(
        fit,
        gap_deviance=found.gap_deviance,
        gap_sd=found.gap_sd,
        own_optimum=best.estimate,
        flags=flags,
        status=status_of(flags, fit.status),
    )
