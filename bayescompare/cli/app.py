"""The commands. Heavy imports stay inside them, so that ``--help`` is instant."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayescompare.errors import BayesCompareError, StoreError

if TYPE_CHECKING:
    from bayescompare.comparison.results import Results

__all__ = ["app", "main"]

app = typer.Typer(
    help="Can I trust the point estimates that an optimizer gives me for a model with random effects? "
    "Fits the same data by Keras Adam, L-BFGS-B and NUTS, and compares.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

OK, FAILED, WRONG_INPUT, INFRASTRUCTURE, INTERRUPTED = 0, 1, 2, 3, 130

_STOPPED = "Interrupted: no file is half-written. Give the same command again to start over."

_Out = Annotated[Path, typer.Option("--out", help="Folder for tables, draws and report.html.")]


class Missing(StrEnum):
    """What to do with missing values."""

    ERROR = "error"
    DROP = "drop"


class Listing(StrEnum):
    """What can be listed."""

    ESTIMATORS = "estimators"
    PRIORS = "priors"
    FAMILIES = "families"
    STUDIES = "studies"
    DATASETS = "datasets"


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        from bayescompare import __version__

        typer.echo(f"bayescompare {__version__}")
        raise typer.Exit(OK)


@app.command()
def fit(
    data: Annotated[str, typer.Argument(help="A CSV or Parquet file, or the name of a bundled data set.")],
    formula: Annotated[str, typer.Argument(help='As in lme4: "reaction ~ 1 + days + (1 + days | subject)".')],
    out: _Out = Path("out"),
    estimators: Annotated[
        str, typer.Option(help="Labels with commas between; 'bayescompare list estimators' names them.")
    ] = "adam-marginal,lbfgs-ml,lbfgs-reml,nuts",
    family: Annotated[str, typer.Option(help="'bayescompare list families' names them.")] = "gaussian",
    prior: Annotated[
        list[str] | None, typer.Option(help='A prior, such as "sd_subject=HalfNormal(50)"; may be given again.')
    ] = None,
    level: Annotated[str, typer.Option(help="Levels of the intervals, with commas between.")] = "0.95",
    na: Annotated[Missing, typer.Option(help="Refuse missing values, or drop their rows.")] = Missing.ERROR,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")] = 1,
) -> None:
    """Fit one data set by several estimators and compare them."""
    from bayescompare.cli.progress import Progress
    from bayescompare.cli.read import levels_of, priors_of
    from bayescompare.cli.tables import print_fit
    from bayescompare.comparison.api import compare
    from bayescompare.engines.catalog import estimators as read_estimators
    from bayescompare.fitting import fit as fit_data
    from bayescompare.model import Model
    from bayescompare.study.store import prepared

    levels = levels_of(level)
    model = Model(formula, family=family, priors=priors_of(prior or []))
    engines = read_estimators(estimators)
    with prepared(out) as folder, Progress(engines, scenarios=1) as progress:
        fits = fit_data(model, data, engines, seed=seed, na=na.value, announce=progress.announce_fit)
        progress.note("tables and report")
        results = compare(fits, levels=levels)
        _write(results, folder)
    print_fit(results, folder / "report.html")
    raise typer.Exit(_status(results))


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A TOML file, or the name of a bundled study.")] = "adam-random-effects",
    out: _Out = Path("out"),
    replicates: Annotated[int | None, typer.Option(min=1, help="In place of the study's own number.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="In place of the study's own seed.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of this machine.")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler that runs already.")] = None,
) -> None:
    """Run a simulation study and print its verdicts."""
    from bayescompare.cli.progress import Progress
    from bayescompare.cli.tables import print_study
    from bayescompare.study.definition import load
    from bayescompare.study.run import run_study

    changes = {"replicates": replicates, "seed": seed}
    chosen = load(study).changed(**{name: value for name, value in changes.items() if value is not None})
    size = {"scenarios": len(chosen.scenario), "replicates": chosen.replicates}
    with Progress(chosen.engines(), **size) as progress:
        results = run_study(chosen, out, workers=workers, scheduler=scheduler, announce=progress.announce_task)
        progress.note("tables and report")
        _write(results, out)
    print_study(results, out / "report.html")
    raise typer.Exit(_status(results))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A folder that 'fit' or 'run' wrote.")],
) -> None:
    """Write the report of some results again."""
    from bayescompare.reporting import report as write_report
    from bayescompare.study.store import read_results

    typer.echo(f"Report: {write_report(read_results(folder), folder / 'report.html')}")


@app.command(name="list")
def list_names(what: Annotated[Listing, typer.Argument(help="What to list.")]) -> None:
    """List what can be named: estimators, priors, families, studies or datasets."""
    from bayescompare.cli.tables import print_names

    print_names(what.value)


def _write(results: Results, folder: Path) -> None:
    """Write tables, draws and report."""
    from bayescompare.reporting import report as write_report
    from bayescompare.study.store import write_results

    write_results(results, folder)
    write_report(results, folder / "report.html")


def _status(results: Results) -> int:
    """Return 1 if a fit failed, or an estimator that was asked for could fit nothing at all."""
    fits = results.tables["fits"]
    unable = (fits["status"] == "not_applicable").groupby(fits["estimator"]).all().any()
    return FAILED if results.failed or unable else OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; an error is one message on stderr.

    Parameters
    ----------
    argv
        Arguments in place of the process's own.
    """
    try:
        app(args=None if argv is None else list(argv), prog_name="bayescompare")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            print(_STOPPED, file=sys.stderr)
        return end.code if isinstance(end.code, int) else OK
    except BayesCompareError as error:
        print(f"Error: {error}", file=sys.stderr)
        return INFRASTRUCTURE if isinstance(error, StoreError) else WRONG_INPUT
    return OK
