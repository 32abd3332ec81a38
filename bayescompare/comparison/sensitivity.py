"""Fits under other priors, side by side with those under the model's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.alternatives import Alternative, alternatives, under
from bayescompare.comparison.schema import TABLES
from bayescompare.engines.base import Engine
from bayescompare.errors import InputError
from bayescompare.fits import Fit
from bayescompare.fitting import Announce, Fits, fit_batch
from bayescompare.fitting import fit as fit_data
from bayescompare.intervals import intervals
from bayescompare.model import Model

__all__ = ["Sensitivity", "refits", "refuse_without_priors", "sensitivity"]

Array = npt.NDArray[np.float64]

_ENDS = ("lower", "upper")


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """Fits of one data set under several priors.

    Parameters
    ----------
    fits
        Under the model's own priors.
    under
        Alternative, as it is typed -> the fits under it, by estimators that use priors.
    table
        A row an estimator, alternative and parameter; the columns are those of the table ``sensitivity``.
    compiled_anew
        Alternatives with other kinds of priors than those before, for which NUTS was compiled once more.
    """

    fits: Fits = field(repr=False)
    under: Mapping[str, Fits] = field(repr=False)
    table: pd.DataFrame
    compiled_anew: tuple[str, ...] = ()


def sensitivity(
    fits: Fits | Model | str,
    data: Any = None,
    *,
    under: Sequence[Alternative] | Alternative,
    estimators: str | Sequence[str] = ("lbfgs-ml", "nuts"),
    level: float = 0.95,
    seed: int = 1,
    announce: Announce | None = None,
) -> Sensitivity:
    """Fit the same data again under other priors, by every estimator that uses priors.

    Parameters
    ----------
    fits
        What `bayescompare.fit` returned; or a model or formula, to fit first.
    data
        The data of a model.
    under
        Alternatives: a set (``"brms"``) in place of all priors, an assignment (``"sd_subject=HalfNormal(5)"``, several
        with semicolons between) beside the model's own, or a mapping as `Model` takes it.
    estimators, seed
        Of a model; fits have their own.
    level
        Probability of the intervals.
    announce
        Called with what is running and how far it is.

    Raises
    ------
    InputError
        If an alternative cannot be read, no estimator uses priors, or there are no data.
    """
    if not isinstance(fits, Fits):
        model = Model(fits) if isinstance(fits, str) else fits
        if data is None:
            raise InputError("sensitivity() of a model needs its data, as in sensitivity(model, data, under=...).")
        alternatives(under, model)
        fits = fit_data(model, data, estimators, seed=seed, announce=announce)
    return refits(fits, under, level=level, announce=announce)


def refits(
    fits: Fits, given: Sequence[Alternative] | Alternative, *, level: float = 0.95, announce: Announce | None = None
) -> Sensitivity:
    """Fit the data of some fits again under other priors; see `sensitivity`."""
    refuse_without_priors(fits.engines)
    engines = [engine for engine in fits.engines if engine.uses_priors]
    problems = {words: under(fits.problem, model) for words, model in alternatives(given, fits.problem.model).items()}
    found, seen, anew = {}, {fits.problem.priors.signature}, []
    for done, (words, problem) in enumerate(problems.items()):
        if announce is not None:
            announce(f"under {words}", done, len(problems))
        if problem.priors.signature not in seen:
            anew.append(words)
        seen.add(problem.priors.signature)
        again = fit_batch(
            [problem],
            engines,
            fits.seed,
            "fit",
            [0],
            limit=fits.time_limit,
            kinds=fits.intervals,
            refits=fits.refits,
        )[0]
        by_label = {one.estimator: one for one in again}
        found[words] = replace(fits, by_label=by_label, engines=tuple(engines), problem=problem)
    labels = [engine.label for engine in engines]
    rows = [row for label in labels for row in _rows(label, fits, found, level)]
    return Sensitivity(
        fits=fits,
        under=found,
        table=pd.DataFrame(rows, columns=list(TABLES["sensitivity"])),
        compiled_anew=tuple(anew),
    )


def refuse_without_priors(engines: Sequence[Engine]) -> None:
    """Refuse estimators of which none uses priors."""
    if not any(engine.uses_priors for engine in engines):
        raise InputError("Other priors change nothing: no estimator here uses priors. Add one, such as nuts.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """Estimates and interval ends ``(3, k)`` of a fit with their Monte Carlo errors."""

    values: Array
    errors: Array


def _rows(label: str, fits: Fits, found: Mapping[str, Fits], level: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of an estimator, those under the model's own priors first."""
    reference = fits[label]
    own = _numbers(reference, level)
    for words, other in {"": fits, **found}.items():
        fit = other[label]
        numbers = _numbers(fit, level)
        moved = _moves(numbers, own, reference.se, same=not words)
        priors = other.problem.priors.labels()
        for k, parameter in enumerate(fit.layout.labels):
            yield {
                "scenario": fits.problem.dataset,
                "estimator": label,
                "under": words,
                "parameter": parameter,
                "prior": repr(priors.get(parameter) or priors[fit.layout.cor_name]),
                "estimate": fit.estimate[k],
                "mcse": numbers.errors[0, k],
                "se": fit.se[k],
                "level": level,
                "lower": numbers.values[1, k],
                "upper": numbers.values[2, k],
                **{name: values[k] for name, values in moved.items()},
                "status": str(fit.status),
                "seconds": fit.seconds,
                "reason": fit.reason[k] or ("" if np.isfinite(reference.se[k]) else _NO_UNIT),
            }


_NO_UNIT = "no standard error under the model's own priors to measure moves in"


def _numbers(fit: Fit, level: float) -> _Numbers:
    """Return estimate and interval of a fit, of its first kind: equal tails of a posterior, Wald of a mode."""
    every = intervals(fit, (level,))
    rows = {row.parameter: row for row in every if row.kind == every[0].kind}
    ends = [[getattr(rows[name], end) if name in rows else np.nan for name in fit.layout.labels] for end in _ENDS]
    return _Numbers(values=np.array([fit.estimate, *ends]), errors=_errors(fit, level))


def _errors(fit: Fit, level: float) -> Array:
    """Return the Monte Carlo errors of mean and quantiles; zero of what is no draw."""
    if fit.draws is None:
        return np.zeros((3, fit.layout.size))
    from arviz_stats.base import array_stats

    columns, tail = np.moveaxis(fit.draws.values, -1, 0), (1 - level) / 2
    if not np.all(np.isfinite(columns)):
        return np.full((3, fit.layout.size), np.nan)
    quantiles = [array_stats.mcse(columns, method="quantile", prob=share) for share in (tail, 1 - tail)]
    return np.array([array_stats.mcse(columns, method="mean"), *quantiles])


def _moves(numbers: _Numbers, own: _Numbers, unit: Array, *, same: bool) -> dict[str, Array]:
    """Return how far centre and ends moved, in units, with errors; the two runs are taken for independent."""
    moved = (numbers.values - own.values) / unit
    errors = np.zeros_like(moved) if same else np.hypot(numbers.errors, own.errors) / unit
    named = zip(("move", "lower_move", "upper_move"), moved, errors, strict=True)
    found = {key: each for name, move, error in named for key, each in ((name, move), (f"{name}_mcse", error))}
    return found | {"width_change": moved[2] - moved[1]}
