"""One thread for small matrices: results repeat, and parallel work does not fight for cores."""

import fcntl
import os
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

# pytest-xdist tells its workers that the terminal has 80 columns; there is none
os.environ.pop("COLUMNS", None)


@pytest.fixture(autouse=True, scope="session")
def _one_blas_thread():
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run of the tests have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def default_study(shared: Path) -> Path:
    """Return the folder of the default study with two replicates; of several processes the first to ask runs it."""
    folder = shared / "default-study"
    with (shared / "default-study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "report.html").exists():
            from bayescompare.cli import main

            assert main(["run", "--replicates", "2", "--workers", "1", "--out", str(folder)]) == 0
    return folder
