"""The same drawing in fewer bytes: short ids, paths by steps, and what neighbours have in common said once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

__all__ = ["compact"]

_TOKEN = re.compile(r"[A-Za-z]|-?\d+(?:\.\d)?(?![\d.e])")
_STRAIGHT = re.compile(r"(?:[MLZz]|-?\d+(?:\.\d)?| )*")
_REFERENCE = re.compile(r"(?<=#)[\w-]+")
_REFERRING = ("id", "href", "clip-path", "fill", "stroke")
#: What an element may leave to the group that it stands in.
_INHERITED = (
    "clip-path", "fill", "fill-opacity", "font-size", "font-weight", "stroke", "stroke-linecap", "stroke-opacity",
    "stroke-width", "text-anchor",
)  # fmt: skip
#: With these, paths that cross would look different as one.
_APART = frozenset({"id", "opacity", "stroke-dasharray", "stroke-opacity", "transform"})


def compact(svg: str, key: str) -> str:
    """Return SVG that draws the same, without a namespace and with coordinates of one decimal.

    Parameters
    ----------
    key
        What every id begins with; it is unique in the page.
    """
    root = ET.fromstring(svg)
    _rename(root, key)
    for element in root.iter():
        if "d" in element.attrib:
            element.attrib["d"] = _by_steps(element.attrib["d"])
        element[:] = [one for run in _runs(_joined(element)) for one in _grouped(run)]
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def _rename(root: ET.Element, key: str) -> None:
    """Give the ids that are defined in a drawing short names."""
    short = {element.attrib["id"]: f"{key}-{k}" for k, element in enumerate(root.iterfind(".//*[@id]"))}
    for element in root.iter():
        for name in _REFERRING:
            value = element.get(name, "")
            if name == "id" and value:
                element.set(name, short[value])
            elif "#" in value:
                element.set(name, _REFERENCE.sub(lambda match: short.get(match.group(), match.group()), value))


def _joined(parent: ET.Element) -> Iterator[ET.Element]:
    """Yield the children, lines of the same look that follow one another as a single path."""
    for _, run in groupby(parent, _look_of_line):
        first, *others = run
        if others and _look_of_line(first)[0] == "line":
            first.set("d", " ".join([first.get("d", ""), *(other.get("d", "") for other in others)]))
            others = []
        yield from (first, *others)


def _look_of_line(element: ET.Element) -> tuple[object, ...]:
    """Return what lines that may be one path have in common; of anything else, what nothing else has."""
    given = element.attrib
    if element.tag != "path" or given.get("fill") != "none" or not _APART.isdisjoint(given):
        return ("other", id(element))
    return ("line", *sorted(item for item in given.items() if item[0] != "d"))


def _runs(children: Iterable[ET.Element]) -> Iterator[list[ET.Element]]:
    """Yield neighbours that inherit the same."""
    for _, run in groupby(children, lambda one: (one.tag, *((name, one.get(name)) for name in _INHERITED))):
        yield list(run)


def _grouped(run: Sequence[ET.Element]) -> Sequence[ET.Element]:
    """Return neighbours in a group that has what they have in common, where that is shorter."""
    shared = {name: value for name in _INHERITED if (value := run[0].get(name)) is not None}
    if run[0].tag not in ("path", "text", "use") or len(run) < 2 or not shared:
        return run
    group = ET.Element("g", shared)
    for one in run:
        one.attrib = {name: value for name, value in one.attrib.items() if name not in shared}
        group.append(one)
    return [group]


def _by_steps(d: str) -> str:
    """Return a path of straight lines as steps from point to point; of one with curves, drop needless spaces."""
    if not _STRAIGHT.fullmatch(d):
        return re.sub(r" ?([A-Za-z]) ?", r"\1", d).replace(" -", "-")
    tokens, found = iter(_TOKEN.findall(d)), ""
    here, moved, before = (0, 0), True, ""
    for token in tokens:
        if token.isalpha():
            found, moved, before = found + ("z" if token in "Zz" else ""), token == "M", ""
            continue
        point = _tenths(token), _tenths(next(tokens))
        command, numbers = ("M", point) if moved else _step(here, point)
        found += _written("" if command == before else command, numbers)
        here, moved, before = point, False, command
    return found


def _tenths(number: str) -> int:
    return round(10 * float(number))


def _step(here: tuple[int, int], there: tuple[int, int]) -> tuple[str, Sequence[int]]:
    """Return the command that draws a line from a point to another, and its numbers, in tenths."""
    right, down = there[0] - here[0], there[1] - here[1]
    return ("h", (right,)) if down == 0 else ("v", (down,)) if right == 0 else ("l", (right, down))


def _written(command: str, numbers: Sequence[int]) -> str:
    """Return a command with its numbers; a minus sign separates as well as a space."""
    words = "".join(f" {_units(number)}" for number in numbers).replace(" -", "-")
    return command + words.removeprefix(" ") if command else words


def _units(tenths: int) -> str:
    """Return tenths as a decimal number, without what is not needed."""
    shown = f"{tenths / 10:.1f}".removesuffix(".0")
    return shown.replace("0.", ".") if 0 < abs(tenths) < 10 else shown
