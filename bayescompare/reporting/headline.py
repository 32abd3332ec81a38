"""The answer of a study on one screen: what became of the random effects, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayescompare.comparison.headline import ASPECTS, group_sds
from bayescompare.reporting.factorial import names
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.strip import Strip, strip_panel
from bayescompare.reporting.formats import NOT_AVAILABLE, Value, count, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.lead import Sentence, sentences
from bayescompare.reporting.picture import dot_of
from bayescompare.reporting.settings import default_words
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
_DRAWN = {
    "optimizer and stopping": ("Optimizer and stopping", "estimate less its own optimum"),
    "objective": ("Objective, or prior", "own optimum, or posterior mean, less ML estimate"),
    "total": ("Bias: both, and the sampling of data", "estimate less truth"),
}
_NOT_ESTIMATED = "it does not estimate the sds of the groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """Three sentences, a picture of the errors of the sds of the groups, and the table behind them."""

    sentences: Sequence[Sentence]
    table: Grid
    pictures: Sequence[Drawing]


def headline(subject: Subject) -> Headline | None:
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
    sds = group_sds(subject.results.decomposition.means)
    return Headline(
        sentences=sentences(subject, found, sds, where),
        pictures=_pictures(subject, sds, where),
        table=grid("headline", caption, columns, rows),
    )


def _pictures(subject: Subject, sds: pd.DataFrame, where: Mapping[str, str]) -> list[Drawing]:
    """Return the parts of the errors side by side on one scale; none where no sd is estimated."""
    strips = {aspect: _strips(subject, sds, aspect, where) for aspect in _DRAWN}
    if not any(one.dots for each in strips.values() for one in each):
        return []
    every = [one for each in strips.values() for one in each]
    return [strip_panel(f"strip{k}", _DRAWN[aspect][0], strips[aspect], f"{_DRAWN[aspect][1]}, mean in SE", among=every)
            for k, aspect in enumerate(strips)]  # fmt: skip


def _strips(subject: Subject, sds: pd.DataFrame, aspect: str, where: Mapping[str, str]) -> list[Strip]:
    known = set(sds["estimator"])
    mine = sds[sds["aspect"] == aspect].groupby("estimator", sort=False)
    found = {str(label): group.to_dict("records") for label, group in mine}
    return [
        Strip(
            look=look,
            dots=[dot_of(row, f"{where[str(row['scenario'])]}, {row['parameter']}") for row in found.get(label, [])],
            note=look.settings or default_words(label),
            reason="" if label in found else _why_not(label, aspect, known),
        )
        for label, look in subject.estimators.items()
    ]


def _why_not(label: str, aspect: str, known: Set[str]) -> str:
    """Return why an estimator has no such part."""
    if label not in known:
        return "no sd of the groups"
    return (
        "a sampler has no optimum"
        if label.partition(":")[0] == "nuts" and aspect == "optimizer and stopping"
        else "n/a"
    )


def _cell(aspect: str, row: Mapping[str, Any] | None, where: Mapping[str, str]) -> Value:
    if row is None:
        return Value(NOT_AVAILABLE, "", _NOTHING.get(aspect, _NOT_ESTIMATED), "missing")
    place = where.get(str(row["scenario"]), str(row["scenario"]))
    of = f"{row['parameter']} in " if row["parameter"] else ""
    best = _shown(aspect, row, row["best"]) if row["choices"] > 1 else ""
    note = f"the worst of {row['choices']}; the best: {best}" if best else ""
    tail = f"{_interval(aspect, row)}, n = {count(row['n_used'], row['n_total'])}: {of}{place}"
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
