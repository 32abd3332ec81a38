"""The tables of the report: estimates, measures, verdicts, fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayescompare.reporting.formats import (
    Value,
    count,
    counted,
    interval,
    number,
    percent,
    plain,
    short,
    signed,
    sortable,
    text,
    typed,
)
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Scenario, Subject

__all__ = [
    "estimates_grid",
    "failures_grid",
    "fits_grid",
    "measures_grid",
    "paired_grid",
    "past_the_gate_grid",
    "random_effects_grid",
    "recovery_grid",
    "verdicts_grid",
]

_MEASURES = {
    "bias": "mean of estimate less truth",
    "relative_bias": "bias as a share of the truth",
    "empirical_se": "standard deviation of the estimates",
    "model_se": "root mean square of the standard errors",
    "rmse": "root mean square error",
    "coverage": "share of the intervals that hold the truth",
    "width": "mean width of the intervals",
}
_KINDS = {"estimator": "estimator", "parameter": "code"}
# A measure, and the kind and level of the intervals that it is of.
_Key = tuple[str, str, float]
_NO_INTERVAL = "there is no interval"
_NAMES = {"empirical_se": "empirical SE", "model_se": "model SE", "rmse": "RMSE"}
_BAD = ("failed", "timeout", "worker_died", "flagged", "not_applicable")


def _estimator(label: object) -> Value:
    return text(label, kind="estimator")


def estimates_grid(subject: Subject, scenario: Scenario) -> Grid:
    """Return parameter by estimator for the first data set."""
    rows = subject.first_intervals[subject.first_intervals["scenario"] == scenario.name]
    known = rows["truth"].notna().any()
    columns = [
        Column("parameter", numeric=False),
        Column("estimator", numeric=False),
        Column("estimate"),
        Column("SE", "standard error, or posterior sd"),
        Column(percent(subject.level), "interval, and its kind"),
        Column("quantile", "share of the posterior draws below the estimate"),
        Column("z", "distance from the posterior mean in posterior sds"),
        *([Column("truth")] if known else []),
        Column("estimates", "what the number estimates", numeric=False),
        Column("flags", numeric=False),
    ]
    found = [_estimate_row(row, known=bool(known)) for row in rows.to_dict("records")]
    return grid(f"{scenario.key}-estimates", "Estimates", columns, found)


def _estimate_row(row: Mapping[str, Any], *, known: bool) -> list[Value]:
    reason, error = str(row["reason"] or ""), float(row["se"])
    kind, because = (row[name] if isinstance(row[name], str) else "" for name in ("kind", "because"))
    draws = "the posterior itself" if row["kind"] == "eti" else reason or "no posterior of this data set"
    return [
        text(row["parameter"], kind="code"),
        _estimator(row["estimator"]),
        number(row["estimate"], error, reason or "there is no estimate"),
        number(error, error, reason or "there is no standard error"),
        _with_kind(interval(float(row["lower"]), float(row["upper"]), error, because or reason or _NO_INTERVAL), kind),
        number(row["quantile"], 0.01, draws),
        number(row["z"], 0.1, draws),
        *([typed(row["truth"], "unknown")] if known else []),
        text(row["estimand"] or "nothing", reason, "missing" if not row["estimand"] else "text"),
        text(", ".join(row["flags"]), kind="flags"),
    ]


def _with_kind(bounds: Value, kind: str) -> Value:
    """Return an interval with its kind beside it."""
    return replace(bounds, tail=kind)


def measures_grid(subject: Subject, scenario: Scenario, *, every: bool = True) -> Grid | None:
    """Return the measures of a scenario: parameter and estimator by measure, each with its Monte Carlo error.

    Parameters
    ----------
    every
        Whether of every kind of interval and every level, or of the first that an estimator has.
    """
    measures = subject.results.measures
    mine = measures[measures["scenario"] == scenario.name].fillna({"kind": "", "level": 0.0})
    if not len(mine):
        return None
    found = mine if every else mine.drop_duplicates(["parameter", "estimator", "measure"])
    keyed = [((row["measure"], row["kind"] if every else "", row["level"]), row) for row in found.to_dict("records")]
    keys = list(dict.fromkeys(key for key, _ in keyed))
    groups: dict[tuple[str, str], dict[_Key, Mapping[str, Any]]] = {}
    for key, row in keyed:
        groups.setdefault((row["parameter"], row["estimator"]), {})[key] = row
    columns = [
        Column("parameter", numeric=False),
        Column("estimator", numeric=False),
        *(Column(_measure_title(*key), _MEASURES.get(key[0], "")) for key in keys),
        *([] if every else [Column("intervals", "their kind; the stored tables have all kinds", numeric=False)]),
        Column("n", "fits used, of all; where a measure used fewer, it says so itself"),
    ]
    rows = [
        _measures_row(parameter, label, groups[parameter, label], keys, kind=not every)
        for parameter in scenario.parameters
        for label in subject.estimators
        if (parameter, label) in groups
    ]
    return grid(f"{scenario.key}-measures", "Measures, with Monte Carlo standard errors in brackets", columns, rows)


def _measure_title(measure: str, kind: str, level: float) -> str:
    name = _NAMES.get(measure, measure.replace("_", " "))
    shown = " ".join(filter(None, [kind.upper() if kind in ("eti", "hdi") else kind, percent(level) if level else ""]))
    return f"{name}, {shown}" if shown else name


def _measures_row(
    parameter: str, label: str, found: Mapping[_Key, Mapping[str, Any]], keys: Sequence[_Key], *, kind: bool
) -> list[Value]:
    """Return a row, with the kind of its intervals where the columns do not name it."""
    most = max(int(row["n_used"]) for row in found.values())
    total = max(int(row["n_total"]) for row in found.values())
    cells = [_measure(found.get(key), most) for key in keys]
    cells += [text(next((row["kind"] for row in found.values() if row["kind"]), ""))] if kind else []
    return [text(parameter, kind="code"), _estimator(label), *cells, Value(count(most, total), str(most))]


def _measure(row: Mapping[str, Any] | None, most: int) -> Value:
    if row is None:
        return Value("", "", "not of this kind, or not defined here", "empty")
    value, error = float(row["value"]), float(row["mcse"])
    tail = f"({plain(error, error)})" if np.isfinite(error) else ""
    if int(row["n_used"]) != most:
        tail = f"{tail} {count(row['n_used'], row['n_total'])}".strip()
    return number(value, error, "no fit can be used", tail=tail)


def _long(rows: Iterable[Mapping[str, Any]], order: Sequence[str]) -> list[list[Value]]:
    """Return rows of (names..., measure, value with error, n)."""
    return [
        [
            *(text(row[name], kind=_KINDS.get(name, "text")) for name in order),
            text(str(row["measure"]).replace("_", " ")),
            number(row["value"], float(row["mcse"]), "no pair can be used"),
            number(row["mcse"], float(row["mcse"]), "needs two data sets"),
            Value(count(row["n_used"], row["n_total"]), str(row["n_used"])),
        ]
        for row in rows
    ]


def _long_columns(*names: str) -> list[Column]:
    return [
        *(Column(name, numeric=False) for name in (*names, "measure")),
        Column("value"),
        Column("MCSE", "Monte Carlo standard error"),
        Column("n", "fits used, of all"),
    ]


def recovery_grid(subject: Subject) -> Grid | None:
    """Return how well the random effects are recovered."""
    found = subject.results.recovery
    if not len(found):
        return None
    rows = _long(found.to_dict("records"), ["scenario", "effect", "estimator"])
    title = "Recovery of the random effects: RMSE, and slope on the conditional modes at the true parameters"
    return grid("recovery", title, _long_columns("scenario", "effect", "estimator"), rows)


def past_the_gate_grid(subject: Subject) -> Grid | None:
    """Return the measures without the fits that failed the convergence gate."""
    found = subject.results.measures_past_the_gate
    if not len(found):
        return None
    rows = _long(found.to_dict("records"), ["scenario", "parameter", "estimator"])
    title = "Without the fits that failed the convergence gate (the measures above keep them)"
    return grid("past-the-gate", title, _long_columns("scenario", "parameter", "estimator"), rows)


def paired_grid(subject: Subject, reference: str = "lbfgs-ml") -> Grid | None:
    """Return paired differences from a reference on the same data sets."""
    if not subject.is_study or reference not in subject.estimators:
        return None
    found = subject.results.paired(reference)
    found = found[(found["n_used"] > 0) & found["measure"].isin(["difference", "squared_error_difference"])]
    if not len(found):
        return None
    rows = _long(found.to_dict("records"), ["scenario", "parameter", "estimator"])
    title = f"Paired differences from {reference} on the same data sets"
    return grid("paired", title, _long_columns("scenario", "parameter", "estimator"), rows)


def verdicts_grid(subject: Subject) -> Grid:
    """Return every verdict in full."""
    columns = [
        Column("claim"),
        Column("aspect", numeric=False),
        Column("objective", numeric=False),
        Column("scenario", numeric=False),
        Column("estimate"),
        Column("95 %"),
        Column("margin"),
        Column("n", "fits used, of all"),
        Column("where", "parameter that decides", numeric=False),
        Column("verdict", numeric=False),
    ]
    rows = [_verdict_row(row) for row in subject.results.verdicts.to_dict("records")]
    return grid("verdicts", "Verdicts", columns, rows)


def _verdict_row(row: Mapping[str, Any]) -> list[Value]:
    lower, upper = float(row["lower"]), float(row["upper"])
    error = (upper - lower) / 4
    reason = "not run, or nothing to count"
    return [
        Value(str(row["claim"]), str(row["claim"]), str(row["statement"])),
        text(row["aspect"]),
        _estimator(row["objective"]) if row["objective"] else text(""),
        text(signed(str(row["scenario"]))),
        number(row["value"], error, reason),
        interval(lower, upper, error, reason),
        Value(short(row["margin"]), sortable(row["margin"])),
        Value(count(row["n_used"], row["n_total"]), str(row["n_used"])),
        text(signed(str(row["where"])), kind="code"),
        Value(str(row["verdict"]), str(row["verdict"]), "", "verdict"),
    ]


_FIT_COLUMNS = [
    Column("estimator", numeric=False),
    Column("status", numeric=False),
    Column("flags", numeric=False),
    Column("objective", "-2 log (restricted) likelihood, or the minimised loss"),
    Column("gap, deviance", "above the best known optimum of its own objective"),
    Column("gap, SE", "distance from that optimum in standard errors"),
    Column("gradient", "largest absolute gradient at the end"),
    Column("evaluations", "of the objective, updates, or gradient steps"),
    Column("seconds"),
    Column("message", numeric=False),
]


def _fit_row(row: Mapping[str, Any]) -> list[Value]:
    none = "this estimator has none, or its optimum is not known"
    return [
        _estimator(row["estimator"]),
        text(str(row["status"]).replace("_", " "), kind="status"),
        text(", ".join(map(str, row["flags"])) if len(row["flags"]) else "", kind="flags"),
        number(row["objective"], reason=none, digits=7),
        number(row["gap_deviance"], reason=none),
        number(row["gap_sd"], reason=none),
        number(row["grad_norm"], reason=none),
        counted(row["evaluations"]),
        number(row["seconds"], reason="not measured"),
        text(row["message"] or ""),
    ]


def fits_grid(subject: Subject) -> Grid:
    """Return every fit of one's own data."""
    fits = subject.table("fits")
    if len(fits):
        fits = fits.sort_values("estimator", key=lambda column: column.map(subject.rank), kind="stable")
    return grid("fits", "Fits", _FIT_COLUMNS, [_fit_row(row) for row in fits.to_dict("records")])


def failures_grid(subject: Subject, most: int = 200) -> Grid | None:
    """Return the fits of a study that did not end well, the worst first."""
    fits = subject.table("fits")
    bad = fits[fits["status"].isin(_BAD)] if len(fits) else fits
    if not len(bad):
        return None
    order = bad.sort_values("status", key=lambda column: column.map(_BAD.index), kind="stable")
    columns = [Column("scenario", numeric=False), Column("replicate"), *_FIT_COLUMNS]
    rows = [
        [text(row["scenario"]), Value(str(row["replicate"]), str(row["replicate"])), *_fit_row(row)]
        for row in order.to_dict("records")
    ]
    return grid("failures", "Fits that failed or were flagged", columns, rows, most)


def random_effects_grid(subject: Subject) -> Grid | None:
    """Return the random effects of one's own data."""
    frame = subject.table("random_effects")
    if not len(frame) or subject.is_study:
        return None
    columns = [
        Column("random effect", numeric=False),
        Column("estimator", numeric=False),
        Column("value"),
        Column("sd"),
        Column("what", numeric=False),
    ]
    rows = [
        [
            text(row["parameter"], kind="code"),
            _estimator(row["estimator"]),
            number(row["estimate"], float(row["se"]), str(row["reason"])),
            number(row["se"], float(row["se"]), "unknown"),
            text(row["estimand"]),
        ]
        for row in frame.sort_values("parameter", kind="stable").to_dict("records")
    ]
    return grid("effects", "Random effects", columns, rows)
