"""Lines and dots with as few points as the screen can show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bayescompare.reporting.formats import MINUS

__all__ = ["decades", "dots", "in_pixels", "lean"]

Array = npt.NDArray[np.float64]

# Pixels that a line may be off.
_OFF = 0.4
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def lean(points: Array, off: float = _OFF) -> npt.NDArray[np.intp]:
    """Return the positions of the points ``(N, 2)``, in pixels, that a line needs (Ramer 1972; Douglas and Peucker)."""
    kept, open_ = {0, len(points) - 1}, [(0, len(points) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        chord, inner = points[last] - points[first], points[first + 1 : last] - points[first]
        length = float(chord @ chord)
        share = np.clip(inner @ chord / length, 0, 1) if length > 0 else np.zeros(len(inner))
        away = np.linalg.norm(inner - share[:, None] * chord, axis=1)
        farthest = int(np.argmax(away))
        if away[farthest] > off:
            middle = first + 1 + farthest
            kept.add(middle)
            open_ += [(first, middle), (middle, last)]
    return np.array(sorted(kept), dtype=np.intp)


def in_pixels(axes: Axes, x: Array, y: Array) -> Array:
    """Return points of axes whose limits are set, in pixels ``(N, 2)``."""
    return np.asarray(axes.transData.transform(np.column_stack([x, y])))


def dots(axes: Axes, x: Array, y: Array, *, size: float, colour: str, alpha: float) -> None:
    """Draw round dots as one path: a line without length and with round ends for each."""
    ends = np.repeat(np.column_stack([x, y]), 2, axis=0)
    path = Path(ends, [Path.MOVETO, Path.LINETO] * len(x))
    path.should_simplify = False
    axes.add_patch(PathPatch(path, fill=False, ec=colour, lw=size, alpha=alpha, capstyle="round", zorder=1))


def decades(axes: Axes, which: str, most: int = 5) -> None:
    """Label some powers of ten of a log axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(numticks=most))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))


def _power(value: float) -> str:
    """Return a tick's number: ``0.01``, ``100``, ``10⁻⁶``."""
    if 1e-3 <= value <= 1e4:
        return f"{value:g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return (power if mantissa == "1" else f"{mantissa} × {power}").replace("-", MINUS)
