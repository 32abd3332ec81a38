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
        self._closed = False
        for task in tasks:
            self.add(task)

    def add(self, task: Task) -> None:
        """Put a task at the end."""
        key = self._affinity(task)
        self._waiting.setdefault(key, deque()).append(task)
        self._left[key] = self._left.get(key, 0.0) + self._weight(task)

    def take(self, worker: str) -> Task | None:
        """Return the next task of a worker, or None where there is none or the queue is closed."""
        key = self._choose(worker)
        if self._closed or key is None:
            return None
        self._at[worker] = key
        task = self._waiting[key].popleft()
        self._left[key] -= self._weight(task)
        if not self._waiting[key]:
            del self._waiting[key], self._left[key]
        return task

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
