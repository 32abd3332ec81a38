"""The distribution of one number before the data, and where it is in the data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row, bins
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import COLOURS, INKS

__all__ = ["IMPLIED", "STATISTIC", "against_panel"]

STATISTIC = Guide(
    key="statistic",
    caption=(
        "Grey is what data drawn from the priors have, the blue line what the data have: far in a tail is a conflict."
    ),
    shows=(
        "A histogram of a statistic over data sets drawn from the priors, of the same rows and groups, with its "
        "value in the data as a blue line. The axis leaves out the highest 2 % of statistics that cannot be "
        "negative, and of others the last 0.5 % at each end."
    ),
    wrong="A blue line far in a tail: the prior expects other data than these.",
    limits=(
        "It is one number at a time: priors may allow each of them and not all together. The share of the draws "
        "below the line is in the table, with its Monte Carlo error."
    ),
)

IMPLIED = Guide(
    key="implied",
    caption="Grey is what the priors say of a quantity, the blue line its ML estimate: far in a tail they pull apart.",
    shows=(
        "A histogram of draws from the priors of a parameter, or of what the sds imply, with the maximum "
        "likelihood estimate as a blue line, where there is one. The axis leaves out the highest 2 % of numbers "
        "that cannot be negative, and of others the last 0.5 % at each end."
    ),
    wrong="A blue line far in a tail: the prior will pull the posterior away from what the data say.",
    limits=(
        "The estimate has an error that is not drawn, so a line just inside a tail decides nothing. How parameters "
        "go together under the priors it does not show."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _LEFT, _TOP, _HEIGHT, _BOTTOM = 260.0, 10.0, 36.0, 74.0, 24.0
_BINS = 40
# Quantiles of the draws between which the axis runs: of numbers that cannot be negative, and of others.
_POSITIVE, _REAL = (0.0, 0.98), (0.005, 0.995)


def against_panel(key: str, guide: Guide, title: str, drawn: Array, value: float, against: str) -> Drawing:
    """Return a histogram of draws with a line at the observed value, or at an estimate.

    Parameters
    ----------
    guide
        How it is read.
    drawn : (S,)
        Draws that are finite.
    value, against
        The number and what it is; NaN for none.
    """
    canvas = Canvas(key, guide, _WIDTH, _TOP + _HEIGHT + _BOTTOM)
    with canvas.drawing():
        titled(canvas, title)
        titled(canvas, f"{against} {plain(value)}" if np.isfinite(value) else "", 0, 28, quietly=True)
        axes = canvas.axes(_LEFT, _TOP, _WIDTH - 2 * _LEFT, _HEIGHT)
        low, high = _limits(drawn, value)
        counts, edges = np.histogram(drawn, bins=_BINS, range=(low, high))
        axes.stairs(counts, edges, fill=True, color=INKS["rule"], lw=0)
        axes.set_xlim(low, high)
        axes.set_ylim(0, 1.08 * counts.max(initial=1))
        axes.axvline(value, color=COLOURS["blue"], lw=2)
        quiet(axes)
        ticks(axes, most=4)
        return canvas.finish(_alt(title, drawn, value, against), _rows(title, edges, drawn, value, against))


def _rows(title: str, edges: Array, drawn: Array, value: float, against: str) -> Iterator[Row]:
    """Yield the bins, those beyond the axis among them, and the number that they are held against."""
    yield from bins(edges, drawn, quantity=title, what="draws")
    if np.isfinite(value):
        yield {"quantity": title, "what": against, "lower": value, "upper": value}


def _limits(drawn: Array, value: float) -> tuple[float, float]:
    """Return an axis that holds nearly all draws and the value."""
    ends = np.quantile(drawn, _POSITIVE if drawn.min() >= 0 else _REAL)
    known = np.append(ends, value if np.isfinite(value) else ends[0])
    low, high = float(known.min()), float(known.max())
    pad = 0.03 * (high - low) or 0.05 * abs(high) or 0.5
    # what is never negative has no room below zero
    return (max(low - pad, 0.0) if drawn.min() >= 0 else low - pad), high + pad


def _alt(title: str, drawn: Array, value: float, against: str) -> str:
    low, middle, high = (plain(float(end)) for end in np.quantile(drawn, [0.025, 0.5, 0.975]))
    found = f"; {against} {plain(value)}" if np.isfinite(value) else ""
    return f"{title} before the data: median {middle}, 95 % between {low} and {high}{found}."
