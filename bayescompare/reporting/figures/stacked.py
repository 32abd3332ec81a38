"""Signed stacked bars: the mean error of each estimator in parts, to the right where positive, else to the left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, cut, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.numbers import of_dot
from bayescompare.reporting.figures.series import Dot, Measure, Series, broken, denominators, span
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.formats import count, plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["FILLS", "Bar", "Stack", "stacked_panel"]

STACKED = Guide(
    key="stacked",
    caption="Filled is the optimizer's part, tinted the objective's, outlined sampling: a filled part off zero is bad.",
    shows=(
        "The mean error (estimate less truth) of each estimator in parts that add up, in typical (median) standard "
        "errors of the marginal ML estimate. Filled: optimizer and stopping, the estimate less the optimum of its "
        "own objective. Tinted: the objective, that optimum less the ML estimate; or for a posterior mean the "
        "prior and the loss, less the ML estimate. Outlined: sampling, the ML estimate less the truth, which any "
        "estimator on these data shares. Parts above zero are stacked to the right, those below to the left; the "
        "marker below the bar is their sum, the bias. Thin black lines are the 95 % Monte Carlo intervals of the "
        "parts, each at the end of its piece; the coloured line is that of the sum. n is the fits of which every "
        "part is known, of all; beside a row where they are fewer."
    ),
    wrong=(
        "A filled part whose interval misses zero. A long piece to the right beside one to the left means that two "
        "errors cancel, which another design need not grant."
    ),
    limits=(
        "It is of means: whether errors cancel in each data set too, the cross terms of the mean squared error "
        "say. Estimates of something else are left out; a hollow marker has a local mode for its own optimum. Sds "
        "are sds, not variances: where a variance is unbiased its sd is not."
    ),
)

_WIDTH, _LABELS, _COUNTS = 390.0, 118.0, 46.0
_TITLE, _AXIS = 38.0, 22.0
_ROW, _HEADING, _PAD = 20.0, 19.0, 6.0
# The bar, and its total below it, in pixels from the top of the row.
_BAR, _THICK, _TOTAL = 7.5, 9.0, 15.5
# Whiskers of parts of one bar, side by side.
_APART = 2.6

#: Part -> how its piece of the bar is filled: with so much of the estimator's colour, or outlined where None.
FILLS: Mapping[str, float | None] = {
    "optimizer and stopping": 1.0,
    "objective": 0.38,
    "prior and loss": 0.38,
    "sampling": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The mean error of an estimator in parts.

    Parameters
    ----------
    parts
        Part to its mean, from zero outwards; none where there is no number.
    total
        Their sum.
    local
        Whether an own optimum is a local mode.
    """

    look: Look
    parts: Mapping[str, Dot]
    total: Dot
    local: bool = False

    def pieces(self) -> Iterator[tuple[str, float, Dot]]:
        """Yield each part with where it begins: at the end of those before it that have its sign."""
        ends = {True: 0.0, False: 0.0}
        for name, dot in self.parts.items():
            if np.isfinite(dot.value):
                yield name, ends[dot.value > 0], dot
                ends[dot.value > 0] += dot.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The bars of a scenario, from top to bottom."""

    heading: str
    bars: Sequence[Bar]


def of_bars(bars: Iterable[Bar], measure: str, parameter: str) -> Iterator[Row]:
    """Yield each part of each bar, and the total."""
    for bar in bars:
        for name, dot in {**bar.parts, "total": bar.total}.items():
            yield {"parameter": parameter, "part": name, **of_dot(bar.look, dot, measure)}


def stacked_panel(
    key: str, title: str, stacks: Sequence[Stack], measure: str, *, among: Sequence[Stack] = ()
) -> Drawing:
    """Return the mean errors of one parameter in parts, each part and the total with its Monte Carlo interval.

    Parameters
    ----------
    stacks
        A group of bars a scenario.
    measure
        What the axis is, in words.
    among
        Further groups, whose bars the scale holds too.
    """
    placed = list(_placed(stacks))
    height = placed[-1][0] + _ROW + _PAD
    totals = [Series(look=bar.look, dots=[bar.total]) for _, bar in placed]
    fewer = any(bar.total.used < bar.total.total for _, bar in placed)
    canvas = Canvas(key, STACKED, _WIDTH, _TITLE + height + _AXIS)
    with canvas.drawing():
        titled(canvas, title)
        titled(canvas, f"{measure}, {denominators(totals)}", 0, 28, quietly=True)
        axes = canvas.axes(_LABELS, _TITLE, _WIDTH - _LABELS - 8 - _COUNTS * fewer, height)
        axes.set_ylim(height, 0)
        axes.set_xlim(*_limits(list(_placed(among)) or placed, measure))
        _names(canvas, axes, stacks, placed)
        axes.axvline(0, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        _whiskers(axes, placed)
        for top, bar in placed:
            _bar(axes, bar, top)
            _total(axes, bar, top + _TOTAL)
        quiet(axes)
        ticks(axes, most=4)
        return canvas.finish(_alt(title, measure, stacks), of_bars([bar for _, bar in placed], measure, title))


def _limits(placed: Sequence[tuple[float, Bar]], measure: str) -> tuple[float, float]:
    """Return the ends of an axis that holds some bars."""
    totals = [Series(look=bar.look, dots=[bar.total]) for _, bar in placed]
    return span([*totals, *_ends(placed)], Measure(name=measure, reference=0.0))


def _placed(stacks: Sequence[Stack]) -> Iterator[tuple[float, Bar]]:
    """Yield each bar with the top of its row, in pixels."""
    y = 0.0
    for stack in stacks:
        y += _HEADING
        for bar in stack.bars:
            yield y, bar
            y += _ROW


def _ends(placed: Sequence[tuple[float, Bar]]) -> Iterator[Series]:
    """Yield the ends of the pieces with their intervals: what the axis must hold beside the totals."""
    for _, bar in placed:
        yield Series(look=bar.look, dots=[_moved(dot, start) for _, start, dot in bar.pieces()])


def _moved(dot: Dot, start: float) -> Dot:
    return Dot(
        value=start + dot.value, lower=start + dot.lower, upper=start + dot.upper, used=dot.used, total=dot.total
    )


def _names(canvas: Canvas, axes: Axes, stacks: Sequence[Stack], placed: Sequence[tuple[float, Bar]]) -> None:
    y = 0.0
    for stack in stacks:
        axes.axhline(y + 3, color=INKS["shade"], lw=0.8, zorder=0)
        _write(canvas, cut(stack.heading, 60), 0, y + 15, weight="bold")
        y += _HEADING + _ROW * len(stack.bars)
    for top, bar in placed:
        _write(canvas, cut(bar.look.name, 19), _LABELS - 20, top + 12)
        _swatch(axes, bar.look, top + 8.5)


def _write(canvas: Canvas, text: str, at: float, baseline: float, weight: str = "normal") -> None:
    canvas.figure.text(
        at / canvas.width,
        1 - (_TITLE + baseline) / canvas.height,
        text,
        ha="right" if at else "left",
        fontsize=10,
        fontweight=weight,
        color=INKS["ink"],
    )


def _swatch(axes: Axes, look: Look, y: float) -> None:
    """Draw the marker of an estimator beside its name: settings of one estimator differ in it."""
    place = -12 / axes.get_window_extent().width
    axes.plot(
        [place],
        [y],
        marker=look.marker,
        ms=5,
        mew=0,
        color=look.hex,
        transform=axes.get_yaxis_transform(),
        clip_on=False,
    )


def _bar(axes: Axes, bar: Bar, top: float) -> None:
    low, high = axes.get_xlim()
    hair = (high - low) / 2000
    colour = bar.look.hex
    for name, start, dot in bar.pieces():
        if abs(dot.value) < hair:
            continue
        share = FILLS.get(name, 1.0)
        fill: dict[str, Any] = {"fc": INKS["paper"], "ec": colour, "lw": 0.9}
        if share is not None:
            fill = {"fc": colour, "alpha": share if share < 1 else None, "lw": 0}
        axes.barh(top + _BAR, dot.value, _THICK - (share is None), left=start, zorder=2, **fill)
    for beyond, end, marker in ((-1, low, 4), (1, high, 5)):
        if any(beyond * (start + dot.value) > beyond * end for _, start, dot in bar.pieces()):
            axes.plot([end], [top + _BAR], marker=marker, ms=6, mew=0, color=colour, clip_on=False, zorder=5)


def _whiskers(axes: Axes, placed: Sequence[tuple[float, Bar]]) -> None:
    """Draw the Monte Carlo intervals of all parts, each at the end of its piece."""
    low, high = axes.get_xlim()
    hair = (high - low) / 2000
    found = [
        (start + dot.lower, start + dot.upper, top + _BAR + _APART * (k - (len(bar.parts) - 1) / 2))
        for top, bar in placed
        for k, (_, start, dot) in enumerate(bar.pieces())
        if dot.upper - dot.lower > hair
    ]
    if found:
        lower, upper, y = (np.array(column) for column in zip(*found, strict=True))
        axes.plot(*_segments(lower, upper, y), color=INKS["paper"], lw=2.2, zorder=3, solid_capstyle="butt")
        axes.plot(*_segments(lower, upper, y), color=INKS["ink"], lw=0.9, zorder=4, solid_capstyle="butt")


def _segments(
    lower: npt.NDArray[np.float64], upper: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return broken(lower, upper), broken(y, y)


def _total(axes: Axes, bar: Bar, y: float) -> None:
    """Draw the sum of the parts with its interval below the bar, and write what that does not show."""
    low, high = axes.get_xlim()
    dot, colour = bar.total, bar.look.hex
    style: dict[str, Any] = {"fontsize": 8.5, "va": "center", "annotation_clip": False}
    if not np.isfinite(dot.value):
        text = cut(f"n/a: {dot.reason or 'no fit has a number'}", 44)
        place = ("axes fraction", "data")
        axes.annotate(text, (0, y - 4), (4, 0), place, "offset points", color=INKS["muted"], **style)
        return
    left, right = np.clip([dot.lower, dot.upper], low, high)
    axes.plot([left, right], [y, y], color=colour, lw=1.5, solid_capstyle="butt", zorder=3)
    if low <= dot.value <= high:
        face = INKS["paper"] if bar.local else colour
        axes.plot(
            [dot.value], [y], marker=bar.look.marker, ms=5.2, mew=1.1, color=colour, mfc=face, zorder=4, clip_on=False
        )
    else:
        beyond = dot.value > high
        text = f"{plain(dot.value, digits=2)} ▸" if beyond else f"◂ {plain(dot.value, digits=2)}"
        axes.annotate(
            text, (float(beyond), y), (-2 if beyond else 2, 0), ("axes fraction", "data"), "offset points",
            ha="right" if beyond else "left", color=INKS["ink"], zorder=5, **style,
        )  # fmt: skip
    if dot.used < dot.total:
        axes.annotate(
            count(dot.used, dot.total), (1, y - 4), (8, 0), ("axes fraction", "data"), "offset points",
            color=INKS["muted"], **style,
        )  # fmt: skip


def _alt(title: str, measure: str, stacks: Sequence[Stack]) -> str:
    """Return in words what the picture is, and the largest of each part."""
    bars = [(stack.heading, bar) for stack in stacks for bar in stack.bars]
    names = dict.fromkeys(name for _, bar in bars for name in bar.parts)
    largest = (_largest(name, [(heading, bar.look, bar.parts.get(name)) for heading, bar in bars]) for name in names)
    sentences = [sentence for sentence in largest if sentence]
    shown = f"Stacked bars of the {measure} of {title} in parts, {len(stacks)} scenarios. "
    return shown + (" ".join(sentences) if sentences else "There is no number.")


def _largest(name: str, found: Sequence[tuple[str, Look, Dot | None]]) -> str:
    """Return the largest mean of a part in words, with its interval."""
    known = [(heading, look, dot) for heading, look, dot in found if dot is not None and np.isfinite(dot.value)]
    if not known:
        return ""
    heading, look, dot = max(known, key=lambda each: abs(each[2].value))
    error = (dot.upper - dot.lower) / 4
    bounds = f"[{plain(dot.lower, error)}, {plain(dot.upper, error)}]"
    return f"Largest {name}: {plain(dot.value, error)} {bounds} of {look.label} in {heading}."
