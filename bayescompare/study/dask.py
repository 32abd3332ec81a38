"""Tasks on Dask workers: processes of this machine, or those of a cluster that runs already."""

from __future__ import annotations

import json
import logging
import math
import signal
import time
from asyncio import CancelledError as FuturesCancelled
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache

import dask
from distributed import Client, Future, LocalCluster, wait
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from bayescompare.errors import ClusterError
from bayescompare.fits import Status
from bayescompare.provenance import cores, versions
from bayescompare.study.definition import Study
from bayescompare.study.executor import Executor, Lost, Outcome, broken
from bayescompare.study.parts import Part
from bayescompare.study.queue import Queue
from bayescompare.study.tasks import Task
from bayescompare.study.work import run_task

__all__ = ["DaskWorkers", "existing_cluster", "local_processes"]

# Seconds to find a scheduler, between looks at what runs, and after which a worker that is gone is missed.
_CONNECT, _LOOK, _MISSED = 3.0, 0.5, 2.0
_DIED = Lost(status=Status.WORKER_DIED, message="the process that ran it died")
# Seconds that a task may take beside its fits: starting, compiling.
_GRACE = 180.0
#: One thread a process, so that as many processes as cores keep each core busy once.
_THREADS = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A task on its way."""

    task: Task
    address: str
    since: float


class DaskWorkers(Executor):
    """Runs one task at a time on each worker of a cluster.

    Parameters
    ----------
    client
        Connected to the scheduler.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._running: dict[Future[Part], _Running] = {}
        self._gone: dict[Future[Part], float] = {}
        self._addresses: list[str] = []
        self._looked = -math.inf
        self.workers = len(self._there())

    def _there(self) -> list[str]:
        """Return the addresses of the workers, asked for anew now and then."""
        now = time.monotonic()
        if now - self._looked > _LOOK:
            self._addresses = sorted(self.client.scheduler_info()["workers"])
            self._looked = now
        return self._addresses

    def outcomes(self, study: Study, queue: Queue) -> Iterator[Outcome]:
        """Yield the outcome of each task.

        Raises
        ------
        ClusterError
            If the scheduler is gone.
        """
        text = json.dumps(study.as_dict())
        try:
            while self._give_out(text, queue) or self._running or (len(queue) and not queue.closed):
                yield from self._finished(study)
        except (CommClosedError, OSError, FuturesCancelled) as error:
            raise ClusterError(f"The scheduler is gone ({error}). Give the same command again to go on.") from error

    def _give_out(self, study: str, queue: Queue) -> int:
        """Give each idle worker a task, and return how many were given."""
        busy = {one.address for one in self._running.values()}
        given = 0
        for address in self._there():
            if address in busy or (task := queue.take(address)) is None:
                continue
            future = self.client.submit(_run_remote, study, task, workers=[address], pure=False, retries=0)
            self._running[future] = _Running(task=task, address=address, since=time.monotonic())
            given += 1
        return given

    def _finished(self, study: Study) -> Iterator[Outcome]:
        """Wait a while, and yield what has come."""
        if self._running:
            with suppress(TimeoutError):
                wait(list(self._running), timeout=_LOOK, return_when="FIRST_COMPLETED")
        else:
            time.sleep(_LOOK)
        for future in [one for one in self._running if one.done() or self._forsaken(one)]:
            one = self._running.pop(future)
            result = _result(future) if future.done() else self._given_up(future)
            if isinstance(result, Lost):
                self._looked = -math.inf
            yield Outcome(task=one.task, result=result)
        for future, one in list(self._running.items()):
            if study.time_limit and time.monotonic() - one.since > _patience(study.time_limit, one.task):
                yield Outcome(task=one.task, result=self._stopped(future, study.time_limit))

    def _forsaken(self, future: Future[Part]) -> bool:
        """Whether a task's worker has been gone for a while: it waits for one that will not come back."""
        if self._running[future].address in self._there():
            self._gone.pop(future, None)
            return False
        return time.monotonic() - self._gone.setdefault(future, time.monotonic()) > _MISSED

    def _given_up(self, future: Future[Part]) -> Lost:
        del self._gone[future]
        future.cancel(force=True)
        return _DIED

    def _stopped(self, future: Future[Part], limit: float) -> Lost:
        """Stop a task that does not stop by itself, and its worker with it."""
        one = self._running.pop(future)
        future.cancel(force=True)
        try:
            self.client.restart_workers([one.address], timeout=_GRACE)
        except (TimeoutError, ValueError, RuntimeError) as error:
            raise ClusterError(f"The worker {one.address} hangs and cannot be restarted: {error}.") from error
        self._looked = -math.inf
        message = f"stopped from outside: it went on long past its limit of {limit:g} s"
        return Lost(status=Status.TIMEOUT, message=message)


def _run_remote(study: str, task: Task) -> Part:
    """Run a task of a study that is given as JSON: what a worker is asked to do."""
    # with the worker's own scheduler in sight, xarray asks it for a lock on a file in memory
    with dask.config.set(scheduler="synchronous"):
        return run_task(_read_study(study), task)


@lru_cache(maxsize=4)
def _read_study(text: str) -> Study:
    return Study.from_dict(json.loads(text), trial=False)


def _patience(limit: float, task: Task) -> float:
    """Return after how many seconds a task is stopped from outside."""
    return _GRACE + 2 * limit * task.count


def _result(future: Future[Part]) -> Part | Lost:
    """Return what a future gave; that it was cancelled means that the scheduler is gone."""
    if future.status == "finished":
        return future.result()
    if future.cancelled():
        raise FuturesCancelled("a task was cancelled")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return _DIED
    return broken(error)


@contextmanager
def local_processes(count: int) -> Iterator[DaskWorkers]:
    """Start processes on this machine, one thread each, which are started anew when they die.

    Parameters
    ----------
    count
        How many.
    """
    share = max(1, cores() // count)
    settings = {
        # the first death of a worker names the task that it was at
        "distributed.scheduler.allowed-failures": 0,
        # a worker that dies twice within this time would not be started again
        "distributed.deploy.lost-worker-timeout": "365 days",
        "distributed.nanny.pre-spawn-environ": _THREADS | {"BAYESCOMPARE_CORES": str(share)},
        "distributed.worker.multiprocessing-method": "spawn",
    }
    with dask.config.set(settings), _cluster(count) as cluster, Client(cluster) as client:
        client.run(_ignore_interrupts)
        yield DaskWorkers(client)


def _cluster(count: int) -> LocalCluster:
    quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    try:
        return LocalCluster(n_workers=count, threads_per_worker=1, processes=True, **quiet)
    except (RuntimeError, OSError, TimeoutError) as error:
        raise ClusterError(f"The {count} processes could not be started: {error}") from error


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that gives out the tasks."""
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def existing_cluster(address: str) -> Iterator[DaskWorkers]:
    """Connect to a scheduler that runs already; TLS is a matter of Dask's own configuration.

    Raises
    ------
    ClusterError
        If it cannot be reached, has no workers, or these have other versions.
    """
    try:
        client = Client(address, timeout=_CONNECT)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"Timed out trying to connect to the scheduler {address} after {_CONNECT:g} s: {error}. "
            "Is 'dask scheduler' running there, and is the address right?"
        ) from error
    with client:
        _check_versions(client, address)
        yield DaskWorkers(client)


def _check_versions(client: Client, address: str) -> None:
    """Refuse a cluster whose workers would compute something else."""
    try:
        client.get_versions(check=True)
        found = client.run(versions)
    except Exception as error:
        raise ClusterError(f"The workers of {address} cannot run bayescompare: {error}") from error
    if not found:
        raise ClusterError(f"The scheduler {address} has no workers; start some with 'dask worker {address}'.")
    here = versions()
    faults = [
        f"{worker}: {name} {there.get(name)}, here {version}"
        for worker, there in found.items()
        for name, version in here.items()
        if there.get(name) != version
    ]
    if faults:
        raise ClusterError("The workers have other versions:\n" + "\n".join(f"  {one}" for one in faults))
