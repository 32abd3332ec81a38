"""The exact posterior density of a parameter over the histogram of its draws."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row, bins, columns
from bayescompare.reporting.formats import percent, plain
from bayescompare.reporting.palette import INKS

__all__ = ["exact_panel"]

EXACT = Guide(
    key="exact",
    caption="The line is the exact posterior, grey the histogram of draws: where it leaves the line they are off.",
    shows=(
        "The exact marginal posterior density, found by quadrature, which one random effect a group allows, over "
        "the histogram of the sampler's draws in 50 bins, where there are draws. An outer 0.2 % on each side is "
        "not drawn, and a spike is cut off at the height of the bins."
    ),
    wrong=(
        "A shoulder that the draws do not have, most often at zero. By how many Monte Carlo errors they differ the "
        "sentence above says."
    ),
    limits=(
        "Bins of few draws are rough, so small steps beside the line are noise. It is one parameter at a time: how "
        "parameters go together it does not show."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _HEIGHT, _TOP, _BOTTOM = 260.0, 140.0, 24.0, 22.0
_BINS = 50
# A spike is drawn up to so many times the highest bin of what is exact, or drawn.
_ABOVE = 1.15


def exact_panel(key: str, parameter: str, values: Array, density: Array, draws: Array | None) -> Drawing:
    """Return the density of one parameter.

    Parameters
    ----------
    values, density : (n,)
        The exact marginal density at ascending values.
    draws : (N,), optional
        Draws, of which a histogram is drawn.
    """
    edges = np.linspace(values[0], values[-1], _BINS + 1)
    cumulative = np.concatenate([[0.0], np.cumsum(np.diff(values) * (density[1:] + density[:-1]) / 2)])
    heights = np.diff(np.interp(edges, values, cumulative)) / np.diff(edges)
    drawn = np.zeros(_BINS)
    if draws is not None:
        drawn = np.histogram(draws, edges)[0] / (len(draws) * np.diff(edges))
    canvas = Canvas(key, EXACT, _WIDTH, _HEIGHT)
    with canvas.drawing():
        titled(canvas, parameter)
        axes = canvas.axes(4, _TOP, _WIDTH - 12, _HEIGHT - _TOP - _BOTTOM)
        axes.stairs(drawn, edges, fill=True, color=INKS["rule"], lw=0)
        axes.plot(values, density, color=INKS["ink"], lw=1.4)
        axes.set_ylim(0, _ABOVE * max(heights.max(), drawn.max()))
        axes.set_xlim(edges[0], edges[-1])
        quiet(axes)
        ticks(axes)
        return canvas.finish(_alt(parameter, edges, heights, draws), _rows(parameter, values, density, edges, draws))


def _rows(parameter: str, values: Array, density: Array, edges: Array, draws: Array | None) -> Iterator[Row]:
    yield from columns(parameter=parameter, what="exact", value=values, density=density)
    if draws is not None:
        yield from bins(edges, draws, parameter=parameter, what="draws")


def _alt(parameter: str, edges: Array, heights: Array, draws: Array | None) -> str:
    k = int(np.argmax(heights))
    text = f"Exact posterior density of {parameter}: highest between {plain(edges[k])} and {plain(edges[k + 1])}"
    if draws is None:
        return f"{text}."
    share = float(np.mean((draws >= edges[0]) & (draws <= edges[-1])))
    return f"{text}; behind it the histogram of {percent(round(share, 4))} of the draws."
