"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["OwnPriors", "PriorSetName", "PriorsFrom", "References", "take_priors"]

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
