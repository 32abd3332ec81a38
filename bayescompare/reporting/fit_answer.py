"""The answer for one's own data: can the posterior be trusted, where do point estimates lie in it, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bayescompare.comparison.records import same_estimand
from bayescompare.reporting.apart import Apart, apart
from bayescompare.reporting.evidence import position
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.position import APART
from bayescompare.reporting.flags import status_sentence
from bayescompare.reporting.formats import Value, count, number, percent, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Subject
from bayescompare.reporting.why import Why, strongest, why
from bayescompare.reporting.yardstick import Yardstick, yardstick

__all__ = ["FitAnswer", "fit_answer"]


_IN_POSTERIOR = "Where the point estimates lie in the posterior"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitAnswer:
    """Where each point estimate lies in the posterior, why they differ, and what to know of the fits.

    Parameters
    ----------
    doubtful
        Whether there is no posterior that can be trusted, though one was sampled.
    """

    heading: str
    sentences: Sequence[str]
    doubtful: bool
    asides: Sequence[str]
    picture: Drawing | None
    places: Grid | None
    reasons: Sequence[Why]


def fit_answer(subject: Subject) -> FitAnswer:
    """Return the answer of a comparison on one's own data."""
    against = yardstick(subject)
    shown = subject.first if against is None else against.places
    placed = shown[shown["z"].notna()]
    same = same_estimand(placed)
    beside = apart(subject) if against is None else None
    reasons = why(subject, against)
    asides = [
        f"{row.parameter} of {row.estimator} estimates {row.estimand} and is left out here."
        for row in placed.drop(same.index).itertuples()
    ]
    return FitAnswer(
        heading="How far apart the point estimates are" if against is None else _IN_POSTERIOR,
        sentences=_sentences(subject, against, beside, same, reasons),
        doubtful=against is not None and not against.trusted,
        asides=[*asides, status_sentence(subject.table("fits"))],
        picture=_picture(subject, beside, same),
        places=_places(subject, same) if len(same) else None,
        reasons=reasons,
    )


def _picture(subject: Subject, beside: Apart | None, placed: pd.DataFrame) -> Drawing | None:
    """Return the estimates in the posterior, or beside those of ML."""
    if not subject.scenarios:
        return None
    first = subject.scenarios[0]
    return position(subject, first, placed) if beside is None else position(subject, first, beside.rows, APART)


def _sentences(
    subject: Subject, against: Yardstick | None, beside: Apart | None, placed: pd.DataFrame, reasons: Sequence[Why]
) -> Sequence[str]:
    """Return whether the posterior can be trusted, where the estimates lie in it, and what separates them most."""
    if beside is not None:
        return [beside.sentence, strongest(reasons)]
    if against is None or not len(placed):
        return [_without_posterior(subject)]
    found = [against.warning, _where(subject, against, placed), strongest(reasons)]
    return [sentence for sentence in found if sentence]


def _without_posterior(subject: Subject) -> str:
    used = int(subject.first["estimate"].notna().sum()) if len(subject.first) else 0
    if not used:
        return "No estimator gave an estimate."
    return f"No posterior was sampled: {used} point estimates are compared with each other only."


def _where(subject: Subject, against: Yardstick, placed: pd.DataFrame) -> str:
    tail = (1 - subject.level) / 2
    inside = placed["quantile"].between(tail, 1 - tail)
    far = placed.loc[placed["z"].abs().idxmax()]
    return (
        f"{int(inside.sum())} of {len(placed)} point estimates lie inside the central {percent(subject.level)} "
        f"of {against.name}; the farthest is {far['parameter']} of {far['estimator']}, {_distance(far['z'])} "
        f"(quantile {_quantile(far['quantile'])})."
    )


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
