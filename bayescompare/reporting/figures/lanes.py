"""Dots with intervals, one lane an estimator: the building block of forests, biases and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, cut
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["LABELS", "Lane", "heights", "label_lanes", "plot_lanes", "window"]

#: Width of the lane labels, in pixels.
LABELS = 142
_SINGLE, _DOUBLE = 18.0, 29.0
#: Intervals that reach this many typical widths beyond the typical estimate are cut, with an arrow.
_REACH = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One estimator's number and interval.

    Parameters
    ----------
    title, subtitle
        What the lane is called; the subtitle is set smaller, below.
    look
        Colour and marker.
    value, lower, upper
        NaN where there is none.
    note
        Why there is no value; a blank leaves the lane empty.
    hollow
        Draw the marker hollow: another estimand, or an undecided verdict.
    used, total
        Fits behind the value, and fits that were asked for; None of a single fit.
    """

    title: str
    look: Look
    value: float
    lower: float = float("nan")
    upper: float = float("nan")
    subtitle: str = ""
    note: str = ""
    hollow: bool = False
    used: int | None = None
    total: int | None = None


def heights(lanes: Sequence[Lane]) -> list[float]:
    """Return the height of each lane in pixels."""
    return [_DOUBLE if lane.subtitle else _SINGLE for lane in lanes]


def window(lanes: Iterable[Lane], also: Iterable[float] = ()) -> tuple[float, float]:
    """Return the part of the axis to show: all numbers, unless a few are far from the rest."""
    shown = [lane for lane in lanes if np.isfinite(lane.value)]
    points = np.array([lane.value for lane in shown])
    known = [(lane.lower, lane.upper) for lane in shown if np.isfinite(lane.lower + lane.upper)]
    bounds = np.array(known).reshape(-1, 2)
    fixed = np.array([value for value in also if np.isfinite(value)])
    everything = np.concatenate([points, bounds.ravel(), fixed])
    if not len(everything):
        return -1.0, 1.0
    low, high = float(everything.min()), float(everything.max())
    typical = float(np.median(np.diff(bounds, axis=1))) if len(bounds) else 0.0
    if typical > 0:
        centre = float(np.median(np.concatenate([bounds.mean(axis=1), fixed])))
        low = max(low, min(centre - _REACH * typical, fixed.min(initial=np.inf)))
        high = min(high, max(centre + _REACH * typical, fixed.max(initial=-np.inf)))
    # a hair of width where all numbers are one
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - pad, high + pad


def label_lanes(canvas: Canvas, lanes: Sequence[Lane], top: float, width: float = LABELS) -> None:
    """Write the lanes' names to the left, from a place in pixels below the top."""
    y = top
    for lane, height in zip(lanes, heights(lanes), strict=True):
        _write(canvas, lane.title, width - 10, y + (12.5 if not lane.subtitle else 12), 10.5, "ink")
        if lane.subtitle:
            _write(canvas, lane.subtitle, width - 10, y + 23, 8.5, "muted")
        y += height


def _write(canvas: Canvas, text: str, right: float, baseline: float, size: float, ink: str) -> None:
    canvas.figure.text(
        right / canvas.width,
        1 - baseline / canvas.height,
        cut(text, 22 if size > 9 else 29),
        ha="right",
        va="baseline",
        fontsize=size,
        color=INKS[ink],
    )


def plot_lanes(axes: Axes, lanes: Sequence[Lane], *, digits: int = 3) -> None:
    """Draw the lanes from top to bottom on axes whose limits in x are set."""
    edges = np.concatenate([[0.0], np.cumsum(heights(lanes))])
    axes.set_ylim(edges[-1], 0)
    for k, lane in enumerate(lanes):
        middle = edges[k] + _SINGLE / 2
        axes.axhline(middle, color=INKS["shade"], lw=0.8, zorder=0, clip_on=False)
        if not np.isfinite(lane.value):
            _note(axes, lane, middle)
            continue
        _interval(axes, lane, middle, digits)
        _point(axes, lane, middle, digits)


def _note(axes: Axes, lane: Lane, y: float) -> None:
    """Write why a lane is empty; a blank note leaves it so."""
    text = cut(lane.note or "not estimated", 42)
    if text.strip():
        axes.annotate(
            text,
            (0, y),
            (3, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=9,
            style="italic",
            color=INKS["muted"],
            va="center",
            bbox={"fc": INKS["paper"], "ec": "none", "pad": 1},
            zorder=5,
        )


def _interval(axes: Axes, lane: Lane, y: float, digits: int) -> None:
    low, high = axes.get_xlim()
    if not np.isfinite(lane.lower + lane.upper) or lane.upper < low or lane.lower > high:
        return
    left, right = max(lane.lower, low), min(lane.upper, high)
    # an estimate beyond the axis is written at its end: leave room for it
    room = _room(axes, lane.value, digits)
    left, right = left + room * (lane.value < low), right - room * (lane.value > high)
    if left < right:
        axes.plot([left, right], [y, y], color=lane.look.hex, lw=1.8, solid_capstyle="butt", zorder=2)
    for end, beyond, marker in ((low, lane.lower < low, 4), (high, lane.upper > high, 5)):
        if beyond:
            axes.plot([end], [y], marker=marker, ms=5, mew=0, color=lane.look.hex, clip_on=False, zorder=2)


def _room(axes: Axes, value: float, digits: int) -> float:
    """Return the width, in units of the axis, of a number that is written at its end."""
    low, high = axes.get_xlim()
    pixels = axes.get_window_extent().width
    return (6 * len(plain(value, digits=digits)) + 12) * (high - low) / pixels


def _point(axes: Axes, lane: Lane, y: float, digits: int) -> None:
    low, high = axes.get_xlim()
    inside = low <= lane.value <= high
    if inside:
        axes.plot(
            [lane.value],
            [y],
            marker=lane.look.marker,
            ms=6.4,
            mew=1.4,
            color=lane.look.hex,
            zorder=3,
            clip_on=False,
            mfc=INKS["paper"] if lane.hollow else lane.look.hex,
        )
        return
    right = lane.value > high
    axes.plot([high if right else low], [y], marker=5 if right else 4, ms=7, mew=0, color=lane.look.hex, clip_on=False)
    axes.annotate(
        plain(lane.value, digits=digits),
        (1 if right else 0, y),
        (-8 if right else 8, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right" if right else "left",
        va="center",
        fontsize=9,
        color=INKS["ink"],
    )
