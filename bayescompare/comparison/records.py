"""A fit with its coordinates and its truth, taken apart into rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.arrival import arrival
from bayescompare.comparison.prediction import prediction_errors
from bayescompare.fits import Fit
from bayescompare.likelihood.problem import Problem

__all__ = [
    "Record",
    "estimate_rows",
    "fit_row",
    "random_effect_rows",
    "recovery_rows",
    "same_estimand",
    "trace_rows",
]

Array = npt.NDArray[np.float64]

# Columns of a fit that are its diagnostics.
_DIAGNOSTICS = (
    "rhat_max", "ess_bulk_min", "ess_tail_min", "divergences",
    "newton_sd", "drift_z", "oscillation_sd", "rhat_restarts",
)  # fmt: skip
# A residual sd that also holds the sd of the groups is no estimate of sigma, and the spread of weights that nothing
# shrinks is none of the spread of the effects.
_POOLED, _WEIGHTS = "sqrt(tau^2 + sigma^2)", "level weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One fit in a comparison.

    Parameters
    ----------
    truth : (k,), optional
        True parameters, where the data were simulated.
    effects : (J, q), optional
        True random effects.
    modes : (J, q), optional
        Conditional modes of the random effects at the true parameters.
    moments : (p + q, p + q), optional
        Second moments of the data's rows; see `prediction.moments`.
    drawn
        Whether the truth was drawn from the priors that the data are fitted with.
    problem
        The data as they were fitted, where something is made of them.
    draws_sha256
        Of the file that keeps the draws, empty where none does.
    """

    study: str
    scenario: str
    replicate: int
    fit: Fit
    truth: Array | None = None
    effects: Array | None = None
    modes: Array | None = None
    moments: Array | None = None
    drawn: bool = False
    problem: Problem | None = None
    draws_sha256: str = ""


def estimate_rows(record: Record) -> Iterable[dict[str, Any]]:
    """Yield a row a parameter."""
    fit = record.fit
    truth = record.truth if record.truth is not None else np.full(fit.layout.size, np.nan)
    for k, label in enumerate(fit.layout.labels):
        yield {
            "parameter": label,
            "estimate": fit.estimate[k],
            "se": fit.se[k],
            "estimand": fit.estimand[k],
            "truth": truth[k],
            "reason": fit.reason[k],
        }


def random_effect_rows(record: Record) -> Iterable[dict[str, Any]]:
    """Yield a row an effect of a group."""
    fit = record.fit
    if fit.random_effects is None:
        return
    mode, sd = fit.random_effects.mode.ravel(), fit.random_effects.sd.ravel()
    truth = record.effects.ravel() if record.effects is not None else np.full(len(mode), np.nan)
    weights = any(_WEIGHTS in said for said in fit.estimand)
    integrated = fit.draws is not None or fit.marginals
    estimand = "posterior mean" if integrated else "level weight" if weights else "conditional mode"
    estimand = "variational mean" if fit.variational is not None else estimand
    for label, value, spread, true in zip(fit.layout.random_effect_labels, mode, sd, truth, strict=True):
        yield {
            "parameter": label,
            "estimate": value,
            "se": spread,
            "estimand": estimand,
            "truth": true,
            "reason": "",
        }


def fit_row(record: Record) -> dict[str, Any]:
    """Return what there is once a fit."""
    fit, reached = record.fit, arrival(record.fit)
    known, new = _predictions(record)
    return {name: fit.diagnostics.get(name, np.nan) for name in _DIAGNOSTICS} | {
        "study": record.study,
        "scenario": record.scenario,
        "replicate": record.replicate,
        "estimator": fit.estimator,
        "status": str(fit.status),
        "flags": [str(flag) for flag in fit.flags],
        "message": fit.message,
        "traceback": str(fit.info.get("traceback", "")),
        "seconds": fit.seconds,
        "evaluations": fit.evaluations,
        "objective": fit.objective,
        "gap_deviance": fit.gap_deviance,
        "gap_sd": fit.gap_sd,
        "grad_norm": fit.grad_norm,
        "prediction_known": known,
        "prediction_new": new,
        "evaluations_near": reached.evaluations,
        "seconds_near": reached.seconds,
        "near_reason": reached.reason,
        "seed_key": fit.seed_key,
        "draws_sha256": record.draws_sha256,
    }  # fmt: skip


def _predictions(record: Record) -> tuple[float, float]:
    """Return the errors in predicting known and new groups; NaN where the truth is not known."""
    if record.truth is None or record.moments is None:
        return float("nan"), float("nan")
    return prediction_errors(record.fit, record.truth, record.effects, record.moments)


def trace_rows(record: Record) -> Iterable[dict[str, Any]]:
    """Yield the paths of an optimizer, a row a restart, step and quantity; restart 0 is the one reported."""
    fit = record.fit
    paths = () if fit.path is None else (fit.path, *fit.restarts)
    for restart, path in enumerate(paths):
        columns = {"loss": path.loss, **dict(zip(fit.layout.labels, path.values.T, strict=True))}
        for quantity, values in columns.items():
            if np.all(np.isnan(values)):
                continue
            for step, value in zip(path.steps, values, strict=True):
                yield {"restart": restart, "step": int(step), "quantity": quantity, "value": value}


def recovery_rows(record: Record) -> Iterable[dict[str, Any]]:
    """Yield how well the random effects are recovered, effect by effect."""
    fit = record.fit
    if fit.random_effects is None or record.effects is None or record.modes is None:
        return
    for k, effect in enumerate(fit.layout.effects):
        found, best = fit.random_effects.mode[:, k], record.modes[:, k]
        centred = best - best.mean()
        power = float(centred @ centred)
        yield {
            "effect": effect,
            "rmse": float(np.sqrt(np.mean((found - record.effects[:, k]) ** 2))),
            "slope": float(centred @ found) / power if power > 0 else np.nan,
        }


def same_estimand(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out estimates of something other than the parameter that they stand beside."""
    other = (frame["estimand"] == _POOLED) | frame["estimand"].str.contains(_WEIGHTS, regex=False)
    return frame[~other.fillna(False).astype(bool)]
