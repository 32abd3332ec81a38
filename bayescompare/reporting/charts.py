"""Which scenarios of a study stand in one figure: a few as a lolly plot, a large grid as a nested-loop plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bayescompare.reporting.factorial import Family, joined
from bayescompare.reporting.figures.lolly import Band
from bayescompare.reporting.figures.loops import Stairs

__all__ = ["Chart", "charts_of"]

#: Scenarios up to which there are lolly plots, and scenarios of a nested-loop plot.
MOST_LOLLIES, MOST_LOOPED = 12, 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The scenarios of one figure; stairs where it is a nested-loop plot."""

    scenarios: Sequence[str]
    bands: Sequence[Band]
    stairs: Stairs
    title: str
    nested: bool


def charts_of(grids: Sequence[Family]) -> list[Chart]:
    """Return what stands in one figure: all of few scenarios, else each large grid, and the rest together."""
    several = len(grids) > 1
    if sum(len(family.places) for family in grids) <= MOST_LOLLIES:
        return [_lolly(grids, several=several)]
    large = [family for family in grids if len(family.places) > MOST_LOLLIES]
    rest = [family for family in grids if len(family.places) <= MOST_LOLLIES]
    return [*(_loop(family, several=several) for family in large), *_lollies(rest, several=several)]


def _lollies(rest: Sequence[Family], *, several: bool) -> Iterator[Chart]:
    """Yield lolly plots of small families, none with more scenarios than can be read; the first two."""
    page: list[Family] = []
    pages: list[list[Family]] = []
    for family in rest:
        if page and sum(len(one.places) for one in [*page, family]) > MOST_LOLLIES:
            pages, page = [*pages, page], []
        page.append(family)
    for families_of_page in [*pages, page][:2]:
        if families_of_page:
            yield _lolly(families_of_page, several=several)


def _lolly(grids: Sequence[Family], *, several: bool) -> Chart:
    bands = [band for family in grids for band in _bands(family, several=several)]
    scenarios = [place.scenario.name for family in grids for place in family.places]
    return Chart(scenarios=scenarios, bands=bands, stairs={}, title="", nested=False)


def _bands(family: Family, *, several: bool) -> Iterator[Band]:
    """Yield the names of the scenarios: outer factors as headings, the innermost named once below each."""
    before = None
    for place in family.places:
        settings = family.settings(place)
        if not settings:
            yield Band(heading="", label=place.scenario.name)
            continue
        *outer, (name, level) = settings
        heading = ", ".join([*([family.base] if several else []), *(f"{factor} {value}" for factor, value in outer)])
        yield Band(heading=heading, label=level if heading == before else f"{name} {level}")
        before = heading


def _loop(family: Family, *, several: bool) -> Chart:
    places = family.places[:MOST_LOOPED]
    stairs = {
        name: (joined(levels), [place.levels[k] for place in places])
        for k, (name, levels) in enumerate(family.factors.items())
    }
    scenarios = [place.scenario.name for place in places]
    return Chart(scenarios=scenarios, bands=[], stairs=stairs, title=family.base if several else "", nested=True)
