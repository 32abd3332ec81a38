"""A distribution before the data and as it was observed: quantile functions, as bands over simulated data sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import columns
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import COLOURS, INKS

__all__ = ["fan_panel"]

FAN = Guide(
    key="fan",
    caption=(
        "Blue is the data, grey holds 50 and 95 % of data drawn from the priors: blue outside of grey is a conflict."
    ),
    shows=(
        "The cumulative distribution of the responses, or of their group means, in data sets drawn from the "
        "priors, of the same rows and groups: its median, and bands that hold 50 and 95 % of the data sets at each "
        "height. Blue is the observed one. The axis ends 20 ranges of the data beyond them at the latest."
    ),
    wrong=(
        "Blue outside of the bands, or bands a thousand times wider than any response could be. Blue need not fill "
        "the bands."
    ),
    limits=(
        "A band holds at each height alone, not at all heights together. How responses go with predictors it does "
        "not show, and data that agree with the priors do not make them right."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT, _BOTTOM = 390.0, 30.0, 12.0, 22.0, 150.0, 24.0
_HIGHEST = 20.0
_COLUMNS = ("lower_95", "lower_50", "median", "upper_50", "upper_95")


def fan_panel(key: str, title: str, shares: Array, bands: Array, observed: Array) -> Drawing:
    """Return the cumulative distribution of a sample over simulated data sets, and the observed one.

    Parameters
    ----------
    shares : (T,)
        Probabilities, drawn upwards.
    bands : (5, T)
        2.5, 25, 50, 75 and 97.5 % of the simulated quantiles.
    observed : (T,)
        Observed quantiles.
    """
    canvas = Canvas(key, FAN, _WIDTH, _TOP + _HEIGHT + _BOTTOM)
    with canvas.drawing():
        titled(canvas, title)
        axes = canvas.axes(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT)
        axes.set_xlim(*_limits(bands, observed))
        axes.set_ylim(0, 1)
        for low, high, ink in ((0, 4, "shade"), (1, 3, "rule")):
            axes.fill_betweenx(shares, bands[low], bands[high], color=INKS[ink], lw=0)
        axes.plot(bands[2], shares, color=INKS["muted"], lw=1.1)
        axes.plot(observed, shares, color=COLOURS["blue"], lw=2)
        quiet(axes, left=True)
        ticks(axes)
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        rows = columns(quantity=title, share=shares, **dict(zip(_COLUMNS, bands, strict=True)), observed=observed)
        return canvas.finish(_alt(title, shares, bands, observed), rows)


def _limits(bands: Array, observed: Array) -> tuple[float, float]:
    """Return the 95 % band's ends, but of tails no more than some ranges of what was observed."""
    low, high = float(observed.min()), float(observed.max())
    reach = _HIGHEST * (high - low or abs(high) or 1.0)
    known = bands[np.isfinite(bands)]
    ends = (low, high) if not len(known) else (min(low, float(known.min())), max(high, float(known.max())))
    return max(ends[0], low - reach), min(ends[1], high + reach)


def _alt(title: str, shares: Array, bands: Array, observed: Array) -> str:
    middle = int(np.argmin(np.abs(shares - 0.5)))
    low, high = (plain(float(bands[k, middle])) for k in (0, 4))
    return (
        f"Cumulative distribution of {title} over data sets drawn from the prior: their medians lie between {low} and "
        f"{high} in 95 % of them; observed {plain(float(observed[middle]))}."
    )
