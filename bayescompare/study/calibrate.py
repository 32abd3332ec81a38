"""Calibration of a model by its formula: a study whose truths are drawn from the priors, and its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayescompare.comparison.results import Results
from bayescompare.errors import InputError, StudyError, UndrawableError
from bayescompare.formula import parse
from bayescompare.model import Model
from bayescompare.priors import DEFAULT, Prior
from bayescompare.simulation import blank, truth_of
from bayescompare.study.definition import Study, load
from bayescompare.study.run import Announce, results_in, run_study

__all__ = ["ESTIMATORS", "FEWEST", "calibrate", "calibration", "calibration_study"]

#: Estimators that are calibrated where nobody names others: those that give an interval or a distribution, and are
#: quick. 4 chains of 500 draws are enough for ranks, and the random effects are not asked for.
ESTIMATORS = ("nuts:draws=500,effects=false", "lbfgs-ml", "lbfgs-reml", "adam-marginal")
#: Data sets below which nothing can be told.
FEWEST = 20
_COVARIATE = "normal(0, 1)"


def calibration_study(
    model: str | Model | Study,
    *,
    replicates: int | None = None,
    groups: int | None = None,
    rows: int | None = None,
    covariates: Mapping[str, str] | None = None,
    sets: Sequence[str] = (),
    priors: Mapping[str, Prior | str] | None = None,
    nominal: tuple[float, float] | None = None,
    estimators: Sequence[str] | None = None,
    intervals: Sequence[str] | None = None,
    seed: int | None = None,
) -> Study:
    """Return the study that calibrates a model; see `calibrate`.

    Raises
    ------
    InputError
        If the model or a value cannot be used, or no truth can be drawn from any of the priors.
    """
    given: dict[str, Any] = {
        "replicates": replicates,
        "estimators": estimators,
        "intervals": intervals,
        "seed": seed,
    }
    given |= {"nominal": None if nominal is None else dict(zip(("mean", "sd"), nominal, strict=True))}
    changes = {name: value for name, value in given.items() if value is not None}
    if isinstance(model, Model) or (isinstance(model, str) and "~" in model):
        study = _of_formula(model, changes, groups, rows, covariates, sets, priors or {})
    else:
        made = {"groups": groups, "rows": rows, "covariates": covariates, "sets": sets, "priors": priors}
        if odd := [name for name, value in made.items() if value]:
            raise InputError(
                f"{', '.join(odd)} {'go' if len(odd) > 1 else 'goes'} with a formula; a study has its own."
            )
        study = (load(model) if isinstance(model, str) else model).changed(**changes)
    _check(study)
    return study


def _of_formula(
    model: str | Model,
    changes: Mapping[str, Any],
    groups: int | None,
    rows: int | None,
    covariates: Mapping[str, str] | None,
    sets: Sequence[str],
    priors: Mapping[str, Prior | str],
) -> Study:
    """Return the study of a formula: one scenario a set of priors."""
    one = Model(model) if isinstance(model, str) else model
    if one.reference:
        raise InputError("A calibration draws its predictors, which have no levels of reference; leave reference out.")
    read = parse(one.formula)
    drawn = {name: _COVARIATE for name in read.predictors if name not in read.grouping} | dict(covariates or {})
    named = [*sets] or [one.prior_set]
    scenario = {
        "name": "model",
        "formula": one.formula,
        "groups": groups or 50,
        "rows": rows or 10,
        "covariates": drawn,
        "truth": "prior",
        "priors": named if len(named) > 1 else named[0],
    }
    values: dict[str, Any] = {
        "name": "calibration",
        "title": f"Calibration of {one.formula}",
        "replicates": 1000,
        "estimators": list(ESTIMATORS),
        "dispersed_starts": 0,
        "priors": {key: str(prior) for key, prior in {**one.own_priors, **priors}.items()},
        "scenario": [scenario],
    }
    return Study.from_dict(values | dict(changes), where="The calibration")


def _check(study: Study) -> None:
    """Refuse a study that calibrates nothing."""
    if study.replicates < FEWEST:
        raise InputError(f"A calibration needs at least {FEWEST} replicates, better 1,000, not {study.replicates}.")
    drawn = [scenario for scenario in study.scenarios() if scenario.truth == "prior"]
    if not drawn:
        raise StudyError(f'The study {study.name} draws no truth from the prior: no scenario has truth = "prior".')
    faults = []
    for scenario in drawn:
        try:
            truth_of(scenario, blank(scenario, 0, study.seed).layout)
        except UndrawableError as error:
            faults.append(str(error))
    if len(faults) == len(drawn):
        raise UndrawableError(f"There is nothing to calibrate: {faults[0]} Try --priors {DEFAULT}.")


def calibrate(
    model: str | Model | Study,
    folder: Path | str | None = None,
    *,
    replicates: int | None = None,
    groups: int | None = None,
    rows: int | None = None,
    covariates: Mapping[str, str] | None = None,
    sets: Sequence[str] = (),
    priors: Mapping[str, Prior | str] | None = None,
    nominal: tuple[float, float] | None = None,
    estimators: Sequence[str] | None = None,
    intervals: Sequence[str] | None = None,
    seed: int | None = None,
    workers: int | None = 1,
    announce: Announce | None = None,
) -> Results:
    """Draw truths from the priors of a model, simulate data, fit them, and hold the fits against the truths.

    Parameters
    ----------
    model
        A formula, a model, a study, its file or its name; of a study, whatever has ``truth = "prior"``.
    folder
        Where the study is kept, so that it goes on after an interruption; in memory where None.
    replicates
        Data sets of each set of priors; 1,000 for a formula.
    groups, rows
        Groups, and rows of each, for a formula: 50 and 10.
    covariates
        Predictor to distribution, for a formula; ``normal(0, 1)`` where not given.
    sets
        Named sets of priors, for a formula; the model's own where empty.
    priors
        Parameter to prior, in place of that of the sets.
    nominal
        Mean and sd of the response for which priors that scale with data are made; 0 and 1.
    estimators
        Labels; `ESTIMATORS` for a formula.
    intervals
        Kinds of intervals; the usual ones where None.
    seed
        Root seed.
    workers, announce
        As `run_study` takes them.

    Returns
    -------
    Results
        ``.calibration`` has the verdicts.

    Raises
    ------
    InputError
        If model, priors or a value cannot be used; nothing has run then.
    StoreError
        If the disk fails.
    """
    study = calibration_study(
        model,
        replicates=replicates,
        groups=groups,
        rows=rows,
        covariates=covariates,
        sets=sets,
        priors=priors,
        nominal=nominal,
        estimators=estimators,
        intervals=intervals,
        seed=seed,
    )
    return run_study(study, folder, workers=workers, announce=announce)


def calibration(source: Results | Path | str) -> pd.DataFrame:
    """Return the verdicts on calibration of a study whose truths were drawn from the priors.

    Parameters
    ----------
    source
        Results, or the folder of a study, finished or not.

    Returns
    -------
    DataFrame
        With the columns of `schema.CALIBRATION_COLUMNS`; see `bayescompare.comparison.calibration`.

    Raises
    ------
    InputError
        If no truth was drawn from a prior, or the folder holds no results.
    """
    results = source if isinstance(source, Results) else results_in(source)[0]
    if not len(results.calibration):
        raise InputError('There is nothing to calibrate: no scenario has truth = "prior".')
    return results.calibration
