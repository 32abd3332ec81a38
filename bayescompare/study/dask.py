"""Tasks on Dask workers: processes of this machine, or those of a cluster that runs already."""

from __future__ import annotations

import json
import logging
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache

import dask
from distributed import Client, Future, LocalCluster, Worker, WorkerPlugin, wait
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from bayescompare.errors import BayesCompareError, ClusterError
from bayescompare.fits import Status
from bayescompare.priors import PriorFile
from bayescompare.priors.names import naming
from bayescompare.provenance import cores, versions
from bayescompare.study.definition import Study
from bayescompare.study.executor import Executor, Lost, Outcome, broken, guarded
from bayescompare.study.own import refuse_absent, sources
from bayescompare.study.parts import Part
from bayescompare.study.queue import Queue
from bayescompare.study.tasks import Task

__all__ = ["DaskWorkers", "existing_cluster", "local_processes"]

# Seconds to find a scheduler, between looks at what runs, and after which a worker that is gone is missed.
_CONNECT, _LOOK, _MISSED = 3.0, 0.5, 2.0
# Seconds in which the result of a task is fetched, and that a study waits for the first worker.
_FETCH, _ABSENT = 10.0, 60.0
_DIED = Lost(status=Status.WORKER_DIED, message="the process that ran it died")
# Seconds that a task may take beside its fits: starting, compiling.
_GRACE = 180.0
# Seconds of work that are given out at once, where tasks are short, and how many tasks at most.
_HANDFUL, _MOST = 0.2, 64
#: One thread a process, so that as many processes as cores keep each core busy once.
_THREADS = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    )
}  # fmt: skip


#: Says of a worker why it cannot be used.
Unfit = Callable[[str], str | None]

Results = list[Part | Lost]

#: A study as a worker is given it: JSON, and the files of priors that the user has named.
Sent = tuple[str, tuple[PriorFile, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """Tasks on their way to a worker, which does one after another."""

    tasks: list[Task]
    address: str
    since: float


class DaskWorkers(Executor):
    """Runs one task at a time on each worker of a cluster; short ones are sent by the handful.

    Parameters
    ----------
    client
        Connected to the scheduler.
    grace
        Seconds that a task may take beside its fits: starting, compiling.
    unfit
        Says of a worker why it cannot be used, or returns None; asked once of each, also of those that come later.
    """

    def __init__(self, client: Client, *, grace: float = _GRACE, unfit: Unfit | None = None) -> None:
        self.client = client
        self._grace, self._unfit = grace, unfit
        self._asked: dict[str, bool] = {}
        self._alone = time.monotonic()
        self._running: dict[Future[Results], _Running] = {}
        self._gone: dict[Future[Results], float] = {}
        self._seconds: dict[tuple[str, str], float] = {}
        self._addresses: list[str] = []
        self._looked = -math.inf
        self.workers = len(self._there())

    def _there(self) -> list[str]:
        """Return the addresses of the workers, asked for anew now and then."""
        now = time.monotonic()
        if now - self._looked > _LOOK:
            there = sorted(self.client.scheduler_info()["workers"])
            self._addresses = [address for address in there if self._fit(address)]
            self._looked = time.monotonic()
        if self._addresses:
            self._alone = time.monotonic()
        return self._addresses

    def _fit(self, address: str) -> bool:
        """Whether a worker may be given tasks; why not is said once."""
        if self._unfit is not None and address not in self._asked:
            fault = self._unfit(address)
            self._asked[address] = fault is None
            if fault:
                print(f"A worker is left alone: {fault}", file=sys.stderr, flush=True)
        return self._asked.get(address, True)

    def _wait_for_workers(self) -> None:
        """Give up when there have been none for long."""
        if not self._there() and time.monotonic() - self._alone > _ABSENT:
            raise ClusterError(f"There has been no worker for {_ABSENT:g} s. Give the same command again to go on.")
        time.sleep(_LOOK)

    def outcomes(self, study: Study, queue: Queue) -> Iterator[Outcome]:
        """Yield the outcome of each task.

        Raises
        ------
        ClusterError
            If the scheduler is gone.
        """
        sent = _sent(study)
        self._alone = time.monotonic()
        try:
            while self._give_out(sent, queue) or self._running or (len(queue) and not queue.closed):
                yield from self._finished(study, queue)
        except CancelledError as error:
            raise ClusterError("The scheduler is gone. Give the same command again to go on.") from error
        except (CommClosedError, OSError) as error:
            raise ClusterError(f"The scheduler is gone: {error}. Give the same command again to go on.") from error
        finally:
            # what still runs is nobody's any more: Dask forgets it
            self._running.clear()
            self._gone.clear()

    def _give_out(self, study: Sent, queue: Queue) -> int:
        """Give each idle worker something to do, and return to how many."""
        busy = {one.address for one in self._running.values()}
        given = 0
        for address in self._there():
            if address in busy or not (tasks := queue.take_some(address, self._handful)):
                continue
            future = self.client.submit(_run_remote, study, tasks, workers=[address], pure=False, retries=0)
            self._running[future] = _Running(tasks=tasks, address=address, since=time.monotonic())
            given += 1
        return given

    def _handful(self, task: Task) -> int:
        """Return how many tasks like one are sent together: one until it is known that they are short."""
        seconds = self._seconds.get(task.cell, math.inf)
        return max(1, min(_MOST, int(_HANDFUL / seconds)))

    def _finished(self, study: Study, queue: Queue) -> Iterator[Outcome]:
        """Wait a while, and yield what has come."""
        if self._running:
            with suppress(TimeoutError):
                wait(list(self._running), timeout=_LOOK, return_when="FIRST_COMPLETED")
        else:
            self._wait_for_workers()
        for future in [one for one in self._running if one.done() or self._forsaken(one)]:
            results = _results(future) if future.done() else self._given_up(future)
            if results is not None:
                yield from self._settled(future, results, queue)
        for future, one in list(self._running.items()):
            if study.time_limit and time.monotonic() - one.since > self._patience(study.time_limit, one.tasks):
                yield from self._settled(future, self._stopped(future, study.time_limit), queue)

    def _settled(self, future: Future[Results], results: Results | Lost, queue: Queue) -> Iterator[Outcome]:
        """Yield the outcomes of what was sent together; which of several tasks was fatal is found out one by one."""
        one = self._running.pop(future)
        self._gone.pop(future, None)
        if isinstance(results, Lost):
            self._looked = -math.inf
            if len(one.tasks) > 1:
                for task in one.tasks:
                    queue.add(task, alone=True)
                return
            results = [results]
        self._seconds[one.tasks[0].cell] = (time.monotonic() - one.since) / len(one.tasks)
        for task, result in zip(one.tasks, results, strict=True):
            yield Outcome(task=task, result=result)

    def _forsaken(self, future: Future[Results]) -> bool:
        """Whether a task's worker has been gone for a while: it waits for one that will not come back."""
        if self._running[future].address in self._there():
            self._gone.pop(future, None)
            return False
        return time.monotonic() - self._gone.setdefault(future, time.monotonic()) > _MISSED

    def _given_up(self, future: Future[Results]) -> Lost:
        future.cancel(force=True)
        return _DIED

    def _patience(self, limit: float, tasks: Sequence[Task]) -> float:
        """Return after how many seconds some tasks are stopped from outside."""
        return self._grace + 2 * limit * sum(task.count for task in tasks)

    def _stopped(self, future: Future[Results], limit: float) -> Lost:
        """Stop a task that does not stop by itself, and its worker with it."""
        address = self._running[future].address
        future.cancel(force=True)
        try:
            self.client.restart_workers([address], timeout=_GRACE)
        except (TimeoutError, ValueError, RuntimeError) as error:
            raise ClusterError(f"The worker {address} hangs and cannot be restarted: {error}.") from error
        message = f"stopped from outside: it went on long past its limit of {limit:g} s"
        return Lost(status=Status.TIMEOUT, message=message)


def _sent(study: Study) -> Sent:
    """Return a study as JSON, and the files of its priors."""
    return json.dumps(study.as_dict()), sources(study.kinds.values())


def _run_remote(study: Sent, tasks: Sequence[Task]) -> Results:
    """Run tasks of a study: what a worker is asked to do."""
    # with the worker's own scheduler in sight, xarray asks it for a lock on a file in memory
    with dask.config.set(scheduler="synchronous"):
        return [guarded(_readable(study), task) for task in tasks]


def _readable(study: Sent) -> Study:
    """Return a study; what a worker cannot read is no fault of the fits."""
    try:
        return _read_study(study)
    except BayesCompareError as error:
        raise ClusterError(f"A worker cannot read the study: {error}") from error


@lru_cache(maxsize=4)
def _read_study(sent: Sent) -> Study:
    text, files = sent
    with naming({name: kind for file in files for name, kind in file.classes.items()}):
        study = Study.from_dict(json.loads(text), trial=False)
    refuse_absent(study.kinds.values())
    return study


def _results(future: Future[Results]) -> Results | Lost | None:
    """Return what a future gave, or None where that died with its worker before it could be fetched.

    That it was cancelled means that the scheduler is gone.
    """
    if future.status == "finished":
        with suppress(TimeoutError):
            return future.result(timeout=_FETCH)
        return None
    if future.cancelled():
        raise CancelledError("a task was cancelled")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return _DIED
    if isinstance(error, ClusterError):
        raise error
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
        # each look of these at what a worker does interrupts it
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "500ms",
    }
    with dask.config.set(settings), _cluster(count) as cluster, Client(cluster) as client:
        client.register_plugin(_IgnoreInterrupts())
        yield DaskWorkers(client)


def _cluster(count: int) -> LocalCluster:
    # no dashboard; what listens instead does so for this machine alone, at a port that is free
    quiet = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    try:
        return LocalCluster(n_workers=count, threads_per_worker=1, processes=True, host="127.0.0.1", **quiet)
    except (RuntimeError, OSError, TimeoutError) as error:
        raise ClusterError(f"The {count} processes could not be started: {error}") from error


class _IgnoreInterrupts(WorkerPlugin):
    """Leaves Ctrl-C to the process that gives out the tasks; workers that are started anew have it too."""

    def setup(self, worker: Worker) -> None:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def existing_cluster(address: str, study: Study) -> Iterator[DaskWorkers]:
    """Connect to a scheduler that runs already; TLS is a matter of Dask's own configuration.

    Parameters
    ----------
    study
        Which the workers must be able to read.

    Raises
    ------
    ClusterError
        If it cannot be reached, has no workers, or these have other versions or lack what the study names.
    """
    try:
        client = Client(address, timeout=_CONNECT)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"Timed out trying to connect to the scheduler {address} after {_CONNECT:g} s: {error}. "
            "Is 'dask scheduler' running there, and is the address right?"
        ) from error
    with client:
        try:
            client.get_versions(check=True)
        except ValueError as error:
            raise ClusterError(f"The workers of {address} cannot run bayescompare: {error}") from error
        sent = _sent(study)
        workers = list(client.scheduler_info()["workers"])
        if not workers:
            raise ClusterError(f"The scheduler {address} has no workers; start some with 'dask worker {address}'.")
        faults = [fault for worker in workers if (fault := _unfit(client, sent, worker))]
        if faults:
            raise ClusterError("Workers cannot run this study:\n" + "\n".join(f"  {one}" for one in faults))
        yield DaskWorkers(client, unfit=lambda worker: _unfit(client, sent, worker))


def _unfit(client: Client, study: Sent, worker: str) -> str | None:
    """Return why a worker would compute something else, or nothing."""
    try:
        found = client.run(_credentials, study, workers=[worker])
    except OSError:
        # it has gone meanwhile, which is seen to elsewhere
        return None
    except Exception as error:
        return f"{worker}: {type(error).__name__}: {error}"
    if worker not in found:
        return None
    there, fault = found[worker]
    others = [f"{name} {there.get(name)}, here {version}"
              for name, version in versions().items() if there.get(name) != version]  # fmt: skip
    return f"{worker}: {'; '.join([*others, fault] if fault else others)}" if others or fault else None


def _credentials(study: Sent) -> tuple[dict[str, str], str]:
    """Return a worker's versions, and why it cannot read a study, where it cannot."""
    try:
        _read_study(study)
    except BayesCompareError as error:
        return versions(), str(error)
    return versions(), ""
