"""What a point estimate by Adam is worth: its distance to the optimum of its own objective, and its flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam import ends
from bayescompare.engines.base import NOT_THERE
from bayescompare.engines.optima import working_distance
from bayescompare.fits import Fit, Flag, Path, RandomEffects
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import natural_working

__all__ = ["End", "Margins", "Outcome", "Verdict", "judge"]

Array = npt.NDArray[np.float64]

# Standard errors that gradient and Hessian may still promise where a run has come to rest.
_AT_REST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Standard errors above which something is flagged.

    Parameters
    ----------
    premature
        Distance to the fit's own optimum; above it there is no standard error either.
    oscillating
        Range of the last fifth of the path.
    """

    premature: float = 0.1
    oscillating: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run left behind, in natural units.

    Parameters
    ----------
    estimate : (k,)
    paths
        Of the reported run first, then of its restarts.
    decrease
        Predicted further decrease of the deviance.
    gap
        Objective at the estimate less that at the optimum, in deviance.
    """

    estimate: Array
    paths: Sequence[Path]
    decrease: float
    diverged: bool
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Gaps, flags and diagnostics of a fit; NaN where there is no optimum to compare with."""

    gap_deviance: float
    gap_sd: float
    flags: tuple[Flag, ...]
    margins: Margins
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    @property
    def at_optimum(self) -> bool:
        """Whether the estimate may have a standard error."""
        return self.gap_sd <= self.margins.premature and not {Flag.PREMATURE, Flag.WORSE_OPTIMUM} & set(self.flags)

    def errors(self, best: Fit) -> tuple[Array, Array | None, tuple[str, ...]]:
        """Return the optimum's standard errors, natural and working, where the run has arrived, else NaN and why."""
        if self.at_optimum:
            return best.se, best.working_se, best.reason
        return np.full(len(best.se), np.nan), None, tuple(reason or NOT_THERE for reason in best.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The judged end of a fit; the fields that are not explained here are those of `Fit`.

    Parameters
    ----------
    paths
        Of the reported run first, then of its restarts.
    verdict
        Gaps, flags and diagnostics.
    """

    estimate: Array
    se: Array
    estimand: tuple[str, ...]
    reason: tuple[str, ...]
    objective: float
    grad_norm: float
    paths: Sequence[Path]
    verdict: Verdict
    working_se: Array | None = None
    own_optimum: Array | None = None
    random_effects: RandomEffects | None = None
    variational: Array | None = None
    message: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)


def judge(outcome: Outcome, optimum: Fit | None, layout: Layout, margins: Margins) -> Verdict:
    """Return the verdict on a run.

    Parameters
    ----------
    optimum
        The best known optimum of the same objective, with its standard errors on the working scale.
    """
    flags = [Flag.DIVERGED] if outcome.diverged else []
    se = np.full(layout.size, np.nan) if optimum is None or optimum.working_se is None else optimum.working_se
    last = ends.tail(outcome.paths[0], layout)
    spread = ends.span(last, se)
    diagnostics = {
        "newton_sd": float(np.sqrt(outcome.decrease)),
        "drift_z": ends.drift(last),
        "oscillation_sd": spread if np.isfinite(se).any() else float("nan"),
        "rhat_restarts": ends.r_hat([ends.tail(path, layout) for path in outcome.paths]),
    }
    if optimum is None or optimum.working_se is None:
        return Verdict(gap_deviance=outcome.gap, gap_sd=float("nan"), flags=tuple(flags), margins=margins,
                       diagnostics=diagnostics)  # fmt: skip
    gap, away = max(outcome.gap, 0.0), _away(outcome.estimate, optimum, layout)
    at_bound = Flag.BOUNDARY in optimum.flags
    if away > margins.premature or (at_bound and gap > margins.premature**2):
        elsewhere = diagnostics["newton_sd"] < _AT_REST and gap > margins.premature**2
        flags.append(Flag.WORSE_OPTIMUM if elsewhere else Flag.PREMATURE)
        if _rose(outcome.paths[0]) and not outcome.diverged:
            flags.append(Flag.DIVERGED)
    if spread > margins.oscillating:
        flags.append(Flag.OSCILLATING)
    if at_bound:
        flags.append(Flag.BOUNDARY)
    return Verdict(gap_deviance=gap, gap_sd=away, flags=tuple(flags), margins=margins, diagnostics=diagnostics)


def _rose(path: Path) -> bool:
    """Return whether a path ends higher than it began."""
    return len(path.loss) > 1 and bool(path.loss[-1] > path.loss[0])


def _away(estimate: Array, optimum: Fit, layout: Layout) -> float:
    """Return the distance to the optimum in standard errors; infinity where the estimate is lost."""
    assert optimum.working_se is not None
    with np.errstate(all="ignore"):
        here, there = (natural_working(theta, layout) for theta in (estimate, optimum.estimate))
        away = working_distance(here, there, optimum.working_se)
    return float("inf") if np.isnan(away) and np.isfinite(optimum.working_se).any() else away
