"""The answer first: what a reader should know who reads no further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from bayescompare.compare.claims import CLAIMS, Verdict
from bayescompare.fits import FLAG_SENTENCES, Flag
from bayescompare.report.evidence import position, verdict_figures
from bayescompare.report.figures.canvas import Drawing
from bayescompare.report.formats import Value, count, number, percent, plain, short, signed, text
from bayescompare.report.grid import Column, Grid, grid
from bayescompare.report.palette import Look
from bayescompare.report.subject import Subject, other_estimand

__all__ = ["Claim", "FitAnswer", "FlagNote", "Objective", "StudyAnswer", "fit_answer", "flag_notes", "study_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagNote:
    """A flag, its sentence, and who raises it."""

    flag: str
    sentence: str
    who: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitAnswer:
    """Where each point estimate lies in the posterior, and what to know of the fits."""

    sentences: Sequence[str]
    asides: Sequence[str]
    picture: Drawing | None
    places: Grid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The verdict on a claim for one objective: how it came out, and its most extreme scenario in words."""

    look: Look
    aspect: str
    verdict: str
    short: str
    counts: str
    words: str
    numbers: str
    exact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim with its verdicts and their pictures."""

    number: int
    statement: str
    estimand: str
    margin: str
    rule: str
    overall: Sequence[tuple[str, int]]
    objectives: Sequence[Objective]
    pictures: Sequence[Drawing]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAnswer:
    """The verdict board."""

    sentences: Sequence[str]
    claims: Sequence[Claim] = field(default_factory=tuple)


def flag_notes(subject: Subject, fits: pd.DataFrame) -> list[FlagNote]:
    """Return each flag raised with its sentence; in a study with how many fits of each estimator."""
    totals = fits["estimator"].value_counts()
    notes = []
    for flag, labels in subject.flags_of(fits).items():
        times = pd.Series(labels).value_counts(sort=False)
        who = [
            label if totals[label] == 1 else f"{label} ({count(times[label], totals[label])})"
            for label in subject.estimators
            if label in times
        ]
        notes.append(FlagNote(flag=flag, sentence=_sentence(flag), who=who))
    return notes


def _sentence(flag: str) -> str:
    return FLAG_SENTENCES[Flag(flag)] if flag in set(Flag) else ""


def fit_answer(subject: Subject) -> FitAnswer:
    """Return the answer of a comparison on one's own data."""
    placed = subject.first[subject.first["z"].notna()]
    same = placed[~placed["estimand"].map(other_estimand)]
    sentences = _fit_sentences(subject, same) if len(same) else [_without_posterior(subject)]
    asides = [
        f"{row.parameter} of {row.estimator} estimates {row.estimand} and is left out here."
        for row in placed[placed["estimand"].map(other_estimand)].itertuples()
    ]
    sentences.append(_flag_sentence(subject.table("fits")))
    picture = position(subject, subject.scenarios[0], same) if subject.scenarios else None
    return FitAnswer(
        sentences=sentences, asides=asides, picture=picture, places=_places(subject, same) if len(same) else None
    )  # fmt: skip


def _without_posterior(subject: Subject) -> str:
    used = int(subject.first["estimate"].notna().sum()) if len(subject.first) else 0
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


def _flag_sentence(fits: pd.DataFrame) -> str:
    status = fits["status"].value_counts()
    parts = [
        f"{status[name]} {words}"
        for name, words in {
            "flagged": "flagged", "failed": "failed", "timeout": "ran out of time", "worker_died": "lost with its worker",
            "not_applicable": "not applicable",
        }.items()
        if name in status
    ]  # fmt: skip
    return f"Of {len(fits)} fits {', '.join(parts)}." if parts else f"None of {len(fits)} fits is flagged."


def _places(subject: Subject, placed: pd.DataFrame) -> Grid:
    """Return each estimator's farthest parameter."""
    columns = [
        Column("estimator", numeric=False),
        Column("farthest parameter", numeric=False),
        Column("z", "distance from the posterior mean in posterior sds"),
        Column("quantile", "share of the draws below the estimate"),
        Column("HDI level", "smallest highest-density interval that holds the estimate"),
        Column(f"inside {percent(subject.level)}", "parameters whose estimate is inside the central interval, of those placed"),
    ]
    tail, rows = (1 - subject.level) / 2, []
    for label, group in placed.groupby("estimator", sort=False):
        far = group.loc[group["z"].abs().idxmax()]
        inside = int(group["quantile"].between(tail, 1 - tail).sum())
        rows.append([
            text(label, kind="estimator"), text(far["parameter"], kind="code"), number(far["z"], digits=2),
            number(far["quantile"], 0.01), number(far["hdi_level"], 0.01), Value(count(inside, len(group)), str(inside)),
        ])  # fmt: skip
    return grid("places", "Where each estimator's farthest estimate lies in the posterior", columns, rows)


def study_answer(subject: Subject) -> StudyAnswer:
    """Return the verdict board of a study."""
    table, summary = subject.results.verdicts, subject.results.verdict_summary
    claims = [_claim(subject, claim, table, summary) for claim in CLAIMS if (table["claim"] == claim).any()]
    return StudyAnswer(sentences=_study_sentences(subject, claims), claims=claims)


def _study_sentences(subject: Subject, claims: Sequence[Claim]) -> list[str]:
    tested = [claim for claim in claims if any(name != Verdict.NOT_TESTED for name, _ in claim.overall)]
    sentences = [f"{len(tested)} of {len(claims)} claims were tested on {_scope(subject)}."]
    return [*sentences, _flag_sentence(subject.table("fits"))]


def _scope(subject: Subject) -> str:
    fits = subject.table("fits")
    sets = len(fits.drop_duplicates(["scenario", "replicate"]))
    return f"{sets} data sets of {len(subject.scenarios)} scenarios by {len(subject.estimators)} estimators"


def _claim(subject: Subject, which: int, table: pd.DataFrame, summary: pd.DataFrame) -> Claim:
    claim, rows = CLAIMS[which], table[table["claim"] == which]
    margins = sorted(set(rows["margin"]))
    side = "above" if claim.fault else "below"
    return Claim(
        number=which,
        statement=claim.statement,
        estimand=claim.estimand,
        margin=" or ".join(short(float(margin)) for margin in margins),
        rule=f"supported where the whole 95 % interval lies {side} the margin",
        overall=[(str(v), int((rows["verdict"] == v).sum())) for v in Verdict if (rows["verdict"] == v).any()],
        objectives=[_objective(subject, row, rows) for _, row in summary[summary["claim"] == which].iterrows() if row["objective"]],
        pictures=list(verdict_figures(subject, which)),
    )


def _objective(subject: Subject, row: pd.Series, rows: pd.DataFrame) -> Objective:
    label = str(row["objective"])
    margin = float(rows[rows["objective"] == label]["margin"].iloc[0])
    counts = [f"{row[str(v)]} {v}" for v in Verdict if row[str(v)]]
    unit = "contrasts" if int(row.get("claim", 0)) == 4 else "scenarios"
    where = f" ({signed(row['where'])})" if row["where"] else ""
    value = float(row["value"])
    error = (float(row["upper"]) - float(row["lower"])) / 4
    shown = f"{plain(value, error)} [{plain(float(row['lower']), error)}, {plain(float(row['upper']), error)}]"
    used = f"n = {count(row['n_used'], row['n_total'])}"
    numbers = f"{shown}, {used}" if value == value else "n/a: there is nothing to count"
    return Objective(
        look=subject.look(label),
        aspect=str(row["aspect"]),
        verdict=str(row["verdict"]),
        short=str(row["verdict"]) if len(counts) == 1 else ", ".join(counts),
        counts=", ".join(counts) + f" of {row['scenarios']} {unit}",
        words=f"in {signed(row['worst_scenario'])}{where}; margin {short(margin)}",
        numbers=numbers,
        exact=repr(value),
    )
