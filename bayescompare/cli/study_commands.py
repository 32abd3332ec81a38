"""The commands of studies: ``run``, ``report``, ``verify``, ``rerun``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayescompare.cli.options import PriorsFrom, take_priors
from bayescompare.cli.root import FAILED, OK, Out, command, status_of, write

if TYPE_CHECKING:
    from bayescompare.study.definition import Study

__all__ = ["report", "rerun", "run", "verify"]

# Fits that are run without asking for --yes.
_MOST_FITS = 1_000_000


@command()
def run(
    study: Annotated[str, typer.Argument(help="A TOML file, or the name of a bundled study.")] = "adam-random-effects",
    out: Out = Path("out"),
    replicates: Annotated[int | None, typer.Option(min=1, help="In place of the study's own number.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="In place of the study's own seed.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of this machine; one a core unless the study is small.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler that runs already, such as tcp://10.0.0.5:8786.")
    ] = None,
    priors_from: PriorsFrom = None,
    target_mcse: Annotated[
        list[str] | None,
        typer.Option(
            help="Choose the replicates by Monte Carlo standard errors, as in coverage=0.01; with commas between or "
            "given again."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and what it would cost.")] = False,
    fork: Annotated[Path | None, typer.Option(help="Take over what is the same from the folder of a study.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse to go on with what other versions have begun.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Run a study of more than a million fits.")] = False,
) -> None:
    """Run a simulation study, or go on with one, and print its verdicts."""
    from bayescompare.cli.calibrated import print_calibration
    from bayescompare.cli.progress import StudyProgress
    from bayescompare.cli.read import targets_of
    from bayescompare.cli.tables import new_console, print_study
    from bayescompare.study.definition import load
    from bayescompare.study.run import run_study, small, work_in
    from bayescompare.study.store import refuse_other_kind

    refuse_other_kind(out, "study")
    _refuse_together({"--workers": workers, "--scheduler": scheduler})
    _refuse_together({"--replicates": replicates, "--target-mcse": target_mcse})
    _refuse_together({"--dry-run": dry_run, "--fork": fork})
    take_priors(priors_from)
    changes = {"replicates": replicates, "seed": seed}
    chosen = load(study).changed(**{name: value for name, value in changes.items() if value is not None})
    targets = targets_of(target_mcse or [])
    if dry_run or targets:
        chosen = _estimated(chosen, targets, out, workers, dry_run)
    if dry_run:
        raise typer.Exit(OK)
    _refuse_the_endless(chosen, yes)
    count = workers or (1 if scheduler or small(chosen) else None)
    with StudyProgress(*work_in(chosen, out)) as progress:
        results = run_study(
            chosen, out, workers=count, scheduler=scheduler, fork=fork, strict=strict, observe=progress.observe
        )
        progress.note("tables and report")
        write(results, out)
    if len(results.calibration):
        print_calibration(results.calibration, new_console())
    print_study(results, out / "report.html")
    raise typer.Exit(status_of(results))


def _estimated(study: Study, targets: dict[str, float], out: Path, workers: int | None, dry_run: bool) -> Study:
    """Return the study with the replicates that its targets need; print what it will cost where that is asked for."""
    from bayescompare.cli.estimate import print_estimate
    from bayescompare.study.pilot import replicates_for, run_pilot
    from bayescompare.study.run import missing_in

    pilot = run_pilot(study) if dry_run or set(targets) - {"coverage"} else None
    if targets:
        study = study.changed(replicates=replicates_for(targets, study.level, pilot))
        typer.echo(f"{study.replicates:,} replicates for {', '.join(f'{k} to {v:g}' for k, v in targets.items())}.")
    if pilot is not None and dry_run:
        print_estimate(study, pilot, missing_in(study, out), workers)
    return study


def _refuse_together(options: dict[str, object]) -> None:
    """Refuse options of which one would be ignored."""
    from bayescompare.errors import InputError

    if all(options.values()):
        raise InputError(f"Give {' or '.join(options)}, not both: one would be ignored.")


def _refuse_the_endless(study: Study, yes: bool) -> None:
    """Refuse more fits than anybody means, unless they say so."""
    from bayescompare.errors import InputError

    fits = len(study.scenario) * len(study.estimators) * study.replicates
    if fits > _MOST_FITS and not yes:
        raise InputError(
            f"{study.name} asks for {fits:,} fits ({len(study.scenario):,} scenarios, {len(study.estimators)} "
            f"estimators, {study.replicates:,} replicates). See what that costs with --dry-run; --yes runs it."
        )


@command()
def report(
    folder: Annotated[Path, typer.Argument(help="A folder that 'fit' or 'run' wrote.")],
    out: Annotated[Path | None, typer.Option(help="The page to write, or a folder for it.")] = None,
) -> None:
    """Write the report again; of a study that still runs, from what is done."""
    from bayescompare.reporting import report as write_report
    from bayescompare.study.if_true import completed
    from bayescompare.study.run import results_in
    from bayescompare.study.so_far import finished, write_so_far

    page = _page(out or folder)
    while True:
        results, unfinished = results_in(folder)
        if not unfinished:
            results, unfinished = completed(results, folder)
        if unfinished:
            typer.echo(f"The study is not finished: {unfinished}.")
            write_so_far(results, folder)
        write_report(results, page)
        # the page of a study that was finished meanwhile must not stay behind it
        if not (unfinished and finished(folder)):
            break
    typer.echo(f"Report: {page}")


def _page(out: Path) -> Path:
    return out / "report.html" if out.is_dir() else out


@command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that 'run' wrote.")],
    refit: Annotated[int, typer.Option(min=0, help="Tasks, drawn at random, to run again.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of that draw.")] = 0,
    priors_from: PriorsFrom = None,
) -> None:
    """Read and hash every file of a study, and run some tasks again to the same bits."""
    from bayescompare.study.verify import verify as verified

    take_priors(priors_from)
    found = verified(folder, refit=refit, seed=seed)
    typer.echo(f"{found.parts:,} parts and {found.draws:,} files of draws read and hashed.")
    for task in found.refitted:
        typer.echo(f"run again: {task}")
    for fault in found.faults:
        typer.echo(f"FAULT {fault}")
    typer.echo(
        "All as it was written."
        if not found.faults
        else f"{len(found.faults)} faults; 'run' makes damaged parts again."
    )
    raise typer.Exit(FAILED if found.faults else OK)


@command()
def rerun(
    folder: Annotated[str, typer.Argument(help="A folder that 'run' wrote, a TOML file, or a bundled study.")],
    scenario: Annotated[str, typer.Option(help="Name of the scenario.")],
    replicate: Annotated[int, typer.Option(min=0, help="Number of the data set, from 0.")],
    estimator: Annotated[str, typer.Option(help="Label of the estimator.")],
    data: Annotated[Path | None, typer.Option(help="Write the data set here: a .csv or .parquet file.")] = None,
    priors_from: PriorsFrom = None,
) -> None:
    """Make one fit of a study again, exactly."""
    from bayescompare.cli.tables import print_rerun
    from bayescompare.study.definition import load
    from bayescompare.study.rerun import rerun as made_again
    from bayescompare.study.rerun import save

    take_priors(priors_from)
    source = Path(folder) if Path(folder).is_dir() else load(folder)
    found = made_again(source, scenario=scenario, replicate=replicate, estimator=estimator)
    print_rerun(found)
    if data is not None:
        typer.echo(f"Data: {save(found, data)}")


@command()
def export(
    folder: Annotated[Path, typer.Argument(help="A folder that 'fit' or 'run' wrote.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where to write; FOLDER/export unless given.")] = None,
    form: Annotated[
        list[str] | None,
        typer.Option("--format", help="csv, latex or bibtex, with commas between or given again. All unless given."),
    ] = None,
) -> None:
    """Write tables as CSV and LaTeX, and the literature of the methods used as BibTeX."""
    from bayescompare.cli.read import parts_of
    from bayescompare.reporting.export import FORMATS
    from bayescompare.reporting.export import export as write_export
    from bayescompare.study.run import results_in

    results, unfinished = results_in(folder)
    if unfinished:
        typer.echo(f"The study is not finished: {unfinished}.")
    for path in write_export(results, out or folder / "export", parts_of(form) or FORMATS):
        typer.echo(str(path))
