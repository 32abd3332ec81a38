"""What is running and the time left: a bar in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bayescompare.study.tasks import Task

__all__ = ["Progress"]

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows how far a batch of fits is, on stderr.

    Parameters
    ----------
    weights
        Label to about how long a fit takes, relative to the others.
    fits
        How many fits of each label there are to make.
    """

    def __init__(self, weights: Mapping[str, float], fits: Mapping[str, int]) -> None:
        self._weights = dict(weights)
        self._total = sum(self._weights[label] * count for label, count in fits.items())
        self._done: dict[tuple[str, str], float] = {}
        self._terminal = sys.stderr.isatty()
        self._started = self._said = time.monotonic()
        self._running = ""
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True, disable=not self._terminal)
        self._task = self._bar.add_task("starting", total=self._total)

    def __enter__(self) -> Self:
        """Start the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def announce(self, scenario: str, label: str, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` fits of an estimator in a scenario are made."""
        self._done[scenario, label] = done * self._weights[label]
        finished = sum(self._done.values())
        running = f"{scenario}  {label}  {done}/{total}" if scenario else f"{label}  {done}/{total}"
        self._bar.update(self._task, completed=finished, description=escape(running))
        if not self._terminal:
            self._say(running, finished)

    def announce_task(self, task: Task) -> None:
        """Note that a task of a study is done."""
        weight = self._weights[task.estimator]
        done = round(self._done.get(task.cell, 0.0) / weight) + task.count
        self.announce(task.scenario, task.estimator, done, task.first + task.count)

    def announce_fit(self, label: str, done: int, total: int) -> None:
        """Note the same of a single data set; of what is not one of the fits, such as a bootstrap, only what it is."""
        if label in self._weights:
            self.announce("", label, done, total)
        else:
            self.note(f"{label}  {done:,}/{total:,}")

    def note(self, running: str) -> None:
        """Show what is running, where there is a bar."""
        self._bar.update(self._task, description=escape(running))

    def _say(self, running: str, finished: float) -> None:
        """Print a line if the last one is some time ago."""
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        elapsed = now - self._started
        left = elapsed * (self._total - finished) / finished if finished else 0.0
        print(f"{elapsed:5.0f} s  {running}  about {left:.0f} s left", file=sys.stderr, flush=True)
