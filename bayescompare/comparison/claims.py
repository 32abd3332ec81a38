"""The claims that a study answers, each an estimand with a margin."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CLAIMS", "Claim", "Verdict", "decide"]


class Verdict(StrEnum):
    """What the data say about a claim."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    NOT_TESTED = "not tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim that people make about random effects and optimizers.

    Parameters
    ----------
    fault
        True where the estimand measures a fault that the claim alleges; False where the claim is
        that a fault is avoided, so that a small estimand supports it.
    """

    number: int
    statement: str
    estimand: str
    margin: float
    fault: bool = True


CLAIMS = {
    claim.number: claim
    for claim in (
        Claim(
            number=0,
            statement="The likelihood surface is irregular or multimodal",
            estimand="share of data sets with distinct optima found by dispersed starts",
            margin=0.05,
        ),
        Claim(
            number=1,
            statement="Adam converges prematurely",
            estimand="share of fits that stopped more than 0.1 standard errors from their own optimum",
            margin=0.05,
        ),
        Claim(
            number=2,
            statement="Adam converges unstably",
            estimand="share of fits that diverged, or whose path spans over 0.25 standard errors in its last fifth",
            margin=0.05,
        ),
        Claim(
            number=3,
            statement="Adam's estimates are biased",
            estimand="largest mean difference over the parameters, in standard errors",
            margin=0.1,
        ),
        Claim(
            number=4,
            statement="It is worse with large, correlated or many random effects",
            estimand="difference of the estimand between two scenarios that differ in that one thing",
            margin=0.05,
        ),
        Claim(
            number=5,
            statement="L-BFGS-B on the marginal likelihood avoids it",
            estimand="share of fits more than 0.1 standard errors, or 0.01 in deviance, from the best optimum known",
            margin=0.05,
            fault=False,
        ),
        Claim(
            number=6,
            statement="MCMC is the way out",
            estimand="shortfall of the coverage of 95 % intervals, or share of fits that fail the convergence gate",
            margin=0.05,
            fault=False,
        ),
        Claim(
            number=7,
            statement="Careful tuning of the learning rate is crucial",
            estimand="range of the median gap over a decade of learning rates each side of the best",
            margin=0.1,
        ),
    )
}


def decide(lower: float, upper: float, margin: float, *, fault: bool = True) -> Verdict:
    """Return the verdict of an interval: wholly above the margin, wholly below, or neither."""
    if not lower <= upper:
        return Verdict.NOT_TESTED
    if lower > margin:
        return Verdict.SUPPORTED if fault else Verdict.REFUTED
    if upper < margin:
        return Verdict.REFUTED if fault else Verdict.SUPPORTED
    return Verdict.UNDECIDED
