"""Are numbers uniform? Distribution functions less the diagonal, with simultaneous bands; z-scores over the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.comparison.uniformity import band
from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lean import dots, in_pixels, lean
from bayescompare.reporting.figures.sheet import Row, columns, thinned
from bayescompare.reporting.formats import MINUS
from bayescompare.reporting.palette import INKS, Look

__all__ = ["LEVELS", "PLACES", "Cloud", "Curve", "cloud_panel", "uniform_panel"]

PLACES = Guide(
    key="places",
    caption="A curve is where truths lie in what fits say, less the diagonal: not calibrated outside of the bands.",
    shows=(
        "True values were drawn from the priors, data from the true values. A curve is the distribution function, "
        "less the diagonal, of the places of the truth: its rank among draws of the posterior, thinned to be "
        "independent, or the probability that a confidence distribution puts below it. icc is the intraclass "
        "correlation, log_likelihood that of the data at the true parameters. The inner band holds 95 % of the "
        "curves of right distributions whole; the outer one allows for all tests of the study (Bonferroni; a curve "
        "is thick by Holm's rule)."
    ),
    wrong=(
        "High, then low is a distribution that is too narrow; low, then high one that is too wide; all above zero, "
        "centres too high. A curve may leave the bands at an end only, where a few truths lie so far out that "
        "their fits all but exclude them."
    ),
    limits=(
        "It is calibration in the mean over the priors: a fit may be wrong in one corner of them and make up for "
        "it in another. A curve inside the bands of few data sets shows little; the verdicts say where it is "
        "undecided."
    ),
)

LEVELS = Guide(
    key="levels",
    caption="A curve is coverage less level, at each level: below the bands the intervals hold the truth too seldom.",
    shows=(
        "The share of data sets whose interval of a level holds the truth, less that level, at all levels at once, "
        "for the intervals with equal tails. The bands are those of the places of the truth, from which the curves "
        "are made: the smallest level that holds the truth is |2 u - 1| for a place u."
    ),
    wrong=(
        "Below the inner band around the level that is used: intervals are too short, or off their centre. Above "
        "it they are longer than they need be."
    ),
    limits=(
        "Errors to the left and to the right are one here: whether a distribution is too narrow or off its centre "
        "the places of the truth say."
    ),
)

CLOUD = Guide(
    key="cloud",
    caption=(
        "A dot is a data set, its height the error in sds: beyond the band (2 sds) in more than one of twenty is wrong."
    ),
    shows=(
        "The error of an estimate (estimate less truth) over the sd, or standard error, of the fit, against the "
        "share of the prior variance that the data took away: to the left they say little, to the right much. Of "
        "more than 80 data sets every k-th is drawn, and what is beyond 4 sds stands at the edge; the numbers have "
        "up to 500."
    ),
    wrong=(
        "Dots beyond the band more often than one in twenty: the fit claims to know more than it does. A slope or "
        "a shift: estimates are pulled to one side where the data say little."
    ),
    limits=(
        "Quantities without a prior of their own have no picture. Near zero a fit is as far off as it says, which "
        "a fit that learns nothing is too."
    ),
)

Array = npt.NDArray[np.float64]
_WIDTH, _TITLE, _PLOT, _AXIS, _LEFT = 270.0, 22.0, 150.0, 36.0, 42.0
# Points at which a distribution function is looked at, and points of a cloud.
_POINTS, _DOTS = 101, 80
# Data sets of an estimator in the numbers.
_KEPT = 500
# Beyond this many band widths a curve is cut off.
_FAR = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Numbers of one estimator that should be uniform.

    Parameters
    ----------
    values : (n,)
    inside
        Whether they are, by the test that allows for the number of tests.
    """

    look: Look
    values: Array
    inside: bool

    def difference(self, at: Array) -> Array:
        """Return the distribution function less the diagonal at some points."""
        return np.asarray(np.searchsorted(np.sort(self.values), at, "right") / len(self.values) - at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Contraction and z-score of the fits of one estimator, ``(n,)`` each."""

    look: Look
    contraction: Array
    z: Array


def uniform_panel(key: str, guide: Guide, title: str, curves: Sequence[Curve], tests: int, *, below: str) -> Drawing:
    """Return distribution functions less the diagonal.

    Parameters
    ----------
    guide
        How it is read.
    curves
        Those drawn last are on top.
    tests
        The lighter band allows for so many (Bonferroni); the darker one is that of a single test.
    below
        What the horizontal axis is.
    """
    canvas = Canvas(key, guide, _WIDTH, _TITLE + _PLOT + _AXIS)
    with canvas.drawing():
        titled(canvas, title)
        axes = canvas.axes(_LEFT, _TITLE, _WIDTH - _LEFT - 8, _PLOT)
        at = np.linspace(0, 1, _POINTS)
        n = max(len(one.values) for one in curves)
        reach = _bands(axes, n, at, tests)
        found = [one.difference(at) for one in curves]
        largest = max(float(np.max(np.abs(one))) for one in found)
        height = min(max(1.15 * reach, 1.08 * largest), _FAR * reach)
        axes.set_xlim(0, 1)
        axes.set_ylim(-height, height)
        axes.axhline(0, color=INKS["ink"], lw=0.8, zorder=2)
        for k, (one, values) in enumerate(zip(curves, found, strict=True)):
            _draw(axes, at, values, one, k)
        quiet(axes, left=True)
        ticks(axes, "y", 4)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"])
        titled(canvas, below, _LEFT, _TITLE + _PLOT + 31, quietly=True)
        return canvas.finish(_alt(title, curves, found, n), _rows(title, curves, n, at, tests))


def _rows(title: str, curves: Sequence[Curve], n: int, at: Array, tests: int) -> Iterator[Row]:
    """Yield the numbers of each estimator in their order, of which the curves are made, and the bands."""
    for one in curves:
        some, every = thinned(len(one.values), _KEPT)
        share = (some + 1) / len(one.values)
        named = {"estimator": one.look.label, "n": len(one.values), "one_in": every}
        yield from columns(of=title, what="place", **named, place=np.sort(one.values)[some], share=share)
    for what, prob in _probabilities(tests).items():
        lower, upper = band(n, prob).ecdf(at)
        yield from columns(of=title, what=f"{what} band", n=n, place=at, lower=lower, upper=upper)


def _probabilities(tests: int) -> dict[str, float]:
    """Return the share of right curves that each band holds whole."""
    return {"outer": 1 - 0.05 / max(tests, 1), "inner": 0.95}


def _bands(axes: Axes, n: int, at: Array, tests: int) -> float:
    """Draw the band that allows for several tests and that of one; return how far the first reaches."""
    reach = 0.0
    for prob, colour in zip(_probabilities(tests).values(), ("shade", "rule"), strict=True):
        lower, upper = band(n, prob).ecdf(at)
        kept = (
            lean(np.column_stack([at, upper - at]) * [200.0, 600.0]),
            lean(np.column_stack([at, lower - at]) * [200.0, 600.0]),
        )
        outline = np.concatenate(
            [np.column_stack([at, upper - at])[kept[0]], np.column_stack([at, lower - at])[kept[1]][::-1]]
        )
        axes.fill(*outline.T, color=INKS[colour], alpha=1.0 if colour == "shade" else 0.55, lw=0, zorder=0)
        reach = max(reach, float(np.max(upper - at)), float(np.max(at - lower)))
    return reach


def _draw(axes: Axes, at: Array, values: Array, curve: Curve, place: int) -> None:
    low, high = axes.get_ylim()
    shown = np.clip(values, low, high)
    kept = lean(in_pixels(axes, at, shown))
    axes.plot(
        at[kept],
        shown[kept],
        color=curve.look.hex,
        label=curve.look.label,
        lw=1.3 if curve.inside else 2.0,
        zorder=3 + place,
    )
    some = np.arange(6 + 5 * place, len(at), 32)
    axes.plot(
        at[some],
        shown[some],
        ls="",
        marker=curve.look.marker,
        ms=4.5,
        mew=0,
        color=curve.look.hex,
        label=curve.look.label,
        zorder=3 + place,
    )


def _alt(title: str, curves: Sequence[Curve], found: Sequence[Array], n: int) -> str:
    said = [
        f"{one.look.label} {'inside' if one.inside else 'outside'} the bands, largest difference "
        f"{values[np.argmax(np.abs(values))]:+.3f}, n = {len(one.values)}".replace("-0.", f"{MINUS}0.")
        for one, values in zip(curves, found, strict=True)
    ]
    return f"Distribution function less the diagonal of {title}, bands for n = {n}: {'; '.join(said)}."


def cloud_panel(key: str, title: str, clouds: Sequence[Cloud]) -> Drawing:
    """Return z-scores of the fits over how much of the prior variance the data took away; of many every k-th."""
    canvas = Canvas(key, CLOUD, _WIDTH, _TITLE + _PLOT + _AXIS)
    with canvas.drawing():
        titled(canvas, title)
        axes = canvas.axes(_LEFT, _TITLE, _WIDTH - _LEFT - 8, _PLOT)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-4.2, 4.2)
        axes.axhspan(-2, 2, color=INKS["shade"], lw=0, zorder=0)
        axes.axhline(0, color=INKS["ink"], lw=0.8, zorder=1)
        for one in clouds:
            every = max(1, -(-len(one.z) // _DOTS))
            x, y = np.clip(one.contraction, 0, 1)[::every], np.clip(one.z, -4, 4)[::every]
            dots(axes, x, y, size=3.4, colour=one.look.hex, alpha=0.7)
        quiet(axes, left=True)
        ticks(axes, "x", 5)
        axes.set_yticks([-4, -2, 0, 2, 4], [f"{MINUS}4", f"{MINUS}2", "0", "2", "4"])
        titled(canvas, "share of the prior variance taken away", _LEFT, _TITLE + _PLOT + 31, quietly=True)
        return canvas.finish(_cloud_alt(title, clouds), _cloud_rows(title, clouds))


def _cloud_rows(title: str, clouds: Sequence[Cloud]) -> Iterator[Row]:
    for one in clouds:
        some, every = thinned(len(one.z), _KEPT)
        named = {"of": title, "estimator": one.look.label, "n": len(one.z), "one_in": every}
        yield from columns(**named, contraction=one.contraction[some], z=one.z[some])


def _cloud_alt(title: str, clouds: Sequence[Cloud]) -> str:
    said = [
        f"{one.look.label} mean z {np.mean(one.z):+.2f}, sd {np.std(one.z):.2f}, median contraction "
        f"{np.median(one.contraction):.3f}, n = {len(one.z)}".replace("-", MINUS)
        for one in clouds
    ]
    return f"z-scores over contraction of {title}: {'; '.join(said)}."
