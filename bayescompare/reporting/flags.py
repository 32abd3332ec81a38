"""The flags that fits raise, each with its sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bayescompare.fits import FLAG_SENTENCES, Flag
from bayescompare.reporting.formats import count
from bayescompare.reporting.subject import Subject

__all__ = ["FlagNote", "flag_notes", "status_sentence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagNote:
    """A flag, its sentence, and who raises it."""

    flag: str
    sentence: str
    who: Sequence[str]


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


def status_sentence(fits: pd.DataFrame) -> str:
    """Return how many fits did not simply succeed, in words."""
    status = fits["status"].value_counts()
    parts = [
        f"{status[name]} {words}"
        for name, words in {
            "flagged": "flagged",
            "failed": "failed",
            "timeout": "out of time",
            "worker_died": "lost with their worker",
            "not_applicable": "not applicable",
        }.items()
        if name in status
    ]
    return f"Of {len(fits)} fits, {', '.join(parts)}." if parts else f"None of {len(fits)} fits is flagged or failed."
