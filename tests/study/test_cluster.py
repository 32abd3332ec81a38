"""A Dask cluster of separate processes gives the same bits; and what can go wrong with it."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from bayescompare.cli import main
from bayescompare.errors import ClusterError
from bayescompare.study.run import run_study
from tests.study import mocks  # noqa: F401
from tests.study.runs import assert_same, fast, left_over, parts_in, processes, until, within, written

OTHER = """
import bayescompare.provenance as provenance

provenance.versions = lambda ours=provenance.versions: ours() | {"numpy": "0.1"}
"""


class Cluster:
    """A scheduler, and workers where they are asked for."""

    def __init__(self, started, folder) -> None:
        # not the folder that Python would find the mock estimators in
        self._folder = folder / "work"
        self._folder.mkdir()
        self._started, self._file = started, self._folder / "scheduler.json"
        arguments = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self._file))
        quiet = {"stdout": None, "stderr": None}
        self.scheduler = started.start(sys.executable, "-m", "distributed.cli.dask_scheduler", *arguments, **quiet)
        self.address = json.loads(until(self._announced))["address"]

    def _announced(self) -> str:
        text = self._file.read_text() if self._file.exists() else ""
        return text if text.endswith("}") else ""

    def worker(self, *more: str, **settings):
        """Start a worker of one thread."""
        arguments = (self.address, "--nthreads", "1", "--no-dashboard", *more)
        quiet = {"stdout": None, "stderr": None, "cwd": self._folder}
        return self._started.start(sys.executable, "-m", "distributed.cli.dask_worker", *arguments, **quiet, **settings)

    def workers(self) -> list[int]:
        """Return the processes that work, each watched by a nanny that starts it anew."""
        return [pid for pid in self._started.alive() if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def other_worker(self):
        """Start a worker that has another NumPy, and no mock estimators."""
        path = self._folder / "other_versions.py"
        path.write_text(OTHER)
        plain = os.pathsep.join(self._started.environment["PYTHONPATH"].split(os.pathsep)[1:])
        return self.worker("--no-nanny", "--preload", str(path), env={"PYTHONPATH": plain})


@pytest.fixture(autouse=True)
def _in_time():
    with within(120):
        yield


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Give a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    with processes(folder) as started:
        found = Cluster(started, folder)
        with pytest.raises(ClusterError, match=r"has no workers; start some with 'dask worker tcp:"):
            run_study(fast(), scheduler=found.address)
        found.worker()
        found.worker()
        yield found


@pytest.fixture(scope="module")
def whole():
    """Return the results of the study in this process."""
    return run_study(fast())


def two(client) -> bool:
    return len(client.scheduler_info()["workers"]) == 2


@pytest.fixture(scope="module")
def ready(cluster):
    """Give the cluster once both workers are there."""
    from distributed import Client

    with Client(cluster.address) as client:
        until(lambda: two(client))
    return cluster


def test_a_cluster_gives_the_same_bits(ready, whole, tmp_path):
    assert_same(run_study(fast(), tmp_path / "out", scheduler=ready.address), whole)
    assert left_over(tmp_path / "out") == []


def check_killed(ready, study, kills: int, every: int) -> None:
    """Kill a worker after every so many tasks, and hold the results against those of this process."""
    rng, heard, killed = random.Random(1), [], []

    def kill_another(task) -> None:
        heard.append(task)
        if len(killed) < kills and len(heard) % every == 1:
            time.sleep(rng.uniform(0, 0.05))
            killed.append(rng.choice(until(ready.workers)))
            os.kill(killed[-1], signal.SIGKILL)

    assert_same(run_study(study, scheduler=ready.address, announce=kill_another), run_study(study))
    assert len(killed) == kills
    until(lambda: len(ready.workers()) == 2)


def test_fault_46_a_worker_of_a_cluster_that_is_killed_loses_nothing(ready):
    check_killed(ready, fast(estimators=["lbfgs-ml", "mock-noise:seconds=0.05"]), 1, 100)


@pytest.mark.slow
def test_fault_46_twenty_workers_of_a_cluster_are_killed(ready):
    with within(300):
        study = fast(estimators=["lbfgs-ml", "lbfgs-reml", "mock-noise:seconds=0.02"], replicates=60)
        check_killed(ready, study, 20, 9)


def test_fault_48_a_worker_that_comes_later_with_other_versions_is_left_alone(ready, whole, capfd):
    from distributed import Client

    other = []

    def start_another(task) -> None:
        if not other:
            other.append(ready.other_worker())
            with Client(ready.address) as client:
                until(lambda: len(client.scheduler_info()["workers"]) == 3)

    try:
        results = run_study(fast(), scheduler=ready.address, announce=start_another)
        assert_same(results, whole)
        assert "A worker is left alone: tcp://127.0.0.1" in capfd.readouterr().err
        with pytest.raises(ClusterError, match=r"numpy 0\.1, here ") as refused:
            run_study(fast(), scheduler=ready.address, announce=lambda task: pytest.fail("it ran"))
        assert "There is no estimator 'mock-noise'" in str(refused.value)
    finally:
        other[0].kill()
        with Client(ready.address) as client:
            until(lambda: two(client))


def test_fault_47_a_scheduler_that_dies_and_the_study_goes_on_elsewhere(ready, whole, tmp_path):
    def kill(task) -> None:
        os.kill(ready.scheduler.pid, signal.SIGKILL)

    begun = time.monotonic()
    with pytest.raises(ClusterError, match=r"^The scheduler is gone(: .*)?\. Give the same command again to go on\.$"):
        run_study(fast(), tmp_path, scheduler=ready.address, announce=kill)
    assert time.monotonic() - begun < 30
    assert 1 <= len(parts_in(tmp_path)) < 24
    assert_same(run_study(fast(), tmp_path), whole)


def test_fault_47_a_scheduler_that_is_not_there(tmp_path, capsys):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
    begun = time.monotonic()
    assert main(["run", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--scheduler", address]) == 3
    assert time.monotonic() - begun < 20
    assert f"Timed out trying to connect to the scheduler {address} after 3 s" in capsys.readouterr().err
    assert not parts_in(tmp_path / "out")


def test_fault_47_an_address_that_is_none(tmp_path, capsys):
    assert main(["run", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--scheduler", "nonsense://x"]) == 3
    assert "the scheduler nonsense://x" in capsys.readouterr().err
