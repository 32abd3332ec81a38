"""Lolly plots: a measure over a few scenarios, a band a scenario and a stick an estimator (Morris et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, cut, quiet, ticks, titled
from bayescompare.reporting.figures.measured import LOLLIES
from bayescompare.reporting.figures.numbers import of_series
from bayescompare.reporting.figures.series import Dot, Measure, Series, broken, denominators, extremes, span
from bayescompare.reporting.formats import count, plain
from bayescompare.reporting.palette import INKS

__all__ = ["Band", "lolly_panel"]

_WIDTH, _LABELS, _COUNTS = 390.0, 136.0, 46.0
_TITLE, _AXIS = 38.0, 22.0
_STICK, _PAD, _HEADING = 10.0, 8.0, 17.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A scenario's name in a lolly plot.

    Parameters
    ----------
    heading
        What it has in common with those below it; written where it changes.
    label
        What sets it apart.
    """

    heading: str
    label: str


def lolly_panel(key: str, title: str, bands: Sequence[Band], series: Sequence[Series], measure: Measure) -> Drawing:
    """Return a measure of one parameter over the scenarios, with Monte Carlo intervals.

    Parameters
    ----------
    bands
        The scenarios from top to bottom.
    series
        Each with a dot a band.
    """
    tops = _tops(bands, len(series))
    height = tops[-1] + len(series) * _STICK + _PAD
    fewer = any(dot and dot.used < dot.total and np.isfinite(dot.value) for one in series for dot in one.dots)
    canvas = Canvas(key, LOLLIES[measure.name], _WIDTH, _TITLE + height + _AXIS)
    with canvas.drawing():
        titled(canvas, title)
        titled(canvas, f"{measure.name}, {denominators(series)}", 0, 28, quietly=True)
        axes = canvas.axes(_LABELS, _TITLE, _WIDTH - _LABELS - 8 - _COUNTS * fewer, height)
        axes.set_ylim(height, 0)
        axes.set_xlim(*span(series, measure))
        _names(canvas, axes, bands, tops, len(series))
        axes.axvline(measure.reference, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        for k, one in enumerate(series):
            _sticks(axes, one, tops + _PAD / 2 + (k + 0.5) * _STICK, measure.reference)
        quiet(axes)
        ticks(axes, most=4)
        return canvas.finish(
            f"Lolly plot of the {measure.name} of {title} in {len(bands)} scenarios. {extremes(series)}",
            of_series(series, measure.name, title),
        )


def _tops(bands: Sequence[Band], estimators: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return where each band begins, in pixels; below its heading, where it has one."""
    headed = [band.heading != before for band, before in zip(bands, ["", *(b.heading for b in bands)], strict=False)]
    each = estimators * _STICK + _PAD
    return np.array([k * each for k in range(len(bands))]) + _HEADING * np.cumsum(headed)


def _names(canvas: Canvas, axes: Axes, bands: Sequence[Band], tops: np.ndarray, estimators: int) -> None:
    before = ""
    for band, top in zip(bands, tops, strict=True):
        if band.heading != before:
            _write(canvas, band.heading, 0, top - 4, weight="bold")
        before = band.heading
        axes.axhline(top, color=INKS["shade"], lw=0.8, zorder=0)
        _write(canvas, cut(band.label, 24), _LABELS - 8, top + (estimators * _STICK + _PAD) / 2 + 3.5)


def _write(canvas: Canvas, text: str, at: float, baseline: float, weight: str = "normal") -> None:
    canvas.figure.text(
        at / canvas.width,
        1 - (_TITLE + baseline) / canvas.height,
        cut(text, 62),
        ha="right" if at else "left",
        fontsize=10,
        fontweight=weight,
        color=INKS["ink"],
    )


def _sticks(axes: Axes, series: Series, y: np.ndarray, reference: float) -> None:
    """Draw one estimator: thin sticks from the reference, thick Monte Carlo intervals, its marker at the end."""
    low, high = axes.get_xlim()
    value, lower, upper = (np.clip(series.column(name), low, high) for name in ("value", "lower", "upper"))
    colour = series.look.hex
    axes.plot(broken(np.full(len(y), reference), value), broken(y, y), color=colour, lw=0.7, zorder=2)
    axes.plot(broken(lower, upper), broken(y, y), color=colour, lw=2.6, solid_capstyle="butt", alpha=0.55, zorder=3)
    inside = np.isfinite(value) & (value == series.column("value"))
    axes.plot(
        value[inside], y[inside], ls="", marker=series.look.marker, ms=5, mew=0, color=colour, zorder=4, clip_on=False
    )
    for dot, at, shown in zip(series.dots, y, inside, strict=True):
        if dot is not None:
            _remarks(axes, dot, at, colour, shown=bool(shown))


def _remarks(axes: Axes, dot: Dot, y: float, colour: str, *, shown: bool) -> None:
    """Write what a marker does not say: no number, a number beyond the axis, fewer fits than all."""
    style: dict[str, Any] = {"fontsize": 8.5, "va": "center", "annotation_clip": False}
    box = {"fc": INKS["paper"], "ec": "none", "pad": 0.8}
    if not np.isfinite(dot.value):
        axes.plot([0.015], [y], marker="x", ms=4, mew=1.2, color=colour, transform=axes.get_yaxis_transform())
        text = cut(f"n/a: {dot.reason or 'no fit has a number'}", 40)
        axes.annotate(
            text, (0, y), (9, 0), ("axes fraction", "data"), "offset points", color=INKS["muted"], bbox=box, **style
        )
        return
    if not shown:
        right = dot.value > axes.get_xlim()[1]
        text, place = f"{plain(dot.value, digits=2)} {'▸' if right else ''}", (-2 if right else 2, 0)
        axes.annotate(
            text if right else f"◂ {text}", (float(right), y), place, ("axes fraction", "data"), "offset points",
            ha="right" if right else "left", color=INKS["ink"], bbox=box, zorder=5, **style,
        )  # fmt: skip
    if dot.used < dot.total:
        axes.annotate(
            count(dot.used, dot.total), (1, y), (8, 0), ("axes fraction", "data"), "offset points",
            color=INKS["muted"], **style,
        )  # fmt: skip
