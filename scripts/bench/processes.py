"""A study on two processes against the same study on one: what is left of the second core."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from bayescompare.provenance import cores
from bayescompare.study.definition import Study
from bayescompare.study.run import run_study
from bench.rows import Row

__all__ = ["measure"]

_SECTION = "A study on two processes"
_WANTED = 1.8
_PROCESSES = 2


def measure(*, quick: bool) -> list[Row]:
    """Return the row of this section: wall time of a compute-bound study, processes started within it."""
    study, rounds = _study(replicates=100 if quick else 800), 1 if quick else 3
    if cores() < _PROCESSES:
        return [Row(section=_SECTION, name="two processes / one", note="this machine has one core")]
    with _one_core_each():
        _timed(_study(replicates=4), 1)
        # in turn, so that an hour in which the machine is slow slows both
        found = [(_timed(study, 1), _timed(study, _PROCESSES)) for _ in range(rounds)]
    serial, both = (median(each) for each in zip(*found, strict=True))
    ratios = ", ".join(f"{one / two:.2f}" for one, two in found)
    note = (
        f"{study.replicates * 2} fits by {study.estimators[0]}, medians of {rounds}, ratios {ratios}; "
        "two processes need a few seconds to start"
    )
    name = "two processes / one, a compute-bound study"
    return [Row(section=_SECTION, name=name, ours=both, theirs=serial, wanted=_WANTED, note=note)]


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


def _study(*, replicates: int) -> Study:
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
        block=25,
        seed=1,
        estimators=["lbfgs-ml:starts=40"],
        dispersed_starts=0,
        scenario=[{"name": name, **scenario} for name in ("one", "two")],
    )
