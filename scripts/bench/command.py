"""The command line of the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.rows import Row, about, machine, markdown, render, write_json

__all__ = ["app"]


class Section(StrEnum):
    """What can be measured, each by the module of its name."""

    LBFGS = "lbfgs"
    INTERVALS = "intervals"
    ADAM = "adam"
    NUTS = "nuts"
    STUDY = "study"
    STARTUP = "startup"
    PROCESSES = "processes"
    CALIBRATION = "calibration"
    REPORTS = "reports"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def measure(
    only: Annotated[
        list[Section] | None, typer.Option(help="Measure this section; may be given several times.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer data sets and repeats: rough ratios.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write rows and machine to this JSON file.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write the table to this file.")] = None,
) -> None:
    """Measure bayescompare against other packages in one run, and print the ratios."""
    console, errors = Console(), Console(stderr=True)
    facts = machine()
    rows: list[Row] = []
    for section in only or list(Section):
        errors.print(f"measuring {section} ...", highlight=False)
        function: Callable[..., list[Row]] = import_module(f"bench.{section}").measure
        found = function(quick=quick)
        render(found, console)
        rows += found
        if json:
            write_json(rows, facts, json)
        if markdown_file:
            markdown_file.write_text(markdown(rows, facts), encoding="utf-8")
    console.print(about(facts), highlight=False, markup=False)
