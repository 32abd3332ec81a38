"""The priors of one's own data: why they are these, what the posterior owes to them, and fits under others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescompare.comparison.power_scaling import CONFLICT, DIAGNOSES, THRESHOLD
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.forest import REFIT, forest_panel
from bayescompare.reporting.figures.lanes import Lane
from bayescompare.reporting.figures.power import Target, power_panel
from bayescompare.reporting.formats import Value, interval, number, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Scenario, Subject

__all__ = ["Priors", "priors", "reasons_grid"]

_OWN = "the model's own priors"
_RARE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """The section on priors.

    Parameters
    ----------
    reasons
        Each prior and why it is that one.
    conflicts
        Sentences of fits that say where prior and data disagree.
    scaling, paths, crossings
        Sensitivities, pictures against the power of the priors, and where these cross point estimates.
    refits, forests
        Fits under other priors.
    """

    reasons: Grid
    conflicts: Sequence[str]
    summary: str
    scaling: Grid | None
    paths: Sequence[Drawing]
    crossings: Grid | None
    refits: Grid | None
    forests: Sequence[Drawing]


def priors(subject: Subject) -> Priors | None:
    """Return what there is to say of the priors of one's own data; nothing of a study, which has its own words."""
    if subject.is_study or not subject.scenarios:
        return None
    scenario = subject.scenarios[0]
    typed = (subject.about.get("priors") or {}).get(scenario.name)
    if not isinstance(typed, dict):
        return None
    why = (subject.about.get("prior_reasons") or {}).get(scenario.name, {})
    scaling = subject.table("power_scaling")
    return Priors(
        reasons=reasons_grid(typed, why),
        conflicts=_conflicts(subject),
        summary=_summary(scaling),
        scaling=_scaling(scaling) if len(scaling) else None,
        paths=list(_paths(subject)),
        crossings=_crossings(subject),
        refits=_refits(subject),
        forests=list(_forests(subject, scenario)),
    )


def reasons_grid(typed: dict[str, str], why: dict[str, str]) -> Grid:
    """Return each parameter's prior as it is typed, and why it is that one."""
    columns = [Column(name, numeric=False) for name in ("parameter", "prior", "why")]
    rows = [
        [text(label, kind="code"), text(prior, kind="code"), text(why.get(label, ""))] for label, prior in typed.items()
    ]
    return grid("priors-why", "Priors", columns, rows)


def _conflicts(subject: Subject) -> list[str]:
    """Return what each flagged fit says of its priors, each message once."""
    fits = subject.table("fits")
    flagged = [row for row in fits.itertuples() if "prior_conflict" in list(row.flags)]
    said: dict[str, list[str]] = {}
    for row in flagged:
        said.setdefault(str(row.message), []).append(str(row.estimator))
    return [f"{', '.join(labels)}: {message}." for message, labels in said.items()]


def _summary(scaling: pd.DataFrame) -> str:
    """Return how many parameters depend on their priors, in a sentence."""
    if not len(scaling):
        return ""
    moved = int((scaling["prior"] >= THRESHOLD).sum())
    both = int((scaling["diagnosis"] == CONFLICT).sum())
    if not moved:
        return f"The priors hardly move any of the {len(scaling)} parameters (sensitivity under {THRESHOLD})."
    return (
        f"Of {len(scaling)} parameters the priors move {moved} (sensitivity of at least {THRESHOLD}); "
        f"of these, prior and likelihood both move {both}, which may be a conflict."
    )


def _scaling(table: pd.DataFrame) -> Grid:
    columns = [
        Column("parameter", numeric=False),
        Column("to the prior", "change of the posterior where all priors are raised to a power, per doubling of it"),
        Column("to the likelihood", "the same where the likelihood is"),
        Column("diagnosis", numeric=False),
        Column("prior tail", "prior probability of the tail that the ML estimate, give or take two errors, lies in"),
    ]
    rows = [
        [
            text(row.parameter, kind="code"),
            number(row.prior, digits=2, reason="not finite"),
            number(row.likelihood, digits=2, reason="not finite"),
            text(DIAGNOSES[str(row.diagnosis)]),
            _tail(float(row.tail)),
        ]
        for row in table.itertuples()
    ]
    return grid("power-scaling", "Power-scaling sensitivity of the posterior", columns, rows)


def _tail(value: float) -> Value:
    if value < _RARE:
        return Value("under 0.0001", repr(value))
    return number(value, digits=2, reason="an improper prior has no tail, an estimate at its bound no errors")


def _paths(subject: Subject) -> Iterator[Drawing]:
    """Yield the picture of each parameter against the power of the priors."""
    path, crossing = subject.table("power_path"), subject.table("power_crossing")
    if not len(path):
        return
    for k, (parameter, rows) in enumerate(path.groupby("parameter", sort=False)):
        mine = crossing[(crossing["parameter"] == parameter) & np.isfinite(crossing["value"])]
        targets = [
            Target(look=subject.look(str(row.target)), value=float(row.value), alpha=float(row.alpha))
            for row in mine.itertuples()
            if not str(row.reason).startswith("it estimates")
        ]
        columns = tuple(rows[name].to_numpy(float) for name in ("alpha", "mean", "lower", "upper"))
        posterior = subject.look(str(rows["estimator"].iloc[0]))
        yield power_panel(f"power{k}", str(parameter), posterior, columns, targets)


def _crossings(subject: Subject) -> Grid | None:
    table = subject.table("power_crossing")
    if not len(table):
        return None
    columns = [
        Column("parameter", numeric=False),
        Column("estimator", numeric=False),
        Column("estimate"),
        Column("power", "to which all priors are raised where the posterior mean is that estimate; 1 is the model"),
        Column("looked at", "powers at which the weights of the draws can be trusted", numeric=False),
    ]
    rows = [
        [
            text(row.parameter, kind="code"),
            text(row.target, kind="estimator"),
            number(row.value, reason=str(row.reason)),
            _power(float(row.alpha), float(row.log2_mcse), str(row.reason)),
            text(f"{plain(float(row.lowest), digits=2)} to {plain(float(row.highest), digits=2)}"),
        ]
        for row in _by_parameter(table).itertuples()
    ]
    return grid("power-crossing", "Where the posterior mean meets the point estimates", columns, rows)


def _power(alpha: float, log2_error: float, reason: str) -> Value:
    if not np.isfinite(alpha):
        return number(alpha, reason=reason)
    return number(alpha, alpha * np.log(2) * log2_error, tail=f"MCSE {plain(alpha * np.log(2) * log2_error, digits=1)}")


def _refits(subject: Subject) -> Grid | None:
    table = subject.table("sensitivity")
    if not len(table):
        return None
    columns = [
        Column("parameter", numeric=False),
        Column("priors", numeric=False),
        Column("estimator", numeric=False),
        Column("estimate"),
        Column(f"{100 * float(table['level'].iloc[0]):g} % interval"),
        Column("move", "of the estimate, in posterior sds under the model's own priors"),
        Column("lower end", "its move in these"),
        Column("upper end", "its move in these"),
    ]
    return grid(
        "refits", "Fits under other priors", columns, [_refit(row) for row in _by_parameter(table).to_dict("records")]
    )


def _by_parameter(table: pd.DataFrame) -> pd.DataFrame:
    """Return rows by parameter, in the order in which they come."""
    order = {name: k for k, name in enumerate(dict.fromkeys(table["parameter"]))}
    return table.sort_values("parameter", key=lambda column: column.map(order), kind="stable")


def _refit(row: dict[str, object]) -> list[Value]:
    values = {name: float(str(row[name])) for name in (
        "estimate", "mcse", "se", "lower", "upper", "move", "move_mcse", "lower_move", "lower_move_mcse", "upper_move",
        "upper_move_mcse",
    )}  # fmt: skip
    reason = str(row["reason"]) or str(row["status"])
    moves = [
        text("") if not row["under"] else _moved(values[name], values[f"{name}_mcse"], reason)
        for name in ("move", "lower_move", "upper_move")
    ]
    return [
        text(row["parameter"], kind="code"),
        text(row["under"] or _OWN, note=str(row["prior"])),
        text(row["estimator"], kind="estimator"),
        number(values["estimate"], values["mcse"] if values["mcse"] > 0 else values["se"], reason),
        interval(values["lower"], values["upper"], values["se"] / 10, reason),
        *moves,
    ]


def _moved(value: float, error: float, reason: str) -> Value:
    return number(value, error, reason, digits=2, tail=f"MCSE {plain(error, digits=1)}" if error > 0 else "")


def _forests(subject: Subject, scenario: Scenario) -> Iterator[Drawing]:
    """Yield the estimates of each parameter under all priors, and those that use none."""
    table = subject.table("sensitivity")
    if not len(table):
        return
    users = set(table["estimator"])
    others = subject.first[~subject.first["estimator"].isin(users)]
    for k, parameter in enumerate(scenario.parameters):
        rows = table[table["parameter"] == parameter]
        lanes = [_lane(subject, row) for row in rows.to_dict("records")]
        lanes += [_plain_lane(subject, row) for row in others[others["parameter"] == parameter].to_dict("records")]
        yield forest_panel(f"refit{k}", parameter, lanes, guide=REFIT)


def _lane(subject: Subject, row: dict[str, object]) -> Lane:
    look = subject.look(str(row["estimator"]))
    value, lower, upper = (float(str(row[name])) for name in ("estimate", "lower", "upper"))
    return Lane(
        title=look.label,
        subtitle=str(row["under"]) or _OWN,
        look=look,
        value=value,
        lower=lower,
        upper=upper,
        note=str(row["reason"]) or str(row["status"]),
        hollow=bool(row["under"]),
    )


def _plain_lane(subject: Subject, row: dict[str, object]) -> Lane:
    look = subject.look(str(row["estimator"]))
    value, lower, upper = (float(str(row[name])) for name in ("estimate", "lower", "upper"))
    note = str(row["reason"]) or str(row["status"])
    return Lane(title=look.name, subtitle=look.settings, look=look, value=value, lower=lower, upper=upper, note=note)
