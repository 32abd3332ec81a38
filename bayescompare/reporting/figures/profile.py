"""The profile of a parameter: the root of its deviance, which is a straight V where Wald intervals are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row, columns
from bayescompare.reporting.formats import percent, plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["Curve", "profile_panel"]

PROFILE = Guide(
    key="profile",
    caption="The height is the root of the deviance: a straight V means that Wald intervals are right, a bent one not.",
    shows=(
        "The root of the deviance above its least, at each value of the parameter and the best of all others. The "
        "horizontal lines are the normal quantiles of the levels; the interval of a level lies between the dotted "
        "lines from the crossings of its height. The marker is the estimate, where the V stands on the axis."
    ),
    wrong=(
        "A V that bends or leans makes Wald's interval too short on the flat side; a line that ends below a level "
        "has its end at the bound of the parameter."
    ),
    limits=(
        "The heights are those of large samples (a chi-square with one degree of freedom): at a bound, and with "
        "few groups, an interval of 95 % need not hold the truth so often."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT, _BOTTOM = 390.0, 34.0, 44.0, 36.0, 120.0, 24.0
# By how much the highest level drawn is exceeded.
_ABOVE = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The profile of one fit.

    Parameters
    ----------
    values, zeta : (n,)
        Values of the parameter, ascending, and the signed root of the deviance above the optimum.
    """

    look: Look
    values: Array
    zeta: Array

    def at(self, height: float) -> tuple[float, float]:
        """Return where the curve crosses a height, NaN where it ends before."""
        inside = self.zeta[0] <= -height, self.zeta[-1] >= height
        low, high = np.interp([-height, height], self.zeta, self.values)
        return (float(low) if inside[0] else np.nan, float(high) if inside[1] else np.nan)


def profile_panel(key: str, parameter: str, curves: Sequence[Curve], levels: Sequence[tuple[float, float]]) -> Drawing:
    """Return the profiles of one parameter.

    Parameters
    ----------
    levels
        Probabilities, and the heights at which their intervals end.
    """
    canvas = Canvas(key, PROFILE, _WIDTH, _TOP + _HEIGHT + _BOTTOM)
    top = _ABOVE * max(height for _, height in levels)
    with canvas.drawing():
        titled(canvas, parameter)
        titled(canvas, "root of the deviance above its least", 0, 28, quietly=True)
        axes = canvas.axes(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT)
        axes.set_ylim(0, top)
        axes.set_xlim(*_limits(curves, top))
        for level, height in levels:
            _level(axes, level, height)
        for curve in curves:
            _draw(axes, curve, top, [height for _, height in levels])
        quiet(axes, left=True)
        ticks(axes)
        ticks(axes, "y", most=4)
        return canvas.finish(_alt(parameter, curves, levels), _rows(parameter, curves, levels))


def _rows(parameter: str, curves: Sequence[Curve], levels: Sequence[tuple[float, float]]) -> Iterator[Row]:
    """Yield the nodes of each profile, and the ends of its intervals; no value where one ends at a bound."""
    for curve in curves:
        same = {"parameter": parameter, "estimator": curve.look.label}
        yield from columns(**same, what="profile", value=curve.values, signed_root_deviance=curve.zeta)
        for level, height in levels:
            for end, zeta in zip(curve.at(height), (-height, height), strict=True):
                yield {**same, "what": "end", "value": end, "signed_root_deviance": zeta, "level": level}


def _limits(curves: Sequence[Curve], top: float) -> tuple[float, float]:
    seen = np.concatenate([curve.values[np.abs(curve.zeta) <= top] for curve in curves])
    ends = np.array([curve.at(top) for curve in curves]).ravel()
    every = np.concatenate([seen, ends[np.isfinite(ends)]])
    pad = 0.03 * float(np.ptp(every)) or 0.5
    return float(every.min()) - pad, float(every.max()) + pad


def _level(axes: Axes, level: float, height: float) -> None:
    axes.axhline(height, color=INKS["rule"], lw=0.9, zorder=0)
    axes.annotate(
        percent(level), (1, height), (4, 0), ("axes fraction", "data"), "offset points", va="center", fontsize=9,
        color=INKS["muted"], annotation_clip=False,
    )  # fmt: skip


def _draw(axes: Axes, curve: Curve, top: float, heights: Sequence[float]) -> None:
    colour = curve.look.hex
    fine = np.linspace(max(curve.zeta[0], -top), min(curve.zeta[-1], top), 161)
    axes.plot(
        np.interp(fine, curve.zeta, curve.values), np.abs(fine), color=colour, label=curve.look.label, lw=1.6, zorder=3
    )
    for height in heights:
        ends = [end for end in curve.at(height) if np.isfinite(end)]
        axes.vlines(ends, 0, height, color=colour, lw=0.8, ls=(0, (2, 2)), zorder=2)
    estimate = float(np.interp(0.0, curve.zeta, curve.values))
    axes.plot([estimate], [0], marker=curve.look.marker, ms=6, mew=0, color=colour, clip_on=False, zorder=4)


def _alt(parameter: str, curves: Sequence[Curve], levels: Sequence[tuple[float, float]]) -> str:
    """Return in words where each profile crosses each level."""
    said = []
    for curve in curves:
        for level, height in levels:
            low, high = (plain(end) if np.isfinite(end) else "its bound" for end in curve.at(height))
            said.append(f"{curve.look.label} crosses {percent(level)} at {low} and {high}")
    return f"Profile of {parameter}: {'; '.join(said)}."
