"""What a study found: bias and coverage with Monte Carlo intervals, and estimands against their margins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lanes import LABELS, Lane, heights, label_lanes, plot_lanes, window
from bayescompare.reporting.figures.numbers import of_lanes
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.formats import percent, plain, short
from bayescompare.reporting.palette import INKS

__all__ = ["Pair", "performance_panel", "verdict_panel"]

PERFORMANCE = Guide(
    key="performance",
    caption=(
        "Left bias against the dashed zero, right coverage against the dashed level: a line that misses it is a fault."
    ),
    shows=(
        "Left, the mean of estimate less truth over the data sets of the scenario, with its 95 % Monte Carlo "
        "interval (Student's t). Right, the share of intervals that hold the truth, of the first kind "
        "that the estimator has, with Wilson's 95 % interval. Each parameter has its own scale; an arrow with a "
        "number stands for what is beyond it. How many fits are behind a number the table of measures says."
    ),
    wrong=(
        "A coverage whose interval ends below the dashed level, or a bias whose interval misses zero. An estimator "
        "may be unbiased and cover badly. What is not estimated says so in words."
    ),
    limits=(
        "Coverage is of the fits that have an interval: fits that failed, or are at a boundary, may have none. An "
        "interval that holds zero does not show that there is no bias: look at its width."
    ),
)

VERDICT = Guide(
    key="verdict",
    caption=(
        "A dot is an estimand with its 95 % interval: wholly in the shade it supports the claim; hollow is undecided."
    ),
    shows=(
        "The estimand of the claim in every scenario, or contrast of two. The dashed line is the margin, and the "
        "shaded side supports the claim. Shares have the exact interval of Clopper and Pearson. The interval "
        "of the largest bias is that of the largest true mean, whichever it is: those of all parameters hold "
        "together (Student's t, Bonferroni), and so for the worst coverage. Contrasts of two scenarios square and "
        "add (Newcombe). The range over learning rates lies between the order statistics of the medians."
    ),
    wrong=(
        "Nothing is wrong with an interval across the margin: the claim is undecided there, and more replicates "
        "decide it."
    ),
    limits=(
        "The margin is a convention, set before the study. Each interval is of 95 % by itself: of twenty that "
        "stand at the margin about one is on the wrong side by chance. How many fits are behind a dot the table of "
        "verdicts says."
    ),
)

_WIDTH = 390.0
_TITLE, _AXIS = 36.0, 22.0
_GAP = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The bias and the coverage of one estimator, as lanes of the same name."""

    bias: Lane
    coverage: Lane


def performance_panel(key: str, parameter: str, pairs: Sequence[Pair], level: float = 0.95) -> Drawing:
    """Return bias (left, against zero) and coverage (right, against nominal) of one parameter."""
    bias, coverage = [pair.bias for pair in pairs], [pair.coverage for pair in pairs]
    below = sum(heights(bias))
    canvas = Canvas(key, PERFORMANCE, _WIDTH, _TITLE + below + _AXIS)
    room = _WIDTH - LABELS - 8 - _GAP
    wide, narrow = 0.58 * room, 0.42 * room
    with canvas.drawing():
        titled(canvas, parameter)
        titled(canvas, "bias", LABELS, 30, quietly=True)
        titled(canvas, f"coverage, {percent(level)}", LABELS + wide + _GAP, 30, quietly=True)
        left = canvas.axes(LABELS, _TITLE, wide, below)
        left.set_xlim(*window(bias, [0.0]))
        left.axvline(0, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        plot_lanes(left, bias)
        right = canvas.axes(LABELS + wide + _GAP, _TITLE, narrow, below)
        right.set_xlim(_lowest(coverage, level), 1.005)
        right.axvline(level, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        plot_lanes(right, coverage)
        for axes in (left, right):
            quiet(axes)
        ticks(left, most=3)
        ticks(right, most=3)
        label_lanes(canvas, bias, _TITLE)
        return canvas.finish(
            _performance_alt(parameter, pairs, level),
            [
                *of_lanes(bias, "value", parameter=parameter, measure="bias"),
                *of_lanes(coverage, "value", parameter=parameter, measure="coverage"),
            ],
        )


def _lowest(lanes: Sequence[Lane], level: float) -> float:
    """Return the left end of the coverage axis."""
    found = [min(lane.lower, lane.value) if np.isfinite(lane.lower) else lane.value for lane in lanes]
    lowest = min([value for value in found if np.isfinite(value)], default=level)
    return max(-0.02, min(lowest - 0.02, level - 0.15))


def _performance_alt(parameter: str, pairs: Sequence[Pair], level: float) -> str:
    parts = [
        f"{pair.bias.title} {pair.bias.subtitle}".strip()
        + f" bias {plain(pair.bias.value)}, coverage {plain(pair.coverage.value, digits=2)}"
        for pair in pairs
        if np.isfinite(pair.bias.value)
    ]
    what = f"bias and coverage of {percent(level)} intervals with Monte Carlo intervals"
    return f"{parameter}: {what}. {'; '.join(parts)}."


def verdict_panel(
    key: str, title: str, subtitle: str, lanes: Sequence[Lane], margin: float, *, fault: bool = True
) -> Drawing:
    """Return estimands with their 95 % intervals against a margin; beyond it is shaded.

    Parameters
    ----------
    title, subtitle
        The objective; what of it, and its settings.
    fault
        Whether values above the margin support the claim; below it, where False.
    """
    below = sum(heights(lanes))
    top = _TITLE if subtitle else _TITLE - 12
    canvas = Canvas(key, VERDICT, _WIDTH, top + below + _AXIS)
    with canvas.drawing():
        titled(canvas, title)
        if subtitle:
            titled(canvas, subtitle, 0, 27, quietly=True)
        axes = canvas.axes(LABELS, top, _WIDTH - LABELS - 12, below)
        low, high = window(lanes, [0.0, margin])
        axes.set_xlim(min(low, -0.02 * (high - low)), max(high, 1.6 * margin))
        low, high = axes.get_xlim()
        axes.axvspan(*((margin, high) if fault else (low, margin)), color=INKS["shade"], lw=0, zorder=-1)
        axes.axvline(margin, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        plot_lanes(axes, lanes, digits=2)
        quiet(axes)
        ticks(axes, most=5)
        label_lanes(canvas, lanes, top)
        return canvas.finish(
            _verdict_alt(f"{title}, {subtitle}" if subtitle else title, lanes, margin),
            _verdict_rows(title, subtitle, lanes, margin),
        )


def _verdict_rows(objective: str, aspect: str, lanes: Sequence[Lane], margin: float) -> Iterator[Row]:
    """Yield each estimand with its interval, and whether that leaves the claim undecided."""
    same = {"of": ", ".join(part for part in (objective, aspect) if part)}
    for lane, row in zip(lanes, of_lanes(lanes, "estimand", "scenario", **same), strict=True):
        yield {**row, "margin": margin, "undecided": "yes" if lane.hollow else "no"}


def _verdict_alt(title: str, lanes: Sequence[Lane], margin: float) -> str:
    parts = [
        f"{lane.title} {plain(lane.value, digits=2)} [{plain(lane.lower, digits=2)}, {plain(lane.upper, digits=2)}]"
        for lane in lanes
        if np.isfinite(lane.value)
    ]
    return f"{title}, against a margin of {short(margin)}: {'; '.join(parts) or 'not tested'}."
