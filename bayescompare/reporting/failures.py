"""What became of the fits of a study: statuses, flags and messages, with the fits that they are out of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayescompare.fits import Status
from bayescompare.reporting.factorial import names
from bayescompare.reporting.formats import Value, count, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Subject

__all__ = ["Outcomes", "outcomes"]

_HELP: Mapping[Status, str] = {
    Status.OK: "without a flag, or with harmless ones alone",
    Status.FLAGGED: "with an estimate, and a flag to read first",
    Status.FAILED: "without an estimate",
    Status.TIMEOUT: "out of time",
    Status.WORKER_DIED: "lost with their worker",
    Status.NOT_APPLICABLE: "the estimator cannot fit this model; in no other denominator",
}
#: Statuses whose messages are listed.
_UNHAPPY = [status for status in Status if status not in (Status.OK, Status.FLAGGED)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The fits by estimator, the same by scenario, and the messages of those that failed."""

    estimators: Grid
    scenarios: Grid
    messages: Grid | None


def outcomes(subject: Subject) -> Outcomes | None:
    """Return what became of the fits of a study."""
    fits = subject.table("fits")
    if not subject.is_study or not len(fits):
        return None
    return Outcomes(
        estimators=_by_estimator(subject, fits),
        scenarios=_by_scenario(subject, fits),
        messages=_messages(subject, fits),
    )


def _columns(present: Sequence[Status]) -> list[Column]:
    return [
        *(Column(str(status).replace("_", " "), _HELP[status]) for status in present),
        Column("flags", "fits that raise each flag", numeric=False),
    ]


def _present(fits: pd.DataFrame) -> list[Status]:
    """Return the statuses that occur; those of every study stand there even so."""
    seen = set(fits["status"])
    return [status for status in Status if status in seen or status in (Status.OK, Status.FLAGGED, Status.FAILED)]


def _outcome(fits: pd.DataFrame, present: Sequence[Status]) -> list[Value]:
    status, flags = Counter(map(str, fits["status"])), Counter(str(flag) for each in fits["flags"] for flag in each)
    words = ", ".join(f"{flag.replace('_', ' ')} {count(n, len(fits))}" for flag, n in flags.most_common())
    return [*(Value(count(status[one], len(fits)), str(status[one])) for one in present), text(words)]


def _by_estimator(subject: Subject, fits: pd.DataFrame) -> Grid:
    present = _present(fits)
    rows = [
        [text(label, kind="estimator"), *_outcome(fits[fits["estimator"] == label], present)]
        for label in subject.estimators
    ]
    columns = [Column("estimator", numeric=False), *_columns(present)]
    return grid("outcomes", "Fits by status, of all that were asked for", columns, rows)


def _by_scenario(subject: Subject, fits: pd.DataFrame) -> Grid:
    present, where = _present(fits), names(subject)
    cells = {key: group for key, group in fits.groupby(["scenario", "estimator"], sort=False)}
    rows = [
        [text(where[scenario.name]), text(label, kind="estimator"), *_outcome(cells[scenario.name, label], present)]
        for scenario in subject.scenarios
        for label in subject.estimators
        if (scenario.name, label) in cells
    ]
    columns = [Column("scenario", numeric=False), Column("estimator", numeric=False), *_columns(present)]
    return grid("outcomes-by-scenario", "Fits by status, scenario by scenario", columns, rows)


def _messages(subject: Subject, fits: pd.DataFrame) -> Grid | None:
    """Return each message of a fit that failed, once, with where it first came."""
    bad = fits[fits["status"].isin([str(status) for status in _UNHAPPY])]
    if not len(bad):
        return None
    columns = [
        Column("message", numeric=False),
        Column("status", numeric=False),
        Column("estimator", numeric=False),
        Column("fits", "of all fits of the estimator"),
        Column("first in", "scenario and replicate, for bayescompare rerun", numeric=False),
    ]
    totals = fits["estimator"].value_counts()
    groups = bad.groupby(["message", "status", "estimator"], sort=False, dropna=False)
    found = sorted((group for _, group in groups), key=len, reverse=True)
    return grid(
        "messages",
        "Messages of the fits that failed, each once",
        columns,
        [_message(group, totals) for group in found],
        50,
    )


def _message(group: pd.DataFrame, totals: pd.Series) -> list[Value]:
    first: Mapping[str, Any] = group.iloc[0].to_dict()
    label = str(first["estimator"])
    return [
        text(first["message"] or "none"),
        text(str(first["status"]).replace("_", " ")),
        text(label, kind="estimator"),
        Value(count(len(group), totals[label]), str(len(group))),
        text(f"{first['scenario']}, replicate {first['replicate']}"),
    ]
