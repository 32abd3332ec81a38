"""The same study on processes of this machine and on a cluster: the same bits, and workers may die."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psutil
import pytest

from bayescompare.errors import ClusterError
from bayescompare.fits import Status
from bayescompare.study import dask as dask_module
from bayescompare.study import session
from bayescompare.study.collect import collect
from bayescompare.study.dask import DaskWorkers, local_processes
from bayescompare.study.manifest import Manifest
from bayescompare.study.parts import Part
from bayescompare.study.queue import Queue
from bayescompare.study.run import run_study
from bayescompare.study.session import carry_out
from bayescompare.study.sinks import Memory
from bayescompare.study.tasks import Task, plan
from tests.study import mocks  # noqa: F401
from tests.study.plugin import installed
from tests.study.runs import assert_same, fast, until, within


@pytest.fixture(autouse=True)
def _in_time():
    with within(300):
        yield


@pytest.fixture(scope="module")
def whole():
    """Return the results of the study in this process."""
    return run_study(fast())


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Let processes that are started know the mock estimators, and a file that says whether one has died."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("plugin")
        patch.setenv("PYTHONPATH", installed(folder))
        patch.syspath_prepend(folder)
        patch.setenv("BAYESCOMPARE_TEST_WITNESS", str(tmp_path_factory.mktemp("witness") / "died"))
        yield


@pytest.fixture(scope="module")
def local(known):
    """Give two processes of this machine."""
    with local_processes(2) as executor:
        yield executor


def done_by(executor, study, tasks=None, announce=None):
    """Return the results of a study by an executor, and the tasks that were announced."""
    sink, heard = Memory(), []

    def hear(task: Task, part: Part) -> None:
        heard.append(task)
        if announce:
            announce(task)

    assert carry_out(study, executor, sink, plan(study) if tasks is None else tasks, hear)
    return collect(study, sink, Manifest(study=study.as_dict())), heard


def test_two_processes_give_the_same_bits(local, whole):
    results, heard = done_by(local, fast())
    assert set(results.tables["fits"]["message"]) == {""}
    assert sorted(heard, key=str) == sorted(plan(fast()), key=str)
    assert_same(results, whole)


def workers() -> list[int]:
    """Return the processes that this one has spawned to work."""
    return sorted(child.pid for child in psutil.Process().children() if _spawned(child))


def _spawned(child: psutil.Process) -> bool:
    try:
        return child.is_running() and "spawn_main" in " ".join(child.cmdline())
    except psutil.Error:
        return False


def check_killed(executor, study, when: Callable[[int], bool], kills: int) -> None:
    """Kill a worker now and then when a task is done, and hold the results against those of this process."""
    rng, heard, killed = random.Random(1), [], []

    def kill_another(task: Task) -> None:
        heard.append(task)
        if len(killed) < kills and when(len(heard)):
            time.sleep(rng.uniform(0, 0.05))
            killed.append(rng.choice(until(workers)))
            os.kill(killed[-1], signal.SIGKILL)

    results, _ = done_by(executor, study, announce=kill_another)
    assert len(killed) == kills
    assert Counter(heard) == Counter(plan(study))
    assert_same(results, run_study(study))


def test_fault_46_workers_that_are_killed_lose_nothing(local):
    check_killed(local, fast(estimators=["lbfgs-ml", "mock-noise:seconds=0.02"]), lambda done: done % 6 == 1, 2)


@pytest.mark.slow
def test_fault_46_twenty_workers_are_killed(local):
    study = fast(estimators=["lbfgs-ml", "lbfgs-reml", "mock-noise:seconds=0.02"], replicates=60)
    check_killed(local, study, lambda done: done % 9 == 1, 20)


class NoWorkers:
    """A client whose workers come and go by a clock."""

    def __init__(self, there):
        self.there = there

    def scheduler_info(self):
        return {"workers": ["one"] if self.there() else []}


def test_fault_47_workers_may_be_away_for_a_while_however_long_they_were_there(monkeypatch):
    """For so long from when they were last seen, not from the beginning."""
    clock = [0.0]
    monkeypatch.setattr(dask_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(dask_module.time, "sleep", lambda seconds: None)
    executor = DaskWorkers(NoWorkers(lambda: clock[0] < 7200))
    for clock[0] in (1.0, 3600.0, 7199.0):
        assert executor._there() == ["one"]
    for clock[0] in (7201.0, 7230.0, 7258.0):
        executor._wait_for_workers()
    clock[0] = 7260.0
    with pytest.raises(ClusterError, match="no worker for 60 s"):
        executor._wait_for_workers()


def test_what_an_abandoned_run_left_behind_is_forgotten(local):
    study = fast()
    given = local.outcomes(study, session.queue_of(study, plan(study)))
    next(given)
    given.close()
    results, heard = done_by(local, fast(estimators=["mock-noise"], dispersed_starts=0))
    assert {task.estimator for task in heard} == {"mock-noise"}
    assert set(results.tables["fits"]["status"]) == {"ok"}


def test_fault_46_a_task_whose_process_died_once_is_tried_again(local):
    study = fast(estimators=["mock-once"], dispersed_starts=0)
    results, heard = done_by(local, study)
    assert set(results.tables["fits"]["status"]) == {"ok"}
    assert sorted(heard, key=str) == sorted(plan(study), key=str)


def poisoned(**kinds: float):
    """Return a study with an estimator that dies, raises or hangs on the sadder data sets, and which those are."""
    settings = ",".join(f"{kind}={below}" for kind, below in kinds.items())
    return fast(estimators=[f"mock-poison:{settings}", "mock-noise"], dispersed_starts=0, block=3)


def sad(study, below: float) -> set[tuple[str, int]]:
    """Return the data sets whose first response is below a number."""
    from bayescompare.study.cases import cases

    return {
        (scenario.name, case.replicate)
        for scenario in study.scenarios()
        for case in cases(study, scenario, range(study.replicates))
        if case.problem.y[0] < below
    }


def statuses(results, label: str) -> dict[tuple[str, int], str]:
    fits = results.tables["fits"]
    fits = fits[fits["estimator"].str.startswith(label)]
    return {(row.scenario, row.replicate): row.status for row in fits.itertuples()}


def test_fault_46_a_data_set_that_kills_is_named_and_its_block_is_kept(local, monkeypatch):
    monkeypatch.setattr(session, "_TRIES", 1)
    monkeypatch.setattr(session, "_SOLO", 2)
    study = poisoned(kills=-2.0)
    expected = sad(study, -2.0)
    assert len(expected) == 1
    results, _ = done_by(local, study)
    found = statuses(results, "mock-poison")
    assert {key for key, status in found.items() if status == Status.WORKER_DIED} == expected
    assert {status for key, status in found.items() if key not in expected} == {"ok"}
    assert set(statuses(results, "mock-noise").values()) == {"ok"}
    fits = results.tables["fits"]
    died = fits[fits["status"] == Status.WORKER_DIED]
    assert set(died["message"]) == {"the process that ran it died"}
    assert (died["seed_key"] != "").all()
    assert results.failed == len(expected)


def test_fault_46_a_data_set_that_kills_costs_none_that_are_sent_with_it(local, monkeypatch):
    monkeypatch.setattr(session, "_SOLO", 1)
    study = poisoned(kills=-5.5).changed(block=1, replicates=60)
    expected = sad(study, -5.5)
    assert len(expected) == 1
    sent = []
    take_some = Queue.take_some
    monkeypatch.setattr(Queue, "take_some", lambda *given: sent.append(take_some(*given)) or sent[-1])
    results, heard = done_by(local, study)
    fatal = [together for together in sent if {(task.scenario, task.first) for task in together} & expected]
    assert max(map(len, sent)) > 5
    assert sorted(heard, key=str) == sorted(plan(study), key=str)
    found = statuses(results, "mock-poison")
    assert {key for key, status in found.items() if status == Status.WORKER_DIED} == expected
    assert {status for key, status in found.items() if key not in expected} == {"ok"}
    assert fatal


def test_fault_45_what_hangs_is_stopped_from_outside_and_its_block_is_kept(local):
    study = poisoned(hangs=-2.0).changed(time_limit=0.1, block=1)
    expected = sad(study, -2.0)
    results, _ = done_by(DaskWorkers(local.client, grace=5.0), study)
    found = statuses(results, "mock-poison")
    assert {key for key, status in found.items() if status == Status.TIMEOUT} == expected
    assert {status for key, status in found.items() if key not in expected} == {"ok"}
    assert "long past its limit of 0.1 s" in " ".join(results.tables["fits"]["message"])
