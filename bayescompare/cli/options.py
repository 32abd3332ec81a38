"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Estimators",
    "Intervals",
    "MissingTexts",
    "Na",
    "NaAction",
    "OwnPriors",
    "PriorSetName",
    "PriorsFrom",
    "References",
    "take_priors",
]


class Na(StrEnum):
    """What to do with missing values."""

    ERROR = "error"
    DROP = "drop"


NaAction = Annotated[Na, typer.Option(help="Refuse missing values, or drop their rows.")]

MissingTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--missing",
        help="Texts of a CSV file that count as missing, with commas between or given again; an empty cell always "
        "does. [default: NA,NaN,nan,N/A,n/a,#N/A,NULL,null,None,<NA>,.]",
    ),
]

Estimators = Annotated[
    list[str] | None,
    typer.Option(help="Labels, with commas between or given again; 'bayescompare list estimators' names them."),
]

Intervals = Annotated[
    list[str] | None,
    typer.Option(
        help="Kinds of intervals, with commas between or given again; 'bayescompare list intervals' names them."
    ),
]

#: Pass it to `take_priors` before anything that may name a prior is read.
PriorsFrom = Annotated[
    Path | None,
    typer.Option(
        "--priors-from", help="A Python file with priors of one's own. It is run, and its classes can then be named."
    ),
]

OwnPriors = Annotated[
    list[str] | None, typer.Option("--prior", help='A prior, such as "sd_subject=HalfNormal(50)"; may be given again.')
]

PriorSetName = Annotated[
    str | None,
    typer.Option("--priors", help="Set of all other priors, such as bambi; 'bayescompare list prior-sets' names them."),
]

References = Annotated[
    list[str] | None,
    typer.Option(
        "--reference", help='The level that others are compared with: "treatment=placebo"; may be given again.'
    ),
]


def take_priors(path: Path | None) -> None:
    """Run the file of priors that the user has named, if there is one.

    Raises
    ------
    PriorError
        If it cannot be used; see `bayescompare.priors.load_priors`.
    """
    if path is not None:
        from bayescompare.priors import load_priors

        load_priors(path)
