"""How an optimizer comes down: loss above the optimum, and distance to it in standard errors, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bayescompare.reporting.figures.canvas import Canvas, Drawing, quiet, ticks, titled
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lean import decades, in_pixels, lean
from bayescompare.reporting.figures.sheet import Row, columns
from bayescompare.reporting.formats import plain, whole
from bayescompare.reporting.palette import INKS, Look

__all__ = ["ARRIVED", "Fall", "descent_panel"]

DESCENT = Guide(
    key="descent",
    caption="Lines fall with the updates; in the lower panel one that ends above 0.1 standard errors has not arrived.",
    shows=(
        "Above, the loss less that of the best known optimum of the same objective, on a log axis: a straight line "
        "falls by the same share at each step. Where that optimum is not known it is the loss itself. Beneath, the "
        "largest distance of a parameter to that optimum, in standard errors of the marginal ML fit: what is left "
        "to go, in units that matter. On one's own data a line is a restart, and the strong one is reported; in a "
        "study a line is a data set of which the path was kept. What is below an axis is drawn on its edge."
    ),
    wrong=(
        "A flat loss over a distance that is still large, which looks like convergence and is not; a line that "
        "rises again."
    ),
    limits=(
        "Not every update is stored, so a swing between two that are is not seen. Where no optimum is known there "
        "is no lower panel, and a loss alone does not say whether it could fall further."
    ),
)

Array = npt.NDArray[np.float64]

#: Standard errors from the optimum within which a fit has arrived.
ARRIVED = 0.1

_WIDTH, _LEFT, _RIGHT = 300.0, 50.0, 10.0
_PLOT, _HEAD, _FOOT = 92.0, 20.0, 20.0
# What is less than this above the optimum is drawn here: losses, and standard errors.
_LEAST_LOSS, _LEAST_GAP = 1e-6, 1e-4
# Range of a log axis beyond which its upper end is cut.
_DECADES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """One run of an optimizer.

    Parameters
    ----------
    steps, loss : (T,)
        Updates, and the loss after each: above that of the optimum, where it is known.
    gap : (T,)
        Largest distance of a parameter to the optimum, in standard errors; NaN where there is none.
    strong
        Whether it is the one to look at, drawn over the others.
    """

    steps: Array
    loss: Array
    gap: Array
    strong: bool


def descent_panel(key: str, look: Look, falls: Sequence[Fall], *, above: bool, what: str) -> Drawing:
    """Return loss against step and, where it is known, the gap in standard errors beneath.

    Parameters
    ----------
    above
        Whether the losses are above the optimum's, and the axis is a log one.
    what
        What the runs are, ``restarts`` or ``data sets``.
    """
    gaps = any(np.isfinite(fall.gap).any() for fall in falls)
    each = _HEAD + _PLOT + _FOOT
    canvas = Canvas(key, DESCENT, _WIDTH, each * (1 + gaps))
    with canvas.drawing():
        titled(canvas, "loss above its optimum" if above else "loss; its optimum is not known", quietly=True)
        axes = canvas.axes(_LEFT, _HEAD, _WIDTH - _LEFT - _RIGHT, _PLOT)
        _panel(axes, look, falls, "loss", _LEAST_LOSS if above else None)
        if gaps:
            titled(canvas, "standard errors from its optimum", 0, each + 12, quietly=True)
            axes = canvas.axes(_LEFT, each + _HEAD, _WIDTH - _LEFT - _RIGHT, _PLOT)
            _panel(axes, look, falls, "gap", _LEAST_GAP)
            axes.axhline(ARRIVED, color=INKS["ink"], lw=0.9, ls=(0, (4, 2.5)), zorder=1)
            _name_arrived(axes)
        return canvas.finish(_alt(look, falls, above=above, gaps=gaps, what=what), _rows(look, falls, what), head=look)


def _rows(look: Look, falls: Sequence[Fall], what: str) -> Iterator[Row]:
    """Yield every stored step of every run, beyond the axes too."""
    one = what.removesuffix("s").replace(" ", "_")
    for k, fall in enumerate(falls, start=1):
        yield from columns(
            **{"estimator": look.label, one: k, "step": fall.steps, "loss": fall.loss, "standard_errors_left": fall.gap}
        )


def _name_arrived(axes: Axes) -> None:
    axes.annotate(
        f"{ARRIVED:g}", (0, ARRIVED), (3, 2), ("axes fraction", "data"), "offset points",
        ha="left", va="bottom", fontsize=9, color=INKS["muted"],
    )  # fmt: skip


def _panel(axes: Axes, look: Look, falls: Sequence[Fall], name: str, least: float | None) -> None:
    """Draw one quantity of all runs, those to look at on top; on a log axis from ``least``."""
    axes.set_xlim(0, max(float(fall.steps[-1]) for fall in falls) or 1)
    values = [np.asarray(getattr(fall, name), dtype=float) for fall in falls]
    if least is not None:
        axes.set_yscale("log")
        values = [np.where(np.isnan(each), np.nan, np.clip(each, least, 1e300)) for each in values]
    axes.set_ylim(*_limits(values, least, include=ARRIVED if name == "gap" else None))
    for fall, each in sorted(zip(falls, values, strict=True), key=lambda pair: pair[0].strong):
        _line(axes, look, fall, each)
    quiet(axes, left=True)
    ticks(axes, "x", 4)
    if least is None:
        ticks(axes, "y", 4)
    else:
        decades(axes, "y")


def _line(axes: Axes, look: Look, fall: Fall, values: Array) -> None:
    low, high = axes.get_ylim()
    known = np.isfinite(values)
    if not known.any():
        return
    x, y = fall.steps[known], np.clip(values[known], low, high)
    kept = lean(in_pixels(axes, x, y))
    width, alpha = (1.6, 1.0) if fall.strong else (0.8, 0.7)
    axes.plot(x[kept], y[kept], color=look.hex, label=look.label, lw=width, alpha=alpha, zorder=4 if fall.strong else 2)
    if fall.strong:
        axes.plot(
            x[-1:], y[-1:], marker=look.marker, ms=5.6, mew=0, color=look.hex, label=look.label, zorder=5, clip_on=False
        )


def _limits(values: Sequence[Array], least: float | None, include: float | None) -> tuple[float, float]:
    """Return limits that hold all, whole powers of ten on a log axis; of others the first steep fall is cut."""
    every = np.concatenate(values)
    every = every[np.isfinite(every)]
    if not len(every):
        return (1e-2, 1.0) if least is not None else (0.0, 1.0)
    if least is None:
        low, high = float(every.min()), float(np.quantile(every, 0.95))
        pad = 0.08 * (high - low) or 0.05 * abs(high) or 0.5
        return low - pad, high + pad
    held = [every.min(), every.max(), *([include] if include else [])]
    low, high = np.floor(np.log10(min(held))), np.ceil(np.log10(max(held)))
    return float(10**low), float(10 ** max(min(high, low + _DECADES), low + 1))


def _alt(look: Look, falls: Sequence[Fall], *, above: bool, gaps: bool, what: str) -> str:
    shown = [fall for fall in falls if fall.strong] or list(falls)
    first = shown[0]
    loss = "Loss above its optimum" if above else "Loss"
    text = f"{loss} of {look.label} over {whole(max(fall.steps[-1] for fall in falls))} updates, {len(falls)} {what}"
    text += f": from {plain(float(first.loss[0]))} to {plain(float(first.loss[-1]))}"
    if not gaps:
        return f"{text}."
    ends = [float(fall.gap[-1]) for fall in falls if np.isfinite(fall.gap[-1])]
    text += f". Distance to its optimum, from {plain(float(first.gap[0]))} to {plain(float(first.gap[-1]))}"
    arrived = sum(end < ARRIVED for end in ends)
    return f"{text} standard errors; {arrived} of {len(falls)} end below {ARRIVED:g}{_since(first)}."


def _since(fall: Fall) -> str:
    """Return from which update on a run stays near its optimum."""
    outside = np.flatnonzero(~(fall.gap < ARRIVED))
    if len(outside) and outside[-1] == len(fall.gap) - 1:
        return ""
    step = fall.steps[outside[-1] + 1] if len(outside) else fall.steps[0]
    return f", this one from update {whole(step)} on"
