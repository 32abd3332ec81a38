"""One parameter: the posterior density above, every estimator with its interval below, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.reporting.figures.arviz import density
from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lanes import LABELS, Lane, heights, label_lanes, plot_lanes, window
from bayescompare.reporting.figures.numbers import of_lanes
from bayescompare.reporting.figures.sheet import columns
from bayescompare.reporting.formats import percent, plain
from bayescompare.reporting.palette import INKS

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FOREST", "REFIT", "forest_panel"]

FOREST = Guide(
    key="forest",
    caption="A marker is an estimate, its line the interval: one far from the others, or much narrower, is suspect.",
    shows=(
        "Above, where draws were kept, the posterior density (a kernel density estimate, by ArviZ) with its mean "
        "and equal-tailed interval, and a coloured line at each point estimate. Below, each estimator with its "
        "interval, of the first kind that it has or of each kind that was asked for. A hollow marker estimates "
        "something else; an arrow stands for what is beyond the axis; the dashed line is the truth, where it is "
        "known. In a study it is the first data set of a scenario."
    ),
    wrong=(
        "An interval that is much narrower than the posterior, or one that is not there: no interval beside an "
        "estimate means that the fit was not at an optimum, or that the parameter is at its boundary; the table "
        "gives the reason."
    ),
    limits=(
        "One data set says nothing of coverage: right intervals miss the truth in one data set of twenty. The "
        "density is smoothed, so that a posterior that is highest at zero looks as if it fell there."
    ),
)

REFIT = Guide(
    key="refit",
    caption="Filled: the estimate under the model's priors; hollow: under others. What moves is not in the data.",
    shows=(
        "Each estimate with its interval in a fit of the same data under the model's own priors (filled) and under "
        "other priors (hollow), above the estimators that use none."
    ),
    wrong=(
        "A hollow marker outside the interval of the filled one: the prior decides, so say which one it was, and why."
    ),
    limits=(
        "Only the priors that were asked for were tried. A move within the Monte Carlo error of the draws is none: "
        "the table beneath has both."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH = 390.0
_TITLE, _DENSITY, _AXIS = 22.0, 64.0, 22.0


def forest_panel(
    key: str,
    parameter: str,
    lanes: Sequence[Lane],
    *,
    draws: xr.DataArray | None = None,
    truth: float = float("nan"),
    level: float = 0.95,
    guide: Guide = FOREST,
) -> Drawing:
    """Return the forest of a parameter, below its posterior density where there are draws.

    Parameters
    ----------
    lanes
        Estimators from top to bottom.
    draws : (chain, draw), optional
        Posterior draws.
    truth
        True value; NaN where unknown.
    level
        Probability of the posterior interval.
    guide
        How it is read.
    """
    usable = draws if draws is not None and _varies(draws) else None
    above = _DENSITY if usable is not None else 0.0
    below = sum(heights(lanes))
    canvas = Canvas(key, guide, _WIDTH, _TITLE + above + below + _AXIS)
    with canvas.drawing():
        titled(canvas, parameter)
        place = (LABELS, _WIDTH - LABELS - 8)
        forest = canvas.axes(place[0], _TITLE + above, place[1], below)
        forest.set_xlim(*window(lanes, _extremes(usable, truth)))
        plot_lanes(forest, lanes)
        rows = [*of_lanes(lanes, "value", parameter=parameter, what="estimate")]
        if np.isfinite(truth):
            rows.append({"parameter": parameter, "what": "truth", "value": truth})
        if usable is not None:
            above_axes = canvas.axes(place[0], _TITLE, place[1], above - 4)
            curve = _posterior(above_axes, usable, lanes, forest.get_xlim(), level)
            rows += columns(parameter=parameter, what="density", value=curve[0], density=curve[1])
        _true_value(forest, truth, above / below)
        quiet(forest)
        ticks(forest)
        label_lanes(canvas, lanes, _TITLE + above)
        return canvas.finish(_alt(parameter, lanes, truth, level, with_density=usable is not None), rows)


def _varies(draws: xr.DataArray) -> bool:
    values = draws.values
    return bool(np.isfinite(values).all() and np.ptp(values) > 0)


def _extremes(draws: xr.DataArray | None, truth: float) -> list[float]:
    """Return what the axis must hold beside the lanes: the truth, and nearly all of the posterior."""
    if draws is None:
        return [truth]
    low, high = np.quantile(draws.values, [0.002, 0.998])
    return [truth, float(low), float(high)]


def _posterior(
    axes: Axes, draws: xr.DataArray, lanes: Sequence[Lane], limits: tuple[float, float], level: float
) -> tuple[Array, Array]:
    """Draw the density, and mark each point estimate by a line that falls into its lane; return the density."""
    curve = density(axes, draws, level)
    axes.set_xlim(*limits)
    quiet(axes, bottom=False)
    top = axes.get_ylim()[1]
    axes.set_ylim(-0.06 * top, top)
    for lane in lanes:
        if lane.look.colour != "ink" and limits[0] <= lane.value <= limits[1]:
            axes.axvline(lane.value, color=lane.look.hex, lw=1.2, zorder=4)
    return curve


def _true_value(axes: Axes, truth: float, above: float) -> None:
    if np.isfinite(truth):
        axes.plot(
            [truth, truth],
            [0, 1 + above],
            transform=axes.get_xaxis_transform(),
            color=INKS["ink"],
            lw=1,
            ls=(0, (4, 2.5)),
            zorder=1,
            clip_on=False,
        )


def _alt(parameter: str, lanes: Sequence[Lane], truth: float, level: float, *, with_density: bool) -> str:
    """Return the figure in words."""
    parts = [f"{lane.title} {plain(lane.value)}" for lane in lanes if np.isfinite(lane.value)]
    missing = [lane.title for lane in lanes if not np.isfinite(lane.value)]
    text = f"{parameter}: estimates with {percent(level)} intervals"
    text += " below the posterior density" if with_density else ""
    text += ". " + "; ".join(parts) + "." if parts else "."
    text += f" Not estimated by {', '.join(missing)}." if missing else ""
    return text + (f" True value {plain(truth)}." if np.isfinite(truth) else "")
