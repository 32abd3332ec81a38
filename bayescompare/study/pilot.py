"""What a study will cost and how sure it will be, from a few replicates that are timed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescompare.errors import InputError, did_you_mean
from bayescompare.study.collect import collect
from bayescompare.study.definition import Study
from bayescompare.study.manifest import Manifest
from bayescompare.study.sinks import Memory
from bayescompare.study.tasks import SURFACE, Task, cells
from bayescompare.study.work import run_task

__all__ = ["TARGETS", "Cost", "Pilot", "replicates_for", "run_pilot"]

# Scenarios that are tried, and replicates of each: the first for what must be compiled, the others for the time. A
# stack of Adam's takes about as long however many replicates it has: it is timed at the size of the study's blocks.
_SCENARIOS, _FIRST, _MORE = 4, 2, 6

#: Measures whose Monte Carlo standard error can be aimed at, and that of one replicate, given a parameter's
#: standard error and the level of the intervals (Morris, White and Crowther 2019, table 6).
TARGETS: Mapping[str, Callable[[float, float], float]] = {
    "coverage": lambda se, level: math.sqrt(level * (1 - level)),
    "bias": lambda se, level: se,
    "empirical_se": lambda se, level: se / math.sqrt(2),
    "rmse": lambda se, level: se / math.sqrt(2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one estimator costs.

    Parameters
    ----------
    start, fit
        Seconds to get going once in each process, and seconds a fit.
    bytes
        Of a fit on disk.
    """

    start: float
    fit: float
    bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """What a few replicates of some scenarios told.

    Parameters
    ----------
    costs
        By estimator, the mean over the scenarios that were tried.
    errors
        Columns ``scenario, estimator, parameter, se``: mean standard error of the estimates.
    level
        Of the intervals.
    seconds
        What the pilot itself took.
    """

    costs: Mapping[str, Cost]
    errors: pd.DataFrame
    level: float
    seconds: float

    def time(self, tasks: Sequence[Task], workers: int) -> float:
        """Return about how many seconds some tasks take."""
        starts = sum(self.costs[label].start for label in {task.estimator for task in tasks})
        return starts + sum(self.costs[task.estimator].fit * task.count for task in tasks) / workers

    def bytes(self, tasks: Sequence[Task]) -> float:
        """Return about how many bytes the parts of some tasks take."""
        return sum(self.costs[task.estimator].bytes * task.count for task in tasks)

    def mcse(self, measure: str, replicates: int) -> pd.DataFrame:
        """Return the Monte Carlo standard error of a measure to expect, with the columns of ``errors`` and ``mcse``."""
        one = [TARGETS[measure](se, self.level) for se in self.errors["se"]]
        return self.errors.assign(mcse=np.array(one, dtype=float) / math.sqrt(replicates))


def run_pilot(study: Study) -> Pilot:
    """Run a few replicates of some scenarios by every estimator, and time them."""
    clock = time.monotonic()
    size = _FIRST + max(_MORE, min(study.block, study.replicates))
    small = study.changed(replicates=max(study.replicates, size))
    names = [scenario.name for scenario in study.scenarios()]
    tried = [names[k] for k in np.unique(np.linspace(0, len(names) - 1, _SCENARIOS).round().astype(int))]
    sink, costs = Memory(), {}
    for label in dict.fromkeys(label for _, label in cells(study)):
        found = [_timed(small, scenario, label, sink) for scenario in tried]
        costs[label] = Cost(
            start=max(one.start for one in found),
            fit=float(np.mean([one.fit for one in found])),
            bytes=float(np.mean([one.bytes for one in found])),
        )
    estimates = collect(small, sink, Manifest(study=small.as_dict())).tables["estimates"]
    errors = estimates.groupby(["scenario", "estimator", "parameter"], sort=False)["se"].mean().dropna().reset_index()
    return Pilot(costs=costs, errors=errors, level=study.level, seconds=time.monotonic() - clock)


def _timed(study: Study, scenario: str, label: str, sink: Memory) -> Cost:
    """Time the first replicates, which compile, and some more."""
    seconds, size = [], 0
    stacked = label != SURFACE and study.engine(label).engine == "adam"
    more = max(_MORE, min(study.block, study.replicates - _FIRST)) if stacked else _MORE
    for first, count in ((0, _FIRST), (_FIRST, more)):
        task, clock = Task(scenario=scenario, estimator=label, first=first, count=count), time.monotonic()
        part = run_task(study, task)
        seconds.append(time.monotonic() - clock)
        sink.put(task, part)
        size += len(part.content)
    each = seconds[1] / more
    return Cost(start=max(seconds[0] - _FIRST * each, 0.0), fit=each, bytes=size / (_FIRST + more))


def replicates_for(targets: Mapping[str, float], level: float, pilot: Pilot | None = None) -> int:
    """Return the replicates at which the Monte Carlo standard errors of some measures are at most so large.

    Parameters
    ----------
    targets
        Measure to its Monte Carlo standard error.
    pilot
        Needed for all measures but coverage.

    Raises
    ------
    InputError
        If a measure is unknown, or a target is not positive.
    """
    needed = [_needed(measure, target, level, pilot) for measure, target in targets.items()]
    return max(needed, default=1)


def _needed(measure: str, target: float, level: float, pilot: Pilot | None) -> int:
    if measure not in TARGETS:
        raise InputError(f"The error of {measure!r} cannot be aimed at.{did_you_mean(measure, TARGETS)}")
    if not (math.isfinite(target) and target > 0):
        raise InputError(f"The Monte Carlo standard error of {measure} must be greater than 0, not {target:g}.")
    largest = 0.0 if pilot is None else float(pilot.errors["se"].max())
    return max(2, math.ceil(round((TARGETS[measure](largest, level) / target) ** 2, 6)))
