"""From the fits of one data set to its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from bayescompare.comparison import detectors as detection
from bayescompare.comparison.contours import contour_pair, contour_table
from bayescompare.comparison.decomposition import Decomposition
from bayescompare.comparison.exact import exact_tables
from bayescompare.comparison.if_true import IfTrue
from bayescompare.comparison.performance import performance
from bayescompare.comparison.power_scaling import PowerScaling, power_scaling, why_not_scaled
from bayescompare.comparison.profiles import profile_table
from bayescompare.comparison.records import Record
from bayescompare.comparison.results import Results, results_of
from bayescompare.comparison.sensitivity import Sensitivity
from bayescompare.comparison.trees import fit_tree
from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import ESTIMATORS
from bayescompare.engines.conflict import with_conflicts
from bayescompare.fits import Fit
from bayescompare.fitting import Fits
from bayescompare.likelihood.problem import Problem
from bayescompare.provenance import created, machine, versions

__all__ = ["compare", "decomposition", "describe_engines", "describe_priors", "detectors", "measures", "with_if_true"]


def describe_engines(engines: Sequence[Engine]) -> list[dict[str, Any]]:
    """Return a line on each estimator."""
    return [
        {
            "label": engine.label,
            "engine": engine.engine,
            "uses_priors": engine.uses_priors,
            "what": ESTIMATORS[engine.name][1] if engine.name in ESTIMATORS else "",
        }
        for engine in engines
    ]


def describe_priors(problem: Problem) -> dict[str, str]:
    """Return each parameter's prior as it is typed."""
    return {label: repr(prior) for label, prior in problem.priors.labels().items()}


def compare(
    fits: Fits,
    *,
    levels: Sequence[float] = (0.95,),
    contours: Sequence[str] | None = None,
    sensitivity: Sensitivity | None = None,
    if_true: IfTrue | None = None,
) -> Results:
    """Compare the fits of one data set.

    Parameters
    ----------
    fits
        As `fit` returns them.
    levels
        Probabilities of the intervals.
    contours
        Two parameters over whose likelihood contours the optimizers' paths are drawn; by default two sds of
        random effects, or the only one and sigma.
    sensitivity
        Fits of the same data under other priors, to show beside these.
    if_true
        What would happen if one of these fits were the truth, to show beside them.

    Returns
    -------
    Results
        With ``.table``, ``.tree`` and ``.verdicts``.

    Raises
    ------
    InputError
        If the contours cannot be drawn of these parameters.
    """
    problem = fits.problem
    pair = contour_pair(problem.layout, contours)
    name = problem.dataset
    points = [one for one in fits.values() if one.draws is None]
    drawn = next((one for one in fits.values() if one.draws is not None), None)
    trees = {(name, 0): fit_tree(problem, drawn, points, seed=fits.seed)} if drawn else {}
    scaled = None if drawn is None or why_not_scaled(drawn) else power_scaling(
        problem, drawn, trees[name, 0], [fits[engine.label] for engine in fits.engines if not engine.uses_priors]
    )  # fmt: skip
    judged = [_told(one, scaled) if one is drawn else one for one in fits.values()]
    records = [Record(study="fit", scenario=name, replicate=0, fit=one) for one in judged]
    results = results_of(records, levels=levels, kinds=fits.intervals, trees=trees, about=_about(fits, levels))
    more = {} if pair is None else {"contours": contour_table(problem, pair, list(fits.values()))}
    if len(profiled := profile_table(name, list(fits.values()))):
        more["profiles"] = profiled
    more |= exact_tables(name, list(fits.values()))
    more |= {} if scaled is None else scaled.tables
    more |= {} if sensitivity is None else {"sensitivity": sensitivity.table}
    return with_if_true(replace(results, tables={**results.tables, **more}), if_true)


def with_if_true(results: Results, found: IfTrue | None) -> Results:
    """Return the results of a fit with what a simulation from it gave."""
    if found is None:
        return results
    about = {**results.about, "if_true": dict(found.about)}
    return replace(results, tables={**results.tables, **found.tables}, about=about)


def _told(drawn: Fit, scaled: PowerScaling | None) -> Fit:
    """Return a posterior flagged where power-scaling finds that prior and likelihood both move it."""
    return drawn if scaled is None else with_conflicts(drawn, scaled.conflicts)


def measures(
    results: Results,
    *,
    by: str | Sequence[str] | None = None,
    reading: str | Sequence[str] | None = "all",
    measure: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return how estimators perform over the replicates of a study, each number with its Monte Carlo standard error.

    Parameters
    ----------
    results
        Of a study: what `run_study` returned, or `read_results` of its folder.
    by
        Factors of the study's grid: cells that agree in them are averaged.
    reading
        ``all`` fits that have a number, those that ``passed``, ``complete`` cases, or failures as ``misses``;
        several, or each where None.
    measure
        ``bias``, ``coverage``, ...; several, or each where None. Those of whole fits (`schema.FIT_MEASURES`:
        ``gap_sd``, ``prediction_known``, ``evaluations_near``, ...) are made where they are named.

    Returns
    -------
    DataFrame
        With the columns of `schema.MEASURE_COLUMNS`; see `bayescompare.comparison.performance.performance`.

    Raises
    ------
    InputError
        If a factor, a reading or a measure is not known.
    """
    return performance(results.tables, factors=results.factors, by=by, reading=reading, measure=measure)


def decomposition(results: Results) -> Decomposition:
    """Return the errors of a study in parts that add up: optimizer and stopping, objective, sampling.

    Parameters
    ----------
    results
        Of a study: what `run_study` returned, or `read_results` of its folder.

    Returns
    -------
    Decomposition
        With ``.replicates``, ``.means`` and ``.squares``; empty without a truth. See
        `bayescompare.comparison.decomposition`.
    """
    return results.decomposition


def detectors(results: Results, *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Return how well the diagnostics of Adam fits tell those that are away from their optimum from the others.

    Parameters
    ----------
    results
        Of a study: what `run_study` returned, or `read_results` of its folder.
    by
        Factors of the study's grid, or ``scenario``: fits of scenarios that agree in them are taken
        together; all where empty.

    Returns
    -------
    DataFrame
        With the columns of `schema.DETECTOR_COLUMNS`; see `bayescompare.comparison.detectors.detectors`.

    Raises
    ------
    InputError
        If a factor is not known.
    """
    return detection.detectors(results.tables, factors=results.factors, by=by)


def _about(fits: Fits, levels: Sequence[float]) -> dict[str, Any]:
    problem = fits.problem
    layout = problem.layout
    scenario = {
        "name": problem.dataset,
        "description": "",
        "formula": problem.model.formula,
        "groups": len(layout.levels),
        "rows": len(problem.y),
        "covariates": {},
        "truth": {},
    }
    return {
        "title": f"{problem.response} in {problem.dataset}",
        "kind": "fit",
        "study": "fit",
        "description": fits.source,
        "dataset": problem.dataset,
        "response": problem.response,
        "factor": layout.factor,
        "n_rows": len(problem.y),
        "seed": fits.seed,
        "seconds": fits.seconds,
        "created": created(),
        "versions": versions(),
        "machine": machine(),
        "level": levels[0],
        "intervals": fits.intervals,
        "replicates": 1,
        "scenarios": [scenario],
        "priors": {problem.dataset: describe_priors(problem)},
        "prior_reasons": {problem.dataset: dict(problem.priors.why)},
        "prior_set": problem.model.prior_set,
        "own_priors": list(problem.model.priors),
        "reference": {column: str(level) for column, level in problem.model.reference.items()},
        "estimators": describe_engines(fits.engines),
        "notes": [{"flag": str(note.flag), "message": note.message} for note in problem.notes],
    }
