"""The same measures by several readings of the study, side by side where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.readings import READINGS
from bayescompare.reporting.factorial import names
from bayescompare.reporting.formats import NOT_AVAILABLE, Value, count, number, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.picture import shown_measures
from bayescompare.reporting.subject import Subject

__all__ = ["Readings", "readings"]

_MEASURES: Mapping[str, str] = {"bias": "bias", "rmse": "RMSE", "coverage": "coverage"}
_CELL = ["scenario", "parameter", "estimator", "measure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """How many cells the readings tell apart, and those cells."""

    sentence: str
    names: Mapping[str, str]
    table: Grid


def readings(subject: Subject) -> Readings | None:
    """Return the readings of a study side by side, for each cell in which they can differ."""
    if not subject.is_study:
        return None
    rows = pd.concat([shown_measures(subject, reading) for reading in READINGS])
    rows = rows[rows["measure"].isin(list(_MEASURES))]
    if not len(rows):
        return None
    cells = _cells(rows)
    apart = {key: found for key, found in cells.items() if _differ(found)}
    return Readings(sentence=_sentence(len(apart), len(cells)), names=READINGS, table=_table(subject, apart))


def _cells(rows: pd.DataFrame) -> dict[tuple[str, ...], dict[str, Mapping[str, Any]]]:
    """Return the readings of each cell."""
    found: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for row in rows.to_dict("records"):
        found.setdefault(tuple(row[name] for name in _CELL), {})[row["reading"]] = row
    return found


def _differ(found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether any reading lacks a fit: only then can they differ."""
    return any(row["n_used"] < row["n_total"] or not np.isfinite(row["value"]) for row in found.values())


def _sentence(apart: int, cells: int) -> str:
    what = "numbers (bias, RMSE and coverage of each parameter, estimator and scenario)"
    if not apart:
        return f"Every reading gives the same: all fits are used in each of the {cells} {what}."
    return (
        f"{apart} of {cells} {what} leave out a fit in one reading or another, and stand below; "
        "the others are the same in every reading."
    )


def _table(subject: Subject, cells: Mapping[Any, Mapping[str, Mapping[str, Any]]]) -> Grid:
    where, rank = names(subject), subject.rank
    place = {scenario.name: k for k, scenario in enumerate(subject.scenarios)}
    order = sorted(cells, key=lambda key: (place[key[0]], list(_MEASURES).index(key[3])))
    rows = [
        [
            text(where[scenario]),
            text(parameter, kind="code"),
            text(label, kind="estimator" if label in rank else "text"),
            text(_MEASURES[measure]),
            *(_value(cells[scenario, parameter, label, measure].get(reading)) for reading in READINGS),
        ]
        for scenario, parameter, label, measure in order
    ]
    columns = [Column(name, numeric=False) for name in ("scenario", "parameter", "estimator", "measure")]
    columns += [Column(reading, f"{words}: value (Monte Carlo SE) n") for reading, words in READINGS.items()]
    return grid(
        "readings", "Readings side by side: value, Monte Carlo standard error in brackets, n", columns, rows, 600
    )


def _value(row: Mapping[str, Any] | None) -> Value:
    """Return value, error and denominator; a measure that a reading does not have is left empty."""
    if row is None:
        return Value("", "", "this reading counts misses of intervals only", "empty")
    n, error = count(row["n_used"], row["n_total"]), float(row["mcse"])
    if not np.isfinite(row["value"]):
        return Value(NOT_AVAILABLE, "", str(row["reason"]) or "no fit has a number", "missing", n)
    return number(row["value"], error, tail=f"({plain(error, error)}) {n}" if np.isfinite(error) else n)
