"""The answer for one's own data: where each point estimate lies in the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bayescompare.comparison.records import same_estimand
from bayescompare.reporting.evidence import position
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.flags import status_sentence
from bayescompare.reporting.formats import Value, count, number, percent, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Subject

__all__ = ["FitAnswer", "fit_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitAnswer:
    """Where each point estimate lies in the posterior, and what to know of the fits."""

    sentences: Sequence[str]
    asides: Sequence[str]
    picture: Drawing | None
    places: Grid | None


def fit_answer(subject: Subject) -> FitAnswer:
    """Return the answer of a comparison on one's own data."""
    placed = subject.first[subject.first["z"].notna()]
    same = same_estimand(placed)
    others = placed.drop(same.index)
    sentences = _fit_sentences(subject, same) if len(same) else [_without_posterior(subject)]
    asides = [
        f"{row.parameter} of {row.estimator} estimates {row.estimand} and is left out here."
        for row in others.itertuples()
    ]
    sentences.append(status_sentence(subject.table("fits")))
    picture = position(subject, subject.scenarios[0], same) if subject.scenarios else None
    return FitAnswer(
        sentences=sentences, asides=asides, picture=picture, places=_places(subject, same) if len(same) else None
    )


def _without_posterior(subject: Subject) -> str:
    used = int(subject.first["estimate"].notna().sum()) if len(subject.first) else 0
    if not used:
        return "No estimator gave an estimate."
    return f"No posterior was sampled: {used} point estimates are compared with each other only."


def _fit_sentences(subject: Subject, placed: pd.DataFrame) -> list[str]:
    tail = (1 - subject.level) / 2
    inside = placed["quantile"].between(tail, 1 - tail)
    posterior = str(subject.table("agreement")["posterior"].iloc[0])
    far = placed.loc[placed["z"].abs().idxmax()]
    return [
        f"{int(inside.sum())} of {len(placed)} point estimates lie inside the central {percent(subject.level)} "
        f"of the posterior of {posterior}.",
        f"The farthest is {far['parameter']} of {far['estimator']}, {_distance(far['z'])} "
        f"(quantile {_quantile(far['quantile'])}).",
    ]


def _distance(z: float) -> str:
    return f"{plain(abs(z), digits=2)} posterior sds {'above' if z > 0 else 'below'} the posterior mean"


def _quantile(value: float) -> str:
    return "under 0.001" if value < 0.001 else "over 0.999" if value > 0.999 else plain(value, 0.01)


def _places(subject: Subject, placed: pd.DataFrame) -> Grid:
    """Return each estimator's farthest parameter."""
    columns = [
        Column("estimator", numeric=False),
        Column("farthest parameter", numeric=False),
        Column("z", "distance from the posterior mean in posterior sds"),
        Column("quantile", "share of the draws below the estimate"),
        Column("HDI level", "smallest highest-density interval that holds the estimate"),
        Column(f"inside {percent(subject.level)}", "parameters inside the central interval, of those placed"),
    ]
    tail, rows = (1 - subject.level) / 2, []
    for label, group in placed.groupby("estimator", sort=False):
        far = group.loc[group["z"].abs().idxmax()]
        inside = int(group["quantile"].between(tail, 1 - tail).sum())
        rows.append(
            [
                text(label, kind="estimator"),
                text(far["parameter"], kind="code"),
                number(far["z"], digits=2),
                number(far["quantile"], 0.01),
                number(far["hdi_level"], 0.01),
                Value(count(inside, len(group)), str(inside)),
            ]
        )
    return grid("places", "Where each estimator's farthest estimate lies in the posterior", columns, rows)
