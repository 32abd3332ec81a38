"""Run a study: simulate, fit, compare, scenario by scenario."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bayescompare.comparison.api import describe_engines, describe_priors
from bayescompare.comparison.records import Record
from bayescompare.comparison.results import Results, results_of_rows
from bayescompare.comparison.rows import SKETCH, row_of, table_of
from bayescompare.comparison.trees import fit_tree
from bayescompare.design import Scenario
from bayescompare.engines.surface import explore, least_squares_surface
from bayescompare.fits import Fit
from bayescompare.fitting import fit_batch
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.provenance import created, machine, versions
from bayescompare.seeds import generator, sequence
from bayescompare.simulation import Truth, simulate
from bayescompare.study.definition import Study

__all__ = ["run_study"]

#: Called with (scenario, what is running, done, total) as a study goes on.
Announce = Callable[[str, str, int, int], None]

# Replicates of each scenario whose optimizer paths are kept.
_TRACED = 5


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What a scenario gave."""

    records: list[Record]
    optima: list[dict[str, Any]]
    trees: dict[tuple[str, int], Any]
    priors: dict[str, str]


def run_study(study: Study, *, announce: Announce | None = None) -> Results:
    """Run every scenario and return the results.

    Parameters
    ----------
    study
        As `definition.load` returns it.
    announce
        Called as the work goes on.

    Raises
    ------
    StudyError
        If a scenario's formula, covariates and truth do not fit together.
    """
    started = time.perf_counter()
    outcomes = {scenario.name: _run_scenario(study, scenario, announce) for scenario in study.scenarios()}
    records = [record for outcome in outcomes.values() for record in outcome.records]
    level = study.level
    return results_of_rows(
        table_of(
            row_of(one, levels=(level,), random_effects=False, traces=one.replicate < _TRACED, sketch=SKETCH)
            for one in records
        ),
        optima=[row for outcome in outcomes.values() for row in outcome.optima],
        about=_about(
            study, {name: outcome.priors for name, outcome in outcomes.items()}, time.perf_counter() - started
        ),
        contrasts=study.contrasts(),
        trees={key: tree for outcome in outcomes.values() for key, tree in outcome.trees.items()},
    )


def _run_scenario(study: Study, scenario: Scenario, announce: Announce | None) -> _Outcome:
    replicates = list(range(study.replicates))
    datasets = [simulate(scenario, replicate, study.seed) for replicate in replicates]
    problems = [build_problem(study.model(scenario), dataset) for dataset in datasets]
    fits = fit_batch(
        problems,
        study.engines(),
        study.seed,
        scenario.name,
        replicates,
        (lambda label, done, total: announce(scenario.name, label, done, total)) if announce else None,
    )
    records = [
        record
        for replicate, dataset, problem, found in zip(replicates, datasets, problems, fits, strict=True)
        for record in _records(study, scenario, replicate, dataset.truth, problem, found)
    ]
    return _Outcome(
        records=records,
        optima=[
            row for k, problem in zip(replicates, problems, strict=True) for row in _optima(study, scenario, k, problem)
        ],
        trees=_trees(scenario, problems[0], fits[0], study.seed),
        priors=describe_priors(problems[0]),
    )


def _records(
    study: Study, scenario: Scenario, replicate: int, truth: Truth, problem: Problem, fits: list[Fit]
) -> list[Record]:
    """Return the records of one data set's fits."""
    known = conditional_effects(problem, truth.theta)
    return [
        Record(
            study=study.name,
            scenario=scenario.name,
            replicate=replicate,
            fit=fit,
            truth=truth.theta,
            effects=truth.effects if problem.layout.q else None,
            modes=None if known is None else known.mode,
        )
        for fit in fits
    ]


def _optima(study: Study, scenario: Scenario, replicate: int, problem: Problem) -> list[dict[str, Any]]:
    """Return how many optima each objective has on one data set."""
    if not study.dispersed_starts:
        return []
    rng = generator(sequence(study.seed, scenario.name, replicate, "starts"))
    found = explore(problem, starts=study.dispersed_starts, rng=rng)
    key = {"study": study.name, "scenario": scenario.name, "replicate": replicate}
    return [
        key | {"objective": "marginal likelihood", **asdict(found)},
        key | {"objective": "least squares", **asdict(least_squares_surface(problem))},
    ]


def _trees(scenario: Scenario, problem: Problem, fits: list[Fit], seed: int) -> dict[tuple[str, int], Any]:
    """Return the tree of the first replicate's posterior, without random effects."""
    drawn = next((fit for fit in fits if fit.draws is not None), None)
    if drawn is None or drawn.draws is None or not np.all(np.isfinite(drawn.draws.values)):
        return {}
    points = [fit for fit in fits if fit.draws is None]
    return {(scenario.name, 0): fit_tree(problem, drawn, points, seed=seed)}


def _about(study: Study, priors: dict[str, dict[str, str]], seconds: float) -> dict[str, Any]:
    scenarios = [
        {
            "name": one.name,
            "description": one.description,
            "formula": one.formula,
            "groups": one.groups,
            "rows": one.rows,
            "fixed_design": one.fixed_design,
            "covariates": {
                name: f"{c.distribution}({', '.join(f'{value:g}' for value in c.arguments)}) by {c.level}"
                for name, c in one.covariates.items()
            },
            "truth": dict(one.truth),
        }
        for one in study.scenario
    ]
    return {
        "title": study.title or study.name,
        "kind": "study",
        "study": study.name,
        "description": study.description,
        "seed": study.seed,
        "seconds": seconds,
        "created": created(),
        "versions": versions(),
        "machine": machine(),
        "level": study.level,
        "replicates": study.replicates,
        "scenarios": scenarios,
        "priors": priors,
        "estimators": describe_engines(study.engines()),
        "notes": [],
    }
