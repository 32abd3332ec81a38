"""The command ``priors``: what a model's priors are, why, and what they say before the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayescompare.cli.options import (
    MissingTexts,
    Na,
    NaAction,
    OwnPriors,
    PriorSetName,
    PriorsFrom,
    References,
    take_priors,
)
from bayescompare.cli.root import command

__all__ = ["priors"]


@command("priors")
def priors(
    formula: Annotated[str, typer.Argument(help='As in lme4: "reaction ~ 1 + days + (1 + days | subject)".')],
    data: Annotated[str, typer.Argument(help="A CSV or Parquet file, or a bundled data set; either may come first.")],
    prior: OwnPriors = None,
    named: PriorSetName = None,
    priors_from: PriorsFrom = None,
    draws: Annotated[int, typer.Option(min=2, help="Draws from the prior.")] = 2000,
    out: Annotated[Path | None, typer.Option(help="Folder for a page with pictures, priors.html.")] = None,
    reference: References = None,
    na: NaAction = Na.ERROR,
    missing: MissingTexts = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same draws.")] = 1,
) -> None:
    """Show each parameter's prior, why it is that one, and what the priors say of the data before they are seen."""
    from bayescompare.cli.prior_tables import print_priors
    from bayescompare.cli.read import formula_first, parts_of, priors_of, references_of
    from bayescompare.comparison.prior_predictive import prior_predictive
    from bayescompare.data import read_data
    from bayescompare.model import Model
    from bayescompare.reporting import report_priors

    take_priors(priors_from)
    formula, data = formula_first(formula, data)
    model = Model(formula, priors=priors_of(prior or [], named), reference=references_of(reference or []))
    dataset = read_data(data, na=na.value, missing=parts_of(missing))
    found = prior_predictive(model, dataset, draws=draws, seed=seed)
    print_priors(found, report_priors(found, out / "priors.html") if out is not None else None)
