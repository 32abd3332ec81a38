"""A fit with its coordinates and its truth, and the long tables of many of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.schema import TABLES
from bayescompare.fits import Fit
from bayescompare.intervals import intervals

__all__ = ["Record", "same_estimand", "tables"]

Array = npt.NDArray[np.float64]

# A residual sd that also holds the sd of the groups is no estimate of sigma.
_OTHER_ESTIMAND = "sqrt(tau^2 + sigma^2)"


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
    """

    study: str
    scenario: str
    replicate: int
    fit: Fit
    truth: Array | None = None
    effects: Array | None = None
    modes: Array | None = None

    @property
    def key(self) -> dict[str, Any]:
        """The coordinates that every table starts with."""
        return {
            "study": self.study,
            "scenario": self.scenario,
            "replicate": self.replicate,
            "estimator": self.fit.estimator,
        }


def _frame(name: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a table with exactly the columns of its schema."""
    return pd.DataFrame(list(rows), columns=list(TABLES[name]))


def _estimates(record: Record) -> Iterable[dict[str, Any]]:
    fit = record.fit
    truth = record.truth if record.truth is not None else np.full(fit.layout.size, np.nan)
    for k, label in enumerate(fit.layout.labels):
        yield record.key | {
            "parameter": label,
            "estimate": fit.estimate[k],
            "se": fit.se[k],
            "estimand": fit.estimand[k],
            "truth": truth[k],
            "reason": fit.reason[k],
        }


def _random_effects(record: Record) -> Iterable[dict[str, Any]]:
    fit = record.fit
    if fit.random_effects is None:
        return
    mode, sd = fit.random_effects.mode.ravel(), fit.random_effects.sd.ravel()
    truth = record.effects.ravel() if record.effects is not None else np.full(len(mode), np.nan)
    estimand = "posterior mean" if fit.draws is not None else "conditional mode"
    for label, value, spread, true in zip(fit.layout.random_effect_labels, mode, sd, truth, strict=True):
        yield record.key | {
            "parameter": label,
            "estimate": value,
            "se": spread,
            "estimand": estimand,
            "truth": true,
            "reason": "",
        }


def _fit_row(record: Record) -> dict[str, Any]:
    fit = record.fit
    given = {
        name: fit.diagnostics.get(name, np.nan) for name in ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences")
    }
    return record.key | given | {
        "status": str(fit.status),
        "flags": [str(flag) for flag in fit.flags],
        "message": fit.message,
        "seconds": fit.seconds,
        "evaluations": fit.evaluations,
        "objective": fit.objective,
        "gap_deviance": fit.gap_deviance,
        "gap_sd": fit.gap_sd,
        "grad_norm": fit.grad_norm,
        "seed_key": fit.seed_key,
    }  # fmt: skip


def _traces(record: Record) -> Iterable[dict[str, Any]]:
    path = record.fit.path
    if path is None:
        return
    columns = {"loss": path.loss, **dict(zip(record.fit.layout.labels, path.values.T, strict=True))}
    for quantity, values in columns.items():
        if np.all(np.isnan(values)):
            continue
        for step, value in zip(path.steps, values, strict=True):
            yield record.key | {"restart": 0, "step": int(step), "quantity": quantity, "value": value}


def _recovery(record: Record) -> Iterable[dict[str, Any]]:
    """Yield how well the random effects are recovered, effect by effect."""
    fit = record.fit
    if fit.random_effects is None or record.effects is None or record.modes is None:
        return
    for k, effect in enumerate(fit.layout.effects):
        found, best = fit.random_effects.mode[:, k], record.modes[:, k]
        centred = best - best.mean()
        power = float(centred @ centred)
        yield record.key | {
            "effect": effect,
            "rmse": float(np.sqrt(np.mean((found - record.effects[:, k]) ** 2))),
            "slope": float(centred @ found) / power if power > 0 else np.nan,
        }


def _optimum(record: Record) -> Iterable[dict[str, Any]]:
    """Yield the optimum of the fit's own objective, beside the marginal ML estimate and its error."""
    fit = record.fit
    ml, scale = fit.info.get("marginal_ml"), fit.info.get("marginal_ml_se")
    if fit.own_optimum is None or ml is None or scale is None:
        return
    for k, label in enumerate(fit.layout.labels):
        yield record.key | {
            "parameter": label,
            "own_optimum": fit.own_optimum[k],
            "marginal_ml": ml[k],
            "scale": scale[k],
        }


def same_estimand(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out estimates of something other than the parameter that they stand beside."""
    return frame[frame["estimand"] != _OTHER_ESTIMAND]


def tables(
    records: Sequence[Record],
    *,
    levels: Sequence[float] = (0.95,),
    random_effects: bool = True,
    traces: int | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the long tables of a comparison; their columns are described in `schema.TABLES`.

    Parameters
    ----------
    levels
        Probabilities of the intervals.
    random_effects
        Whether to write the table of random effects, a row an effect of a group.
    traces
        Number of replicates of each scenario whose optimizer paths are kept; all where None.
    """
    interval_rows = (record.key | asdict(row) for record in records for row in intervals(record.fit, levels))
    traced = [record for record in records if traces is None or record.replicate < traces]
    return {
        "estimates": _frame("estimates", (row for record in records for row in _estimates(record))),
        "intervals": _frame("intervals", interval_rows),
        "random_effects": _frame(
            "random_effects", (row for record in records for row in _random_effects(record)) if random_effects else ()
        ),
        "fits": _frame("fits", map(_fit_row, records)),
        "traces": _frame("traces", (row for record in traced for row in _traces(record))),
        "recovery": _frame("recovery", (row for record in records for row in _recovery(record))),
        "optimum": _frame("optimum", (row for record in records for row in _optimum(record))),
    }
