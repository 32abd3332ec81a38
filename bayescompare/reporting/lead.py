"""The first sentences of a study's report: what the optimizer did to the random effects, at its best and worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayescompare.comparison.claims import CLAIMS, Verdict, decide
from bayescompare.reporting.formats import count, plain
from bayescompare.reporting.settings import described
from bayescompare.reporting.subject import Subject

__all__ = ["Sentence", "sentences"]

_Row = Mapping[str, Any]

_MARGIN = CLAIMS[3].margin
_OPTIMIZER, _OBJECTIVE = "optimizer and stopping", "objective"
# Thousandths of a standard error interest nobody.
_FINEST = 0.01
_AT_BEST = {
    Verdict.REFUTED: "At its best, {who} takes the sds of the random effects to their optimum.",
    Verdict.SUPPORTED: "Even at its best, {who} misses the optimum of the random effects.",
    Verdict.UNDECIDED: "At its best, it is undecided whether {who} misses the optimum of the random effects.",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said in a few words, and the numbers that say it."""

    claim: str
    numbers: str


def sentences(subject: Subject, found: pd.DataFrame, sds: pd.DataFrame, where: Mapping[str, str]) -> list[Sentence]:
    """Return what Adam did to the sds of the groups at its best and worst, and what its objectives did.

    Of a study without Adam it is what its optimizers did.

    Parameters
    ----------
    found
        Of `comparison.headline.headline`.
    sds
        Of `comparison.headline.group_sds`.
    where
        Scenario to its name.
    """
    adam = [label for label in subject.estimators if label.startswith("adam")]
    who, labels = ("Adam", adam) if adam else ("the optimizer", list(subject.estimators))
    rows = found[found["estimator"].isin(labels)].to_dict("records")
    moved = [row for row in rows if row["aspect"] == _OPTIMIZER]
    said = []
    if moved:
        best, *others = sorted(moved, key=_at_most)
        said.append(_best(best, sds, who, where))
        worst = max(others, key=_at_least, default=best)
        # where the best is sure to move them, one that may not is no worse
        if others and (_verdict(best) != Verdict.SUPPORTED or _verdict(worst) == Verdict.SUPPORTED):
            said.append(_worst(worst, rows, sds, where))
    objectives = [row for row in rows if row["aspect"] == _OBJECTIVE]
    if objectives:
        without = [label for label in labels if label not in set(sds["estimator"])]
        others = found[(found["aspect"] == _OBJECTIVE) & found["estimator"].str.startswith("nuts")].to_dict("records")
        worst = _telling(max(objectives, key=_at_least), sds)
        said.append(_objective(worst, without, others if adam else [], where))
    return said


def _best(row: _Row, sds: pd.DataFrame, who: str, where: Mapping[str, str]) -> Sentence:
    row = _telling(row, sds)
    numbers = (
        f"{described(row['estimator'])}: of {row['choices']} sds the one farthest from its optimum is "
        f"{_moved(row)} SE from it {_place(row, where)}."
    )
    return Sentence(_AT_BEST[_verdict(row)].format(who=who), numbers)


def _worst(row: _Row, rows: Sequence[_Row], sds: pd.DataFrame, where: Mapping[str, str]) -> Sentence:
    row = _telling(row, sds)
    verdict = _verdict(row)
    claim = {
        Verdict.REFUTED: "At its worst, it takes them there too.",
        Verdict.SUPPORTED: f"At its worst, it leaves an sd {_rounded(row)} SE {_side(row)} its optimum.",
        Verdict.UNDECIDED: "At its worst, it is undecided whether it misses it.",
    }[verdict]
    parts = [f"{described(row['estimator'])}: {_moved(row)} {_place(row, where)}"]
    mine = sds[(sds["estimator"] == row["estimator"]) & (sds["aspect"] == _OPTIMIZER)].to_dict("records")
    across = [one for one in mine if one["value"] * row["value"] < 0 and _beyond(one)]
    if across:
        other = max(across, key=_nearest)
        parts.append(f"another {_moved(other)}, {_side(other)} it {_place(other, where)}")
    for one in rows:
        if one["aspect"] == "arrival" and one["estimator"] == row["estimator"]:
            low, high = (f"{100 * one[end]:.0f}" for end in ("lower", "upper"))
            parts.append(
                f"in the worst scenario {100 * one['value']:.0f} % [{low}, {high}] of its fits do not arrive there"
            )
    unsure = [one for one in rows if one["aspect"] == _OPTIMIZER and _verdict(one) == Verdict.UNDECIDED]
    if unsure and verdict == Verdict.SUPPORTED:
        parts.append(f"of {_listed([one['estimator'] for one in unsure])} it is undecided")
    return Sentence(claim, f"{'; '.join(parts)}.")


def _objective(row: _Row, without: Sequence[str], sampled: Sequence[_Row], where: Mapping[str, str]) -> Sentence:
    claim = {
        Verdict.REFUTED: "Its objective hardly matters to them.",
        Verdict.SUPPORTED: f"Its objective can have an optimum {_rounded(row)} SE {_side(row)} the ML estimate.",
        Verdict.UNDECIDED: "Whether its objective matters to them is undecided.",
    }[_verdict(row)]
    fewer = "; in the others no optimum is known" if row["n_used"] < row["n_total"] else ""
    numbers = f"{described(row['estimator'])}: {_moved(row)} {_place(row, where, fewer)}"
    if without:
        numbers += f"; {_listed(without)} estimate{'s' if len(without) == 1 else ''} no sd of the groups"
    for one in sampled:
        numbers += (
            f"; for comparison, the posterior mean of {described(one['estimator'])}: {_moved(one)} {_place(one, where)}"
        )
    return Sentence(claim, f"{numbers}.")


def _telling(row: _Row, sds: pd.DataFrame) -> _Row:
    """Return the row with the largest mean of those that are surely beyond the margin, where there are any."""
    mine = sds[(sds["estimator"] == row["estimator"]) & (sds["aspect"] == row["aspect"])].to_dict("records")
    beyond = [one for one in mine if _beyond(one)]
    return {**row, **max(beyond, key=lambda one: abs(one["value"]))} if beyond else row


def _nearest(row: _Row) -> float:
    """Return the end of an interval that is nearest to zero, counted to the side where the mean lies."""
    return row["lower"] if row["value"] >= 0 else -row["upper"]


def _beyond(row: _Row) -> bool:
    return _nearest(row) > _MARGIN


def _at_least(row: _Row) -> tuple[float, float]:
    return row["least"], abs(row["value"])


def _at_most(row: _Row) -> float:
    return row["most"]


def _verdict(row: _Row) -> Verdict:
    """Return whether some mean is farther from zero than the margin, or none is."""
    return decide(row["least"], row["most"], _MARGIN)


def _side(row: _Row) -> str:
    return "above" if row["value"] > 0 else "below"


def _error(row: _Row) -> float:
    """Return the error that a number is printed with."""
    return max((row["upper"] - row["lower"]) / 4, _FINEST)


def _rounded(row: _Row) -> str:
    return f"{abs(row['value']):.1f}"


def _moved(row: _Row) -> str:
    """Return a mean with its interval."""
    value, low, high = (plain(row[name], _error(row)) for name in ("value", "lower", "upper"))
    return f"{value} [{low}, {high}]"


def _place(row: _Row, where: Mapping[str, str], note: str = "") -> str:
    """Return of which parameter and scenario a number is, and of how many fits."""
    scenario = where.get(str(row["scenario"]), str(row["scenario"]))
    return f"({row['parameter']} in {scenario}, n\u00a0=\u00a0{count(row['n_used'], row['n_total'])}{note})"


def _listed(labels: Sequence[str]) -> str:
    *most, last = map(described, labels)
    return f"{', '.join(most)} and {last}" if most else last
