"""What was run: models, designs, priors, estimators, versions, seed, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayescompare.reporting.formats import Value, duration, text, typed, whole
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.mathml import model_mathematics
from bayescompare.reporting.mechanisms import sizes, truth_text
from bayescompare.reporting.subject import Scenario, Subject

__all__ = ["Described", "Methods", "methods", "so_far", "subtitle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A scenario in words: what it is, its formula, its mathematics, its design, truth and priors."""

    name: str
    description: str
    formula: str
    mathematics: Mapping[str, object]
    design: Sequence[tuple[str, str]]
    parameters: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """What was run."""

    scenarios: Sequence[Described]
    estimators: Grid
    facts: Sequence[tuple[str, str]]
    versions: Sequence[tuple[str, str]]


def subtitle(subject: Subject) -> str:
    """Return a line under the title: what the data are."""
    about = subject.about
    if subject.is_study:
        fits = subject.table("fits")
        sets = len(fits.drop_duplicates(["scenario", "replicate"])) if len(fits) else 0
        return f"Simulation study of {len(subject.scenarios)} scenarios, {sets} data sets, {len(fits)} fits"
    parts = [str(about[key]) for key in ("dataset",) if about.get(key)]
    parts += [f"{whole(about['n_rows'])} rows"] if about.get("n_rows") else []
    return ", ".join(["Comparison on one data set", *parts])


def so_far(subject: Subject) -> str:
    """Return how many of a study's fits there are, empty where all are there."""
    asked, done = int(subject.about.get("fits_asked") or 0), len(subject.table("fits"))
    if done >= asked:
        return ""
    seen, every = len(subject.scenarios), len(subject.about.get("scenarios") or ())
    return f"{whole(done)} of {whole(asked)} fits are done, of {whole(seen)} of {whole(every)} scenarios."


def methods(subject: Subject) -> Methods:
    """Return what was run."""
    about = subject.about
    return Methods(
        scenarios=[_described(subject, scenario) for scenario in subject.scenarios],
        estimators=_estimators(subject),
        facts=_facts(about),
        versions=[(str(key), str(value)) for key, value in (about.get("versions") or {}).items()],
    )


def _facts(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return seed, time and machine, as far as they are known."""
    machine = about.get("machine") or {}
    found = [
        ("study", about.get("study")),
        ("seed", about.get("seed")),
        ("replicates", about.get("replicates")),
        ("reference levels", ", ".join(f"{key}={level}" for key, level in (about.get("reference") or {}).items())),
        ("wall time", duration(float(about["seconds"])) if about.get("seconds") is not None else None),
        (
            "created",
            str(about["created"]).replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")
            if about.get("created")
            else None,
        ),
        ("machine", ", ".join(f"{value} cores" if key == "cores" else str(value) for key, value in machine.items())),
    ]
    return [(name, str(value)) for name, value in found if value not in (None, "")]


def _described(subject: Subject, scenario: Scenario) -> Described:
    about = scenario.about
    formula = str(about.get("formula", ""))
    response = str(subject.about.get("response") or about.get("response") or formula.partition("~")[0].strip() or "y")
    return Described(
        name=scenario.name,
        description=str(about.get("description", "")),
        formula=formula,
        mathematics=model_mathematics(scenario.parameters, response),
        design=_design(about, study=subject.is_study),
        parameters=_parameters(subject, scenario),
    )


def _design(about: Mapping[str, Any], *, study: bool) -> list[tuple[str, str]]:
    rows = about.get("rows")
    found = [
        ("groups", about.get("groups")),
        (
            "rows a group" if study else "rows",
            sizes(rows, fixed=about.get("fixed_design")).rstrip(",") if rows is not None else None,
        ),
        ("imbalance", about.get("imbalance") or None),
        ("covariates", _redrawn(about.get("fixed_design")) if study else None),
        *((str(name), text) for name, text in (about.get("covariates") or {}).items()),
    ]
    return [(name, str(value)) for name, value in found if value not in (None, "")]


def _redrawn(fixed: object) -> str | None:
    """Return whether covariates and drawn sizes differ between replicates."""
    return None if fixed is None else "kept in all replicates" if fixed else "redrawn in each replicate"


def _priors(subject: Subject, scenario: Scenario) -> Mapping[str, str]:
    """Return parameter, or group of parameters, to prior."""
    priors = subject.about.get("priors") or {}
    mine = priors.get(scenario.name)
    return mine if isinstance(mine, Mapping) else {k: v for k, v in priors.items() if not isinstance(v, Mapping)}


def _prior_of(label: str, priors: Mapping[str, str]) -> str:
    """Return the prior of a parameter: its own, or that of the group it belongs to."""
    return str(priors.get(label) or priors.get(label.partition("[")[0]) or "")


def _parameters(subject: Subject, scenario: Scenario) -> Grid:
    """Return the parameters with their symbols, true values and priors."""
    symbols = {label: symbol for symbol, label in model_mathematics(scenario.parameters)["symbols"]}  # type: ignore[attr-defined]  # pairs
    priors = _priors(subject, scenario)
    truths = {label: subject.truth(scenario.name, label) for label in scenario.parameters}
    known = any(value == value for value in truths.values())
    drawn = any(truth_text(scenario.about.get("truth"), label) for label in scenario.parameters)
    columns = [Column("symbol", numeric=False), Column("parameter", numeric=False)]
    columns += [Column("true value")] if known or drawn else []
    columns += [Column("prior", "used by NUTS and by the posterior mode", numeric=False)] if priors else []
    rows = []
    for label in scenario.parameters:
        row = [text(symbols.get(label, ""), kind="symbol"), text(label, kind="code")]
        row += [_truth(scenario, label, truths[label])] if known or drawn else []
        row += [text(_prior_of(label, priors), kind="code")] if priors else []
        rows.append(row)
    return grid(f"{scenario.key}-parameters", "Parameters", columns, rows)


def _truth(scenario: Scenario, label: str, value: float) -> Value:
    """Return a true value, or the distribution that it is drawn from."""
    drawn = truth_text(scenario.about.get("truth"), label)
    return text(drawn) if drawn else typed(value, "differs between data sets")


def _estimators(subject: Subject) -> Grid:
    described = {str(each.get("label")): each for each in subject.about.get("estimators") or ()}
    columns = [Column("estimator", numeric=False), Column("what it is", numeric=False), Column("priors", numeric=False)]
    rows: list[list[Value]] = []
    for label in subject.estimators:
        each = described.get(label, {})
        used = each.get("uses_priors")
        rows.append(
            [
                text(label, kind="estimator"),
                text(each.get("what", "")),
                text("" if used is None else "used" if used else "not used"),
            ]
        )
    return grid("estimators", "Estimators", columns, rows)
