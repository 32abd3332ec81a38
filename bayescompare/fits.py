"""What every estimator returns: a `Fit`, with its status and its flags in words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout
from bayescompare.marginal import Marginal

__all__ = ["FLAG_SENTENCES", "GATE", "Basis", "Draws", "Fit", "Flag", "Path", "RandomEffects", "Status"]

Array = npt.NDArray[np.float64]


class Status(StrEnum):
    """How a fit ended."""

    OK = "ok"
    FLAGGED = "flagged"
    FAILED = "failed"
    TIMEOUT = "timeout"
    WORKER_DIED = "worker_died"
    NOT_APPLICABLE = "not_applicable"


class Flag(StrEnum):
    """What a reader must know about a fit before believing it."""

    PREMATURE = "premature"
    OSCILLATING = "oscillating"
    DIVERGED = "diverged"
    DEGENERATE = "degenerate"
    LOCAL_MODE = "local_mode"
    BOUNDARY = "boundary"
    STEP_LIMIT = "step_limit"
    NOT_STATIONARY = "not_stationary"
    WORSE_OPTIMUM = "worse_optimum"
    RANK_DEFICIENT = "rank_deficient"
    FEW_LEVELS = "few_levels"
    SINGLETONS = "singletons"
    NO_GROUPING = "no_grouping"
    SCALED = "scaled"
    UNUSED_LEVELS = "unused_levels"
    TWO_VALUES = "two_values"
    SEPARATION = "separation"
    DIVERGENCES = "divergences"
    RHAT = "rhat"
    ESS = "ess"
    BFMI = "bfmi"
    TREEDEPTH = "treedepth"
    NOT_FINITE = "not_finite"
    STUCK = "stuck"
    FAILED_INIT = "failed_init"
    RETRIED = "retried"
    NOT_EXACT = "not_exact"
    PRIOR_CONFLICT = "prior_conflict"
    ROWS_DROPPED = "rows_dropped"
    NOT_IDENTIFIED = "not_identified"
    PARTIAL = "partial"
    OTHER_VERSIONS = "other_versions"


FLAG_SENTENCES: Mapping[Flag, str] = {
    Flag.PREMATURE: "It stopped more than 0.1 standard errors away from the optimum of its own objective.",
    Flag.OSCILLATING: "The last fifth of its path still spans more than a quarter of a standard error.",
    Flag.DIVERGED: "Its loss ended higher than it began, or was no longer finite: the last finite values are reported.",
    Flag.DEGENERATE: "Its objective has no maximum there: the value grows without bound at the edge.",
    Flag.LOCAL_MODE: "It rests in a local mode of an objective that has no global one.",
    Flag.BOUNDARY: "A standard deviation is zero, or a correlation is at plus or minus one.",
    Flag.STEP_LIMIT: "It used all the steps it was allowed.",
    Flag.NOT_STATIONARY: "It stopped where the gradient is not zero.",
    Flag.WORSE_OPTIMUM: "Another start or estimator found a better value of the same objective.",
    Flag.RANK_DEFICIENT: "Some columns are combinations of others and were dropped, for every estimator alike.",
    Flag.FEW_LEVELS: "There are fewer than five groups: the random-effect sd rests on the prior, or on little.",
    Flag.SINGLETONS: "Most groups have a single row, which says little about the sd of the groups.",
    Flag.NO_GROUPING: "The formula has no grouping factor: this is a linear model without random effects.",
    Flag.SCALED: "Predictors on very different scales were rescaled inside; results are in the original units.",
    Flag.UNUSED_LEVELS: "Levels of a categorical column without rows were dropped, for every estimator alike.",
    Flag.TWO_VALUES: "The response has only two values and is fitted as Gaussian.",
    Flag.SEPARATION: "Predictors separate the outcomes perfectly: no finite maximum exists.",
    Flag.DIVERGENCES: "NUTS had divergent transitions: parts of the posterior may be missing.",
    Flag.RHAT: "R-hat is above 1.01: the chains do not agree.",
    Flag.ESS: "The effective sample size is under 400: intervals are noisy.",
    Flag.BFMI: "E-BFMI is under 0.3: the sampler explores the energy slowly.",
    Flag.TREEDEPTH: "NUTS reached its maximum tree depth: it is slow, and may not have gone far enough.",
    Flag.NOT_FINITE: "Some values are infinite or not a number.",
    Flag.STUCK: "A chain did not move.",
    Flag.FAILED_INIT: "The sampler could not start.",
    Flag.RETRIED: "The first run failed the convergence gate; this is the second, with a higher acceptance target.",
    Flag.NOT_EXACT: "Its draws differ from the exact posterior by more than their Monte Carlo error allows.",
    Flag.PRIOR_CONFLICT: "Prior and data disagree: the prior all but excludes what the data favour, or both pull.",
    Flag.ROWS_DROPPED: "Rows with missing values were dropped, for every estimator alike.",
    Flag.NOT_IDENTIFIED: "The data do not determine an sd or a correlation: there is no estimate by REML, and a "
    "posterior rests on the prior.",
    Flag.PARTIAL: "The run was cut short; what there was is reported.",
    Flag.OTHER_VERSIONS: "It was made with other versions than those that the study began with.",
}


#: Flags that fail the convergence gate of a sampler.
GATE = frozenset({
    Flag.RHAT,
    Flag.ESS,
    Flag.DIVERGENCES,
    Flag.BFMI,
    Flag.TREEDEPTH,
    Flag.NOT_FINITE,
    Flag.STUCK,
    Flag.FAILED_INIT,
})  # fmt: skip


class Basis(ABC):
    """What the intervals of one kind are made of, for every parameter and at any level; it can be pickled."""

    @abstractmethod
    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds in natural units; NaN where there is none."""

    @property
    @abstractmethod
    def reason(self) -> tuple[str, ...]:
        """Why each parameter has no interval; where it has one, what is to be known of its ends, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A thinned record of an optimizer's way.

    Parameters
    ----------
    steps : (T,)
        Update numbers; 0 is the start.
    values : (T, k)
        Parameters in the layout's order and natural units.
    loss : (T,)
        Value of the objective that was being minimised.
    """

    steps: npt.NDArray[np.int64]
    values: Array
    loss: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Posterior draws of the parameters, and the sampler's own record.

    Parameters
    ----------
    values : (chains, draws, k)
        Parameters in the layout's order and natural units.
    stats
        Name -> (chains, draws) sampler statistics, ArviZ names.
    random_effects : (chains, draws, J, q), optional
        Exact draws of the random effects given the parameters.
    """

    values: Array
    stats: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    random_effects: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEffects:
    """Conditional modes (or posterior means) of the random effects, each ``(J, q)``, with their sds."""

    mode: Array
    sd: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The result of one estimator on one data set.

    Parameters
    ----------
    estimator
        The estimator's label, such as ``lbfgs-ml``.
    layout
        Names and positions of the parameters.
    status, flags, message
        How it ended, what to know, and a sentence where there is more to say.
    estimate, se : (k,)
        In the layout's order; NaN where not estimated, with a reason.
    estimand, reason
        For each parameter what its number estimates, and why it has none (or no standard error).
    objective
        -2 log (restricted) likelihood for likelihood objectives, the minimised loss otherwise.
    gap_deviance, gap_sd
        Distance to the best known optimum of the fit's own objective; NaN where there is none.
    own_optimum : (k,), optional
        That optimum.
    path, restarts
        The way of the optimizer, and those of its other restarts.
    variational : (N, k), optional
        Points of equal weight that stand for a fitted approximation of the posterior. No chain: they have no R-hat
        or effective sample size, and are no draws of the posterior.
    marginals : (k,), optional
        The marginal posteriors themselves, in the layout's order, where they were integrated; empty elsewhere.
    working_se : (k,), optional
        Wald standard errors on the working scale: beta, log sd, Fisher z of the partial correlations, log sigma.
    bases
        What was made for intervals that data are needed for: kind -> its basis.
    """

    estimator: str
    layout: Layout
    status: Status
    estimate: Array
    se: Array
    estimand: tuple[str, ...]
    reason: tuple[str, ...]
    flags: tuple[Flag, ...] = ()
    message: str = ""
    objective: float = float("nan")
    gap_deviance: float = float("nan")
    gap_sd: float = float("nan")
    grad_norm: float = float("nan")
    seconds: float = float("nan")
    evaluations: int = 0
    seed_key: str = ""
    own_optimum: Array | None = None
    working_se: Array | None = None
    random_effects: RandomEffects | None = None
    draws: Draws | None = None
    variational: Array | None = None
    marginals: tuple[Marginal, ...] = ()
    path: Path | None = None
    restarts: tuple[Path, ...] = ()
    bases: Mapping[str, Basis] = field(default_factory=dict)
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def optimum(self) -> Array:
        """Where the search ended ``(k,)``: what the data do not determine has a value there, but no estimate."""
        return np.asarray(self.info.get("optimum", self.estimate))

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit the layout."""
        sizes = {len(self.estimate), len(self.se), len(self.estimand), len(self.reason)}
        if sizes != {self.layout.size}:
            raise ValueError(f"a fit of {self.layout.size} parameters was given arrays of lengths {sorted(sizes)}")
