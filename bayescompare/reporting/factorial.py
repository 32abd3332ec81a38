"""Scenarios as the grids that they came from: factors, their levels, and the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayescompare.reporting.formats import short
from bayescompare.reporting.subject import Scenario, Subject

__all__ = ["Family", "Place", "families", "joined", "level_text", "names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A scenario in its grid.

    Parameters
    ----------
    scenario
        The scenario.
    levels
        The place of its value among the levels of each factor.
    """

    scenario: Scenario
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The scenarios of one grid, the first factor varying slowest.

    Parameters
    ----------
    base
        Name of the study file's scenario that they came from.
    factors
        Factor to its levels in words, both in the order of the study; none for a single scenario.
    """

    base: str
    factors: Mapping[str, tuple[str, ...]]
    places: tuple[Place, ...]

    def settings(self, place: Place) -> list[tuple[str, str]]:
        """Return factor and level of one scenario, in words."""
        return [
            (name, levels[k]) for (name, levels), k in zip(self.factors.items(), place.levels, strict=True) if k >= 0
        ]


def level_text(value: Any) -> str:
    """Return a factor's value as it was typed."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(level_text, value))}]"
    return short(float(value)) if isinstance(value, int | float) else str(value)


def joined(levels: Sequence[str]) -> str:
    """Return levels one after the other, apart even where they hold commas themselves."""
    return ("; " if any("," in level for level in levels) else ", ").join(levels)


def families(subject: Subject) -> list[Family]:
    """Return the grids of a study; a scenario that came from none is a family of its own."""
    found: dict[str, list[Scenario]] = {}
    for scenario in subject.scenarios:
        found.setdefault(str(scenario.about.get("base") or scenario.name), []).append(scenario)
    return [_family(base, members) for base, members in found.items()]


def _settings(scenario: Scenario) -> dict[str, str]:
    return {str(name): level_text(value) for name, value in (scenario.about.get("factors") or {}).items()}


def _family(base: str, members: Sequence[Scenario]) -> Family:
    settings = [_settings(scenario) for scenario in members]
    names = dict.fromkeys(name for each in settings for name in each)
    levels = {name: tuple(dict.fromkeys(each[name] for each in settings if name in each)) for name in names}
    places = [
        Place(
            scenario=scenario,
            levels=tuple(known.index(each[name]) if name in each else -1 for name, known in levels.items()),
        )
        for scenario, each in zip(members, settings, strict=True)
    ]
    return Family(base=base, factors=levels, places=tuple(sorted(places, key=lambda place: place.levels)))


def names(subject: Subject) -> dict[str, str]:
    """Return each scenario in words: its factors where it came from a grid, else its name."""
    grids = families(subject)
    found = {}
    for family in grids:
        for place in family.places:
            words = ", ".join(f"{name} {level}" for name, level in family.settings(place))
            prefix = f"{family.base}: " if words and len(grids) > 1 else ""
            found[place.scenario.name] = prefix + (words or place.scenario.name)
    return found
