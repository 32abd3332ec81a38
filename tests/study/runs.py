"""Small studies, the processes that run them, and what they leave in their folders."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import tomllib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayescompare.comparison.results import Results
from bayescompare.comparison.schema import TIMES
from bayescompare.study.definition import Study
from bayescompare.study.store import read_results
from tests.study.plugin import installed

TEXT = """
name = "fast"
replicates = 6
seed = 11
block = 2
dispersed_starts = 2
estimators = ["lbfgs-ml", "lbfgs-reml", "mock-noise"]

[[scenario]]
name = "small"
formula = "y ~ x + (1 | g)"
groups = 6
rows = "poisson(4)"
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }

[[scenario]]
name = "large"
formula = "y ~ x + (1 | g)"
groups = 9
rows = 4
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 0.5, sigma = 1 }
"""
#: Its tasks: scenarios, estimators and surfaces, blocks.
TASKS = 2 * 4 * 3

_MAIN = "import sys; from bayescompare.cli import main; sys.exit(main(sys.argv[1:]))"
_MARK = "BAYESCOMPARE_TEST_MARK"
_KEYS = ["scenario", "replicate", "estimator"]


def fast(**changes: Any) -> Study:
    """Return the study, with changes."""
    return Study.from_dict(tomllib.loads(TEXT) | changes)


def written(folder: Path, text: str = TEXT) -> Path:
    """Return the study as a file."""
    path = folder / "fast.toml"
    path.write_text(text, "utf-8")
    return path


def _die_with_the_tests() -> None:
    """Ask Linux to kill this process when the one that started it dies."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@contextlib.contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail where something takes longer: a hang is a fault too."""

    def late(signum: int, frame: object) -> None:
        pytest.fail(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Processes:
    """Starts processes that know the mock estimators, and knows what is left of them."""

    def __init__(self, folder: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.environment = {**os.environ, "PYTHONPATH": installed(folder), _MARK: self.mark, "MPLBACKEND": "Agg"}
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *command: str, **settings: Any) -> subprocess.Popen[str]:
        """Start a process in a session of its own."""
        environment = self.environment | settings.pop("env", {})
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | settings
        given = {"env": environment, "start_new_session": True, "preexec_fn": _die_with_the_tests}
        self._started.append(subprocess.Popen(command, **given, **pipes))
        return self._started[-1]

    def command(self, *arguments: str | Path, **settings: Any) -> subprocess.Popen[str]:
        """Start ``bayescompare``."""
        return self.start(sys.executable, "-c", _MAIN, *map(str, arguments), **settings)

    def alive(self) -> list[int]:
        """Return the processes that were started, and those that they started."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._ours(pid)]

    def _ours(self, pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            return state != "Z" and f"{_MARK}={self.mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    def stop(self) -> None:
        """Kill what is left."""
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        for process in self._started:
            with contextlib.suppress(ValueError):
                process.communicate()
            process.wait()


@contextlib.contextmanager
def processes(folder: Path) -> Iterator[Processes]:
    """Give a starter of processes; none outlives it."""
    found = Processes(folder)
    try:
        yield found
    finally:
        found.stop()


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait until something holds, and return it."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            pytest.fail("it did not come about in time")
        time.sleep(0.02)
    return found


def parts_in(folder: Path) -> list[Path]:
    """Return the parts below a folder."""
    return sorted(folder.glob("parts/*/*/*.parquet"))


def left_over(folder: Path) -> list[str]:
    """Return what should not be in a finished study's folder."""
    return [path.name for path in folder.rglob("*") if path.name.startswith(".") or path.suffix in {".tmp", ".corrupt"}]


def plain(results: Results) -> dict[str, pd.DataFrame]:
    """Return sorted tables without times."""
    tables = dict(results.tables)
    tables |= {"measures": results.measures, "verdicts": results.verdicts}
    return {name: _sorted(table) for name, table in tables.items()}


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    bare = table.drop(columns=[*TIMES], errors="ignore")
    if "measure" in bare:
        bare = bare[~bare["measure"].isin(TIMES)]
    text = bare.map(lambda value: repr(value.tolist() if isinstance(value, np.ndarray) else value))
    return bare.loc[text.sort_values(list(text.columns)).index].reset_index(drop=True)


def assert_same(one: Results | Path, other: Results | Path) -> None:
    """Assert that two studies have the same tables to the last bit, whatever their order, times aside."""
    first, second = (plain(read_results(it) if isinstance(it, Path) else it) for it in (one, other))
    assert first.keys() == second.keys()
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name], check_exact=True, check_dtype=False, obj=name)
