"""Where every point estimate lies in the posterior, all parameters in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, cut, quiet
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.formats import MINUS, plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["APART", "POSITION", "position_panel"]

POSITION = Guide(
    key="position",
    caption="Each marker is a point estimate in posterior sds from the mean; beyond the grey (2 sds) it disagrees.",
    shows=(
        "The distance of each point estimate from the posterior mean, over the posterior sd, for every parameter "
        "that both estimate. Dark and light grey reach one and two sds to each side; an arrow with a number stands "
        "for what is beyond four. The posterior is that of the draws, or the exact one where the draws cannot be "
        "trusted and quadrature finds it."
    ),
    wrong=(
        "A marker outside the grey, alone, where others of the same objective are inside: the optimizer was not "
        "done, and its flags say so. Half an sd is no disagreement: maximum likelihood lies left of the mean for "
        "sds, because the posterior of a positive parameter is skewed to the right."
    ),
    limits=(
        "A mean and an sd stand for the posterior: how lopsided it is the forests show. Estimates of something "
        "else, such as a residual sd that also holds the groups, are left out. What is near the posterior need not "
        "be near the truth."
    ),
)

APART = Guide(
    key="apart",
    caption="Each marker is an estimate in standard errors from the ML estimate; beyond the grey (2 SE) they disagree.",
    shows=(
        "The distance of each estimate from that of lbfgs-ml on the same data, in standard errors of the latter, for "
        "every parameter that has one. Dark and light grey reach one and two standard errors to each side; an arrow "
        "with a number stands for what is beyond four. The picture stands where no posterior was sampled."
    ),
    wrong=(
        "A marker off zero of an estimator that has the same objective: it was not done, and its flags say so. "
        "Restricted ML lies right of ML for sds, because ML estimates them too small."
    ),
    limits=(
        "Estimates near each other may all be far from the truth. Parameters at a bound have no standard error and are "
        "left out, as are estimates of something else."
    ),
)

# The plot is narrower where the names are long, so that small screens need not shrink the words.
_WIDTH, _NARROWEST, _WIDEST, _RIGHT = 400.0, 180.0, 266.0, 14.0
_LETTER, _MOST_LETTERS = 6.4, 34
_FAR = 4.0


_AXIS = {
    POSITION.key: ("the posterior mean, in posterior sds", "posterior sds from the posterior mean"),
    APART.key: ("the ML estimate, in its standard errors", "standard errors from the ML estimate"),
}


def position_panel(key: str, positions: Mapping[str, Sequence[tuple[Look, float]]], guide: Guide = POSITION) -> Drawing:
    """Return the distance of each point estimate from the posterior mean in posterior sds, or from the ML estimate.

    Parameters
    ----------
    positions
        Parameter to estimators and their distances.
    guide
        `POSITION` or `APART`.
    """
    names = [cut(parameter, _MOST_LETTERS) for parameter in positions]
    labels = 14 + _LETTER * max(map(len, names))
    plot = min(max(_WIDTH - _RIGHT - labels, _NARROWEST), _WIDEST)
    each = max(22.0, 6.0 * max(map(len, positions.values())) + 6)
    height = each * len(positions)
    canvas = Canvas(key, guide, labels + plot + _RIGHT, height + 46)
    with canvas.drawing():
        axes = canvas.axes(labels, 6, plot, height)
        _ground(axes, len(positions))
        for row, (name, found) in enumerate(zip(names, positions.values(), strict=True)):
            _row(axes, row, found)
            canvas.figure.text(
                (labels - 10) / canvas.width,
                1 - (6 + each * (row + 0.5)) / canvas.height,
                name,
                ha="right",
                va="center_baseline",
                fontsize=10.5,
                color=INKS["ink"],
            )
        quiet(axes)
        axes.set_xticks(range(-4, 5), [f"{MINUS if k < 0 else ''}{abs(k)}" for k in range(-4, 5)])
        canvas.figure.text(
            (labels + plot / 2) / canvas.width,
            6 / canvas.height,
            _AXIS[guide.key][1],
            ha="center",
            fontsize=10.5,
            color=INKS["muted"],
        )
        return canvas.finish(
            _alt(positions, _AXIS[guide.key][0]),
            (
                {"parameter": parameter, "estimator": look.label, "z": z}
                for parameter, found in positions.items()
                for look, z in found
            ),
        )


def _ground(axes: Axes, rows: int) -> None:
    """Draw what the markers lie on: one and two units to each side of zero."""
    axes.set_xlim(-_FAR, _FAR)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.axvspan(-2, 2, color=INKS["shade"], lw=0, zorder=0)
    axes.axvspan(-1, 1, color=INKS["rule"], lw=0, alpha=0.45, zorder=0)
    axes.axvline(0, color=INKS["muted"], lw=0.8, zorder=1)


def _row(axes: Axes, row: int, found: Sequence[tuple[Look, float]]) -> None:
    """Draw one parameter's markers, slightly apart so that equal ones stay visible."""
    offsets = np.linspace(-0.36, 0.36, len(found)) if len(found) > 1 else [0.0]
    for (look, z), offset in zip(found, offsets, strict=True):
        if not np.isfinite(z):
            continue
        inside = abs(z) <= _FAR
        axes.plot(
            [np.clip(z, -_FAR, _FAR)],
            [row + offset],
            marker=look.marker if inside else (5 if z > 0 else 4),
            ms=6.2,
            mew=0,
            color=look.hex,
            zorder=3,
            clip_on=False,
        )
        if not inside:
            axes.annotate(
                plain(z),
                (np.clip(z, -_FAR, _FAR), row + offset),
                (-8 if z > 0 else 8, 0),
                textcoords="offset points",
                ha="right" if z > 0 else "left",
                va="center",
                fontsize=9,
                color=INKS["ink"],
            )


def _alt(positions: Mapping[str, Sequence[tuple[Look, float]]], of: str) -> str:
    every = [
        (abs(z), z, look.label, parameter)
        for parameter, found in positions.items()
        for look, z in found
        if np.isfinite(z)
    ]
    text = f"Distance of each point estimate from {of}, a row a parameter."
    if not every:
        return text
    _, z, label, parameter = max(every)
    return f"{text} The farthest is {parameter} of {label}, at {plain(z)}."
