"""Carry out tasks: what is lost is tried again, what kills its process again and again becomes a row."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from bayescompare.engines.catalog import weight as engine_weight
from bayescompare.fits import Status
from bayescompare.study.definition import Study
from bayescompare.study.executor import Executor, Lost
from bayescompare.study.parts import Part
from bayescompare.study.queue import Queue
from bayescompare.study.sinks import Sink
from bayescompare.study.tasks import SURFACE, Task
from bayescompare.study.work import lost_part

__all__ = ["Announce", "Observe", "carry_out", "queue_of", "weight"]

#: Called with a task that is done.
Announce = Callable[[Task], None]
#: Called with a task that is done, and its part.
Observe = Callable[[Task, Part], None]

# How often a block is tried whole, and a replicate alone, before it is given up.
_TRIES, _SOLO = 3, 3


def weight(study: Study, label: str) -> float:
    """Return about how long a fit by an estimator takes, relative to the others."""
    return 0.5 if label == SURFACE else engine_weight(study.engine(label))


def queue_of(study: Study, tasks: Sequence[Task]) -> Queue:
    """Return the queue of a study's tasks; those that share estimator and formula share what is compiled."""
    formulas = {scenario.name: scenario.formula for scenario in study.scenarios()}
    weights = {label: weight(study, label) for label in {task.estimator for task in tasks}}
    return Queue(
        tasks,
        affinity=lambda task: f"{task.estimator}\n{formulas[task.scenario]}",
        weight=lambda task: weights[task.estimator] * task.count,
    )


@dataclass(kw_only=True)
class _Losses:
    """Counts losses, and says what to do about each."""

    counts: Counter[Task] = field(default_factory=Counter)

    def again(self, task: Task, lost: Lost) -> list[Task]:
        """Return the tasks to run in place of a lost one; none where it is given up."""
        self.counts[task] += 1
        # what raises, or hangs, will do so again
        tries = 1 if lost.status is not Status.WORKER_DIED else _SOLO if task.count == 1 else _TRIES
        if self.counts[task] < tries:
            return [task]
        return task.singles() if task.count > 1 else []


def carry_out(study: Study, executor: Executor, sink: Sink, tasks: Sequence[Task], observe: Observe | None) -> bool:
    """Carry out tasks and keep their parts; return whether all were done, and not interrupted before.

    The first Ctrl-C lets what runs finish, the second stops at once.
    """
    queue, losses = queue_of(study, tasks), _Losses()
    with _draining(queue, executor):
        for outcome in executor.outcomes(study, queue):
            part = outcome.result
            if isinstance(part, Lost):
                again = losses.again(outcome.task, part)
                for task in again:
                    queue.add(task)
                if again:
                    continue
                part = lost_part(study, outcome.task, part.status, part.message, part.trace)
            sink.put(outcome.task, part)
            if observe:
                observe(outcome.task, part)
    return not len(queue)


@contextmanager
def _draining(queue: Queue, executor: Executor) -> Iterator[None]:
    """Close the queue at the first interrupt, raise at the second; only the main thread can."""

    def interrupted(signum: int, frame: FrameType | None) -> None:
        if queue.closed:
            raise KeyboardInterrupt
        queue.close()
        running = f"{executor.workers} running tasks" if executor.workers > 1 else "the running task"
        print(f"\nInterrupted: finishing {running}; press Ctrl-C again to stop at once.", file=sys.stderr, flush=True)

    try:
        before: Any = signal.signal(signal.SIGINT, interrupted)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
