"""The command line and what its commands share. Heavy imports stay inside, so that ``--help`` is instant."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from bayescompare.errors import BayesCompareError, InputError, InterruptedStudyError, StoreError

if TYPE_CHECKING:
    from bayescompare.comparison.results import Results

__all__ = ["INTERRUPTED", "Out", "app", "command", "main", "status_of", "write"]

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

Out = Annotated[Path, typer.Option("--out", help="Folder for tables, draws and report.html.")]


class Listing(StrEnum):
    """What can be listed."""

    ESTIMATORS = "estimators"
    PRIORS = "priors"
    PRIOR_SETS = "prior-sets"
    FAMILIES = "families"
    INTERVALS = "intervals"
    STUDIES = "studies"
    DATASETS = "datasets"


class _Command(TyperCommand):
    """A command that refuses an option given again whose values do not add up."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; the last of several values would win without a word."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        _refuse_repeated(given)
        return super().parse_args(ctx, args)


def _refuse_repeated(given: Iterable[Any]) -> None:
    """Refuse an option of one value that stands more than once among those given."""
    single = [one for one in given if not (getattr(one, "multiple", True) or getattr(one, "is_flag", False))]
    for option, times in Counter(single).items():
        if times > 1:
            raise InputError(f"{option.opts[0]} is given {times} times but has one value; give it once.")


def command[Function: Callable[..., Any]](name: str | None = None) -> Callable[[Function], Function]:
    """Return the decorator of a command."""
    return app.command(name=name, cls=_Command)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        from bayescompare import __version__

        typer.echo(f"bayescompare {__version__}")
        raise typer.Exit(OK)


@command("list")
def list_names(what: Annotated[Listing, typer.Argument(help="What to list.")]) -> None:
    """List what can be named: estimators, priors, prior-sets, families, intervals, studies or datasets."""
    from bayescompare.cli.tables import print_names

    print_names(what.value)


def write(results: Results, folder: Path, draws: str = "all") -> None:
    """Write tables, draws and report."""
    from bayescompare.reporting import report as write_report
    from bayescompare.study.store import write_results

    write_results(results, folder, draws=draws)
    write_report(results, folder / "report.html")


def status_of(results: Results) -> int:
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
    except InterruptedStudyError as error:
        print(error, file=sys.stderr)
        return INTERRUPTED
    except BayesCompareError as error:
        print(f"Error: {error}", file=sys.stderr)
        return INFRASTRUCTURE if isinstance(error, StoreError) else WRONG_INPUT
    return OK
