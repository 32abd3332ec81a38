"""Figures in fewer bytes draw the same: every line, marker and word, in its place and colour."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import batched
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayescompare.reporting.context import context
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.compact import compact
from bayescompare.reporting.subject import Subject
from tests.reporting.samples import own_data, study

PLACES = st.integers(-5000, 5000).map(lambda tenths: tenths / 10)
LINES = st.lists(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=12), min_size=1, max_size=4)
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
#: What a group hands down.
PASSED = ("clip-path", "fill", "fill-opacity", "font-size", "font-weight", "stroke", "stroke-linecap",
          "stroke-opacity", "stroke-width", "text-anchor")  # fmt: skip


def subpaths(d: str) -> list[str]:
    """Return the points of each line of a path, in places rather than steps; curves as they stand."""
    if re.search("[CQ]", d):
        return [re.sub(r"\s+", "", d)]
    lines: list[list[object]] = []
    here = np.zeros(2)
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", d):
        values = [float(value) for value in NUMBER.findall(numbers)]
        if command == "M":
            lines.append([])
        if command in "zZ":
            lines[-1].append("closed")
        for step in batched(values, 1 if command in "hv" else 2):
            moved = {"h": (*step, 0.0), "v": (0.0, *step)}.get(command, step)
            here = np.round(np.add(here, moved) if command in "hvl" else np.array(moved), 1) + 0.0
            lines[-1].append(tuple(here))
    return [str(line) for line in lines]


def drawn(svg: str) -> Counter[tuple[object, ...]]:
    """Return all that a drawing shows: each line by itself, with what it inherits, in place of ids what they name."""
    root = ET.fromstring(svg)
    named = {one.get("id"): subpaths(one.get("d", "")) for one in root.iterfind(".//*[@id]")}

    def of(element: ET.Element, inherited: dict[str, str]) -> Iterator[tuple[object, ...]]:
        attributes = {**inherited, **element.attrib}
        target = str(named.get(attributes.get("href", "").removeprefix("#")))
        own = sorted((k, v) for k, v in attributes.items() if k not in ("id", "d", "href", "clip-path"))
        if element.tag in ("path", "text", "use", "rect"):
            for line in subpaths(element.get("d", "")) or [""]:
                yield (element.tag, *own, target, "clip-path" in attributes, element.text or "", line)
        for child in element:
            yield from of(child, {k: v for k, v in attributes.items() if k in PASSED})

    return Counter(found for child in root for found in of(child, {}))


def drawings(found: object) -> Iterator[Drawing]:
    """Yield every drawing in the content of a report."""
    if isinstance(found, Drawing):
        yield found
    elif isinstance(found, list | tuple):
        for one in found:
            yield from drawings(one)
    elif hasattr(found, "__dataclass_fields__"):
        for name in found.__dataclass_fields__:
            yield from drawings(getattr(found, name))


@given(lines=LINES, end=st.sampled_from(["", " z"]))
def test_a_path_by_steps_goes_through_the_same_points(lines, end) -> None:
    d = " ".join("M " + " ".join(f"{x:g} {y:g}" for x, y in line) + end for line in lines)
    (short,) = ET.fromstring(compact(f'<svg><path d="{d}" stroke="var(--ink)"/></svg>', "k"))
    assert subpaths(short.get("d", "")) == subpaths(d)


@pytest.mark.parametrize("results", [own_data(), study(2, scenarios=("easy",))], ids=["fit", "study"])
def test_every_figure_of_a_report_draws_the_same(results) -> None:
    found = list(drawings(context(Subject(results))))
    assert len(found) > 20
    for one in found:
        short = compact(one.svg, one.key)
        assert drawn(short) == drawn(one.svg)
        ids = re.findall(r'\bid="([^"]+)"', short)
        assert len(set(ids)) == len(ids)
        assert all(each.startswith(f"{one.key}-") for each in ids)
        assert set(re.findall(r"#([\w-]+)", short)) <= set(ids)
    assert sum(len(compact(one.svg, one.key)) for one in found) < 0.8 * sum(len(one.svg) for one in found)


@pytest.mark.parametrize(
    ("look", "paths"),
    [
        ('fill="none" stroke="var(--ink)"', 1),
        ('fill="none" stroke="var(--ink)" stroke-opacity="0.3"', 2),
        ('fill="none" stroke="var(--ink)" stroke-dasharray="4 2"', 2),
        ('fill="var(--ink)"', 2),
    ],
)
def test_lines_that_cross_are_one_path_only_where_that_looks_the_same(look, paths) -> None:
    svg = f'<svg><path d="M 0 0 9 9" {look}/><path d="M 9 0 0 9" {look}/></svg>'
    found = list(ET.fromstring(compact(svg, "k")).iter("path"))
    assert len(found) == paths
    assert [line for one in found for line in subpaths(one.get("d", ""))] == subpaths("M 0 0 9 9 M 9 0 0 9")


def test_words_stay_escaped() -> None:
    svg = '<svg aria-label="a &lt;b&gt; &quot;c&quot;"><text fill="red">&lt;script&gt; />&amp;</text></svg>'
    root = ET.fromstring(compact(svg, "k"))
    assert root.get("aria-label") == 'a <b> "c"'
    assert "<script" not in compact(svg, "k")
    assert [one.text for one in root.iter("text")] == ["<script> />&"]
