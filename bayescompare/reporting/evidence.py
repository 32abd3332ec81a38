"""Figures of the estimates: forests, positions in the posterior, performance, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from bayescompare.comparison.claims import CLAIMS
from bayescompare.comparison.records import same_estimand
from bayescompare.reporting.draws import labelled_draws
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.forest import forest_panel
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lanes import Lane
from bayescompare.reporting.figures.position import POSITION, position_panel
from bayescompare.reporting.figures.study import Pair, performance_panel, verdict_panel
from bayescompare.reporting.formats import signed
from bayescompare.reporting.palette import Look
from bayescompare.reporting.subject import Scenario, Subject

__all__ = ["forests", "performance", "position", "verdict_figures"]

_NAN = float("nan")
#: Scenarios in a picture of a claim: of more, those with the largest estimands; the table of verdicts has all.
MOST_LANES = 24


def _lane(look: Look, **numbers: object) -> Lane:
    return Lane(title=look.name, subtitle=look.settings, look=look, **numbers)  # type: ignore[arg-type]  # Lane's own


def forests(subject: Subject, scenario: Scenario) -> list[Drawing]:
    """Return a forest with its posterior density for each parameter of the first data set."""
    rows = subject.first_intervals
    rows = rows[rows["scenario"] == scenario.name]
    draws = labelled_draws(subject.tree(scenario.name), scenario.parameters)
    return [
        forest_panel(
            f"{scenario.key}-forest{k}",
            parameter,
            _forest_lanes(subject, group),
            draws=draws.get(parameter),
            truth=subject.truth(scenario.name, parameter),
            level=subject.level,
        )
        for k, parameter in enumerate(scenario.parameters)
        if len(group := rows[rows["parameter"] == parameter])
    ]


def _forest_lanes(subject: Subject, rows: pd.DataFrame) -> list[Lane]:
    """Return a lane a row; numbers of another estimand are hollow."""
    same = set(same_estimand(rows)["estimator"])
    again = rows.duplicated("estimator")
    return [
        _forest_lane(subject, row, hollow=row["estimator"] not in same, again=further)
        for row, further in zip(rows.to_dict("records"), again, strict=True)
    ]


def _forest_lane(subject: Subject, row: Mapping[str, Any], *, hollow: bool, again: bool) -> Lane:
    """Return the lane of an estimator, or one of a further kind of its intervals, which is named by that."""
    look = subject.estimators[str(row["estimator"])]
    title, subtitle = (str(row["kind"]), "") if again else (look.name, look.settings)
    return Lane(
        title=title,
        subtitle=subtitle,
        look=look,
        value=row["estimate"],
        lower=row["lower"],
        upper=row["upper"],
        note=str(row["reason"]) or str(row["status"]),
        hollow=hollow,
    )


def position(subject: Subject, scenario: Scenario, rows: pd.DataFrame, guide: Guide = POSITION) -> Drawing | None:
    """Return where the point estimates of the first data set lie in the posterior, or beside ML.

    Parameters
    ----------
    rows
        Rows of the summary table that have a place there.
    guide
        Of the figure.
    """
    found = {
        parameter: [
            (subject.estimators[str(label)], float(z)) for label, z in zip(group["estimator"], group["z"], strict=True)
        ]
        for parameter in scenario.parameters
        if len(group := rows[rows["parameter"] == parameter])
    }
    return position_panel(f"{scenario.key}-position", found, guide) if found else None


def performance(subject: Subject, scenario: Scenario) -> list[Drawing]:
    """Return bias and coverage of every estimator, a panel a parameter."""
    measures = subject.results.measures
    rows = measures[measures["scenario"] == scenario.name]
    panels = []
    for k, parameter in enumerate(scenario.parameters):
        group = rows[rows["parameter"] == parameter]
        if len(group):
            pairs = [_pair(subject, scenario, look, group, parameter) for look in subject.estimators.values()]
            panels.append(performance_panel(f"{scenario.key}-bias{k}", parameter, pairs, subject.level))
    return panels


def _pair(subject: Subject, scenario: Scenario, look: Look, group: pd.DataFrame, parameter: str) -> Pair:
    mine = group[group["estimator"] == look.label]
    bias = mine[mine["measure"] == "bias"]
    kept = mine[(mine["measure"] == "coverage") & (mine["kind"] != "hdi") & (mine["level"] == subject.level)]
    reason = _reason(subject, scenario, look.label, parameter)
    return Pair(
        bias=_measured(look, bias, reason or "not estimated"),
        coverage=_measured(look, kept, "no interval" if len(bias) else ""),
    )


def _measured(look: Look, rows: pd.DataFrame, note: str) -> Lane:
    """Return a measure with its 95 % Monte Carlo interval."""
    if not len(rows):
        return _lane(look, value=_NAN, note=note or " ")
    first = rows.iloc[0]
    numbers = {name: float(first[name]) for name in ("value", "lower", "upper")}
    return _lane(look, **numbers, note=str(first["reason"]), used=int(first["n_used"]), total=int(first["n_total"]))


def _reason(subject: Subject, scenario: Scenario, label: str, parameter: str) -> str:
    """Return why an estimator has no measure of a parameter."""
    estimates = subject.rows("estimates", scenario.name)
    rows = estimates[(estimates["estimator"] == label) & (estimates["parameter"] == parameter)]
    if len(same_estimand(rows)) < len(rows):
        return f"estimates {rows['estimand'].iloc[0]}"
    reasons = [reason for reason in rows["reason"] if reason]
    return str(reasons[0]) if reasons else ""


def verdict_figures(subject: Subject, number: int) -> Iterator[Drawing]:
    """Yield the pictures of a claim: its estimands and their intervals against the margin, the largest of many."""
    rows = subject.results.verdicts
    rows = rows[(rows["claim"] == number) & rows["value"].notna()]
    for k, ((aspect, label), group) in enumerate(rows.groupby(["aspect", "objective"], sort=False)):
        name, _, settings = str(label).partition(":")
        shown = group[group["value"].rank(method="first", ascending=False) <= MOST_LANES]
        some = f"the {MOST_LANES} largest of {len(group)}" if len(shown) < len(group) else ""
        yield verdict_panel(
            f"claim{number}-{k}",
            name,
            "; ".join(part for part in (some, str(aspect), settings.replace(",", ", ")) if part),
            [_verdict_lane(subject, row) for row in shown.to_dict("records")],
            float(group["margin"].min()),
            fault=CLAIMS[number].fault,
        )


def _verdict_lane(subject: Subject, row: Mapping[str, object]) -> Lane:
    label = str(row["objective"])
    # a contrast says after a colon what it is of
    scenario, _, of = signed(str(row["scenario"])).partition(": ")
    return Lane(
        title=of or scenario,
        subtitle=scenario if of else "",
        look=subject.look(label),
        value=float(str(row["value"])),
        lower=float(str(row["lower"])),
        upper=float(str(row["upper"])),
        hollow=row["verdict"] == "undecided",
        used=int(str(row["n_used"])),
        total=int(str(row["n_total"])),
    )
