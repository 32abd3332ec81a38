"""A scenario of a study file, and the scenarios of its factorial grid, or of a fraction of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from bayescompare.data.given import Given
from bayescompare.design import Design, Scenario, check_name, parse_covariate
from bayescompare.study.fraction import kept
from bayescompare.study.keys import poisson_mean

__all__ = ["Table", "scenario_name"]

_LONGEST = 64
_DIGEST = 10

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A ``[[scenario]]`` as written: a tuple is a list of the file, a factor of the grid.

    Parameters
    ----------
    sizes
        The rows of each group, in place of ``groups`` and ``rows``; a tuple of such is a factor.
    data
        The rows of a user's data, in place of groups, rows and covariates.
    priors
        The set of the priors that the study does not set one by one, in place of the study's; several are a factor.
    truth
        Label or variable to number or distribution, as typed; or ``"prior"``.
    fraction, part
        Which combinations of the grid are kept; see `fraction.kept`.
    factors
        Factors that have one value in all its scenarios, to group results by.
    """

    name: str
    formula: str
    truth: str | Mapping[str, float | str | tuple[float | str, ...]]
    description: str = ""
    groups: int | tuple[int, ...] | None = None
    rows: int | str | tuple[int | str, ...] | None = None
    sizes: Sizes | tuple[Sizes, ...] | None = None
    imbalance: float | tuple[float, ...] = 0.0
    covariates: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    data: Given | None = None
    fixed_design: bool = False
    priors: str | tuple[str, ...] | None = None
    fraction: int = 1
    part: int = 0
    factors: Mapping[str, float | str] = field(default_factory=dict)

    def design_axes(self) -> dict[str, tuple[Any, ...]]:
        """Return the factors that are not of the truth's own numbers, each with its values."""
        sizes = self.sizes if self.sizes and isinstance(self.sizes[0], tuple) else None
        fields = {"groups": self.groups, "rows": self.rows, "sizes": sizes, "imbalance": self.imbalance}
        named = {**fields, **self.covariates, "priors": self.priors}
        return {name: value for name, value in named.items() if isinstance(value, tuple)}

    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Return all factors of the grid, each with its values; the last one varies fastest."""
        truth = {} if isinstance(self.truth, str) else self.truth
        return self.design_axes() | {name: value for name, value in truth.items() if isinstance(value, tuple)}

    @property
    def count(self) -> int:
        """Number of scenarios."""
        return self.size // self.fraction

    @property
    def size(self) -> int:
        """Number of scenarios of the full grid."""
        return prod(len(values) for values in self.axes().values())

    def scenarios(self, priors: Mapping[str, str], nominal: tuple[float, float] = (0.0, 1.0)) -> Iterator[Scenario]:
        """Iterate over the scenarios of the grid that are kept.

        Parameters
        ----------
        priors, nominal
            The study's priors, and mean and sd of the response that those that scale with data are made for.
        """
        axes = self.axes()
        for places in kept([len(values) for values in axes.values()], self.fraction, self.part):
            chosen = {name: values[k] for (name, values), k in zip(axes.items(), places, strict=True)}
            yield self._scenario(chosen, priors, nominal)

    def _scenario(self, chosen: Mapping[str, Any], priors: Mapping[str, str], nominal: tuple[float, float]) -> Scenario:
        factors = {name: ", ".join(map(str, value)) if name == "sizes" else value for name, value in chosen.items()}
        truth = self.truth
        return Scenario(
            name=scenario_name(self.name, factors),
            base=self.name,
            factors={**self.factors, **factors},
            description=self.description,
            formula=self.formula,
            design=self._design(chosen),
            truth="prior" if isinstance(truth, str) else {key: chosen.get(key, value) for key, value in truth.items()},
            priors={**priors, **({"set": named} if (named := chosen.get("priors", self.priors)) else {})},
            **({"nominal": nominal} if isinstance(truth, str) else {}),
        )

    def _design(self, chosen: Mapping[str, Any]) -> Design | Given:
        if self.data is not None:
            return self.data
        covariates = {name: parse_covariate(chosen.get(name, text)) for name, text in self.covariates.items()}
        sizes, rows = chosen.get("sizes", self.sizes), chosen.get("rows", self.rows)
        return Design(
            groups=len(sizes) if sizes else chosen.get("groups", self.groups),
            rows=sizes or (("poisson", poisson_mean(rows)) if isinstance(rows, str) else rows),
            covariates=covariates,
            fixed=self.fixed_design,
            imbalance=chosen.get("imbalance", self.imbalance),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the table in JSON types, defaults filled in."""
        even = {"groups": self.groups, "rows": self.rows, "imbalance": self.imbalance}
        sized: dict[str, Any] = {"sizes": self.sizes} if self.sizes else dict(even)
        drawn = {**sized, "covariates": dict(self.covariates), "fixed_design": self.fixed_design}
        return {
            "name": self.name,
            "description": self.description,
            "formula": self.formula,
            **({"data": self.data.as_dict()} if self.data else drawn),
            **({"fraction": self.fraction, "part": self.part} if self.fraction > 1 else {}),
            **({"factors": dict(self.factors)} if self.factors else {}),
            **({"priors": self.priors} if self.priors else {}),
            "truth": self.truth if isinstance(self.truth, str) else dict(self.truth),
        }


def scenario_name(base: str, factors: Mapping[str, float | str]) -> str:
    """Return the name of a scenario of a grid: its own factors and nothing else decide it.

    ``base-groups_5-sd_subject.Intercept_0.3``; where that is longer than 64 characters, its start
    and a hash of the whole. A scenario's name is a coordinate of its seeds, so it does not change when
    values are added to a list.
    """
    if not factors:
        return base
    parts = [f"{_plain(name)}_{_plain(_written(value))}" for name, value in factors.items()]
    full = "-".join((base, *parts))
    if len(full) > _LONGEST:
        whole = json.dumps([base, dict(factors)])
        digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST]
        full = f"{full[: _LONGEST - _DIGEST - 1]}-{digest}"
    return check_name(full, "scenario")


def _written(value: float | str) -> str:
    """Write a number in the shortest way that says it exactly."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _plain(text: str) -> str:
    """Keep what may stand in a name; anything else is a point between two words."""
    return re.sub(r"[^A-Za-z0-9_-]*[^A-Za-z0-9_.-]+[^A-Za-z0-9_-]*", ".", text).strip(".")
