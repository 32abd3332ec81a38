"""Which task comes next: for a worker that has compiled something, one that needs the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from bayescompare.study.tasks import Task

__all__ = ["Queue"]

#: A task's affinity: tasks that share it share what must be compiled first.
Affinity = Callable[[Task], str]
Weight = Callable[[Task], float]


class Queue:
    """The tasks that wait.

    A worker goes on with tasks of the affinity that it had last, and takes up the one with
    the most work left that no other worker is at. So that each model is compiled by as few workers
    as can be, and the long ones are begun first.

    Parameters
    ----------
    tasks
        In the order in which those of one affinity are done.
    affinity
        What a task must have compiled.
    weight
        About how long a task takes.
    """

    def __init__(self, tasks: Iterable[Task], *, affinity: Affinity, weight: Weight) -> None:
        self._affinity, self._weight = affinity, weight
        self._waiting: dict[str, deque[Task]] = {}
        self._left: dict[str, float] = {}
        self._at: dict[str, str] = {}
        self._alone: set[Task] = set()
        self._closed = False
        for task in tasks:
            self.add(task)

    def add(self, task: Task, *, alone: bool = False) -> None:
        """Put a task at the end; one that may harm others is given out alone from then on."""
        if alone:
            self._alone.add(task)
        key = self._affinity(task)
        self._waiting.setdefault(key, deque()).append(task)
        self._left[key] = self._left.get(key, 0.0) + self._weight(task)

    def take(self, worker: str) -> Task | None:
        """Return the next task of a worker, or None where there is none or the queue is closed."""
        return next(iter(self.take_some(worker, lambda task: 1)), None)

    def take_some(self, worker: str, most: Callable[[Task], int]) -> list[Task]:
        """Return the next tasks of a worker, all of one affinity; as many as ``most`` says of the first, at most."""
        key = self._choose(worker)
        if self._closed or key is None:
            return []
        self._at[worker] = key
        waiting = self._waiting[key]
        given = [waiting.popleft()]
        while waiting and len(given) < most(given[0]) and self._alone.isdisjoint((given[0], waiting[0])):
            given.append(waiting.popleft())
        self._left[key] -= sum(map(self._weight, given))
        if not waiting:
            del self._waiting[key], self._left[key]
        return given

    def _choose(self, worker: str) -> str | None:
        if self._at.get(worker) in self._waiting:
            return self._at[worker]
        others = {key for name, key in self._at.items() if name != worker}
        free = [key for key in self._waiting if key not in others] or list(self._waiting)
        return max(free, key=self._left.__getitem__, default=None)

    def close(self) -> None:
        """Give no more tasks."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether the queue was closed."""
        return self._closed

    def __len__(self) -> int:
        """Return the number of waiting tasks."""
        return sum(map(len, self._waiting.values()))
