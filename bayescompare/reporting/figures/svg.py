"""SVG as Matplotlib writes it, made small: without styles, with ids of its own, in the colours of the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from bayescompare.reporting.palette import COLOURS, INKS

__all__ = ["cleaned"]

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


def cleaned(svg: str, key: str, alt: str, width: float, height: float) -> str:
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
