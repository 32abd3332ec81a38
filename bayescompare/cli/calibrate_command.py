"""The command ``calibrate``: whether posteriors and intervals hold what they promise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayescompare.cli.options import Estimators, Intervals, OwnPriors, PriorsFrom, take_priors
from bayescompare.cli.root import OK, Out, command, status_of, write

__all__ = ["calibrate"]


@command()
def calibrate(
    model: Annotated[
        str, typer.Argument(help='A formula, such as "y ~ 1 + x + (1 + x | g)", or a study with truth = "prior".')
    ],
    out: Out = Path("out-calibration"),
    replicates: Annotated[
        int | None, typer.Option(min=1, help="Data sets of each set of priors. [default: 1000, or the study's]")
    ] = None,
    groups: Annotated[int | None, typer.Option(min=2, help="Groups, with a formula. [default: 50]")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Rows of each group, with a formula. [default: 10]")] = None,
    covariate: Annotated[
        list[str] | None,
        typer.Option(
            help='Distribution of a predictor: "x=uniform(0, 10)"; others are normal(0, 1). May be given again.'
        ),
    ] = None,
    priors: Annotated[
        list[str] | None,
        typer.Option(
            help="Named sets of priors, with commas between or given again; 'bayescompare list prior-sets' names them."
        ),
    ] = None,
    prior: OwnPriors = None,
    priors_from: PriorsFrom = None,
    nominal: Annotated[
        str | None,
        typer.Option(help="Mean and sd of the response that priors which scale with data are made for. [default: 0,1]"),
    ] = None,
    estimators: Estimators = None,
    intervals: Intervals = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of this machine; one a core unless the study is small.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed gives the same numbers.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, under which priors, and what it would cost.")
    ] = False,
) -> None:
    """Draw truths from the priors, simulate, fit, and say whether posteriors and intervals are calibrated."""
    from bayescompare.cli.calibrated import print_calibrated
    from bayescompare.cli.progress import StudyProgress
    from bayescompare.cli.read import covariates_of, kinds_of, labels_of, nominal_of, parts_of, priors_of
    from bayescompare.study.calibrate import calibration_study
    from bayescompare.study.run import run_study, small, work_in

    take_priors(priors_from)
    study = calibration_study(
        model,
        replicates=replicates,
        groups=groups,
        rows=rows,
        covariates=covariates_of(covariate or []),
        sets=parts_of(priors) or (),
        priors=priors_of(prior or []),
        nominal=nominal_of(nominal),
        estimators=labels_of(estimators),
        intervals=kinds_of(intervals),
        seed=seed,
    )
    if dry_run:
        from bayescompare.cli.estimate import print_estimate
        from bayescompare.study.pilot import run_pilot
        from bayescompare.study.run import missing_in

        print_estimate(study, run_pilot(study), missing_in(study, out), workers)
        raise typer.Exit(OK)
    count = workers or (1 if small(study) else None)
    with StudyProgress(*work_in(study, out)) as progress:
        results = run_study(study, out, workers=count, observe=progress.observe)
        progress.note("tables and report")
        write(results, out)
    print_calibrated(results, out / "report.html")
    raise typer.Exit(status_of(results))
