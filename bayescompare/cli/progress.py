"""What is running and the time left: a bar in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bayescompare.cli.tables import add_row, new_table, number
from bayescompare.comparison.running import COLUMNS, Mean, Running
from bayescompare.study.parts import Part, columns_of
from bayescompare.study.tasks import SURFACE, Task

__all__ = ["Progress", "StudyProgress"]

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows how far a batch of fits is, on stderr.

    Parameters
    ----------
    weights
        Label to about how long a fit takes, relative to the others.
    fits
        Scenario and label to how many fits there are to make; the scenario of a single data set is empty.
    """

    def __init__(self, weights: Mapping[str, float], fits: Mapping[tuple[str, str], int]) -> None:
        self._weights, self._fits = dict(weights), dict(fits)
        self._done: Counter[tuple[str, str]] = Counter()
        self._terminal = sys.stderr.isatty()
        self._started = self._said = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns)
        self._task = self._bar.add_task("starting", total=self._work(self._fits))
        console = Console(stderr=True)
        self._live = Live(get_renderable=self.shown, console=console, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Start the bar."""
        if self._terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._terminal:
            self._live.stop()

    def shown(self) -> RenderableType:
        """Return what a terminal shows."""
        return self._bar

    def said(self) -> str:
        """Return what a plain line ends with."""
        return ""

    def announce(self, scenario: str, label: str, done: int, total: int) -> None:
        """Note that ``done`` of ``total`` fits of an estimator in a scenario are made."""
        self._done[scenario, label], self._fits[scenario, label] = done, total
        finished, work = self._work(self._done), self._work(self._fits)
        running = f"{scenario}  {label}  {done}/{total}" if scenario else f"{label}  {done}/{total}"
        self._bar.update(self._task, completed=finished, total=work, description=escape(running))
        if not self._terminal:
            self._say(running, finished, work)

    def _work(self, counts: Mapping[tuple[str, str], int]) -> float:
        return sum(self._weights[label] * count for (_, label), count in counts.items())

    def announce_task(self, task: Task) -> None:
        """Note that a task of a study is done; damaged fits that are made again add to what there is to make."""
        done = self._done[task.cell] + task.count
        self.announce(*task.cell, done, max(done, self._fits[task.cell]))

    def announce_fit(self, label: str, done: int, total: int) -> None:
        """Note the same of a single data set; of what is not one of the fits, such as a bootstrap, only what it is."""
        if label in self._weights:
            self.announce("", label, done, total)
        else:
            self.note(f"{label}  {done:,}/{total:,}")

    def note(self, running: str) -> None:
        """Show what is running, where there is a bar."""
        self._bar.update(self._task, description=escape(running))

    def _say(self, running: str, finished: float, work: float) -> None:
        """Print a line if the last one is some time ago."""
        now = time.monotonic()
        if now - self._said < _SECONDS_BETWEEN_LINES:
            return
        self._said = now
        elapsed = now - self._started
        left = elapsed * (work - finished) / finished if finished else 0.0
        print(f"{elapsed:5.0f} s  {running}  about {left:.0f} s left{self.said()}", file=sys.stderr, flush=True)


class StudyProgress(Progress):
    """Shows how far a study is, and what it has found in this run.

    Parameters
    ----------
    weights, fits
        As `Progress` takes them.
    """

    def __init__(self, weights: Mapping[str, float], fits: Mapping[tuple[str, str], int]) -> None:
        self._running = {label: Running() for _, label in fits if label != SURFACE}
        super().__init__(weights, fits)

    def observe(self, task: Task, part: Part) -> None:
        """Note that a task of a study is done, and what it gave."""
        if task.estimator in self._running:
            self._running[task.estimator].add(columns_of(part, COLUMNS))
        self.announce_task(task)

    def shown(self) -> RenderableType:
        """Return the bar, and an estimator a row."""
        names = ["fits", "ok", "flagged", "failed", "s a fit", "coverage", "error of group sds"]
        table = new_table("", ["estimator", *names], set(names))
        for label, found in self._running.items():
            done = sum(found.statuses.values())
            total = sum(count for cell, count in self._fits.items() if cell[1] == label)
            ok, flagged = found.statuses["ok"], found.statuses["flagged"]
            counts = [f"{done:,}/{total:,}", f"{ok:,}", f"{flagged:,}", f"{done - ok - flagged:,}"]
            pace = number(found.seconds / done, 2) if done else "-"
            add_row(table, [label, *counts, pace, _share(found.coverage), _share(found.error)])
        return Group(self._bar, table)

    def said(self) -> str:
        """Return the counts by status."""
        total = sum((found.statuses for found in self._running.values()), Counter[str]())
        return "".join(f"; {count:,} {status}" for status, count in sorted(total.items()))


def _share(mean: Mean) -> str:
    """Return a mean in percent with its Monte Carlo standard error."""
    if not mean.n:
        return "-"
    error = f" ± {100 * mean.error:.1f}" if mean.n > 1 else ""
    return f"{100 * mean.value:.1f}{error} %"
