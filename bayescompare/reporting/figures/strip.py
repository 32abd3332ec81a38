"""One part of the errors, an estimator a row: a tick for each scenario and sd, a marker for the worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from bayescompare.comparison.claims import CLAIMS
from bayescompare.reporting.figures.canvas import Canvas, Drawing, cut, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.numbers import of_dot
from bayescompare.reporting.figures.series import Dot, Measure, Series, broken, extremes, span
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["Strip", "strip_panel"]

STRIP = Guide(
    key="strip",
    caption="A tick is an sd's mean error in a scenario, the marker the worst: outside the grey (0.1 SE) it matters.",
    shows=(
        "Mean errors of the sds of the random effects, over the data sets of a scenario, in typical (median) standard "
        "errors of the marginal ML estimate: a tick for each scenario and each of its sds, and the largest with its "
        "marker and interval. Left, optimizer and stopping: the estimate less the optimum of its own objective. "
        "Middle, the objective: that optimum less the ML estimate; of a posterior mean the prior and the loss. Right, "
        "the bias: these together with the sampling error, which all estimators share. The intervals of a row hold "
        "all together with a probability of 95 % (Bonferroni). Grey reaches the margin of the claims, 0.1."
    ),
    wrong=(
        "A marker whose interval lies outside the grey: left, the optimizer or its stopping rule; middle, what was "
        "minimised, or the prior. Bias to the right that lbfgs-ml has too is what maximum likelihood does to few "
        "groups."
    ),
    limits=(
        "It shows means; errors that differ in sign between data sets do not show, and of some estimators fewer fits "
        "than all have these parts (the table has n). Estimators without sds of the groups have no tick."
    ),
)

_WIDTH, _LABELS, _PAD, _INDENT = 400.0, 170.0, 10.0, 17.0
_TITLE, _AXIS = 36.0, 24.0
_ROW = 28.0
_MARGIN = CLAIMS[3].margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The numbers of an estimator, one a scenario and sd; why there are none, where there are none.

    Parameters
    ----------
    note
        Its settings.
    """

    look: Look
    dots: Sequence[Dot]
    note: str = ""
    reason: str = ""

    @property
    def worst(self) -> Dot | None:
        """The number that is farthest from zero."""
        return max(self.dots, key=lambda dot: abs(dot.value), default=None)


def strip_panel(key: str, title: str, strips: Sequence[Strip], measure: str, *, among: Sequence[Strip] = ()) -> Drawing:
    """Return a part of the mean errors of the sds of the groups, an estimator a row.

    Parameters
    ----------
    strips
        From top to bottom.
    measure
        What the axis is, in words.
    among
        Further numbers that the axis holds too.
    """
    height = _ROW * len(strips)
    canvas = Canvas(key, STRIP, _WIDTH, _TITLE + height + _AXIS)
    worst = [Series(look=one.look, dots=[one.worst]) for one in strips]
    with canvas.drawing():
        titled(canvas, title)
        titled(canvas, measure, 0, 27, quietly=True)
        axes = canvas.axes(_LABELS, _TITLE, _WIDTH - _LABELS - _PAD, height)
        axes.set_ylim(height, 0)
        every = [Series(look=one.look, dots=[one.worst]) for one in (*strips, *among)]
        axes.set_xlim(*span(every, Measure(name=measure, reference=0.0)))
        axes.axvspan(-_MARGIN, _MARGIN, color=INKS["shade"], lw=0, zorder=0)
        axes.axvline(0, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        for k, one in enumerate(strips):
            _name(canvas, axes, one.look, one.note, _ROW * k)
            _marks(axes, one, _ROW * (k + 0.5))
        quiet(axes)
        ticks(axes, most=4)
        return canvas.finish(
            f"{title}, {measure}: the worst of each of {len(strips)} estimators. {extremes(worst)}",
            _rows(strips, title),
        )


def _rows(strips: Sequence[Strip], title: str) -> Iterator[Row]:
    for one in strips:
        for dot in one.dots:
            yield {"part": title, **of_dot(one.look, dot, "mean error")}


def _name(canvas: Canvas, axes: Axes, look: Look, note: str, top: float) -> None:
    """Write an estimator's marker and name, and a note beneath."""
    lines = [(look.name, 10.5, "ink"), (note, 9.0, "muted")]
    shown = [line for line in lines if line[0]]
    for k, (text, size, ink) in enumerate(shown):
        baseline = top + _ROW / 2 + 3.5 + (k - (len(shown) - 1) / 2) * 11.5
        canvas.figure.text(
            _INDENT / canvas.width, 1 - (_TITLE + baseline) / canvas.height, cut(text, 31), ha="left", fontsize=size,
            color=INKS[ink],
        )  # fmt: skip
    place = -(_LABELS - 6) / axes.get_window_extent().width
    axes.plot(
        [place], [top + _ROW / 2], marker=look.marker, ms=6, mew=0, color=look.hex,
        transform=axes.get_yaxis_transform(), clip_on=False,
    )  # fmt: skip


def _marks(axes: Axes, strip: Strip, y: float) -> None:
    """Draw the ticks of a row, and its worst number with the interval."""
    worst, colour = strip.worst, strip.look.hex
    if worst is None:
        box = {"fc": INKS["paper"], "ec": "none", "pad": 0.8}
        axes.annotate(strip.reason, (0, y), (4, 0), ("axes fraction", "data"), "offset points", va="center",
                      fontsize=9.5, color=INKS["muted"], bbox=box)  # fmt: skip
        return
    low, high = axes.get_xlim()
    # ticks on the same pixel are one tick
    step = (high - low) / axes.get_window_extent().width
    at = np.unique(np.round(np.clip([dot.value for dot in strip.dots], low, high) / step)) * step
    axes.plot(broken(at, at), broken(*(np.full(len(at), y + d) for d in (-6, 6))), color=colour, lw=1.3, alpha=0.85,
              zorder=2, solid_capstyle="butt")  # fmt: skip
    left, right = np.clip([worst.lower, worst.upper], low, high)
    axes.plot([left, right], [y, y], color=colour, lw=2.2, solid_capstyle="butt", zorder=3)
    if low <= worst.value <= high:
        axes.plot([worst.value], [y], marker=strip.look.marker, ms=7, mew=1, mec=INKS["paper"], color=colour, zorder=4,
                  clip_on=False)  # fmt: skip
        return
    beyond = worst.value > high
    text = f"{plain(worst.value, digits=2)} ▸" if beyond else f"◂ {plain(worst.value, digits=2)}"
    axes.annotate(text, (float(beyond), y), (-2 if beyond else 2, 0), ("axes fraction", "data"), "offset points",
                  ha="right" if beyond else "left", va="center", fontsize=9.5, color=colour, zorder=5)  # fmt: skip
