"""How tasks are carried out: the contract, and the simplest way, one after another in this process."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from bayescompare.fits import Status
from bayescompare.study.definition import Study
from bayescompare.study.parts import Part
from bayescompare.study.queue import Queue
from bayescompare.study.tasks import Task
from bayescompare.study.work import run_task

__all__ = ["Executor", "Lost", "Outcome", "Serial", "broken", "guarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A task without a result: its worker died, it ran past the limit and was stopped, or it broke down."""

    status: Status
    message: str
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A task and what it gave."""

    task: Task
    result: Part | Lost


class Executor(ABC):
    """Takes tasks from a queue and gives outcomes, in any order, until the queue has no more.

    Attributes
    ----------
    workers
        Tasks that run at once.
    """

    workers: int

    @abstractmethod
    def outcomes(self, study: Study, queue: Queue) -> Iterator[Outcome]:
        """Yield the outcome of each task; tasks may be added to the queue meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial(Executor):
    """One task after another, in this process."""

    workers: int = 1

    def outcomes(self, study: Study, queue: Queue) -> Iterator[Outcome]:
        """Yield the outcome of each task."""
        while (task := queue.take("serial")) is not None:
            yield Outcome(task=task, result=guarded(study, task))


def guarded(study: Study, task: Task) -> Part | Lost:
    """Return what a task gives; one that raises is lost."""
    try:
        return run_task(study, task)
    except Exception as error:
        return broken(error)


def broken(error: BaseException) -> Lost:
    """Return the loss of a task that raised."""
    trace = "".join(traceback.format_exception(error))
    return Lost(status=Status.FAILED, message=f"{type(error).__name__}: {error}", trace=trace)
