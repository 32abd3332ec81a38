"""One parameter: the spread of each estimator's estimates from simulated data, the truth, and the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lanes import LABELS, Lane, heights, label_lanes, plot_lanes, window
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import INKS

__all__ = ["SPREAD", "Spread", "spread_panel"]

SPREAD = Guide(
    key="if-true",
    caption=(
        "Bars: estimates from simulated data, a stroke at their mean; marker: yours. A mean off the dashes is bias."
    ),
    shows=(
        "Data simulated from one fit, on the rows of your own data, were fitted by each estimator as your own were. "
        "The thin line holds 95 % of its estimates, the pale one half of them; the upright stroke is their mean, and "
        "the marker your own estimate. The dashed line is the value that the data were simulated from."
    ),
    wrong=(
        "A mean away from the dashed line: the estimator is biased on data like yours; the table says by how much, "
        "with its Monte Carlo error. A marker outside its thin line: you saw what such data do not give. A line that "
        "reaches zero where the truth does not: the sd collapses."
    ),
    limits=(
        "The truth is an estimate: had it been another, the bars would be others. They say nothing of data that the "
        "model does not describe. An axis that a few would rule is cut, with an arrow."
    ),
)

_WIDTH, _TITLE, _AXIS = 390.0, 22.0, 22.0
_LINE, _THICK, _STROKE, _PALE = 18.0, 7.0, 5.5, 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """An estimator's lane: its own estimate, with the range of 95 % of the simulated ones; and more of these.

    Parameters
    ----------
    half
        The ends of the middle half.
    mean
        Their mean.
    n_used, n_total
        Data sets with an estimate, and all.
    """

    lane: Lane
    half: tuple[float, float]
    mean: float
    n_used: int
    n_total: int


def spread_panel(key: str, parameter: str, spreads: Sequence[Spread], truth: float) -> Drawing:
    """Return the spreads of a parameter's estimates.

    Parameters
    ----------
    truth
        Value that data were simulated from; NaN where there is none.
    """
    lanes = [one.lane for one in spreads]
    height = sum(heights(lanes))
    canvas = Canvas(key, SPREAD, _WIDTH, _TITLE + height + _AXIS)
    with canvas.drawing():
        titled(canvas, parameter)
        axes = canvas.axes(LABELS, _TITLE, _WIDTH - LABELS - 8, height)
        axes.set_xlim(*window(lanes, [truth]))
        plot_lanes(axes, lanes)
        _halves(axes, spreads)
        if np.isfinite(truth):
            axes.axvline(truth, color=INKS["ink"], lw=1, ls=(0, (4, 2.5)), zorder=1)
        quiet(axes)
        ticks(axes)
        label_lanes(canvas, lanes, _TITLE)
        return canvas.finish(_alt(parameter, spreads, truth), _rows(spreads, truth))


def _halves(axes: Axes, spreads: Sequence[Spread]) -> None:
    """Draw the middle half and the mean of each lane, behind the marker."""
    top = 0.0
    low, high = axes.get_xlim()
    for one, height in zip(spreads, heights([each.lane for each in spreads]), strict=True):
        # where `plot_lanes` draws: in the line of the title
        middle, colour = top + min(height, _LINE) / 2, one.lane.look.hex
        top += height
        left, right = max(one.half[0], low), min(one.half[1], high)
        if left < right:
            axes.hlines(middle, left, right, color=colour, lw=_THICK, alpha=_PALE, zorder=2)
        if low <= one.mean <= high:
            ends = [middle - _STROKE, middle + _STROKE]
            axes.plot([one.mean, one.mean], ends, color=INKS["ink"], lw=1.6, solid_capstyle="butt", zorder=4)


def _rows(spreads: Sequence[Spread], truth: float) -> Iterator[Row]:
    for one in spreads:
        yield {
            "estimator": one.lane.look.label,
            "truth": truth,
            "own": float(one.lane.value),
            "mean": one.mean,
            "lower": float(one.lane.lower),
            "lower_half": one.half[0],
            "upper_half": one.half[1],
            "upper": float(one.lane.upper),
            "n_used": one.n_used,
            "n_total": one.n_total,
        }


def _alt(parameter: str, spreads: Sequence[Spread], truth: float) -> str:
    """Return the figure in words."""
    known = [one for one in spreads if np.isfinite(one.mean)]
    parts = [
        f"{one.lane.title} mean {plain(one.mean)}, 95 % from {plain(one.lane.lower)} to {plain(one.lane.upper)}, own "
        f"estimate {plain(one.lane.value)}"
        for one in known
    ]
    said = f" True value {plain(truth)}." if np.isfinite(truth) else ""
    return f"{parameter}: estimates from simulated data.{said} {'; '.join(parts)}."
