"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["PriorsFrom"]

#: Pass it to `bayescompare.priors.load_priors` before anything that may name a prior is read.
PriorsFrom = Annotated[
    Path | None,
    typer.Option(
        "--priors-from", help="A Python file with priors of one's own. It is run, and its classes can then be named."
    ),
]
