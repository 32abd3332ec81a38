"""How far from its optimum an optimizer ends, over the learning rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from bayescompare.reporting.figures.canvas import Canvas, Drawing, cut, quiet, titled
from bayescompare.reporting.figures.descent import ARRIVED
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lean import decades
from bayescompare.reporting.figures.series import broken
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import COLOURS, INKS, MARKERS

__all__ = ["Curve", "sensitivity_panel"]

SENSITIVITY = Guide(
    key="sensitivity",
    caption=(
        "A marker is the median distance to the optimum at a learning rate: above the dashed 0.1 it has not arrived."
    ),
    shows=(
        "Above, the median over the data sets of the largest distance of a parameter to the optimum of the fit's "
        "own objective, in standard errors; the thick stick is its 95 % interval by order statistics, which at "
        "least six data sets have. What is below 0.0001 is drawn there; a triangle is a median beyond the axis. "
        "Beneath, the share of all fits that are flagged. The thin upright line is the default rate."
    ),
    wrong="A rate that works for one line and not for another must be tuned for each data set.",
    limits=(
        "Fits that failed have no distance and are not flagged: the table of failures counts them. The other "
        "settings, such as the number of updates, are held: with more of them smaller rates arrive."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _LEFT, _NAMES = 390.0, 44.0, 92.0
_TOP, _GAPS, _BETWEEN, _SHARES, _BOTTOM = 36.0, 150.0, 36.0, 52.0, 40.0
_HEIGHT = _TOP + _GAPS + _BETWEEN + _SHARES + _BOTTOM
_LEAST, _MOST = 1e-4, 1e6
_COLOURS = ("vermillion", "blue", "green", "purple", "orange", "sky")
# Pixels between the names of two lines, and between the intervals of two lines at one rate.
_APART, _ASIDE = 13.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of the figure.

    Parameters
    ----------
    name
        A scenario, or the settings beside the rate.
    rates, median, lower, upper, flagged : (K,)
        Learning rates, the median gap in standard errors with its 95 % interval (NaN where there are too few
        fits for one), and the share of flagged fits.
    used, total : (K,)
        Fits with a gap, and all.
    """

    name: str
    rates: Array
    median: Array
    lower: Array
    upper: Array
    flagged: Array
    used: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]


def sensitivity_panel(key: str, title: str, curves: Sequence[Curve], usual: float) -> Drawing:
    """Return the median gap against the learning rate, both on log axes, and the share of flagged fits beneath.

    Parameters
    ----------
    usual
        The rate that is the default, marked on the axis; NaN for none.
    """
    canvas = Canvas(key, SENSITIVITY, _WIDTH, _HEIGHT)
    with canvas.drawing():
        titled(canvas, title)
        titled(canvas, "median distance to the optimum, standard errors", 0, 28, quietly=True)
        width = _WIDTH - _LEFT - _NAMES
        gaps = canvas.axes(_LEFT, _TOP, width, _GAPS)
        shares = canvas.axes(_LEFT, _TOP + _GAPS + _BETWEEN, width, _SHARES)
        _axes(gaps, shares, curves)
        for k, curve in enumerate(curves):
            _draw(gaps, shares, curve, k, aside=(k - (len(curves) - 1) / 2) * _ASIDE)
        shared = _shared([one.name for one in curves])
        titled(canvas, shared, _LEFT + width + 6, 28, quietly=True)
        _name(gaps, curves, len(shared))
        gaps.axhline(ARRIVED, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
        for axes in (gaps, shares):
            axes.axvline(usual, color=INKS["rule"], lw=0.9, zorder=0)
        titled(canvas, "share of fits flagged", 0, _TOP + _GAPS + _BETWEEN - 8, quietly=True)
        canvas.figure.text(
            (_LEFT + width) / _WIDTH, 8 / _HEIGHT, "learning rate", ha="right", fontsize=10.5, color=INKS["muted"]
        )
        return canvas.finish(_alt(title, curves), _rows(title, curves))


def _rows(title: str, curves: Sequence[Curve]) -> Iterator[Row]:
    """Yield every rate of every line."""
    for one in curves:
        rates = zip(one.rates, one.median, one.lower, one.upper, one.used, one.total, one.flagged, strict=True)
        for rate, median, lower, upper, used, total, flagged in rates:
            yield {
                "of": title,
                "name": one.name,
                "learning_rate": rate,
                "median_standard_errors_left": median,
                "lower": lower,
                "upper": upper,
                "n_used": int(used),
                "n_total": int(total),
                "share_flagged": flagged,
            }


def _style(k: int) -> tuple[str, str]:
    """Return colour and marker of the k-th line."""
    return COLOURS[_COLOURS[k % len(_COLOURS)]], list(MARKERS)[k % len(MARKERS)]


def _axes(gaps: Axes, shares: Axes, curves: Sequence[Curve]) -> None:
    every = np.concatenate([np.concatenate([one.median, one.lower, one.upper]) for one in curves])
    every = np.clip(np.append(every[~np.isnan(every)], ARRIVED), _LEAST, _MOST)
    rates = np.concatenate([one.rates for one in curves])
    for axes in (gaps, shares):
        axes.set_xscale("log")
        axes.set_xlim(rates.min() / 1.4, rates.max() * 1.4)
        quiet(axes, left=True)
        decades(axes, "x", 6)
    gaps.set_yscale("log")
    gaps.set_ylim(10 ** np.floor(np.log10(every.min())), 10 ** np.ceil(np.log10(every.max() * 1.01)))
    decades(gaps, "y")
    shares.set_ylim(0, 1)
    shares.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    shares.yaxis.set_minor_locator(NullLocator())


def _draw(gaps: Axes, shares: Axes, curve: Curve, k: int, *, aside: float) -> None:
    colour, marker = _style(k)
    low, high = gaps.get_ylim()
    left, right = gaps.get_xlim()
    # lines of the same rates a little apart, so that their intervals stay visible
    x = curve.rates * (right / left) ** (aside / (_WIDTH - _LEFT - _NAMES))
    median, lower, upper = (np.clip(each, low, high) for each in (curve.median, curve.lower, curve.upper))
    gaps.plot(broken(x, x), broken(lower, upper), color=colour, lw=2.6, alpha=0.5, solid_capstyle="butt", zorder=2)
    gaps.plot(x, median, color=colour, lw=1.3, marker=marker, ms=5, mew=0, zorder=3, clip_on=False)
    beyond = curve.median > high
    gaps.plot(x[beyond], median[beyond], ls="", marker="^", ms=7, mew=0, color=colour, zorder=4, clip_on=False)
    shares.plot(x, curve.flagged, color=colour, lw=1.2, marker=marker, ms=4.4, mew=0, zorder=3, clip_on=False)


def _shared(names: Sequence[str]) -> str:
    """Return the words with which all names begin, but for their last."""
    if len(names) < 2:
        return ""
    together = zip(*(name.split()[:-1] for name in names), strict=False)
    return " ".join(words[0] for words in takewhile(lambda words: len(set(words)) == 1, together))


def _name(axes: Axes, curves: Sequence[Curve], shared: int) -> None:
    """Write each line's name, less what all share, beside its right end after its marker, none over another."""
    if len(curves) < 2:
        return
    low, high = np.log10(axes.get_ylim())
    ends = [float(np.log10(np.clip(one.median[~np.isnan(one.median)][-1:].sum() or 10**high, 10**low, 10**high)))
            for one in curves]  # fmt: skip
    pixels = [(end - low) / (high - low) * _GAPS for end in ends]
    last = -np.inf
    for k in np.argsort(pixels, kind="stable"):
        last = max(pixels[k], last + _APART)
        colour, marker = _style(int(k))
        axes.plot(
            1 + 7 / axes.bbox.width, last / axes.bbox.height, marker=marker, ms=5, mew=0, color=colour,
            transform=axes.transAxes, clip_on=False,
        )  # fmt: skip
        axes.annotate(
            cut(curves[k].name[shared:].strip(), 16), (1, 0), (13, last), "axes fraction", "offset points",
            va="center", fontsize=10, color=INKS["ink"], annotation_clip=False,
        )  # fmt: skip


def _alt(title: str, curves: Sequence[Curve]) -> str:
    text = f"Median distance to the optimum, in standard errors, against the learning rate; {title}."
    for one in curves:
        known = np.flatnonzero(~np.isnan(one.median))
        if not len(known):
            text += f" {one.name}: no fit has one."
            continue
        best, worst = (known[int(where(one.median[known]))] for where in (np.argmin, np.argmax))
        text += (
            f" {one.name or 'It'}: least {plain(float(one.median[best]))} at {one.rates[best]:g}, most "
            f"{plain(float(one.median[worst]))} at {one.rates[worst]:g}; flagged from {one.flagged.min():.0%} to "
            f"{one.flagged.max():.0%} of the fits."
        )
    return text
