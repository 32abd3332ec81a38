"""Where every point estimate lies in the posterior, all parameters in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from bayescompare.report.figures.canvas import Canvas, Drawing, quiet
from bayescompare.report.formats import MINUS, plain
from bayescompare.report.palette import INKS, Look

__all__ = ["position_panel"]

_WIDTH, _LABELS, _ROW = 620.0, 168.0, 26.0
_FAR = 4.0


def position_panel(key: str, positions: Mapping[str, Sequence[tuple[Look, float]]]) -> Drawing:
    """Return the distance of each point estimate from the posterior mean, in posterior sds.

    Parameters
    ----------
    positions
        Parameter to estimators and their distances.
    """
    height = _ROW * len(positions)
    canvas = Canvas(key, _WIDTH, height + 46)
    with canvas.drawing():
        axes = canvas.axes(_LABELS, 6, _WIDTH - _LABELS - 24, height)
        axes.set_xlim(-_FAR, _FAR)
        axes.set_ylim(len(positions) - 0.5, -0.5)
        axes.axvspan(-2, 2, color=INKS["shade"], lw=0, zorder=0)
        axes.axvspan(-1, 1, color=INKS["rule"], lw=0, alpha=0.45, zorder=0)
        axes.axvline(0, color=INKS["muted"], lw=0.8, zorder=1)
        for row, (parameter, found) in enumerate(positions.items()):
            _row(axes, row, found)
            canvas.figure.text(
                (_LABELS - 10) / _WIDTH, 1 - (6 + _ROW * (row + 0.5)) / canvas.height, parameter, ha="right",
                va="center_baseline", fontsize=11, color=INKS["ink"],
            )  # fmt: skip
        quiet(axes)
        axes.set_xticks(range(-4, 5), [f"{MINUS if k < 0 else ''}{abs(k)}" for k in range(-4, 5)])
        canvas.figure.text(
            (_LABELS + (_WIDTH - _LABELS - 24) / 2) / _WIDTH, 6 / canvas.height,
            "posterior sds from the posterior mean", ha="center", fontsize=10.5, color=INKS["muted"],
        )  # fmt: skip
        return canvas.finish(_alt(positions))


def _row(axes: Axes, row: int, found: Sequence[tuple[Look, float]]) -> None:
    """Draw one parameter's markers, slightly apart so that equal ones stay visible."""
    offsets = np.linspace(-0.24, 0.24, len(found)) if len(found) > 1 else [0.0]
    for (look, z), offset in zip(found, offsets, strict=True):
        if not np.isfinite(z):
            continue
        inside = abs(z) <= _FAR
        axes.plot(
            [np.clip(z, -_FAR, _FAR)], [row + offset], marker=look.marker if inside else (5 if z > 0 else 4), ms=6.2, mew=0,
            color=look.hex, zorder=3, clip_on=False,
        )  # fmt: skip
        if not inside:
            axes.annotate(
                plain(z), (np.clip(z, -_FAR, _FAR), row + offset), (-8 if z > 0 else 8, 0), textcoords="offset points",
                ha="right" if z > 0 else "left", va="center", fontsize=9, color=look.hex,
            )  # fmt: skip


def _alt(positions: Mapping[str, Sequence[tuple[Look, float]]]) -> str:
    every = [(abs(z), z, look.label, parameter) for parameter, found in positions.items() for look, z in found if np.isfinite(z)]
    text = "Distance of each point estimate from the posterior mean, in posterior standard deviations, a row a parameter."
    if not every:
        return text
    _, z, label, parameter = max(every)
    return f"{text} The farthest is {parameter} of {label}, at {plain(z)}."
