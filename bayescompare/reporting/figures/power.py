"""A posterior mean and its interval against the power to which the priors are raised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row, columns
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import INKS, Look

__all__ = ["Target", "power_panel"]

POWER = Guide(
    key="power",
    caption="The line is the posterior mean under weaker (left) to stronger priors: a steep one owes them much.",
    shows=(
        "The posterior mean and its 95 % interval (grey) where all priors of the parameters are raised to a power "
        "from 1/8 to 8; 1 is the model. The draws are weighted for it, with Pareto-smoothed weights (Kallioinen et "
        "al. 2024), and the line ends where these can no longer be trusted. Dashed lines are point estimates in "
        "their colours, a hollow marker is where the posterior mean meets one; an estimate far beyond the "
        "intervals is not drawn."
    ),
    wrong="A steep line through 1: the number comes from the prior. Say so, or find a better one.",
    limits=(
        "All priors move together, so it does not say which of them matters; and inside the walls of a uniform "
        "prior nothing moves, however much the walls matter."
    ),
)

Array = npt.NDArray[np.float64]

_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT, _BOTTOM = 390.0, 48.0, 10.0, 22.0, 128.0, 38.0
_POWERS = (0.125, 0.25, 0.5, 1, 2, 4, 8)
_NAMES = ("1/8", "1/4", "1/2", "1", "2", "4", "8")
# Heights of an interval that a far estimate may be away and still be drawn.
_REACH = 1.0
_DASH = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A point estimate, and the power at which the posterior mean is it; NaN for none."""

    look: Look
    value: float
    alpha: float


def power_panel(
    key: str, parameter: str, posterior: Look, path: tuple[Array, Array, Array, Array], targets: Sequence[Target]
) -> Drawing:
    """Return the path of a posterior, with a horizontal line at each point estimate and a ring at each crossing.

    Parameters
    ----------
    path
        Powers, means, lower and upper ends, each ``(T,)``.
    """
    alpha, mean, lower, upper = path
    canvas = Canvas(key, POWER, _WIDTH, _TOP + _HEIGHT + _BOTTOM)
    with canvas.drawing():
        titled(canvas, parameter)
        axes = canvas.axes(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT)
        axes.set_xscale("log", base=2)
        axes.set_xlim(_POWERS[0], _POWERS[-1])
        axes.set_ylim(*_limits(lower, upper, targets))
        axes.fill_between(alpha, lower, upper, color=INKS["shade"], lw=0, zorder=0)
        axes.axvline(1, color=INKS["rule"], lw=0.9, zorder=1)
        axes.plot(alpha, mean, color=posterior.hex, label=posterior.label, lw=1.8, zorder=3)
        for k, target in enumerate(targets):
            _draw(axes, target, k, len(targets))
        quiet(axes, left=True)
        ticks(axes, "y", most=4)
        axes.set_xticks(_POWERS, _NAMES)
        axes.xaxis.set_minor_locator(NullLocator())
        canvas.figure.text(
            1 - _RIGHT / _WIDTH, 8 / canvas.height, "power of the priors", ha="right", fontsize=10, color=INKS["muted"]
        )
        return canvas.finish(_alt(parameter, path, targets), _rows(parameter, posterior, path, targets))


def _rows(
    parameter: str, posterior: Look, path: tuple[Array, Array, Array, Array], targets: Sequence[Target]
) -> Iterator[Row]:
    """Yield the path, and where it meets the point estimates; no power where it does not."""
    named = dict(zip(("power", "value", "lower", "upper"), path, strict=True))
    yield from columns(parameter=parameter, what="posterior mean", estimator=posterior.label, **named)
    for one in targets:
        yield {
            "parameter": parameter,
            "what": "estimate",
            "estimator": one.look.label,
            "power": one.alpha,
            "value": one.value,
        }


def _limits(lower: Array, upper: Array, targets: Sequence[Target]) -> tuple[float, float]:
    low, high = float(lower.min()), float(upper.max())
    room = _REACH * (high - low) or 1.0
    near = [one.value for one in targets if low - room <= one.value <= high + room]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.05 * (high - low) or 0.5
    return low - pad, high + pad


def _draw(axes: Axes, target: Target, k: int, n: int) -> None:
    """Draw the k-th of n estimates; lines at one value have dashes that take turns."""
    low, high = axes.get_ylim()
    if not low <= target.value <= high:
        return
    dashes = (-k * _DASH, (_DASH, max(n - 1, 1) * _DASH))
    axes.axhline(target.value, color=target.look.hex, label=target.look.label, lw=1.3, ls=dashes, zorder=2)
    if np.isfinite(target.alpha):
        axes.plot(
            [target.alpha], [target.value], marker=target.look.marker, ms=7, mew=1.6, mfc=INKS["paper"],
            mec=target.look.hex, zorder=4,
        )  # fmt: skip


def _alt(parameter: str, path: tuple[Array, Array, Array, Array], targets: Sequence[Target]) -> str:
    alpha, mean = path[:2]
    said = [
        f"it is that of {one.look.label} ({plain(one.value)}) at {plain(one.alpha)}"
        if np.isfinite(one.alpha)
        else f"no power looked at makes it that of {one.look.label} ({plain(one.value)})"
        for one in targets
    ]
    return (
        f"Posterior mean of {parameter} against the power of the priors, from {plain(float(mean[0]))} at "
        f"{plain(float(alpha[0]))} to {plain(float(mean[-1]))} at {plain(float(alpha[-1]))}; {'; '.join(said)}."
    )
