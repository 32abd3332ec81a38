"""A study checked as a whole: its tables, its grid, and one data set of each design."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayescompare.comparison.verdicts import Contrast
from bayescompare.dataset import Dataset
from bayescompare.design import Scenario
from bayescompare.errors import BayesCompareError, PriorError, StudyError, UndrawableError, did_you_mean
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model
from bayescompare.priors import DEFAULT, Prior, parse_prior, resolve, set_priors
from bayescompare.simulation import (
    Blank,
    answered,
    blank,
    frozen,
    truth_faults,
    truth_of,
    truth_vector,
    why_undrawable,
)
from bayescompare.study.faults import FAULTY, MOST, Faults, read_table
from bayescompare.study.fraction import fault_of
from bayescompare.study.grid import Table
from bayescompare.study.keys import CONTRAST, SCENARIO, STUDY
from bayescompare.study.settings import expanded

__all__ = ["Checked", "check"]

_LISTED = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a study's values are when they are read.

    Parameters
    ----------
    values
        The top-level keys, but for those below.
    scenarios
        Those of all grids.
    contrasts
        Pairs, as they are written.
    """

    values: dict[str, Any]
    tables: tuple[Table, ...]
    scenarios: tuple[Scenario, ...]
    contrasts: tuple[Contrast, ...]


def check(values: Mapping[str, Any], where: str, *, trial: bool = True) -> Checked:
    """Return what the values of a study file mean.

    Parameters
    ----------
    trial
        Simulate a data set of each design, to see whether the model can be fitted to it.

    Raises
    ------
    StudyError
        With every fault and its path.
    """
    faults = Faults()
    read = read_table(values, STUDY, "", faults)
    _take_estimators(read, values, faults)
    written = read.pop("scenario", ())
    tables = _tables(written, faults)
    unread = tuple(
        str(one["name"])
        for k, one in enumerate(written)
        if k not in tables and isinstance(one, Mapping) and "name" in one
    )
    seed = read.get("seed", 1)
    grids = _expanded(tables, read, faults)
    contrasts = _contrasts(read.pop("contrast", ()), tables, grids, unread, faults)
    if trial:
        for index, table in tables.items():
            _try(f"scenario[{index}]", table, grids.get(index, ()), read.get("priors", {}), seed, faults)
    faults.refuse(where)
    scenarios = tuple(frozen(scenario, seed) for grid in grids.values() for scenario in grid)
    return Checked(values=read, tables=tuple(tables.values()), scenarios=scenarios, contrasts=contrasts)


def _take_estimators(read: dict[str, Any], values: Mapping[str, Any], faults: Faults) -> None:
    """Put the labels of the ``[[estimator]]`` tables behind those that are listed."""
    listed, made = read.get("estimators", ()), expanded(read.pop("estimator", ()), faults)
    for label, path in made.items():
        if label in listed:
            faults.add(path, f"{label!r} is in estimators already.")
    if "estimators" not in values and not values.get("estimator"):
        faults.add("estimators", "is missing. (Or give [[estimator]] tables.)")
    read["estimators"] = (*listed, *(label for label in made if label not in listed))


def _tables(written: Iterable[Any], faults: Faults) -> dict[int, Table]:
    """Return the scenarios of the file that can be read, by position."""
    found: dict[int, Table] = {}
    for index, value in enumerate(written):
        path, before = f"scenario[{index}]", len(faults)
        read = read_table(value, SCENARIO, path, faults)
        _check_sizes(read, path, value, faults)
        if read.get("name") in {table.name for table in found.values()}:
            faults.add(f"{path}.name", f"the scenario {read['name']!r} is there twice.")
        if len(faults) == before and _has_distinct_factors(table := Table(**read), path, faults):
            if fault := fault_of([len(one) for one in table.axes().values()], table.fraction, table.part):
                faults.add(f"{path}.{fault[0]}", fault[1])
            else:
                found[index] = table
    return found


def _check_sizes(read: Mapping[str, Any], path: str, value: Any, faults: Faults) -> None:
    """Refuse sizes that are given twice or not at all."""
    written = set(value) if isinstance(value, Mapping) else set()
    if "data" in written:
        for key in sorted(written & {"groups", "rows", "sizes", "imbalance", "covariates", "fixed_design"}):
            faults.add(f"{path}.{key}", "leave it out where data gives the rows.")
        return
    for key in ("groups", "rows", "imbalance"):
        if "sizes" in written and key in written:
            faults.add(f"{path}.{key}", "leave it out where sizes gives the rows of each group.")
        elif "sizes" not in written and key != "imbalance" and key not in written:
            faults.add(f"{path}.{key}", "is missing." + " (Or give sizes.)" * (key == "rows"))
    rows, imbalance = read.get("rows"), read.get("imbalance", 0.0)
    drawn = any(isinstance(item, str) for item in (rows if isinstance(rows, tuple) else (rows,)))
    if drawn and imbalance not in (0.0, (0.0,)):
        faults.add(f"{path}.imbalance", "goes with whole numbers of rows; Poisson sizes have their own.")


def _has_distinct_factors(table: Table, path: str, faults: Faults) -> bool:
    """Return whether no two factors of the grid have one name."""
    truth = set() if isinstance(table.truth, str) else set(table.truth)
    others = {"groups", "rows", "sizes", "imbalance"} | truth
    twice = [name for name, value in table.covariates.items() if isinstance(value, tuple) and name in others]
    for name in twice:
        faults.add(f"{path}.covariates.{name}", "a covariate of this name cannot be a factor of the grid; rename it.")
    both = [name for name in table.factors if name in table.axes()]
    for name in both:
        faults.add(f"{path}.factors.{name}", "is a list of the grid already; rename it.")
    return not (twice or both)


def _expanded(tables: Mapping[int, Table], read: Mapping[str, Any], faults: Faults) -> dict[int, tuple[Scenario, ...]]:
    """Return the grids, unless they are huge or their names clash."""
    total = sum(table.count for table in tables.values())
    if total > MOST:
        sizes = ", ".join(f"{table.name} {table.count:,}" for table in tables.values())
        faults.add("scenario", f"there are {total:,} scenarios ({sizes}); at most {MOST:,} are run. Shorten the lists.")
        return {}
    priors, nominal = read.get("priors", {}), tuple(read.get("nominal", {}).values()) or (0.0, 1.0)
    grids = {index: tuple(table.scenarios(priors, nominal)) for index, table in tables.items()}
    seen: set[str] = set()
    for index, grid in grids.items():
        for scenario in grid:
            if scenario.name in seen:
                faults.add(f"scenario[{index}]", f"two scenarios of the grid have the name {scenario.name!r}.")
            seen.add(scenario.name)
    return grids


def _contrasts(
    written: Iterable[Any],
    tables: Mapping[int, Table],
    grids: Mapping[int, tuple[Scenario, ...]],
    unread: tuple[str, ...],
    faults: Faults,
) -> tuple[Contrast, ...]:
    """Return the pairs, each name that of one scenario; those of tables that could not be read pass."""
    grown = {table.name: [one.name for one in grids.get(index, ())] for index, table in tables.items()}
    names = {name: name for group in grown.values() for name in group}
    names |= {base: group[0] for base, group in grown.items() if len(group) == 1}
    found: dict[str, Contrast] = {}
    for index, value in enumerate(written):
        path, before = f"contrast[{index}]", len(faults)
        read = read_table(value, CONTRAST, path, faults)
        for key in ("worse", "base"):
            if grids and key in read and read[key] not in names and not read[key].startswith(unread):
                faults.add(f"{path}.{key}", _no_scenario(read[key], grown, names))
        if read.get("name") in found:
            faults.add(f"{path}.name", f"the contrast {read['name']!r} is there twice.")
        pair = [names[read[key]] for key in ("worse", "base") if read.get(key) in names]
        if len(faults) == before and len(pair) == 2:
            found[read["name"]] = Contrast(name=read["name"], worse=pair[0], base=pair[1])
    return tuple(found.values())


def _no_scenario(name: str, grown: Mapping[str, list[str]], names: Mapping[str, str]) -> str:
    if name not in grown:
        hint = did_you_mean(name, names)
        return f"there is no scenario {name!r}." + (hint if "Did you" in hint else f" There are {_listed([*names])}.")
    return f"{name!r} is a grid of {len(grown[name])} scenarios; name one of {_listed(grown[name])}."


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _try(
    path: str, table: Table, grid: Iterable[Scenario], priors: Mapping[str, str], seed: int, faults: Faults
) -> None:
    """Simulate a data set of each design of a grid, and hold the other truths against its columns."""
    designs: dict[tuple[Any, ...], list[Scenario]] = {}
    for scenario in grid:
        designs.setdefault(tuple(scenario.factors[name] for name in table.design_axes()), []).append(scenario)
    for group in designs.values():
        named = group[0].name if table.count > 1 else ""
        try:
            sheet = blank(group[0], 0, seed)
        except BayesCompareError as error:
            faults.add(path, str(error), named)
            continue
        found = (_possible(path, one, sheet, seed, faults) for one in group)
        possible = [one for one in found if one is not None]
        own = _possible_priors(sheet, group[0], priors, named, faults)
        try:
            build_problem(Model(group[0].formula, priors=own), _data_set(sheet, possible, group[0], seed))
        except BayesCompareError as error:
            faults.add(path, str(error), named)


def _possible(path: str, scenario: Scenario, sheet: Blank, seed: int, faults: Faults) -> Scenario | None:
    """Return a scenario with its priors as numbers if its truth is possible; put down what is wrong with it.

    Priors that cannot be drawn from are no fault: the fits of their scenarios say so.
    """
    named = scenario.name if scenario.factors else ""
    try:
        known = frozen(scenario, seed, sheet.layout)
        found = list(truth_faults(truth_of(known, sheet.layout), sheet.layout))
    except (UndrawableError, PriorError):
        # which of the priors is wrong is said where they are looked at one by one
        return None
    except StudyError as error:
        known, found = scenario, [("", str(error))]
    for key, message in found:
        faults.add(f"{path}.truth.{key}".rstrip("."), message, named)
    return None if found else known


def _possible_priors(
    sheet: Blank, scenario: Scenario, priors: Mapping[str, str], named: str, faults: Faults
) -> dict[str, Prior | str]:
    """Return the priors that the model has a place for; put down the others."""
    name = scenario.priors.get("set", DEFAULT)
    # only places and kinds are looked at here: a set's own improper priors are found with the data
    defaults = set_priors(DEFAULT, sheet.layout, sheet.groups.astype(float), sheet.x, sheet.z)
    found: dict[str, Prior | str] = {"set": name}
    for key, text in priors.items():
        if key == "set":
            continue
        prior = parse_prior(text)
        if faults.attempt(f"priors.{key}", resolve, {key: prior}, defaults, scenario=named) is not FAULTY:
            found[key] = prior
        if scenario.truth == "prior" and key != sheet.layout.cor_name and (why := why_undrawable(prior)):
            faults.add(f"priors.{key}", f"the truth is drawn from it: {why}.", named)
    return found


def _data_set(sheet: Blank, possible: Sequence[Scenario], first: Scenario, seed: int) -> Dataset:
    """Return the data of the largest possible truth, or, where there is none, of sds of one."""
    layout = sheet.layout
    theta = np.zeros(layout.size)
    theta[layout.sd] = theta[layout.sigma] = 1.0
    vectors = [truth_vector(truth_of(one, layout), layout, one.name) for one in possible]
    largest = max(vectors, key=lambda vector: float(np.max(np.abs(vector))), default=theta)
    return replace(answered(sheet, largest, first, 0, seed), name="its first data set")
