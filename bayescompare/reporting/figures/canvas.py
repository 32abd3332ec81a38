"""A page to draw on, in CSS pixels, and its SVG: small, without styles, in the page's own colours."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any, cast
from urllib.parse import quote
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.sheet import Row, as_csv
from bayescompare.reporting.palette import COLOURS, INKS, Look

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

_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([A-Za-z][\w-]*)")
_CSS = {value: f"var(--{name})" for name, value in {**COLOURS, **INKS}.items()}
#: What a style may hold that SVG also takes as an attribute; the page's policy forbids styles.
_ATTRIBUTES = {
    "fill",
    "fill-opacity",
    "fill-rule",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "opacity",
    "font-size",
    "font-weight",
    "font-style",
    "text-anchor",
}
_DEFAULTS = {("stroke-dashoffset", "0"), ("stroke-opacity", "1"), ("fill-opacity", "1"), ("opacity", "1")}


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
        svg = _cleaned(buffer.getvalue(), self.key, alt, self.width, self.height)
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


def _cleaned(svg: str, key: str, alt: str, width: float, height: float) -> str:
    """Return SVG without metadata and styles, with ids of its own and the page's colours."""
    root = ET.fromstring(svg)
    used = set(_REFERENCE.findall(svg))
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in {"metadata", "style"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = _attributes(element.attrib, key, used)
        if element.text and element.tag != "text":
            element.text = None
        element.tail = None
    root.attrib = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width:g}",
        "height": f"{height:g}",
        "role": "img",
        "aria-label": alt,
        "class": "plot",
    }
    return ET.tostring(_pruned(root), encoding="unicode")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _attributes(given: Mapping[str, str], key: str, used: set[str]) -> dict[str, str]:
    """Return an element's attributes: styles unfolded, ids prefixed, digits rounded, colours named."""
    found: dict[str, str] = {}
    for name, value in given.items():
        local = _local(name)
        if local == "style":
            found |= _unfolded(value)
        elif local == "id":
            if value in used:
                found["id"] = f"{key}-{value}"
        elif local not in {"version", "space"}:
            found[local] = value
    return {name: _value(name, value, key) for name, value in found.items()}


def _unfolded(style: str) -> dict[str, str]:
    pairs = (piece.partition(":") for piece in style.split(";") if ":" in piece)
    entries = {name.strip(): value.strip() for name, _, value in pairs}
    if "font" in entries:
        size = re.search(r"([\d.]+)px", entries["font"])
        entries["font-size"] = size.group(1) if size else "10"
        if re.search(r"\b(bold|[6-9]00)\b", entries["font"]):
            entries["font-weight"] = "600"
        if "italic" in entries["font"]:
            entries["font-style"] = "italic"
    if entries.get("font-weight") == "bold":
        entries["font-weight"] = "600"
    return {name: value for name, value in entries.items() if name in _ATTRIBUTES and (name, value) not in _DEFAULTS}


def _value(name: str, value: str, key: str) -> str:
    if name in {"fill", "stroke"}:
        return _CSS.get(value.lower(), _REFERENCE.sub(rf"#{key}-\1", value) if "url(" in value else value)
    if name in {"href", "clip-path"}:
        return _REFERENCE.sub(rf"#{key}-\1", value)
    if name == "transform" and value.startswith("rotate(-0 "):
        return ""
    if name == "d":
        return _rounded(value) if "C" in value or "Q" in value else _straightened(_rounded(value).replace(" L ", " "))
    if name in {"x", "y", "width", "height", "transform", "points", "font-size", "stroke-width"}:
        return _rounded(value.removesuffix("px"))
    return value


def _rounded(value: str) -> str:
    """Return numbers with a decimal, and one space between them."""
    return " ".join(_NUMBER.sub(lambda match: f"{float(match.group()):.1f}".removesuffix(".0"), value).split())


def _straightened(d: str) -> str:
    """Return a path of straight lines without points that lie on the level or upright line between their neighbours."""
    kept: list[str | tuple[str, str]] = []
    tokens = iter(d.split())
    for token in tokens:
        if token.isalpha():
            kept.append(token)
            continue
        point = (token, next(tokens))
        before = [one for one in kept[-2:] if not isinstance(one, str)]
        if len(before) == 2 and _between(before[0], before[1], point):
            kept.pop()
        kept.append(point)
    return " ".join(one if isinstance(one, str) else " ".join(one) for one in kept)


def _between(before: tuple[str, str], middle: tuple[str, str], after: tuple[str, str]) -> bool:
    """Return whether a point lies between two others on an upright or a level line."""
    for fixed, free in ((0, 1), (1, 0)):
        if before[fixed] == middle[fixed] == after[fixed]:
            low, high = sorted((float(before[free]), float(after[free])))
            return low <= float(middle[free]) <= high
    return False


def _pruned(element: ET.Element) -> ET.Element:
    """Return an element without empty attributes, groups that say nothing, and paths of a single point."""
    element.attrib = {name: value for name, value in element.attrib.items() if value}
    kept: list[ET.Element] = []
    for child in map(_pruned, element):
        if child.tag == "g" and not child.attrib:
            kept.extend(child)
        elif not _nothing(child):
            kept.append(child)
    element[:] = kept
    return element


def _nothing(element: ET.Element) -> bool:
    if element.tag in {"g", "defs"}:
        return not len(element)
    return element.tag == "path" and "id" not in element.attrib and len(element.attrib.get("d", "").split()) < 4
