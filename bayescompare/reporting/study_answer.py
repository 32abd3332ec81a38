"""The answer of a study: a verdict on each claim, for each objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bayescompare.comparison.claims import CLAIMS, Verdict
from bayescompare.reporting.evidence import verdict_figures
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.flags import status_sentence
from bayescompare.reporting.formats import count, plain, short, signed
from bayescompare.reporting.palette import Look
from bayescompare.reporting.subject import Subject

__all__ = ["BoardRow", "Claim", "Objective", "StudyAnswer", "study_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The verdict on a claim for one objective: how it came out, and its most extreme scenario in words."""

    look: Look
    aspect: str
    verdict: str
    parts: Sequence[tuple[str, str]]
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
    objectives: Sequence[Objective]
    pictures: Sequence[Drawing]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """A row of the verdict board: a claim or an aspect of it, and the objectives in the board's order."""

    number: int
    statement: str
    aspect: str
    cells: Sequence[Objective | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAnswer:
    """The verdict board, and each claim in full."""

    sentences: Sequence[str]
    columns: Sequence[Look]
    board: Sequence[BoardRow]
    claims: Sequence[Claim]


def study_answer(subject: Subject) -> StudyAnswer:
    """Return the verdict board of a study."""
    table, summary = subject.results.verdicts, subject.results.verdict_summary
    claims = [_claim(subject, claim, table, summary) for claim in CLAIMS if (table["claim"] == claim).any()]
    columns = _columns(subject, claims)
    board = [row for claim in claims for row in _board_rows(claim, columns)]
    return StudyAnswer(sentences=_study_sentences(subject, claims), columns=columns, board=board, claims=claims)


def _columns(subject: Subject, claims: Sequence[Claim]) -> list[Look]:
    """Return the objectives that any claim is about, in the order of the report."""
    judged = {one.look.label: one.look for claim in claims for one in claim.objectives}
    return [judged.pop(label) for label in subject.estimators if label in judged] + list(judged.values())


def _board_rows(claim: Claim, columns: Sequence[Look]) -> list[BoardRow]:
    aspects = list(dict.fromkeys(one.aspect for one in claim.objectives)) or [""]
    found = {(one.aspect, one.look.label): one for one in claim.objectives}
    return [
        BoardRow(
            number=claim.number,
            statement=claim.statement if k == 0 else "",
            aspect=aspect,
            cells=[found.get((aspect, look.label)) for look in columns],
        )
        for k, aspect in enumerate(aspects)
    ]


def _study_sentences(subject: Subject, claims: Sequence[Claim]) -> list[str]:
    tested = [claim for claim in claims if any(one.verdict != Verdict.NOT_TESTED for one in claim.objectives)]
    sentences = [f"{len(tested)} of {len(claims)} claims were tested on {_scope(subject)}."]
    return [*sentences, status_sentence(subject.table("fits"))]


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
        objectives=[
            _objective(subject, row, rows)
            for _, row in summary[summary["claim"] == which].iterrows()
            if row["objective"]
        ],
        pictures=list(verdict_figures(subject, which)),
    )


def _objective(subject: Subject, row: pd.Series, rows: pd.DataFrame) -> Objective:
    label = str(row["objective"])
    mine = (
        (rows["objective"] == label) & (rows["aspect"] == row["aspect"]) & (rows["scenario"] == row["worst_scenario"])
    )
    margin = float(rows[mine]["margin"].iloc[0])
    parts = [(str(v), f"{row[str(v)]} {v}") for v in Verdict if row[str(v)]]
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
        parts=parts if len(parts) > 1 else [(str(row["verdict"]), str(row["verdict"]))],
        counts=", ".join(words for _, words in parts) + f" of {row['scenarios']} {unit}",
        words=f"in {signed(row['worst_scenario'])}{where}; margin {short(margin)}",
        numbers=numbers,
        exact=repr(value),
    )
