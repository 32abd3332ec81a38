"""If the fit were the truth: what a simulation from it says of the estimators, for the report of a fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from bayescompare.comparison.if_true import AT_BOUND
from bayescompare.comparison.usual import ALIKE, SAME
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.lanes import Lane
from bayescompare.reporting.figures.spread import Spread, spread_panel
from bayescompare.reporting.formats import Value, count, number, percent, plain, short, text, whole
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.if_true_words import sentences, with_error
from bayescompare.reporting.subject import Subject

__all__ = ["IfTrueSection", "if_true"]

_NAN = float("nan")
_OTHER = "it estimates something else: "
#: Kinds of intervals that need no name here: Wald's of a point estimate, equal tails of draws.
_USUAL = ("wald", "eti")


@dataclass(frozen=True, slots=True, kw_only=True)
class IfTrueSection:
    """The answer in two sentences, what to know of it, its picture and its tables."""

    sentences: Sequence[str]
    asides: Sequence[str]
    pictures: Sequence[Drawing]
    table: Grid
    outcomes: Grid
    differences: Grid | None
    alike: str


def if_true(subject: Subject) -> IfTrueSection | None:
    """Return what a simulation from a fit says; None where none was asked for, or nothing of it is there."""
    about = subject.about.get("if_true")
    table = subject.table("if_true")
    if not about or not len(table):
        return None
    names = ("if_true", "if_true_estimates", "if_true_differences")
    tables = {name: subject.table(name) for name in names}
    differences = tables["if_true_differences"]
    same = differences["reason"] == ALIKE
    return IfTrueSection(
        sentences=sentences(tables, about),
        asides=list(_asides(about)),
        pictures=_pictures(subject, tables["if_true_estimates"]),
        table=_measures(table, tables["if_true_estimates"]),
        outcomes=_outcomes(table),
        differences=_differences(differences[~same]) if (~same).any() else None,
        alike=_alike(differences[same]),
    )


def _asides(about: Mapping[str, Any]) -> list[str]:
    """Return how many data sets there are, and what is left out or else."""
    done, asked = int(about["done"]), int(about["replicates"])
    made = f"{whole(done)} data sets" if done == asked else f"So far {whole(done)} of {whole(asked)} data sets"
    first = (
        f"{made} simulated from the {about['truth']} fit on the rows of your data, with new random effects and new "
        f"noise (seed {about['seed']}), fitted by the same estimators with the same settings."
    )
    return [first, *about["left_out"], *about["notes"]]


def _pictures(subject: Subject, estimates: pd.DataFrame) -> list[Drawing]:
    """Return a figure a parameter."""
    return [
        spread_panel(
            f"if-true{k}",
            str(parameter),
            [_spread(subject, row) for row in _records(rows)],
            float(rows["truth"].iloc[0]),
        )
        for k, (parameter, rows) in enumerate(estimates.groupby("parameter", sort=False))
    ]


def _records(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    return rows.to_dict("records")


def _spread(subject: Subject, row: Mapping[Any, Any]) -> Spread:
    look = subject.look(str(row["estimator"]))
    lane = Lane(
        title=look.name,
        subtitle=look.settings,
        look=look,
        value=row["own"],
        lower=row["lower"],
        upper=row["upper"],
        note=str(row["reason"]),
    )
    half = float(row["lower_half"]), float(row["upper_half"])
    return Spread(lane=lane, half=half, mean=float(row["mean"]), n_used=row["n_used"], n_total=row["n_total"])


def _measures(table: pd.DataFrame, estimates: pd.DataFrame) -> Grid:
    """Return a row a parameter and estimator."""
    covered = table[table["measure"] == "first_coverage"]
    level = f" {percent(covered['level'].iloc[0])}" if len(covered) else ""
    columns = [
        Column("parameter", numeric=False),
        Column("estimator", numeric=False),
        Column("truth", "the estimate that data were simulated from"),
        Column("yours", "the estimate from your own data"),
        Column("mean error ±", "mean of estimate less truth, and its Monte Carlo standard error"),
        Column("in ML SE ±", "the same in typical standard errors of the ML estimate"),
        Column("SD ±", "standard deviation of the estimates"),
        Column("RMSE ±", "root mean square error"),
        Column(
            f"coverage{level}",
            "share of the intervals that hold the truth, and its 95 % Wilson interval; of each data set the first "
            "interval that has bounds: Wald's of point estimates, equal tails of draws, unless kinds are named",
        ),
        Column("at bound", f"sds within {AT_BOUND} ML standard errors of zero, correlations at one; Wilson interval"),
        Column("n", "data sets with an estimate, of all"),
    ]
    measured = {(row["estimator"], row["parameter"], row["measure"]): row for row in _records(table)}
    covers = {(row["estimator"], row["parameter"]): row for row in _records(covered)}
    rows = [_measured(row, measured, covers) for row in _records(estimates)]
    return grid("if-true-measures", "What would become of each estimate", columns, rows)


def _measured(row: Mapping[Any, Any], measured: Mapping[Any, Any], covers: Mapping[Any, Any]) -> list[Value]:
    key = row["estimator"], row["parameter"]
    why = str(row["reason"]) or _why(row, (*key, "bias") in measured)
    numbers = [_mean(measured.get((*key, name)), why) for name in ("bias", "standardised_bias", "empirical_se", "rmse")]
    return [
        text(row["parameter"], kind="code"),
        text(row["estimator"], kind="estimator"),
        number(row["truth"], row["scale"], reason="not defined where an sd is zero"),
        number(row["own"], row["scale"], reason=str(row["reason"]) or "no estimate from your own data"),
        *numbers,
        _share(covers.get(key), why or "no interval"),
        _share(measured.get((*key, "at_bound")), "") if (*key, "at_bound") in measured else text(""),
        Value(count(row["n_used"], row["n_total"]), str(row["n_used"])),
    ]


def _why(row: Mapping[Any, Any], has_bias: bool) -> str:
    """Say why an estimate that is there has no error."""
    if has_bias:
        return ""
    return "not defined where an sd is zero" if math.isnan(row["truth"]) else f"{_OTHER}{row['estimand']}"


def _mean(row: Mapping[Any, Any] | None, why: str) -> Value:
    if row is None:
        return number(_NAN, reason=why or "not measured")
    known = math.isfinite(row["mcse"]) and math.isfinite(row["value"])
    shown, _, tail = with_error(row["value"], row["mcse"]).partition(" ") if known else ("", "", "")
    return replace(number(row["value"], reason=str(row["reason"]), tail=tail), **({"text": shown} if known else {}))


def _share(row: Mapping[Any, Any] | None, why: str) -> Value:
    """Return a share in percent with its Wilson interval and, where it is not of all, its denominators."""
    if row is None or row["value"] != row["value"]:
        return number(_NAN, reason=str(row["reason"]) if row is not None and row["reason"] else why)
    some = f" n = {count(row['n_used'], row['n_total'])}" if row["n_used"] < row["n_total"] else ""
    kind = f" {row['kind']}" if isinstance(row["kind"], str) and row["kind"] not in _USUAL else ""
    tail = f"[{100 * row['lower']:.0f}, {100 * row['upper']:.0f}]{kind}{some}"
    return Value(f"{short(round(100 * row['value'], 1))} %", repr(float(row["value"])), "", "number", tail)


def _outcomes(table: pd.DataFrame) -> Grid:
    """Return how many fits of each estimator failed or were flagged, and by what."""
    columns = [
        Column("estimator", numeric=False),
        Column("failed", "fits without a result, with the 95 % Wilson interval of their share"),
        Column("flagged", "fits with a flag that is a fault"),
        Column("flags", "each with its fits; some are no faults", numeric=False),
    ]
    rows = []
    for label, mine in table[table["parameter"] == ""].groupby("estimator", sort=False):
        shares = {row["measure"]: row for row in _records(mine[mine["measure"].isin(["failed", "flagged"])])}
        raised = mine[(mine["measure"] == "flag") & (mine["value"] > 0)].sort_values("value", ascending=False)
        flags = ", ".join(f"{row['kind']} {_hits(row)}" for row in _records(raised))
        rows.append(
            [
                text(label, kind="estimator"),
                *(_counted(shares.get(name)) for name in ("failed", "flagged")),
                text(flags),
            ]
        )
    return grid("if-true-fits", "What would become of the fits", columns, rows)


def _hits(row: Mapping[Any, Any]) -> str:
    return count(round(row["value"] * row["n_used"]), row["n_used"])


def _counted(row: Mapping[Any, Any] | None) -> Value:
    if row is None:
        return number(_NAN, reason="not counted")
    tail = f"[{100 * row['lower']:.0f}, {100 * row['upper']:.0f} %]"
    return Value(_hits(row), repr(float(row["value"])), "", "number", tail)


def _alike(differences: pd.DataFrame) -> str:
    """Say which estimators agree, so that there is no difference to rank."""
    parts = [
        f"{label} and {reference} in {', '.join(rows['parameter'])}"
        for (label, reference), rows in differences.groupby(["estimator", "reference"], sort=False)
    ]
    if not parts:
        return ""
    return (
        f"Not ranked, because they agree within {SAME} ML standard errors in your data and in the simulated ones: "
        + (f"{'; '.join(parts)}.")
    )


def _differences(differences: pd.DataFrame) -> Grid:
    """Return where the user's own differences lie among the simulated ones."""
    columns = [
        Column("parameter", numeric=False),
        Column("estimator", numeric=False),
        Column("less", "the estimator that it is compared with", numeric=False),
        Column("yours", "the difference in your own data"),
        Column("simulated ± SD", "mean of the same over the simulated data sets, and their standard deviation"),
        Column("rank", "simulated differences that are smaller, of all; those that are equal in brackets"),
        Column("p", "two-sided, of the rank"),
        Column("p, all together", "allowing for the number of differences (largest distance from the mean, in sds)"),
    ]
    rows = []
    for row in _records(differences):
        why = str(row["reason"])
        equal = f"(+{whole(row['equal'])})" if row["equal"] else ""
        rows.append(
            [
                text(row["parameter"], kind="code"),
                text(row["estimator"], kind="estimator"),
                text(row["reference"], kind="estimator"),
                number(row["observed"], reason=why),
                number(row["mean"], reason=why, tail=f"± {plain(row['sd'], digits=2)}"),
                Value(count(row["below"], row["n_used"]), repr(float(row["below"])), "", "number", equal),
                number(row["p"], reason=why, digits=2),
                number(row["p_together"], reason=why, digits=2),
            ]
        )
    return grid("if-true-differences", "Your own differences among the simulated ones", columns, rows)
