"""A study on two processes against the same study on one: what is left of the second core."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from statistics import median

from bayescompare.provenance import cores
from bayescompare.study.definition import Study
from bayescompare.study.run import run_study
from bench.rows import Row

__all__ = ["measure"]

_SECTION = "A study on two processes"
_WANTED, _WANTED_OF_CEILING = 1.8, 0.95
# Cores that two processes keep busy, starting included: what would be 1.8 times as fast on cores that share nothing.
_BUSY = 1.8
_PROCESSES = 2


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section: wall time of a compute-bound study, processes started within it.

    What two cores of this machine can give is measured beside it: two processes that know nothing of each other do
    half of the study each, timed from when both are ready. Where cores share a clock, caches or a host, two at work
    are each slower than one alone: the processor time that the workers had in a second tells that from idling.
    """
    replicates, rounds = (100, 1) if quick else (1000, 3)
    study = _study("one", "two", replicates=replicates)
    if cores() < _PROCESSES:
        return [Row(section=_SECTION, name="two processes / one", note="this machine has one core")]
    with _one_core_each():
        _timed(_study("one", replicates=4), 1)
        # in turn, so that an hour in which the machine is slow slows all
        found = [(_timed(study, 1), *_busy(study), _apart(replicates)) for _ in range(rounds)]
    serial, both, busy, apart = (median(each) for each in zip(*found, strict=True))
    fits = f"{replicates * 2} fits by {study.estimators[0]}, medians of {rounds}"
    ratios = ", ".join(f"{one / two:.2f}" for one, two, _, _ in found)
    ceilings = ", ".join(f"{one / two:.2f}" for one, _, _, two in found)
    return [
        Row(
            section=_SECTION, name="two processes / one, a compute-bound study", ours=both, theirs=serial,
            wanted=_WANTED, note=f"{fits}, ratios {ratios}; the time to start two processes is in it",
        ),
        Row(
            section=_SECTION, name="two processes / two that do half each unconnected", ours=both, theirs=apart,
            wanted=_WANTED_OF_CEILING, note=f"{fits}; unconnected and already started, two cores give {ceilings}",
        ),
        Row(
            section=_SECTION, name="cores that two processes keep busy", ours=busy, theirs=1.0, unit="cores",
            wanted=_BUSY, note="processor seconds of the workers in a second from first to last, starting included",
        ),
    ]  # fmt: skip


def _busy(study: Study) -> tuple[float, float]:
    """Return the seconds of a study on several processes, and how many cores these kept busy."""
    before = _children()
    seconds = _timed(study, _PROCESSES)
    return seconds, (_children() - before) / seconds


def _children() -> float:
    """Return the processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _apart(replicates: int) -> float:
    """Return the seconds in which two processes do one scenario each, from when both have started."""
    context = get_context("spawn")
    ready = context.Barrier(_PROCESSES + 1)
    processes = [context.Process(target=_half, args=(name, replicates, ready)) for name in ("one", "two")]
    for process in processes:
        process.start()
    ready.wait()
    clock = time.monotonic()
    for process in processes:
        process.join()
    return time.monotonic() - clock


def _half(name: str, replicates: int, ready: Barrier) -> None:
    """Do one scenario of the study, once the other process is ready too."""
    _timed(_study(name, replicates=4), 1)
    ready.wait()
    _timed(_study(name, replicates=replicates), 1)


def _timed(study: Study, workers: int) -> float:
    clock = time.monotonic()
    run_study(study, workers=workers)
    return time.monotonic() - clock


@contextmanager
def _one_core_each() -> Iterator[None]:
    """Keep this process to as many cores as each of several has."""
    before = os.environ.get("BAYESCOMPARE_CORES")
    os.environ["BAYESCOMPARE_CORES"] = "1"
    try:
        yield
    finally:
        os.environ.pop("BAYESCOMPARE_CORES") if before is None else os.environ.update(BAYESCOMPARE_CORES=before)


def _study(*names: str, replicates: int) -> Study:
    """Return a study whose fits take long and whose rows are few."""
    effects = "(1 + x1 + x2 + x3 | subject)"
    sds = {f"sd_subject[{name}]": 0.7 for name in ("Intercept", "x1", "x2", "x3")}
    scenario = {
        "formula": f"y ~ x1 + x2 + x3 + {effects}",
        "groups": 50,
        "rows": 10,
        "covariates": {f"x{k}": "normal(0, 1)" for k in (1, 2, 3)},
        "truth": {"sigma": 1, **sds},
    }
    return Study(
        name="processes",
        replicates=replicates,
        block=10,
        seed=1,
        estimators=["lbfgs-ml:starts=40"],
        dispersed_starts=0,
        scenario=[{"name": name, **scenario} for name in names],
    )
