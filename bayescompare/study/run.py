"""Run a study: what is missing, by as many processes as are asked for, and its results."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bayescompare.comparison.results import Results
from bayescompare.errors import InputError, InterruptedStudyError, StoreError
from bayescompare.provenance import cores, created
from bayescompare.study.collect import collect
from bayescompare.study.definition import Study
from bayescompare.study.executor import Executor, Serial
from bayescompare.study.files import ABOUT, sweep
from bayescompare.study.fork import take_over
from bayescompare.study.manifest import Manifest, locked
from bayescompare.study.own import refuse_absent
from bayescompare.study.parts import Part
from bayescompare.study.session import Announce, Observe, carry_out, weight
from bayescompare.study.sinks import Folder, Memory, Sink
from bayescompare.study.store import read_results, refuse_other_kind, withdraw_results
from bayescompare.study.tasks import SURFACE, Task, cells, plan
from bayescompare.study.verify import opened

__all__ = ["Announce", "Observe", "missing", "missing_in", "results_in", "run_study", "small", "started", "work_in"]

# How often parts that turn out to be damaged when they are read are made again.
_ROUNDS = 3
# A study of less weight than this (see `session.weight`) is run in this process.
_SMALL = 300.0


def run_study(
    study: Study,
    folder: Path | str | None = None,
    *,
    workers: int | None = 1,
    scheduler: str | None = None,
    fork: Path | str | None = None,
    strict: bool = False,
    announce: Announce | None = None,
    observe: Observe | None = None,
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
        Processes of this machine; as many as it has cores where None. A script that asks for more
        than one must do so below ``if __name__ == "__main__":``.
    scheduler
        Address of a Dask scheduler that runs already, in place of processes of this machine.
    fork
        Folder of another study, from which the results that are the same in this one are taken over.
    strict
        Refuse to go on with a folder that other versions began.
    announce
        Called with each task that is done.
    observe
        The same, with the part that the task gave.

    Raises
    ------
    InputError
        If options are given that go not together, or the folder holds a fit.
    StudyError
        If the folder holds another study, with the differences.
    StoreError
        If the disk or the cluster fails, or another process is at the folder.
    InterruptedStudyError
        After Ctrl-C; what is done is kept.
    """
    refuse_absent(study.kinds.values())
    if scheduler and workers not in (1, None):
        raise InputError("Give workers or a scheduler, not both: a cluster has workers of its own.")
    if folder is None and (fork is not None or strict):
        raise InputError("fork and strict are about a folder; give one.")
    count = workers or cores()

    def done(task: Task, part: Part) -> None:
        if announce:
            announce(task)
        if observe:
            observe(task, part)

    if folder is None:
        return _run(study, Memory(), Manifest(study=study.as_dict()), count, scheduler, done)
    with started(study, Path(folder), strict=strict) as (sink, manifest):
        if fork is not None:
            take_over(study, sink, Path(fork))
        return _run(study, sink, manifest, count, scheduler, done)


@contextmanager
def started(study: Study, folder: Path, *, strict: bool = False) -> Iterator[tuple[Folder, Manifest]]:
    """Take a folder for a study, new or begun: locked, swept of interrupted writes, its manifest written."""
    refuse_other_kind(folder, "study")
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


def small(study: Study) -> bool:
    """Whether a study is done sooner than more processes would be there."""
    return sum(weight(study, label) for _, label in cells(study)) * study.replicates < _SMALL


def missing_in(study: Study, folder: Path) -> list[Task]:
    """Return what of a study would run in a folder, which need not be there: one task a cell, however many blocks."""
    there = Folder(path=folder).done(cells(study))
    left = {cell: study.replicates - sum(k < study.replicates for k in done) for cell, done in there.items()}
    return [Task(scenario=cell[0], estimator=cell[1], first=0, count=count) for cell, count in left.items() if count]


def work_in(study: Study, folder: Path) -> tuple[dict[str, float], dict[tuple[str, str], int]]:
    """Return each estimator's weight, and how many fits of each scenario by each estimator would run in a folder."""
    fits = dict.fromkeys(cells(study), 0) | {task.cell: task.count for task in missing_in(study, folder)}
    return {label: weight(study, label) for _, label in fits}, fits


def results_in(folder: Path | str) -> tuple[Results, str]:
    """Return the results in a folder; of a study that is not finished, those that are there, and how many are.

    Nothing is written, and a process that is at the study goes on.

    Raises
    ------
    InputError
        If the folder holds no results.
    StoreError
        If a file is damaged.
    """
    if Manifest.read(Path(folder)) is None:
        return read_results(folder), ""
    study, manifest = opened(Path(folder))
    sink = Folder(path=Path(folder))
    tasks = missing(study, sink)
    if not tasks and (Path(folder) / ABOUT).exists():
        return read_results(folder), ""
    results = collect(study, sink, manifest)
    return results, _so_far(results) if tasks else "its tables were not there yet"


def missing(study: Study, sink: Sink) -> list[Task]:
    """Return the tasks of a study whose results are not there."""
    return plan(study, sink.done(cells(study)))


def _run(
    study: Study, sink: Sink, manifest: Manifest, workers: int, scheduler: str | None, observe: Observe
) -> Results:
    begun, clock, total = created(), time.monotonic(), 0
    try:
        for _ in range(_ROUNDS):
            tasks = missing(study, sink)
            total += len(tasks)
            if tasks:
                _carry_out(study, sink, tasks, min(workers, len(tasks)), scheduler, observe)
            session = {"created": begun, "seconds": time.monotonic() - clock, "tasks": total, "workers": workers}
            now = manifest.with_session(**session) if total else manifest
            results = collect(study, sink, now)
            if not missing(study, sink):
                break
        else:
            raise StoreError(f"Parts of the study are damaged as soon as they are written; {_left(study, sink)}.")
    except KeyboardInterrupt:
        raise _interrupted(study, sink) from None
    if isinstance(sink, Folder) and total:
        now.write(sink.path)
    return results


def _carry_out(
    study: Study, sink: Sink, tasks: Sequence[Task], workers: int, scheduler: str | None, observe: Observe
) -> None:
    if isinstance(sink, Folder):
        withdraw_results(sink.path)
    with _executor(study, workers, scheduler) as executor:
        finished = carry_out(study, executor, sink, tasks, observe)
    if not finished:
        raise _interrupted(study, sink)


def _interrupted(study: Study, sink: Sink) -> InterruptedStudyError:
    return InterruptedStudyError(f"Interrupted: {_left(study, sink)}. Give the same command again to go on.")


@contextmanager
def _executor(study: Study, workers: int, scheduler: str | None) -> Iterator[Executor]:
    """Give what carries out the tasks; Dask is loaded only where it is needed."""
    if scheduler is None and workers == 1:
        yield Serial()
        return
    from bayescompare.study.dask import existing_cluster, local_processes

    with existing_cluster(scheduler, study) if scheduler else local_processes(workers) as executor:
        yield executor


def _so_far(results: Results) -> str:
    """Say how many fits results have: others may have come since they were read."""
    return f"{len(results.tables['fits']):,} of {results.about['fits_asked']:,} fits are done"


def _left(study: Study, sink: Sink) -> str:
    """Say how much is done."""
    fits = [cell for cell in cells(study) if cell[1] != SURFACE]
    done = sum(sum(k < study.replicates for k in there) for there in sink.done(fits).values())
    return f"{done:,} of {len(fits) * study.replicates:,} fits are done"
