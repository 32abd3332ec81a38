"""How a simulation from a fit is to be run: by which estimators, about how long, and whether it was begun before."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bayescompare.engines.base import Engine
from bayescompare.errors import InputError, StudyError
from bayescompare.fitting import Fits
from bayescompare.intervals.rows import check_level
from bayescompare.provenance import cores
from bayescompare.study.cases import scenario_key
from bayescompare.study.definition import Study
from bayescompare.study.fitted import BLOCK, NAME, Fitted, check_replicates, chosen_engines, fitted_study
from bayescompare.study.manifest import Manifest
from bayescompare.study.pilot import Cost, Pilot
from bayescompare.study.run import small
from bayescompare.study.tasks import Task, plan
from bayescompare.study.work import run_task

__all__ = ["Planned", "planned"]

# Seconds that a simulation may take before the slowest estimators are left out, where nobody named them, and seconds
# of the user's own fit beyond which no other is made to see how long one takes.
_PATIENCE, _LONG = 600.0, 60.0
# Seconds of work that are done before more processes would have loaded what they need.
_ALONE = 120.0
_NEVER_LEFT_OUT = "lbfgs-ml"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A simulation that is to be run.

    Parameters
    ----------
    fitted
        The study, and what to know of its truth.
    seconds
        About how long it takes; NaN where it was begun before.
    left_out
        A sentence on each estimator that is left out.
    workers
        Processes.
    """

    fitted: Fitted
    seconds: float
    left_out: tuple[str, ...]
    workers: int

    @property
    def study(self) -> Study:
        """The study."""
        return self.fitted.study

    @property
    def about(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "truth": self.fitted.truth,
            "replicates": self.study.replicates,
            "done": 0,
            "seed": self.study.seed,
            "key": scenario_key(self.study, self.study.named(NAME)),
            "left_out": list(self.left_out),
            "notes": list(self.fitted.notes),
        }


def planned(
    fits: Fits,
    folder: Path | None,
    *,
    replicates: int,
    truth: str,
    estimators: Sequence[str] | None,
    levels: Sequence[float],
    seed: int | None,
    workers: int | None,
) -> Planned:
    """Return the simulation of some fits, and about how long it takes; see `if_true`."""
    truth, engines = chosen_engines(fits.engines, truth, estimators)
    check_replicates(replicates)
    wanted: dict[str, Any] = {
        "truth": truth,
        "replicates": replicates,
        "levels": [check_level(level) for level in levels],
        "seed": fits.seed if seed is None else seed,
    }
    fitted = fitted_study(fits, engines, **wanted)
    begun = None if folder is None else Manifest.read(folder)
    if begun is not None and folder is not None:
        going_on = _going_on(begun, fitted, folder, named=estimators is not None)
        count = workers or (1 if small(going_on.study) else cores())
        return Planned(fitted=going_on, seconds=math.nan, left_out=_missing(engines, going_on.study), workers=count)
    pilot = _timed(fitted.study, fits)
    count = workers or (1 if pilot.time(plan(fitted.study), 1) < _ALONE else cores())
    kept, left_out = (engines, ()) if estimators is not None else _affordable(engines, truth, pilot, fitted, count)
    made = fitted if len(kept) == len(engines) else fitted_study(fits, kept, **wanted)
    return Planned(fitted=made, seconds=pilot.time(plan(made.study), count), left_out=left_out, workers=count)


def _going_on(begun: Manifest, fitted: Fitted, folder: Path, *, named: bool) -> Fitted:
    """Return the study that goes on with one in a folder; by the same estimators, unless others are named.

    Raises
    ------
    InputError
        If the folder holds another simulation.
    """
    study, before = fitted.study, tuple(str(label) for label in begun.study["estimators"])
    if not named and set(before) <= set(study.estimators):
        study = study.changed(estimators=before)
    try:
        begun.continued_by(study, folder, strict=False)
    except StudyError as error:
        done = begun.study["replicates"]
        fewer = study.replicates < done and study.changed(replicates=done).as_dict() == begun.study
        why = f"{done:,} data sets of this simulation; ask for at least as many" if fewer else (
            "another simulation, of other data, another fit or other settings; remove that folder"
        )  # fmt: skip
        raise InputError(f"{folder} holds {why}, or choose another with --out.") from error
    return replace(fitted, study=study)


def _missing(engines: Sequence[Engine], study: Study) -> tuple[str, ...]:
    """Say which estimators a study that was begun lacks."""
    there = {engine.label for engine in study.engines()}
    return tuple(
        f"{engine.label} is left out, as it was when this simulation was begun; name the estimators to have it."
        for engine in engines
        if engine.label not in there
    )


def _timed(study: Study, fits: Fits) -> Pilot:
    """Time a fit of a simulated data set by each estimator, unless the user's own took long."""
    clock, costs = time.monotonic(), {}
    for engine in study.engines():
        own = fits[engine.label].seconds
        seconds = own
        if not own > _LONG:
            began = time.monotonic()
            # not the first data set, whose draws are kept, which takes time of its own
            run_task(study, Task(scenario=NAME, estimator=engine.label, first=1, count=1))
            seconds = time.monotonic() - began
        # a stack of Adam's takes about as long however many data sets it has
        each = seconds / min(BLOCK, study.replicates) if engine.engine == "adam" else seconds
        costs[engine.label] = Cost(start=max(own - seconds, 0.0), fit=each, bytes=math.nan)
    return Pilot(costs=costs, errors=pd.DataFrame(), level=study.level, seconds=time.monotonic() - clock)


def _affordable(
    engines: Sequence[Engine], truth: str, pilot: Pilot, fitted: Fitted, workers: int
) -> tuple[list[Engine], tuple[str, ...]]:
    """Return the estimators that are done in time, the slowest left out first, and a sentence on each that is not."""
    tasks, kept, said = plan(fitted.study), list(engines), []
    times = {one.label: pilot.time([task for task in tasks if task.estimator == one.label], workers) for one in engines}
    while sum(times[one.label] for one in kept) > _PATIENCE:
        others = [one for one in kept if one.label not in (truth, _NEVER_LEFT_OUT)]
        if not others:
            break
        slowest = max(others, key=lambda one: times[one.label])
        kept.remove(slowest)
        said.append(
            f"{slowest.label} is left out: {fitted.study.replicates:,} data sets would take it about "
            f"{times[slowest.label] / 60:,.0f} minutes; name the estimators to have it."
        )
    return kept, tuple(said)
