"""What a point estimate by Adam is worth: its distance to the optimum of its own objective, and its flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.run import Run
from bayescompare.engines.optima import working_distance
from bayescompare.fits import Fit, Flag, Path
from bayescompare.likelihood.coordinates import natural_working
from bayescompare.likelihood.problem import Problem

__all__ = ["PREMATURE", "Verdict", "judge"]

Array = npt.NDArray[np.float64]

#: ``gap_sd`` above which a fit is premature, and has no standard error.
PREMATURE = 0.1
#: Standard errors that the last fifth of a path may span.
OSCILLATING = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Gaps and flags of one run; NaN where there is no optimum to compare with."""

    gap_deviance: float
    gap_sd: float
    flags: tuple[Flag, ...]

    @property
    def at_optimum(self) -> bool:
        """Whether the estimate may have a standard error."""
        return self.gap_sd <= PREMATURE and Flag.PREMATURE not in self.flags


def judge(run: Run, path: Path, estimate: Array, optimum: Fit | None, gap: float, problem: Problem) -> Verdict:
    """Return the verdict on a run.

    Parameters
    ----------
    path
        Of the run, in natural units.
    estimate : (k,)
    optimum
        The best known optimum of the same objective, with its standard errors on the working scale.
    gap
        Objective at the estimate less that at the optimum, in deviance.
    """
    flags = [Flag.DIVERGED] if run.diverged else []
    if optimum is None or optimum.working_se is None:
        return Verdict(gap_deviance=gap, gap_sd=float("nan"), flags=tuple(flags))
    gap = max(gap, 0.0)
    with np.errstate(all="ignore"):
        here, there = (natural_working(theta, problem.layout) for theta in (estimate, optimum.estimate))
        away = working_distance(here, there, optimum.working_se)
    away = float("inf") if np.isnan(away) and np.isfinite(optimum.working_se).any() else away
    at_bound = Flag.BOUNDARY in optimum.flags
    if away > PREMATURE or (at_bound and gap > PREMATURE**2):
        flags.append(Flag.PREMATURE)
    if _span(path, problem, optimum.working_se) > OSCILLATING:
        flags.append(Flag.OSCILLATING)
    if at_bound:
        flags.append(Flag.BOUNDARY)
    return Verdict(gap_deviance=gap, gap_sd=away, flags=tuple(flags))


def _span(path: Path, problem: Problem, se: Array) -> float:
    """Return the widest range of a working parameter over the last fifth of the path, in standard errors."""
    last = path.values[path.steps >= 0.8 * path.steps[-1]] if len(path.steps) else path.values
    known = np.isfinite(se) & (se > 0)
    if len(last) < 2 or not known.any():
        return 0.0
    points = np.array([natural_working(theta, problem.layout) for theta in last])[:, known]
    with np.errstate(invalid="ignore"):
        spans = np.ptp(points, axis=0) / se[known]
    return float(np.max(np.where(np.isnan(spans), np.inf, spans)))
