"""The answer of a study on one screen: an estimator a row, what became of the random effects, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayescompare.comparison.headline import ASPECTS
from bayescompare.reporting.factorial import names
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.formats import NOT_AVAILABLE, Value, count, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Subject

__all__ = ["Headline", "headline"]

_TITLES = {
    "arrival": "fits that did not arrive",
    "optimizer and stopping": "optimizer and stopping",
    "objective": "objective, or prior and loss",
    "total": "bias of a group sd",
    "effects": "error of group effects",
}
_NOTHING = {
    "arrival": "nothing to arrive at",
    "effects": "the effects were not predicted, or are the yardstick",
}
# The error that a number is printed with at the least: thousandths of a standard error interest nobody.
_FINEST = 0.01
_NOT_ESTIMATED = "it does not estimate the sds of the groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """Sentences, the table behind them, and pictures of the errors of the first sd of the groups."""

    sentences: tuple[str, ...]
    table: Grid
    pictures: Sequence[Drawing]


def headline(subject: Subject, pictures: Sequence[Drawing]) -> Headline | None:
    """Return the answer of a study; None where nothing is known of the random effects."""
    found = subject.results.headline
    if not subject.is_study or not len(found):
        return None
    cells = {(str(row["estimator"]), str(row["aspect"])): row for row in found.to_dict("records")}
    where = names(subject)
    columns = [Column("estimator", numeric=False)]
    columns += [Column(_TITLES[aspect], ASPECTS[aspect]) for aspect in ASPECTS]
    rows = [
        [text(label, kind="estimator"), *(_cell(aspect, cells.get((label, aspect)), where) for aspect in ASPECTS)]
        for label in subject.estimators
    ]
    caption = "What became of the random effects: each estimator in its worst scenario, with 95 % intervals"
    return Headline(sentences=tuple(_sentences(subject, cells, where)), table=grid("headline", caption, columns, rows),
                    pictures=pictures)  # fmt: skip


def _cell(aspect: str, row: Mapping[str, Any] | None, where: Mapping[str, str]) -> Value:
    if row is None:
        return Value(NOT_AVAILABLE, "", _NOTHING.get(aspect, _NOT_ESTIMATED), "missing")
    place = where.get(str(row["scenario"]), str(row["scenario"]))
    of = f" of {row['parameter']}" if row["parameter"] else ""
    best = _shown(aspect, row, row["best"]) if row["choices"] > 1 else ""
    note = f"the worst of {row['choices']}; the best: {best}" if best else ""
    tail = f"{_interval(aspect, row)}, n = {count(row['n_used'], row['n_total'])}: {place}{of}"
    return Value(_shown(aspect, row, row["value"]), repr(float(row["value"])), note, tail=tail)


def _shown(aspect: str, row: Mapping[str, Any], value: float) -> str:
    """Return a number of an aspect: a share in percent, a ratio with its sign of multiplication, a mean."""
    if aspect == "arrival":
        return f"{100 * value:.0f} %"
    error = max((row["upper"] - row["lower"]) / 4, _FINEST)
    return f"×{plain(value, error)}" if aspect == "effects" else plain(value, error)


def _interval(aspect: str, row: Mapping[str, Any]) -> str:
    low, high = (_shown(aspect, row, row[end]).removeprefix("×") for end in ("lower", "upper"))
    return f"[{low}, {high}]"


def _sentences(
    subject: Subject, cells: Mapping[tuple[str, str], Mapping[str, Any]], where: Mapping[str, str]
) -> list[str]:
    """Return what Adam did most and least to the sds of the groups, and what its objective did."""
    adam = [label for label in subject.estimators if label.startswith("adam")]
    moved = [cells[label, "optimizer and stopping"] for label in adam if (label, "optimizer and stopping") in cells]
    if not moved:
        return []
    most, least = (choose(moved, key=lambda row: abs(row["value"])) for choose in (max, min))
    said = [f"Optimizer and stopping moved a sd of the random effects most by {_said(most, where)}."]
    if least["estimator"] != most["estimator"]:
        said.append(f"With {_spaced(least['estimator'])} it was at most {_said(least, where, named=False)}.")
    objectives = [cells[label, "objective"] for label in adam if (label, "objective") in cells]
    if objectives:
        far = max(objectives, key=lambda row: abs(row["value"]))
        said.append(f"The objective moved one most by {_said(far, where)}.")
    return said


def _spaced(label: str) -> str:
    """Return a label whose settings can be broken into lines."""
    name, colon, settings = label.partition(":")
    return f"{name} ({settings.replace(',', ', ')})" if colon else name


def _said(row: Mapping[str, Any], where: Mapping[str, str], *, named: bool = True) -> str:
    label = f" with {_spaced(row['estimator'])}" if named else ""
    value, bounds = _shown("total", row, row["value"]), _interval("total", row)
    return f"{value} {bounds} standard errors{label} ({row['parameter']} in {where.get(row['scenario'])})"
