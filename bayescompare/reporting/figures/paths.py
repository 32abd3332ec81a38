"""The way of an optimizer: its parameters, step by step, with the optimum marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["Track", "path_panel"]

PATH = Guide(
    key="path",
    caption="A line is a parameter by update: one that does not end on the dashed line of its colour has not arrived.",
    shows=(
        "The value of a parameter after so many updates of Adam, of the restart that is reported. Dashed is the "
        "optimum of the estimator's own objective, in its colour; dotted is the truth, where it is known. The axis "
        "holds the ends, the optima, and the middle 98 % of the values. In a study it is the first data set of "
        "which a path was kept."
    ),
    wrong="An end that still climbs (premature), or swings (oscillating).",
    limits=(
        "Whether a distance on this axis matters it does not say: the descent has it in standard errors. Not every "
        "update is stored. A line on its dashed one may still be in a worse optimum than another start finds."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _HEIGHT = 300.0, 150.0
_LEFT, _TOP, _BOTTOM = 50.0, 24.0, 22.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One quantity of one fit, update by update.

    Parameters
    ----------
    steps, values : (T,)
        Updates, and the value after each.
    optimum
        Its value at the best known optimum of the fit's own objective; NaN where there is none.
    """

    look: Look
    steps: Array
    values: Array
    optimum: float = float("nan")


def path_panel(key: str, parameter: str, tracks: Sequence[Track], truth: float = float("nan")) -> Drawing:
    """Return the paths of a parameter by several estimators; dashed are their own optima, dotted the truth."""
    canvas = Canvas(key, PATH, _WIDTH, _HEIGHT)
    with canvas.drawing():
        axes = canvas.axes(_LEFT, _TOP, _WIDTH - _LEFT - 10, _HEIGHT - _TOP - _BOTTOM)
        titled(canvas, parameter)
        for track in tracks:
            axes.plot(track.steps, track.values, color=track.look.hex, label=track.look.label, lw=1.3, zorder=3)
            _end(axes, track)
        for track in (track for track in tracks if np.isfinite(track.optimum)):
            axes.axhline(track.optimum, color=track.look.hex, label=track.look.label, lw=1.1, ls=(0, (5, 3)), zorder=2)
        if np.isfinite(truth):
            axes.axhline(truth, color=INKS["ink"], lw=1, ls=(0, (1, 2)), zorder=2)
        _finish(axes, _limits(tracks, truth))
        return canvas.finish(_alt(parameter, tracks, truth), _rows(parameter, tracks, truth))


def _rows(parameter: str, tracks: Sequence[Track], truth: float) -> Iterator[Row]:
    """Yield every stored step, a column an estimator, below the optima and the truth."""
    yield {"parameter": parameter, "what": "optimum", "step": None} | {one.look.label: one.optimum for one in tracks}
    if np.isfinite(truth):
        yield {"parameter": parameter, "what": "truth"} | {one.look.label: truth for one in tracks}
    found: dict[float, dict[str, float]] = {}
    for one in tracks:
        for step, value in zip(one.steps.tolist(), one.values.tolist(), strict=True):
            found.setdefault(step, {})[one.look.label] = value
    for step in sorted(found):
        yield {"parameter": parameter, "what": "path", "step": int(step), **found[step]}


def _end(axes: Axes, track: Track) -> None:
    axes.plot(
        track.steps[-1:],
        track.values[-1:],
        marker=track.look.marker,
        ms=5.6,
        mew=0,
        color=track.look.hex,
        label=track.look.label,
        zorder=4,
        clip_on=False,
    )


def _limits(tracks: Sequence[Track], truth: float) -> tuple[float, float]:
    """Return limits that hold ends, optima and truth, and the middle 98 % of the paths."""
    values = np.concatenate([track.values for track in tracks])
    marks = [truth, *(track.optimum for track in tracks), *(float(track.values[-1]) for track in tracks)]
    return _padded(
        np.concatenate([np.nanquantile(values, [0.01, 0.99]), [mark for mark in marks if np.isfinite(mark)]])
    )


def _padded(values: Array) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 0.5
    return low - pad, high + pad


def _finish(axes: Axes, limits: tuple[float, float]) -> None:
    axes.set_ylim(*limits)
    axes.set_xlim(0, None)
    quiet(axes, left=True)
    ticks(axes, "x", 4)
    ticks(axes, "y", 4)


def _alt(parameter: str, tracks: Sequence[Track], truth: float) -> str:
    ends = [
        f"{track.look.label} ends at {plain(float(track.values[-1]))}"
        + (f", its optimum is {plain(track.optimum)}" if np.isfinite(track.optimum) else "")
        for track in tracks
    ]
    known = f" True value {plain(truth)}." if np.isfinite(truth) else ""
    return f"Path of {parameter}, update by update: {'; '.join(ends)}.{known}"
