"""Likelihood contours of two parameters, with the ways of optimizers over them and the posterior draws behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, cut, quiet, ticks
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lean import dots, in_pixels, lean
from bayescompare.reporting.figures.sheet import Row, columns
from bayescompare.reporting.formats import percent, plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["Plane", "Route", "contour_panel"]

CONTOUR = Guide(
    key="contour",
    caption="A way leads from its open to its filled marker: one that ends outside of the inner rings has not arrived.",
    shows=(
        "Contours of the likelihood of two parameters, profiled: at each point all others are at their best. The "
        "rings are 1.39, 3.22, 5.99 and 9.21 in deviance above the maximum (+), where regions of 50, 80, 95 and 99 "
        "% for two parameters end (chi-square with 2 degrees of freedom); grey lines, further out, are at 30, 100, "
        "300 and so on. The way of Adam is that of the reported restart, the way of L-BFGS-B that of the start "
        "that won, each of its points an evaluation that lowered the deviance. A triangle is where a way crosses "
        "the edge; dots are posterior draws."
    ),
    wrong="An end outside of the inner rings, or a way that crawls along a ridge.",
    limits=(
        "A way has other parameters too, so it may cross a line upwards while its loss falls. The posterior has "
        "the prior in it and is integrated, not maximised, over the others: its draws need not lie where the "
        "likelihood does."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _HEIGHT = 400.0, 360.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 54.0, 24.0, 14.0, 40.0
# Further lines, in deviance above the optimum, that show the slope beside the regions.
_SLOPES = (30.0, 100.0, 300.0, 1e3, 3e3, 1e4)
# What a log axis may be labelled at in each decade: the first that gives three labels.
_ROUND = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), np.arange(10, 100) / 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The deviance of two parameters.

    Parameters
    ----------
    x, y : (m,), (n,)
        Values of the two on the grid; above zero where the axis is a log one.
    deviance : (n, m)
        Above that of the optimum.
    optimum : (2,)
        Of the marginal likelihood; a zero on a log axis is drawn at its edge.
    logs
        Whether each axis is a log one.
    levels
        Probability of a region to the deviance at its edge.
    """

    names: tuple[str, str]
    x: Array
    y: Array
    deviance: Array
    optimum: Array
    logs: tuple[bool, bool]
    levels: Mapping[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way of an optimizer: points ``(T, 2)`` of the plane from its start to its end."""

    look: Look
    points: Array


def contour_panel(key: str, plane: Plane, routes: Sequence[Route], draws: Array) -> Drawing:
    """Return the contours, the routes over them and the draws ``(S, 2)`` behind."""
    canvas = Canvas(key, CONTOUR, _WIDTH, _HEIGHT)
    with canvas.drawing():
        axes = canvas.axes(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM)
        _frame(axes, plane)
        seen = draws[_inside(axes, draws)]
        if len(seen):
            dots(axes, *seen.T, size=2.6, colour=INKS["muted"], alpha=0.32)
        _contours(axes, plane)
        for route in routes:
            _route(axes, route)
        _optimum(axes, plane)
        _names(canvas, plane)
        return canvas.finish(_alt(plane, routes, len(seen), axes), _rows(plane, routes, draws))


def _rows(plane: Plane, routes: Sequence[Route], draws: Array) -> Iterator[Row]:
    """Yield the grid with its deviances, the maximum, the ways point by point, and the draws."""

    def placed(what: str, points: Array, **more: object) -> Iterator[Row]:
        named = dict(zip(plane.names, points.T, strict=True))
        return columns(what=what, **named, **more)

    yield from placed("maximum", plane.optimum[None], deviance=0.0)
    for route in routes:
        yield from placed("way", route.points, estimator=route.look.label, point=np.arange(len(route.points)))
    yield from placed("draw", draws)
    x, y = np.meshgrid(plane.x, plane.y)
    yield from placed("likelihood", np.column_stack([x.ravel(), y.ravel()]), deviance=plane.deviance.ravel())


def _frame(axes: Axes, plane: Plane) -> None:
    for which, values, is_log in zip("xy", (plane.x, plane.y), plane.logs, strict=True):
        getattr(axes, f"set_{which}lim")(float(values[0]), float(values[-1]))
        if is_log:
            getattr(axes, f"set_{which}scale")("log")
    quiet(axes, left=True)
    for which, values, is_log, best in zip("xy", (plane.x, plane.y), plane.logs, plane.optimum, strict=True):
        if is_log:
            _round_ticks(axes, which, float(values[0]), float(values[-1]), zero=bool(best == 0))
        else:
            ticks(axes, which, 5)


def _round_ticks(axes: Axes, which: str, low: float, high: float, *, zero: bool) -> None:
    """Label a log axis at round numbers; one whose edge stands for zero says so, and the other axis is broken there."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    for digits in _ROUND:
        at = [d * 10.0**k for k in range(first, last + 1) for d in digits if low <= d * 10.0**k <= high]
        if len(at) >= 3:
            break
    at = [value for value in at[:: -(-len(at) // 6)] if not zero or np.log(value / low) > 0.07 * np.log(high / low)]
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks([low, *at] if zero else at, [*(["0"] if zero else []), *(f"{value:.6g}" for value in at)])
    if zero:
        axes.spines["left" if which == "x" else "bottom"].set_linestyle((0, (2, 2)))
    axis.set_ticks([], minor=True)


def _contours(axes: Axes, plane: Plane) -> None:
    slopes = [level for level in _SLOPES if level < np.nanmax(plane.deviance)]
    if slopes:
        axes.contour(plane.x, plane.y, plane.deviance, slopes, colors=[INKS["rule"]], linewidths=0.7, zorder=1)
    levels = list(plane.levels.values())
    widths = np.linspace(1.5, 0.8, len(levels))
    lines = axes.contour(plane.x, plane.y, plane.deviance, levels, colors=[INKS["ink"]], linewidths=widths, zorder=2)
    named = {level: percent(share) for share, level in plane.levels.items()}
    axes.clabel(lines, fmt=named, fontsize=9, inline_spacing=2, colors=[INKS["muted"]])


def _unit(axes: Axes, points: Array) -> Array:
    """Return points ``(N, 2)`` in shares of the axes; what a log axis has not is at minus infinity."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = []
        for k, (limits, scale) in enumerate(zip((axes.get_xlim(), axes.get_ylim()),
                                                (axes.get_xscale(), axes.get_yscale()), strict=True)):  # fmt: skip
            low, high, at = *limits, points[:, k]
            if scale == "log":
                low, high, at = np.log(low), np.log(high), np.log(at)
            shares.append((at - low) / (high - low))
    return np.column_stack(shares)


def _inside(axes: Axes, points: Array) -> npt.NDArray[np.bool_]:
    shares = _unit(axes, points)
    return np.asarray(np.all((shares >= 0) & (shares <= 1), axis=1))


def _on_edge(axes: Axes, points: Array) -> Array:
    """Return points with exact zeros moved to the edge of a log axis."""
    moved = points.copy()
    for k, (limits, scale) in enumerate(((axes.get_xlim(), axes.get_xscale()), (axes.get_ylim(), axes.get_yscale()))):
        if scale == "log":
            moved[points[:, k] == 0, k] = limits[0]
    return moved


def _route(axes: Axes, route: Route) -> None:
    """Draw a way: open marker at its start, filled at its end, a triangle where it crosses the picture's edge."""
    points = _on_edge(axes, route.points[np.isfinite(route.points).all(axis=1)])
    if not len(points):
        return
    kept = points[lean(in_pixels(axes, *points.T))]
    shares, colour = _unit(axes, points), route.look.hex
    inside = np.all((shares >= 0) & (shares <= 1), axis=1)
    axes.plot(*kept.T, color=INKS["paper"], lw=3.4, alpha=0.8, zorder=3, solid_joinstyle="round")
    axes.plot(*kept.T, color=colour, lw=1.6, zorder=4, solid_joinstyle="round")
    if inside[0]:
        axes.plot(*points[0], marker=route.look.marker, ms=6, mew=1.4, mfc=INKS["paper"], mec=colour, zorder=5,
                  clip_on=False)  # fmt: skip
    elif inside.any():
        _arrow(axes, shares, int(np.argmax(inside)), -1, colour)
    if inside[-1]:
        axes.plot(*points[-1], marker=route.look.marker, ms=7.5, mew=0, color=colour, zorder=6, clip_on=False)
    elif inside.any():
        _arrow(axes, shares, len(inside) - 1 - int(np.argmax(inside[::-1])), 1, colour)


def _arrow(axes: Axes, shares: Array, inner: int, step: int, colour: str) -> None:
    """Draw a triangle where the way between a point inside and the next or last one crosses the edge."""
    here, there = shares[inner], shares[inner + step]
    across = there - here
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(across > 0, (1 - here) / across, np.where(across < 0, -here / across, np.inf))
    at = here + min(float(np.min(reach)), 1.0) * across
    box = axes.get_window_extent()
    travel = step * across * [box.width, box.height]
    angle = float(np.degrees(np.arctan2(travel[1], travel[0]))) - 90
    axes.plot(
        [at[0]], [at[1]], marker=(3, 0, angle), ms=9, mew=0, color=colour, zorder=6, transform=axes.transAxes,
        clip_on=False,
    )  # fmt: skip


def _optimum(axes: Axes, plane: Plane) -> None:
    at = _on_edge(axes, plane.optimum[None])[0]
    axes.plot(*at, marker="+", ms=11, mew=1.8, color=INKS["ink"], zorder=7, clip_on=False)


def _names(canvas: Canvas, plane: Plane) -> None:
    first, second = (f"{cut(name, 44)}{', log scale' if is_log else ''}"
                     for name, is_log in zip(plane.names, plane.logs, strict=True))  # fmt: skip
    style: dict[str, Any] = {"fontsize": 10.5, "color": INKS["ink"]}
    canvas.figure.text((_WIDTH - _RIGHT) / _WIDTH, 8 / _HEIGHT, first, ha="right", **style)
    canvas.figure.text(0, 1 - 12 / _HEIGHT, second, ha="left", **style)


def _alt(plane: Plane, routes: Sequence[Route], drawn: int, axes: Axes) -> str:
    shares = ", ".join(percent(share) for share in plane.levels)
    at = " and ".join(f"{name} {plain(float(value))}" for name, value in zip(plane.names, plane.optimum, strict=True))
    text = f"Contours of the profile likelihood of {plane.names[0]} and {plane.names[1]} ({shares}). "
    text += f"The maximum is at {at}"
    text += ", a zero drawn at the edge. " if np.any(plane.optimum == 0) else ". "
    for route in routes:
        text += f"{route.look.label} goes from {_place(route.points[0], axes)} to {_place(route.points[-1], axes)}. "
    return f"{text}{drawn} posterior draws." if drawn else text.strip()


def _place(point: Array, axes: Axes) -> str:
    """Return a point as words, with whether it is to be seen."""
    words = f"({plain(float(point[0]))}, {plain(float(point[1]))})"
    return words if _inside(axes, _on_edge(axes, point[None]))[0] else f"{words} outside of the picture"
