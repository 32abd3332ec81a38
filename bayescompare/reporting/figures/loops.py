"""Nested-loop plots: a measure over many scenarios on one axis, with the factors as stairs below (Rücker 2014)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, cut, quiet, ticks, titled
from bayescompare.reporting.figures.measured import LOOPS
from bayescompare.reporting.figures.numbers import of_series
from bayescompare.reporting.figures.series import Measure, Series, denominators, extremes, span
from bayescompare.reporting.palette import INKS

__all__ = ["Stairs", "nested_loop_panel"]

#: Factor to its levels in words, and the place among them of each scenario's.
Stairs = Mapping[str, tuple[str, Sequence[int]]]

_WIDTH, _LEFT, _RIGHT = 410.0, 44.0, 8.0
_TITLE, _PLOT, _STAIR, _NAME = 36.0, 190.0, 13.0, 17.0
_MARKERS = 9


def nested_loop_panel(key: str, title: str, factors: Stairs, series: Sequence[Series], measure: Measure) -> Drawing:
    """Return a measure of one parameter over the scenarios of a grid, with Monte Carlo intervals as bands.

    The scenarios stand from left to right in the order of the factors, the last varying fastest
    (Rücker and Schwarzer 2014, BMC Medical Research Methodology 14:129).

    Parameters
    ----------
    factors
        From the slowest to the fastest.
    series, measure
        As for `lolly.lolly_panel`.
    """
    below = len(factors) * (_NAME + _STAIR)
    canvas = Canvas(key, LOOPS[measure.name], _WIDTH, _TITLE + _PLOT + below + 8)
    with canvas.drawing():
        titled(canvas, title)
        titled(canvas, f"{measure.name}, {denominators(series)}", 0, 28, quietly=True)
        axes = canvas.axes(_LEFT, _TITLE, _WIDTH - _LEFT - _RIGHT, _PLOT)
        axes.set_ylim(*span(series, measure))
        axes.axhline(measure.reference, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        for k, one in enumerate(series):
            _loop(axes, one, k / len(series), thick=2.4 - 1.2 * k / max(len(series) - 1, 1))
        _frame(axes, len(series[0].dots), factors)
        for k, (name, (levels, codes)) in enumerate(factors.items()):
            top = _TITLE + _PLOT + 4 + k * (_NAME + _STAIR)
            _stair(canvas, top, f"{name}: {levels}", codes)
        return canvas.finish(_alt(title, factors, series, measure), of_series(series, measure.name, title))


def _frame(axes: Axes, scenarios: int, factors: Stairs) -> None:
    """Leave the vertical axis, with lines where the slowest factor changes."""
    axes.set_xlim(0, scenarios)
    quiet(axes, bottom=False, left=True)
    ticks(axes, "y", 5)
    _, codes = next(iter(factors.values()), ("", ()))
    for edge in np.flatnonzero(np.diff(np.asarray(codes, dtype=int))) + 1:
        axes.axvline(float(edge), color=INKS["shade"], lw=0.8, zorder=0)


def _loop(axes: Axes, series: Series, shift: float, thick: float) -> None:
    """Draw one estimator: a band, stairs, and a few markers; a cross at the bottom where a number is refused.

    The first is the thickest, so that those that lie on it leave it to be seen.
    """
    edges = np.arange(len(series.dots) + 1)
    value, lower, upper = (series.column(name) for name in ("value", "lower", "upper"))
    colour = series.look.hex
    below, above = (np.append(ends, ends[-1]) for ends in (lower, upper))
    axes.fill_between(edges, below, above, step="post", color=colour, alpha=0.16, lw=0, zorder=2)
    axes.step(edges, np.append(value, value[-1]), where="post", color=colour, lw=thick, zorder=3)
    every = max(1, len(value) // _MARKERS)
    some = np.arange(int(shift * every), len(value), every)
    axes.plot(some + 0.5, value[some], ls="", marker=series.look.marker, ms=5, mew=0, color=colour, zorder=4)
    refused = [k for k, dot in enumerate(series.dots) if dot is not None and not np.isfinite(dot.value)]
    if refused:
        bottom = np.full(len(refused), 0.02 + 0.03 * shift)
        axes.plot(
            np.array(refused) + 0.5, bottom, ls="", marker="x", ms=4, mew=1.2, color=colour,
            transform=axes.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip


def _stair(canvas: Canvas, top: float, name: str, codes: Sequence[int]) -> None:
    """Draw the levels of a factor over the scenarios, below its name."""
    titled(canvas, cut(name, 74), _LEFT, top + 12, quietly=True)
    axes = canvas.axes(_LEFT, top + _NAME, canvas.width - _LEFT - _RIGHT, _STAIR - 4)
    axes.set_xlim(0, len(codes))
    axes.set_ylim(-0.15, max(codes, default=0) + 0.15 or 1)
    axes.step(np.arange(len(codes) + 1), [*codes, codes[-1]], where="post", color=INKS["muted"], lw=1)
    axes.set_axis_off()


def _alt(title: str, factors: Stairs, series: Sequence[Series], measure: Measure) -> str:
    over = ", ".join(factors) or "the scenarios"
    return (
        f"Nested-loop plot of the {measure.name} of {title} in {len(series[0].dots)} scenarios over {over}. "
        + extremes(series)
    )
