"""The columns of the result tables, in one place."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["TABLES"]

_KEY = {
    "study": "name of the study; 'fit' for one's own data",
    "scenario": "name of the scenario, or of the data set",
    "replicate": "number of the simulated data set, from 0",
    "estimator": "label of the estimator",
}
_ESTIMATE = _KEY | {
    "parameter": "flat label, as az.summary prints it",
    "estimate": "value in the units of the response; NaN where there is none",
    "se": "standard error, or posterior sd",
    "estimand": "what the number estimates",
    "truth": "true value of the simulation; NaN for one's own data",
    "reason": "why there is no estimate, or no standard error",
}

#: Table -> column -> what it holds.
TABLES: Mapping[str, Mapping[str, str]] = {
    "estimates": _ESTIMATE,
    "intervals": _KEY
    | {
        "parameter": "flat label",
        "kind": "wald, eti, hdi, ...",
        "level": "probability of the interval",
        "lower": "lower bound; NaN where there is none",
        "upper": "upper bound",
        "reason": "why there is no interval",
    },
    "random_effects": _ESTIMATE,
    "fits": _KEY
    | {
        "status": "ok, flagged, failed, timeout, worker_died, not_applicable",
        "flags": "list of flags",
        "message": "what happened, in a sentence",
        "traceback": "where an unexpected failure happened, empty otherwise",
        "seconds": "time of this fit by a monotonic clock; a batch's time is shared equally",
        "evaluations": "evaluations of the objective, updates, or gradient steps",
        "objective": "-2 log (restricted) likelihood, or the minimised loss",
        "gap_deviance": "distance to the best known optimum of its own objective, in deviance",
        "gap_sd": "the same in standard errors: the largest over the working parameters",
        "grad_norm": "largest absolute gradient at the end",
        "rhat_max": "largest R-hat over the parameters",
        "ess_bulk_min": "smallest bulk effective sample size",
        "ess_tail_min": "smallest tail effective sample size",
        "divergences": "number of divergent transitions",
        "seed_key": "coordinates of the seed",
    },
    "traces": _KEY
    | {
        "restart": "number of the optimizer's run",
        "step": "number of updates so far",
        "quantity": "parameter label, or 'loss'",
        "value": "its value there",
    },
    "optima": {
        "study": _KEY["study"],
        "scenario": _KEY["scenario"],
        "replicate": _KEY["replicate"],
        "objective": "estimators that minimise it",
        "starts": "number of dispersed starts",
        "distinct": "number of distinct optima that they ended in",
        "deviance_range": "deviance of the worst of them over that of the best",
    },
    "recovery": _KEY
    | {
        "effect": "name of the random effect",
        "rmse": "root mean square error of its predictions over the groups",
        "slope": "slope of its predictions on the conditional modes at the true parameters",
    },
    "optimum": _KEY
    | {
        "parameter": "flat label",
        "own_optimum": "best known optimum of the fit's own objective",
        "marginal_ml": "optimum of the marginal likelihood",
        "scale": "standard error of the marginal ML estimate",
    },
}
