"""Run a study: what is missing, by as many processes as are asked for, and its results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescompare.comparison.results import Results
from bayescompare.errors import StoreError
from bayescompare.provenance import created
from bayescompare.study.collect import collect
from bayescompare.study.definition import Study
from bayescompare.study.executor import Executor, Serial
from bayescompare.study.files import sweep
from bayescompare.study.manifest import Manifest, locked
from bayescompare.study.session import Announce, carry_out
from bayescompare.study.sinks import Folder, Memory, Sink
from bayescompare.study.tasks import Task, cells, plan

__all__ = ["Announce", "InterruptedStudyError", "missing", "run_study", "started"]

# How often parts that turn out to be damaged when they are read are made again.
_ROUNDS = 3


class InterruptedStudyError(StoreError):
    """The study was interrupted; what is done is kept."""


def run_study(
    study: Study,
    folder: Path | str | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    strict: bool = False,
    announce: Announce | None = None,
) -> Results:
    """Run what is missing of a study and return the results of all of it.

    Parameters
    ----------
    study
        As `load_study` returns it.
    folder
        Where each task's part is kept as soon as it is done, so that a study that is killed goes on
        where it was; in memory where None.
    workers
        Processes of this machine. A script that asks for more than one must do so below
        ``if __name__ == "__main__":``.
    scheduler
        Address of a Dask scheduler that runs already, in place of processes of this machine.
    strict
        Refuse to go on with a folder that other versions began.
    announce
        Called with each task that is done.

    Raises
    ------
    StudyError
        If the folder holds another study, with the differences.
    StoreError
        If the disk or the cluster fails, or another process is at the folder.
    InterruptedStudyError
        After Ctrl-C; what is done is kept.
    """
    if folder is None:
        return _run(study, Memory(), Manifest(study=study.as_dict()), workers, scheduler, announce)
    with started(study, Path(folder), strict=strict) as (sink, manifest):
        return _run(study, sink, manifest, workers, scheduler, announce)


@contextmanager
def started(study: Study, folder: Path, *, strict: bool = False) -> Iterator[tuple[Folder, Manifest]]:
    """Take a folder for a study, new or begun: locked, swept of interrupted writes, its manifest written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot make the folder {folder}: {error.strerror}. Choose another with --out.") from error
    with locked(folder):
        sweep(folder)
        before = Manifest.read(folder)
        now = Manifest(study=study.as_dict()) if before is None else before.continued_by(study, folder, strict=strict)
        now.write(folder)
        yield Folder(path=folder), now


def missing(study: Study, sink: Sink) -> list[Task]:
    """Return the tasks of a study whose results are not there."""
    return plan(study, sink.done(cells(study)))


def _run(
    study: Study, sink: Sink, manifest: Manifest, workers: int, scheduler: str | None, announce: Announce | None
) -> Results:
    begun, clock = created(), time.monotonic()
    tasks = missing(study, sink)
    total = len(tasks)
    for _ in range(_ROUNDS):
        if tasks:
            with _executor(min(workers, len(tasks)), scheduler) as executor:
                finished = carry_out(study, executor, sink, tasks, announce)
            if not finished:
                raise InterruptedStudyError(_left(study, sink))
        session = {"created": begun, "seconds": time.monotonic() - clock, "tasks": total, "workers": workers}
        now = manifest.with_session(**session) if total else manifest
        results = collect(study, sink, now)
        tasks = missing(study, sink)
        if not tasks:
            break
    if isinstance(sink, Folder) and total:
        now.write(sink.path)
    return results


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor]:
    """Give what carries out the tasks; Dask is loaded only where it is needed."""
    if scheduler is None and workers == 1:
        yield Serial()
        return
    from bayescompare.study.dask import existing_cluster, local_processes

    with existing_cluster(scheduler) if scheduler else local_processes(workers) as executor:
        yield executor


def _left(study: Study, sink: Sink) -> str:
    """Say how much is done."""
    all_tasks, left = len(plan(study)), len(missing(study, sink))
    return (
        f"Interrupted: {all_tasks - left} of {all_tasks} tasks are done and kept. Give the same command again to go on."
    )
