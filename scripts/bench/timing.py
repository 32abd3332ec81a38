"""Clocks that give ratios one can trust on a machine that others use too, and silence for other packages."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

__all__ = ["BURST", "interleaved", "missing", "one_thread", "quiet", "timed"]

_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")
#: Times that a call is made in a row.
BURST = 3

_TALKERS = ("pymc", "bambi", "nutpie", "pytensor", "arviz", "tensorflow")


def one_thread() -> None:
    """Give linear algebra one thread in every package; to be called before any of them loads."""
    os.environ |= {f"{name}_NUM_THREADS": "1" for name in _THREADS}
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def missing(*packages: str) -> str:
    """Return a note that names the packages that are not installed, empty where all are."""
    absent = [package for package in packages if find_spec(package) is None]
    return f"{', '.join(absent)} not installed: make bench makes an environment that has it" if absent else ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence another package inside the block: its warnings, its log and what it prints."""
    loggers = [logging.getLogger(name) for name in _TALKERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def timed[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[float, T]:
    """Return the seconds that a call took, and what it returned."""
    started = time.perf_counter()
    value = function(*args, **kwargs)
    return time.perf_counter() - started, value


def interleaved(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[float, Any]]:
    """Return for each call its fewest seconds over several rounds, and what it returned.

    All take their turn in every round, `BURST` times in a row, so that what else the machine does falls on
    all of them alike, and none is slow because another one filled the processor's caches.
    """
    found: dict[str, tuple[float, Any]] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            burst = [timed(call) for _ in range(BURST)]
            fewest = min(seconds for seconds, _ in burst)
            found[name] = (min(fewest, found[name][0] if name in found else fewest), burst[-1][1])
    return found
