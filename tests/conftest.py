"""One thread for small matrices: results repeat, and parallel work does not fight for cores."""

import os

import pytest
from threadpoolctl import threadpool_limits

# pytest-xdist tells its workers that the terminal has 80 columns; there is none
os.environ.pop("COLUMNS", None)


@pytest.fixture(autouse=True, scope="session")
def _one_blas_thread():
    with threadpool_limits(1, "blas"):
        yield
