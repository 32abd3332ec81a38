"""A driver that is killed at any moment loses nothing that it had written, and leaves no process behind."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.study.runs import TASKS, TEXT, assert_same, left_over, parts_in, processes, until, written

KILLING = Path(__file__).with_name("killing.py")


def killed(folder: Path, kills: int, seed: int, seconds: float) -> dict:
    with processes(folder) as started:
        given = map(str, (KILLING, written(folder), folder, kills, seed))
        child = started.start(sys.executable, "-W", "ignore", *given)
        said, complained = child.communicate(timeout=seconds)
        assert child.returncode == 0, complained
    return json.loads(said)


def check_kills(found: dict, kills: int) -> None:
    assert set(found["status"]) == {0}
    assert len(found["hits"]) >= kills
    for folder in map(Path, found["finished"]):
        assert len(parts_in(folder)) == TASKS
        assert left_over(folder) == []
        assert_same(folder, Path(found["whole"]))


def test_fault_49_a_driver_that_is_killed_goes_on_where_it_was(tmp_path):
    check_kills(killed(tmp_path, 4, seed=1, seconds=120), 4)


@pytest.mark.slow
def test_fault_49_fifty_kills(tmp_path):
    found = killed(tmp_path, 50, seed=2, seconds=500)
    check_kills(found, 50)
    assert {stage for stage, _ in found["hits"]} == {"start", "parts", "tables"}
    assert len({number for stage, number in found["hits"] if stage == "parts"}) > 3


@pytest.mark.slow
def test_fault_49_five_kills_of_a_study_with_all_three_engines(tmp_path):
    labels = '"adam-marginal:limit=100", "lbfgs-ml", "nuts:draws=100,tune=100,chains=2"'
    text = TEXT.replace('"lbfgs-ml", "lbfgs-reml", "mock-noise"', labels).replace("replicates = 6", "replicates = 4")
    rng, hits = random.Random(3), []
    with processes(tmp_path) as started:
        given = ("run", written(tmp_path, text), "--workers", "1", "--out")
        assert started.command(*given, tmp_path / "whole").wait(300) == 0
        number, killed = len(parts_in(tmp_path / "whole")), tmp_path / "killed"
        while len(hits) < 5:
            there = len(parts_in(killed))
            wanted = rng.randint(there, min(there + 4, number))
            driver = started.command(*given, killed)
            until(lambda wanted=wanted: len(parts_in(killed)) >= wanted, 120)
            time.sleep(rng.uniform(0, 2))
            driver.kill()
            driver.wait()
            hits.append(len(parts_in(killed)))
        assert started.command(*given, killed).wait(300) == 0
    assert hits[0] < number
    assert left_over(killed) == []
    assert_same(killed, tmp_path / "whole")


def test_fault_49_a_driver_that_is_killed_takes_its_processes_with_it(tmp_path):
    with processes(tmp_path) as started:
        arguments = ("run", written(tmp_path), "--out", tmp_path / "out", "--replicates", "40", "--workers", "2")
        driver = started.command(*arguments)
        until(lambda: parts_in(tmp_path / "out") or driver.poll() is not None)
        assert len(started.alive()) >= 3
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        until(lambda: not started.alive(), 20)
    assert 0 < len(parts_in(tmp_path / "out")) < 160
