"""Zipper plots: the intervals of a cell, ranked by how far off the estimate is (Morris et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.series import Dot, broken
from bayescompare.reporting.figures.sheet import Row, columns, thinned
from bayescompare.reporting.formats import count, percent
from bayescompare.reporting.palette import INKS, Look

__all__ = ["Teeth", "zipper_panel"]

ZIPPER = Guide(
    key="zipper",
    caption="Lines are intervals, the worst on top, in colour where they miss: colour below the dashes is too much.",
    shows=(
        "The intervals of one estimator and parameter in the scenario where they most surely cover too seldom, "
        "less the truth, each at its place in the order of |estimate - truth| in standard errors, the nearest at "
        "the bottom (Morris et al. 2019); where there is no standard error, half the width of the interval stands "
        "for it. Those that miss the truth are in colour. The grey band is Wilson's 95 % interval of the coverage, "
        "the dashed line the nominal level. Of more than 150 intervals every k-th is drawn; the numbers have up to "
        "1000."
    ),
    wrong=(
        "Colour from below the grey band: too many intervals miss. Colour on one side of the upright line only: "
        "the estimator is biased."
    ),
    limits=(
        "These are the worst cells of the study, chosen because they are: some of many look bad by chance. Data "
        "sets without an interval are not here, and counted in n."
    ),
)

Array = npt.NDArray[np.float64]
_WIDTH, _TITLE, _PLOT, _AXIS, _LEFT = 260.0, 24.0, 200.0, 34.0, 40.0
#: Intervals that are drawn of one estimator; a pixel has room for no more.
MOST = 150
# And in the numbers.
_KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Teeth:
    """Intervals less the truth, from the smallest |z| to the largest.

    Parameters
    ----------
    lower, upper : (n,)
        Bounds less the truth.
    """

    lower: Array
    upper: Array

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which intervals do not hold the truth."""
        return (self.lower > 0) | (self.upper < 0)

    @property
    def shown(self) -> npt.NDArray[np.intp]:
        """Places of those that are drawn: every k-th, so that hits and misses are thinned alike."""
        n = len(self.lower)
        return np.unique(np.round(np.linspace(0, n - 1, min(n, MOST))).astype(np.intp))


def zipper_panel(
    key: str, parameter: str, look: Look, teeth: Teeth, coverage: Dot, level: float, foot: str = ""
) -> Drawing:
    """Return the intervals of one cell of a study; those that miss the truth are in the estimator's colour.

    Parameters
    ----------
    coverage
        With its Monte Carlo interval.
    level
        The nominal coverage.
    foot
        What to say of it below.
    """
    canvas = Canvas(key, ZIPPER, _WIDTH, _TITLE + _PLOT + _AXIS)
    with canvas.drawing():
        titled(canvas, parameter)
        axes = canvas.axes(_LEFT, _TITLE, _WIDTH - _LEFT - 8, _PLOT)
        axes.set_ylim(0, 100.5)
        axes.set_xlim(*_window(teeth))
        axes.axhspan(100 * coverage.lower, 100 * coverage.upper, color=INKS["shade"], lw=0, zorder=0)
        _draw(axes, teeth, look)
        axes.axhline(100 * level, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=5)
        axes.axvline(0, color=INKS["ink"], lw=0.9, zorder=5)
        quiet(axes, left=True)
        ticks(axes, most=4)
        axes.set_yticks([0, 50, 100 * level], ["0", "50", f"{100 * level:g} %"])
        titled(canvas, "interval less truth", _LEFT, _TITLE + _PLOT + 30, quietly=True)
        return canvas.finish(
            _alt(parameter, look, teeth, coverage, level), _rows(parameter, look, teeth, coverage), head=look, foot=foot
        )


def _rows(parameter: str, look: Look, teeth: Teeth, coverage: Dot) -> Iterator[Row]:
    """Yield the intervals less the truth, from the nearest estimate to the farthest."""
    n = len(teeth.lower)
    some, every = thinned(n, _KEPT)
    named = {"scenario": coverage.where, "parameter": parameter, "estimator": look.label, "one_in": every}
    yield from columns(**named, percentile=100 * (some + 0.5) / n, lower=teeth.lower[some], upper=teeth.upper[some])


def _window(teeth: Teeth) -> tuple[float, float]:
    """Return an axis that holds zero and most bounds: a few intervals may be very long."""
    typical = float(np.median(teeth.upper - teeth.lower))
    low = min(0.0, max(float(teeth.lower.min()), float(np.quantile(teeth.lower, 0.1)) - typical))
    high = max(0.0, min(float(teeth.upper.max()), float(np.quantile(teeth.upper, 0.9)) + typical))
    pad = 0.08 * (high - low) or 0.5
    return low - pad, high + pad


def _draw(axes: Axes, teeth: Teeth, look: Look) -> None:
    n, (low, high) = len(teeth.lower), axes.get_xlim()
    for missed in (False, True):
        some = teeth.shown[teeth.missing[teeth.shown] == missed]
        y = 100 * (some + 0.5) / n
        ends = (np.clip(teeth.lower[some], low, high), np.clip(teeth.upper[some], low, high))
        colour, thick = (look.hex, 1.3) if missed else (INKS["rule"], 0.9)
        axes.plot(broken(*ends), broken(y, y), color=colour, lw=thick, solid_capstyle="butt", zorder=2 + missed)


def _alt(parameter: str, look: Look, teeth: Teeth, coverage: Dot, level: float) -> str:
    n, missed = len(teeth.lower), int(teeth.missing.sum())
    return (
        f"Zipper plot of {parameter} by {look.label} in {coverage.where}: {missed} of {n} intervals of "
        f"{percent(level)} miss the truth; coverage {percent(round(coverage.value, 3))}, Monte Carlo interval "
        f"{percent(round(coverage.lower, 3))} to {percent(round(coverage.upper, 3))}, "
        f"n = {count(coverage.used, coverage.total)}."
    )
