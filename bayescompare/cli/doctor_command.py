"""The command ``doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayescompare.cli.root import INFRASTRUCTURE, OK, Out, command

__all__ = ["doctor"]


@command()
def doctor(
    out: Out = Path("out"),
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to try as well.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the fits by each engine.")] = False,
) -> None:
    """Say what this machine can run: versions, the three engines, threads, disk, cluster."""
    from rich.text import Text

    from bayescompare.cli.tables import new_console
    from bayescompare.study.doctor import examine

    console, faults = new_console(), 0
    for finding in examine(out, scheduler, engines=not quick):
        faults += bool(finding.fault)
        mark = Text("FAULT" if finding.fault else "ok   ", style="bold red" if finding.fault else "green")
        console.print(mark, Text(f"{finding.what}:", style="bold"), Text(finding.found))
        if finding.fault:
            console.print(Text(f"      {finding.fault}"))
    console.print(Text(f"{faults} faults." if faults else "All is well."))
    raise typer.Exit(INFRASTRUCTURE if faults else OK)
