"""What would happen if a fit were the truth: simulate from it on the user's own rows, fit, and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayescompare.comparison.api import with_if_true
from bayescompare.comparison.if_true import IfTrue, if_true_tables, own_estimates
from bayescompare.comparison.results import Results
from bayescompare.fitting import Fits
from bayescompare.study.cases import scenario_key
from bayescompare.study.definition import Study
from bayescompare.study.fitted import NAME
from bayescompare.study.manifest import Manifest
from bayescompare.study.planned import Planned, planned
from bayescompare.study.run import Announce, Observe, results_in, run_study

__all__ = ["FOLDER", "completed", "if_true", "simulated"]

#: Name of the simulation's folder within that of its fit.
FOLDER = NAME


def if_true(
    fits: Fits,
    folder: Path | str | None = None,
    *,
    replicates: int = 200,
    truth: str = "lbfgs-ml",
    estimators: Sequence[str] | None = None,
    levels: Sequence[float] = (0.95,),
    seed: int | None = None,
    workers: int | None = 1,
    announce: Announce | None = None,
) -> IfTrue:
    """Simulate data from a fit on the user's own rows, fit them as the user's own, and compare with that truth.

    ``y* = X beta + Z b* + e*`` with X, Z and groups of the data, and the estimates of one estimator as beta, Sigma and
    sigma; ``b*`` and ``e*`` are drawn anew in each data set. A parametric bootstrap (Efron and Tibshirani 1993,
    section 6.5) of the whole comparison.

    Parameters
    ----------
    fits
        What `bayescompare.fit` returned.
    folder
        Where the simulation is kept, so that it goes on after an interruption; in memory where None.
    replicates
        Data sets.
    truth
        Label of the estimator whose estimates are the truth.
    estimators
        Labels, of those of the fits. Where None all of them; but if that takes more than ten minutes, without the
        slowest, and ``.about["left_out"]`` says so.
    levels
        Probabilities of the intervals.
    seed
        Root seed; that of the fits where None.
    workers
        Processes of this machine; as many as are worth it where None. A script that asks for more than one must do so
        below ``if __name__ == "__main__":``.
    announce
        Called with each task that is done.

    Returns
    -------
    IfTrue
        Give it to `bayescompare.compare` for a section in the report.

    Raises
    ------
    InputError
        If a value cannot be used, or nothing can be simulated from the fit; nothing has run then.
    StoreError
        If the disk fails.
    """
    where = None if folder is None else Path(folder)
    chosen = planned(
        fits, where, replicates=replicates, truth=truth, estimators=estimators, levels=levels, seed=seed,
        workers=workers,
    )  # fmt: skip
    return simulated(chosen, fits, where, announce=announce)


def simulated(
    chosen: Planned,
    fits: Fits,
    folder: Path | None,
    *,
    announce: Announce | None = None,
    observe: Observe | None = None,
) -> IfTrue:
    """Run a simulation, or go on with it; see `if_true`."""
    results = run_study(chosen.study, folder, workers=chosen.workers, announce=announce, observe=observe)
    own = {
        (label, parameter): value
        for label, fit in fits.items()
        for parameter, value in zip(fit.layout.labels, fit.estimate, strict=True)
    }
    return _compared(results, pd.Series(own, dtype=float), chosen.about)


def _compared(results: Results, own: pd.Series, about: Mapping[str, Any]) -> IfTrue:
    """Return the comparison of what there is of a simulation."""
    (scenario,) = results.about["scenarios"]
    tables = if_true_tables(own, results.tables, scenario["truth"])
    counted = results.tables["fits"].groupby("estimator")["replicate"].nunique()
    done = int(counted.min()) if len(counted) == len(results.about["estimators"]) else 0
    return IfTrue(results=results, tables=tables, about={**about, "done": done})


def completed(results: Results, folder: Path) -> tuple[Results, str]:
    """Return the results of a fit with what there is of a simulation below its folder, and how far that is.

    A simulation that is all there, or was not asked for, changes nothing; nor does one of another fit.

    Raises
    ------
    StoreError
        If a file is damaged.
    """
    asked = results.about.get("if_true")
    if not asked or asked["done"] >= asked["replicates"]:
        return results, ""
    where = folder / FOLDER
    begun = Manifest.read(where)
    if begun is None:
        return results, "the simulation from the fit has not begun"
    study = Study.from_dict(dict(begun.study), where=f"The simulation in {where}", trial=False)
    known = study.named(NAME) if NAME in {one.name for one in study.scenario} else None
    if known is None or scenario_key(study, known) != asked["key"]:
        return results, f"{where} holds a simulation from another fit"
    there, left = results_in(where)
    found = _compared(there, own_estimates(results.tables["estimates"]), {**asked, "replicates": study.replicates})
    return with_if_true(results, found), left
