"""What a report is about: results, read in the order and with the looks that every section shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayescompare.comparison.results import Results
from bayescompare.comparison.summary import summary_table
from bayescompare.reporting.palette import Look, looks

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Scenario", "Subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario, or the user's data set, as the report shows it.

    Parameters
    ----------
    key
        Fit for an id: ``s0``, ``s1``.
    parameters
        Flat labels.
    about
        What is said of it in ``Results.about``.
    """

    key: str
    name: str
    parameters: tuple[str, ...]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """Results with what several sections ask of them."""

    results: Results

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, empty where there is none."""
        return self.results.tables.get(name, pd.DataFrame())

    def rows(self, name: str, scenario: str) -> pd.DataFrame:
        """Return the rows of a scenario in a table, which is searched once for all of them."""
        table = self.table(name)
        if name not in self._places:
            self._places[name] = table.groupby("scenario", sort=False).indices if len(table) else {}
        places = self._places[name].get(scenario)
        if places is None:
            return table.iloc[:0]
        if (name, scenario) not in self._rows:
            self._rows[name, scenario] = table.take(places)
        return self._rows[name, scenario]

    @cached_property
    def _places(self) -> dict[str, Mapping[Any, Any]]:
        return {}

    @cached_property
    def _rows(self) -> dict[tuple[str, str], pd.DataFrame]:
        return {}

    def tree(self, scenario: str) -> xr.DataTree | None:
        """Return the draws of the first data set of a scenario, read once; None where none were kept."""
        if scenario not in self._trees:
            self._trees[scenario] = self.results.trees.get((scenario, 0))
        return self._trees[scenario]

    @cached_property
    def _trees(self) -> dict[str, xr.DataTree | None]:
        return {}

    @property
    def about(self) -> Mapping[str, Any]:
        """What was run; any key may be missing."""
        return self.results.about

    @property
    def is_study(self) -> bool:
        """Whether data were simulated by a design, rather than brought by the user."""
        if "kind" in self.about:
            return bool(self.about["kind"] == "study")
        fits = self.table("fits")
        return bool(len(fits) and fits["replicate"].max() > 0)

    @property
    def level(self) -> float:
        """Probability of the intervals shown: that of the first in the table."""
        kept = self.table("intervals")
        return float(kept["level"].iloc[0]) if len(kept) else 0.95

    @cached_property
    def estimators(self) -> dict[str, Look]:
        """Labels in the order of the fits, each with its look; those with draws come last."""
        labels = list(dict.fromkeys(map(str, self.table("fits").get("estimator", []))))
        return looks(sorted(labels, key=lambda label: label.startswith("nuts")))

    def look(self, label: str) -> Look:
        """Return the look of an estimator; ink for one that has no fits."""
        return self.estimators.get(label) or Look(label=label, colour="ink", marker="o")

    @cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Scenarios in the order of ``about``, then of the tables."""
        described = {str(each.get("name", "")): each for each in self.about.get("scenarios", ()) or ()}
        estimates = self.table("estimates")
        seen = list(dict.fromkeys(map(str, self.table("fits").get("scenario", []))))
        names = [name for name in described if name in seen] + [name for name in seen if name not in described]
        labels = {
            str(name): tuple(dict.fromkeys(group["parameter"]))
            for name, group in (estimates.groupby("scenario", sort=False) if len(estimates) else ())
        }
        lone: Mapping[str, Any] = next(iter(described.values()), {}) if len(described) == len(names) == 1 else {}
        return tuple(
            Scenario(key=f"s{k}", name=name, parameters=labels.get(name, ()), about=described.get(name, lone))
            for k, name in enumerate(names)
        )

    @cached_property
    def first(self) -> pd.DataFrame:
        """The summary table of the first data set of each scenario."""
        return self._ordered(self.results.table)

    @cached_property
    def first_intervals(self) -> pd.DataFrame:
        """The same with a row for each kind of interval that was asked for."""
        asked = bool(self.about.get("intervals"))
        return self._ordered(summary_table(self.results.tables, every=True)) if asked else self.first

    def _ordered(self, shown: pd.DataFrame) -> pd.DataFrame:
        """Return rows by scenario, parameter and estimator, in the order of the report."""
        place = {name: list(dict.fromkeys(shown[name])) for name in ("scenario", "parameter")} | {
            "estimator": list(self.rank)
        }
        return shown.sort_values(
            list(place), key=lambda column: column.map(place[str(column.name)].index), kind="stable"
        )

    @property
    def rank(self) -> dict[str, int]:
        """Estimator to its place."""
        return {label: k for k, label in enumerate(self.estimators)}

    def truth(self, scenario: str, parameter: str) -> float:
        """Return the true value, if it is the same in all data sets; else NaN."""
        estimates = self.rows("estimates", scenario)
        known = estimates["truth"][estimates["parameter"] == parameter].dropna().unique()
        return float(known[0]) if len(known) == 1 else float("nan")

    def flags_of(self, fits: pd.DataFrame) -> dict[str, list[str]]:
        """Return flag to the labels of the fits that raise it, in order."""
        found: dict[str, list[str]] = {}
        for label, flags in zip(fits["estimator"], fits["flags"], strict=True):
            for flag in flags if isinstance(flags, list | tuple | np.ndarray) else ():
                found.setdefault(str(flag), []).append(str(label))
        return found
