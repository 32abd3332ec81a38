"""A page to draw on, in CSS pixels, and its SVG: small, without styles, in the page's own colours."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any, cast
from urllib.parse import quote

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row, as_csv
from bayescompare.reporting.figures.svg import cleaned
from bayescompare.reporting.palette import INKS, Look

__all__ = ["Canvas", "Drawing", "cut", "quiet", "ticks", "titled"]

_STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bayescompare",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.formatter.use_locale": False,
    "axes.formatter.useoffset": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 10.5,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}
#: rcParams are global to the process: one figure at a time.
_LOCK = threading.RLock()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished figure.

    Parameters
    ----------
    svg, alt
        The picture, and what it says to those who do not see it.
    key
        Unique in the page.
    numbers
        What is drawn, as CSV.
    guide
        How it is read.
    head, foot
        Whose picture it is, where that does not stand in it, and what to say of this one alone.
    """

    svg: str
    alt: str
    key: str
    numbers: str
    guide: Guide
    head: Look | None = None
    foot: str = ""

    @property
    def address(self) -> str:
        """The numbers as an address that asks nothing of the network."""
        return f"data:text/csv;charset=utf-8,{quote(self.numbers, safe=',;:/()!*~=')}"


class Canvas:
    """A figure of a size in CSS pixels, on which axes are placed in pixels from the top left.

    Parameters
    ----------
    key
        Unique in the page: the prefix of every id.
    guide
        How what is drawn here is read.
    width, height
        In pixels.
    """

    def __init__(self, key: str, guide: Guide, width: float, height: float) -> None:
        self.key, self.guide, self.width, self.height = key, guide, width, height
        # no pyplot: no global figures to close, and no backend to choose
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        self.figure.patch.set_visible(False)

    @staticmethod
    @contextmanager
    def drawing() -> Iterator[None]:
        """Hold Matplotlib's settings for one thread, and give them back as they were."""
        with _LOCK, mpl.rc_context():
            # the user's own style is not for this page
            mpl.rcdefaults()
            mpl.rcParams.update(cast(Any, _STYLE))
            yield

    def axes(self, left: float, top: float, width: float, height: float, **kwargs: Any) -> Axes:
        """Return axes at a place in pixels."""
        place = (
            left / self.width,
            1 - (top + height) / self.height,
            width / self.width,
            height / self.height,
        )
        axes = self.figure.add_axes(place, **kwargs)
        axes.patch.set_visible(False)
        return axes

    def finish(self, alt: str, rows: Iterable[Row], *, head: Look | None = None, foot: str = "") -> Drawing:
        """Return the drawing, with rows of what one needs to draw it again."""
        buffer = StringIO()
        self.figure.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
        svg = cleaned(buffer.getvalue(), self.key, alt, self.width, self.height)
        return Drawing(svg, alt, self.key, as_csv(rows), self.guide, head, foot)


def quiet(axes: Axes, *, bottom: bool = True, left: bool = False) -> None:
    """Leave of a frame only the axes that are read, in thin grey."""
    for side, shown in {"top": False, "right": False, "bottom": bottom, "left": left}.items():
        axes.spines[side].set_visible(shown)
        axes.spines[side].set_color(INKS["rule"])
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(
        length=3,
        width=0.8,
        color=INKS["rule"],
        labelcolor=INKS["muted"],
        labelsize=10,
        bottom=bottom,
        labelbottom=bottom,
        left=left,
        labelleft=left,
        pad=2,
    )


def ticks(axes: Axes, which: str = "x", most: int = 5) -> None:
    """Label a few round numbers of an axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    formatter = ScalarFormatter(useOffset=False, useMathText=False)
    formatter.set_powerlimits((-4, 7))
    axis.set_major_formatter(formatter)
    axis.set_major_locator(MaxNLocator(most, min_n_ticks=2, steps=[1, 2, 2.5, 5, 10]))


def cut(text: str, most: int) -> str:
    """Return a text that is too long with dots at its end."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def titled(canvas: Canvas, text: str, left: float = 0, top: float = 12, *, quietly: bool = False) -> None:
    """Write a line at a place, from its left end."""
    canvas.figure.text(
        left / canvas.width,
        1 - top / canvas.height,
        cut(text, int((canvas.width - left) / (5.5 if quietly else 7))),
        ha="left",
        va="baseline",
        fontsize=10 if quietly else 12,
        fontweight="normal" if quietly else "bold",
        color=INKS["muted" if quietly else "ink"],
    )
