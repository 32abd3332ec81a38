"""What a study has to do: one estimator on a block of replicates of one scenario, a task each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from bayescompare.design import Scenario
from bayescompare.study.definition import Study

__all__ = ["SURFACE", "Done", "Task", "cells", "plan", "scenario_of", "slug"]

#: In the place of an estimator: the exploration of each data set's likelihood from dispersed starts.
SURFACE = "surface"

#: (scenario, estimator) to the replicates whose results are there.
Done = Mapping[tuple[str, str], Collection[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One estimator on ``count`` replicates of a scenario, from replicate ``first`` on."""

    scenario: str
    estimator: str
    first: int
    count: int

    @property
    def replicates(self) -> range:
        """The replicates."""
        return range(self.first, self.first + self.count)

    @property
    def cell(self) -> tuple[str, str]:
        """Scenario and estimator."""
        return self.scenario, self.estimator

    def singles(self) -> list[Task]:
        """Return a task for each replicate."""
        return [Task(scenario=self.scenario, estimator=self.estimator, first=k, count=1) for k in self.replicates]

    def __str__(self) -> str:
        """Say what the task is."""
        last = f" to {self.first + self.count - 1}" if self.count > 1 else ""
        return f"{self.estimator} on {self.scenario}, replicate {self.first}{last}"


def scenario_of(study: Study, task: Task) -> Scenario:
    """Return the scenario of a task."""
    return study.named(task.scenario)


def slug(label: str) -> str:
    """Return an estimator's label as a folder's name, another for each label."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", label)[:48]
    return plain if plain == label else f"{plain}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"


def cells(study: Study) -> list[tuple[str, str]]:
    """Return every scenario with every estimator, and with the exploration of its surfaces where that is asked for."""
    labels = [engine.label for engine in study.engines()] + [SURFACE] * bool(study.dispersed_starts)
    return [(scenario.name, label) for scenario in study.scenarios() for label in labels]


def plan(study: Study, done: Done | None = None) -> list[Task]:
    """Return the tasks for what is not there yet; their blocks begin at multiples of the block's size."""
    there = done or {}
    return [
        Task(scenario=scenario, estimator=label, first=first, count=count)
        for scenario, label in cells(study)
        for first, count in _blocks(study.replicates, study.block, there.get((scenario, label), ()))
    ]


def _blocks(replicates: int, size: int, done: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield the first replicate and the number of each run of missing ones."""
    there = frozenset(done)
    for start in range(0, replicates, size):
        first = count = 0
        for replicate in range(start, min(start + size, replicates)):
            if replicate not in there:
                first, count = (first, count + 1) if count else (replicate, 1)
            elif count:
                yield first, count
                count = 0
        if count:
            yield first, count
