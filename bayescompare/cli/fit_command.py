"""The command ``fit``: one's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayescompare.cli.options import (
    Estimators,
    Intervals,
    MissingTexts,
    Na,
    NaAction,
    OwnPriors,
    PriorSetName,
    PriorsFrom,
    References,
    take_priors,
)
from bayescompare.cli.root import Out, command, status_of, write
from bayescompare.comparison.kept_draws import KeepDraws, chosen

__all__ = ["fit"]


# One text, as it would be typed.
_LEVELS = ["0.95"]
_ESTIMATORS = ["adam-marginal,lbfgs-ml,lbfgs-reml,nuts"]


@command()
def fit(
    data: Annotated[str, typer.Argument(help="A CSV or Parquet file, or the name of a bundled data set.")],
    formula: Annotated[str, typer.Argument(help='As in lme4: "reaction ~ 1 + days + (1 + days | subject)".')],
    out: Out = Path("out-fit"),
    estimators: Estimators = _ESTIMATORS,
    family: Annotated[str, typer.Option(help="'bayescompare list families' names them.")] = "gaussian",
    prior: OwnPriors = None,
    priors: PriorSetName = None,
    under: Annotated[
        list[str] | None,
        typer.Option(
            help="Fit again under other priors, by what uses priors: a set, or 'sd_subject=HalfNormal(5)' beside the "
            "priors here; may be given again."
        ),
    ] = None,
    priors_from: PriorsFrom = None,
    level: Annotated[
        list[str], typer.Option(help="Levels of the intervals, with commas between or given again.")
    ] = _LEVELS,
    intervals: Intervals = None,
    refits: Annotated[int, typer.Option(help="Refits of a bootstrap, which --intervals bootstrap asks for.")] = 1000,
    reference: References = None,
    na: NaAction = Na.ERROR,
    missing: MissingTexts = None,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Seconds for each estimator; one that takes longer is cut short. No limit if left out."),
    ] = None,
    contours: Annotated[
        list[str] | None,
        typer.Option(help='Two parameters, as in "sd_subject[days],sigma": the paths over their likelihood contours.'),
    ] = None,
    if_true: Annotated[
        int | None,
        typer.Option(help="Simulate so many data sets from the fit, on the rows of the data, and fit them in turn."),
    ] = None,
    if_true_estimators: Annotated[
        list[str] | None,
        typer.Option(help="Of the estimators those that fit simulated data. All, but for any that take very long."),
    ] = None,
    if_true_truth: Annotated[
        str | None, typer.Option(help="The estimator whose estimates are taken for the truth. [default: lbfgs-ml]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes for simulated data; one a core unless there is little to do.")
    ] = None,
    draws: Annotated[
        KeepDraws | None,
        typer.Option(
            help="Posterior draws to write: all, parameters only, or none. Default: all up to 50 MB, parameters "
            "only beyond."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same numbers.")] = 1,
) -> None:
    """Fit one data set by several estimators and compare them."""
    from bayescompare.cli.draws_note import draws_note
    from bayescompare.cli.if_true import asked_for, print_if_true, run_if_true
    from bayescompare.cli.prior_tables import print_sensitivity
    from bayescompare.cli.progress import Progress
    from bayescompare.cli.read import (
        kinds_of,
        labels_of,
        levels_of,
        pair_of,
        parts_of,
        priors_of,
        references_of,
        refuse_swapped,
        under_of,
    )
    from bayescompare.cli.tables import print_fit
    from bayescompare.comparison.api import compare
    from bayescompare.comparison.sensitivity import refits as refit_under
    from bayescompare.data import read_data
    from bayescompare.engines.catalog import estimators as read_estimators
    from bayescompare.engines.catalog import weight
    from bayescompare.fitting import fit as fit_data
    from bayescompare.model import Model
    from bayescompare.study.store import prepared, refuse_other_kind

    refuse_swapped(data, formula)
    refuse_other_kind(out, "fit")
    take_priors(priors_from)
    levels, kinds = levels_of(level), kinds_of(intervals)
    given = references_of(reference or [])
    model = Model(formula, family=family, priors=priors_of(prior or [], priors), reference=given)
    dataset = read_data(data, na=na.value, missing=parts_of(missing))
    pair = pair_of(contours, model, dataset)
    engines = read_estimators(labels_of(estimators) or [])
    others = under_of(under, model, dataset, engines)
    asked = asked_for(if_true, if_true_truth, if_true_estimators, workers, engines)
    weights = {engine.label: weight(engine) for engine in engines}
    with prepared(out) as folder, Progress(weights, {("", label): 1 for label in weights}) as progress:
        fits = fit_data(
            model,
            dataset,
            engines,
            seed=seed,
            time_limit=time_limit,
            intervals=kinds,
            refits=refits,
            announce=progress.announce_fit,
        )
        again = refit_under(fits, others, level=levels[0], announce=progress.announce_fit) if others else None
        progress.note("tables and report")
        results = compare(fits, levels=levels, contours=pair, sensitivity=again)
        keep = chosen(draws, results.trees)
        write(results, folder, keep)
    results = run_if_true(asked, fits, results, folder, levels, keep)
    print_sensitivity(results, again)
    print_if_true(results)
    print_fit(results, folder / "report.html", draws_note(results, folder, keep))
    raise typer.Exit(status_of(results))
