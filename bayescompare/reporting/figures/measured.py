"""How lolly and nested-loop plots are read, measure by measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bayescompare.reporting.figures.guide import Guide

__all__ = ["LOLLIES", "LOOPS"]


@dataclass(frozen=True, slots=True)
class _Measure:
    """What a measure is, and what is bad of a mark (a stick, or a line) with its Monte Carlo interval."""

    bad: str
    what: str
    wrong: str


_MEASURES: Mapping[str, _Measure] = {
    "bias": _Measure(
        "where it misses the dashed zero there is bias",
        "The mean of estimate less truth. Its interval is Student's t with the Monte Carlo standard error, sd / √n.",
        "An interval that misses the dashed zero.",
    ),
    "coverage": _Measure(
        "below the dashed level too many intervals miss",
        "The share of intervals that hold the truth; its interval is Wilson's. The dashed line is the nominal level.",
        "An interval that misses the dashed level: below it the intervals of the estimator are too short or off their "
        "centre, above it too long.",
    ),
    "RMSE": _Measure(
        "nearer to zero is better",
        "The root of the mean squared error of the estimates. Its interval is Student's t with the "
        "jackknife standard error.",
        "An estimator that is farther from zero than others in the same scenario, by more than the intervals.",
    ),
    "empirical SE": _Measure(
        "far from zero estimates vary more",
        "The sd over the data sets of estimate less truth. Its interval is Student's t with the "
        "jackknife standard error.",
        "An estimator that varies more than others in the same scenario; one that varies less may be biased.",
    ),
    "convergence rate": _Measure(
        "short of the dashed 1 fits were flagged or failed",
        "The share of all fits asked for that ended ok: without a flag, or with harmless ones alone. Its interval is "
        "Wilson's.",
        "An interval that ends short of 1: the flags raised, and the table of failures, say what became of the rest.",
    ),
}
_STICKS = (
    "Each stick is an estimator in a scenario, its thick part the 95 % Monte Carlo interval. n is the fits used, of "
    "all, beside a stick where they are fewer. n/a stands where there is no number: where more than half of the fits "
    "failed it is refused. A number at the edge is of a stick that ends beyond the axis (Morris et al. 2019)."
)
_STAIRS = (
    "Each line is an estimator, its band the 95 % Monte Carlo interval. The scenarios stand side by side, in the order "
    "of the stairs below, which are the factors, the last varying fastest (Rücker and Schwarzer 2014). n is the fits "
    "used, of all. A cross at the bottom stands where there is no number: where more than half of the fits failed it "
    "is refused."
)
_FEW = (
    "It is of the fits that have a number: a coverage of the 3 fits of 60 that have an interval is a number about "
    "those 3, so look at n first. It holds for these designs, and says nothing between them."
)


def _guide(form: str, mark: str, shows: str, name: str, measure: _Measure) -> Guide:
    return Guide(
        key=f"{form}-{name.replace(' ', '-').lower()}",
        caption=f"{mark} with its 95 % Monte Carlo interval: {measure.bad}.",
        shows=f"{measure.what} {shows}",
        wrong=measure.wrong,
        limits=_FEW,
    )


#: Name of a measure to how its lolly plots, and its nested-loop plots, are read.
LOLLIES: Mapping[str, Guide] = {
    name: _guide("lolly", "A stick is an estimator", _STICKS, name, measure) for name, measure in _MEASURES.items()
}
LOOPS: Mapping[str, Guide] = {
    name: _guide("loop", "A line is an estimator", _STAIRS, name, measure) for name, measure in _MEASURES.items()
}
