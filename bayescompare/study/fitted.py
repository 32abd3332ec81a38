"""A study whose data sets are simulated from a fit of a user's own data: the same rows, the estimates as the truth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from bayescompare.comparison.records import same_estimand
from bayescompare.data import select
from bayescompare.data.given import Given
from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import canonical, estimator
from bayescompare.errors import BayesCompareError, InputError, did_you_mean
from bayescompare.fits import Fit, Flag, Status
from bayescompare.fitting import Fits
from bayescompare.formula import parse
from bayescompare.formula.parse import Formula
from bayescompare.formula.scan import scan
from bayescompare.model import Model
from bayescompare.model_frame import labelled
from bayescompare.model_frame.reference import with_references
from bayescompare.priors import Prior
from bayescompare.priors.names import naming
from bayescompare.simulation import blank
from bayescompare.study.definition import Study

__all__ = ["BLOCK", "FEWEST", "MOST", "NAME", "Fitted", "check_replicates", "chosen_engines", "fitted_study"]

#: Name of the study and of its only scenario.
NAME = "if-true"
#: Data sets below which nothing can be told, and beyond which nobody means it.
FEWEST, MOST = 10, 100_000
#: Data sets a task: few, so that what is done is soon on disk.
BLOCK = 25

_LOST = {Flag.DIVERGED, Flag.NOT_FINITE}
_TAKEN = {"chain", "draw", "coef", "sample", "beta", "sigma", "C", "T", "S", "I"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A study of data simulated from a fit, and what to know of it, a sentence each."""

    study: Study
    truth: str
    notes: tuple[str, ...]


def check_replicates(replicates: int) -> int:
    """Return the number of data sets.

    Raises
    ------
    InputError
        If it is no number that can be meant.
    """
    if type(replicates) is not int or not FEWEST <= replicates <= MOST:
        raise InputError(
            f"A simulation from a fit needs {FEWEST} to {MOST:,} data sets, better 200, not {replicates!r}."
        )
    return replicates


def chosen_engines(engines: Sequence[Engine], truth: str, labels: Sequence[str] | None) -> tuple[str, list[Engine]]:
    """Return the truth's label, and the estimators that fit simulated data: those that are named, all where None.

    Raises
    ------
    InputError
        If one is named, or the truth, that does not fit the user's own data.
    """
    own = {engine.label: engine for engine in engines}
    truth = truth if truth in own else canonical(truth)
    if truth not in own:
        raise InputError(
            f"The truth {truth!r} is not among the estimators of the fit ({', '.join(own)}); name one of them, or add "
            f"it.{did_you_mean(truth, own)}"
        )
    if labels is None:
        return truth, [*engines]
    asked = [estimator(label).label for label in labels]
    if not asked:
        raise InputError("No estimator was named for the simulation; name at least one, such as lbfgs-ml.")
    for label in asked:
        if label not in own:
            raise InputError(
                f"{label!r} is to fit simulated data but does not fit your own, so that there is nothing to compare; "
                f"add it to the estimators of the fit ({', '.join(own)})."
            )
    return truth, [own[label] for label in dict.fromkeys(asked)]


def fitted_study(
    fits: Fits, engines: Sequence[Engine], *, truth: str, replicates: int, levels: Sequence[float], seed: int
) -> Fitted:
    """Return the study that simulates from a fit, with the rows, estimators and settings of the user's own.

    Raises
    ------
    InputError
        If nothing can be simulated from the fit, or something of it cannot be stored as text.
    """
    given, formula, renamed = _rows(fits)
    values, notes = _truth(fits[truth])
    model, kinds = fits.problem.model, {type(one).__name__: type(one) for one in fits.problem.model.own_priors.values()}
    written = {
        "name": NAME,
        "title": f"If the {truth} fit of {fits.problem.response} in {fits.problem.dataset} were the truth",
        "description": f"Data simulated at the estimates of {truth}, on the rows of {given.source}.",
        "replicates": check_replicates(replicates),
        "seed": seed,
        "level": list(levels),
        "intervals": fits.intervals,
        "refits": fits.refits,
        "time_limit": fits.time_limit,
        "block": BLOCK,
        "estimators": [_full_label(engine) for engine in engines],
        "priors": {"set": model.prior_set} | {key: _text(one) for key, one in model.own_priors.items()},
        "dispersed_starts": 0,
        "scenario": [{"name": NAME, "formula": formula, "data": given.as_dict(), "truth": values}],
    }
    try:
        with naming(kinds):
            study = Study.from_dict(written, where="The simulation from the fit")
    except BayesCompareError as error:
        raise InputError(f"Nothing can be simulated from this fit. {error}") from error
    _refuse_other_rows(study, fits)
    return Fitted(study=study, truth=truth, notes=(*notes, *renamed))


def _full_label(engine: Engine) -> str:
    """Return a label that the engine can be read from, without draws of random effects, which nothing here looks at."""
    if any(one.name == "effects" for one in fields(engine)):
        engine = replace(engine, **{"effects": False})
    label = str(Engine.label.__get__(engine))
    try:
        same = estimator(label) == engine
    except BayesCompareError:
        same = False
    if not same:
        raise InputError(f"{engine.label!r} cannot be read back from its label, as a simulation must; register it.")
    return label


def _text(prior: Prior) -> str:
    """Return a prior as it is typed, with all its digits."""
    values = {name: value if isinstance(value, int) else float(value) for name, value in prior.constants().items()}
    head = repr(prior).partition("(")[0]
    return f"{head}({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _rows(fits: Fits) -> tuple[Given, str, tuple[str, ...]]:
    """Return the rows that were fitted, the formula for them, and a sentence where the response has another name."""
    if fits.data is None:
        raise InputError("These fits do not hold their data; make them by bayescompare.fit.")
    model: Model = fits.problem.model
    formula = parse(model.formula)
    name, text = _response(formula)
    frame = labelled(formula, select(fits.data, formula.columns)[0], fits.data)
    frame = with_references(frame, model.reference, formula, fits.problem.dataset)
    kept = [column for column in (*formula.predictors, *formula.grouping) if column != name]
    given = Given.of(frame.loc[:, list(dict.fromkeys(kept))], fits.problem.dataset)
    same = name == formula.response_name
    note = f"The response that is simulated is {formula.response} as it stands, in a column {name}."
    return given, text, () if same else (note,)


def _response(formula: Formula) -> tuple[str, str]:
    """Return a column for the response, and the formula with it: another name where it is more than a column."""
    text, name = formula.text, formula.response_name
    others = {*formula.predictors, *formula.grouping}
    if formula.response_columns == (name,) and name not in others:
        return name, text
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "response"
    plain = f"y_{plain}" if plain[0].isdigit() else plain
    while plain in others | _TAKEN | {*formula.response_columns}:
        plain += "_"
    tilde = next(token for token in scan(text) if token.kind == "TILDE")
    return plain, f"{plain} ~{text[tilde.end :]}"


def _truth(fit: Fit) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the estimates by label, and what to know of them.

    A correlation with an sd of zero is not defined, and left out.
    """
    layout = fit.layout
    zero = {effect for effect, sd in zip(layout.effects, fit.estimate[layout.sd], strict=True) if sd == 0}
    undefined = {
        f"{layout.cor_name}[{name}]"
        for name, (i, j) in zip(layout.pair_names, layout.pairs, strict=True)
        if {layout.effects[i], layout.effects[j]} & zero
    }
    wanted = [label for label in layout.labels if label not in undefined]
    if why := next(_faults(fit, wanted), ""):
        raise InputError(f"Nothing can be simulated from {fit.estimator}: {why}. Name another estimator as the truth.")
    values = {label: float(fit.estimate[layout.index(label)]) for label in wanted}
    return values, tuple(_notes(fit, zero, undefined))


def _faults(fit: Fit, wanted: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a fit that is to be the truth."""
    if fit.status not in (Status.OK, Status.FLAGGED):
        yield f"its fit is {str(fit.status).replace('_', ' ')} ({fit.message.rstrip('.')})"
    if lost := [str(flag) for flag in fit.flags if flag in _LOST]:
        yield f"its fit is flagged {', '.join(lost)}"
    own = same_estimand(pd.DataFrame({"estimand": fit.estimand}, index=list(fit.layout.labels))).index
    for label in wanted:
        value, why = fit.estimate[fit.layout.index(label)], fit.reason[fit.layout.index(label)]
        if not np.isfinite(value):
            said = "it has no estimate" if np.isnan(value) else f"its estimate is {value:g}, not a finite number,"
            yield f"{said} of {label}" + (f" ({why})" if why and np.isnan(value) else "")
        elif label not in own:
            yield f"its {label} estimates {fit.estimand[fit.layout.index(label)]}"
    if fit.estimate[fit.layout.sigma] <= 0:
        yield "its sigma is 0, so that there is no noise to draw"
    if np.any(fit.estimate[fit.layout.sd] < 0):
        yield "an sd is below 0"


def _notes(fit: Fit, zero: set[str], undefined: set[str]) -> Iterator[str]:
    """Yield what to know of a truth."""
    if zero:
        named = ", ".join(f"{fit.layout.sd_name}[{effect}]" for effect in fit.layout.effects if effect in zero)
        yield (
            f"{named} is 0 in the {fit.estimator} fit, and so it is in the simulated data: every estimate of it is too "
            "large or right, and intervals that do not reach zero, such as equal tails of draws, cannot hold it."
        )
    if undefined:
        yield f"{', '.join(sorted(undefined))} has no true value, because an sd is 0."
    if fit.status is Status.FLAGGED:
        yield f"The fit that is taken for the truth is flagged: {', '.join(map(str, fit.flags))}."


def _refuse_other_rows(study: Study, fits: Fits) -> None:
    """Refuse rows that do not come back from text as those that were fitted."""
    sheet, problem = blank(study.named(NAME), 0, study.seed), fits.problem
    same = (
        sheet.layout == problem.layout
        and np.array_equal(sheet.x, problem.x)
        and np.array_equal(sheet.z, problem.z)
        and np.array_equal(sheet.groups, problem.groups)
    )
    if not same:
        raise InputError(
            f"The rows of {problem.dataset} cannot be stored as text and come back the same; make its columns plain "
            "numbers, texts or categories."
        )
