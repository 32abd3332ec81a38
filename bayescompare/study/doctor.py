"""What this machine can run: versions, the three engines on real data, threads, disk, cluster."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from bayescompare.errors import BayesCompareError
from bayescompare.fits import Status
from bayescompare.fitting import fit
from bayescompare.provenance import cores, machine, versions
from bayescompare.study.definition import load

__all__ = ["ENGINES", "Finding", "examine"]

#: Estimators that are tried, one of each engine.
ENGINES = ("lbfgs-ml", "adam-marginal", "nuts:draws=200,tune=200")

# The deviance of Dyestuff's maximum likelihood fit: lme4, Bates et al. (2015).
_FORMULA, _DEVIANCE, _NEAR = "yield ~ 1 + (1 | batch)", 327.32705988, 1e-3
# Bytes below which a disk is called nearly full.
_LITTLE = 1e9
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    fault
        What is wrong and what to do, empty where nothing is.
    """

    what: str
    found: str
    fault: str = ""


def examine(folder: Path, scheduler: str | None = None, *, engines: bool = True) -> Iterator[Finding]:
    """Look at what studies and fits need, one thing after another.

    Parameters
    ----------
    folder
        Where results would be written.
    scheduler
        Address of a Dask scheduler to try.
    engines
        Whether to fit a small data set by each engine, which takes half a minute where nothing is compiled.
    """
    yield Finding(what="machine", found=", ".join(f"{name} {value}" for name, value in machine().items()))
    yield Finding(what="versions", found=", ".join(f"{name} {value}" for name, value in versions().items()))
    yield _requirements()
    yield _threads()
    for what, place in {"results": folder, "temporary files": Path(tempfile.gettempdir())}.items():
        yield _disk(what, place)
    if engines:
        yield from (_engine(label) for label in ENGINES)
    if scheduler is not None:
        yield _cluster(scheduler)


def _requirements() -> Finding:
    """Hold what is installed to what the package asks for."""
    what = "requirements"
    try:
        asked = [Requirement(text) for text in requires("bayescompare") or []]
    except PackageNotFoundError:
        return Finding(what=what, found="", fault="bayescompare is not installed; run 'pip install .' in its folder.")
    needed = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    faults = [fault for one in needed if (fault := _unmet(one))]
    advice = f"{'; '.join(faults)}. Run 'pip install --upgrade bayescompare'." if faults else ""
    return Finding(what=what, found=f"{len(needed) - len(faults)} of {len(needed)} as asked for", fault=advice)


def _unmet(asked: Requirement) -> str:
    """Say how a requirement is not met, or nothing."""
    try:
        there = version(asked.name)
    except PackageNotFoundError:
        return f"{asked.name} is not installed"
    fits = asked.specifier.contains(there, prereleases=True)
    return "" if fits else f"{asked.name} is {there}, wanted {asked.specifier}"


def _threads() -> Finding:
    given = ", ".join(f"{name}={os.environ[name]}" for name in _THREADS if name in os.environ)
    return Finding(what="threads", found=f"{cores()} cores; {given or 'nothing set in the environment'}")


def _disk(what: str, place: Path) -> Finding:
    """Write, flush and rename a file in a folder, or in the nearest one above that exists."""
    there = next(one for one in (place.absolute(), *place.absolute().parents) if one.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".bayescompare-", dir=there) as own:
            with open(Path(own, "new"), "wb") as file:
                file.write(b"0" * 4096)
                file.flush()
                os.fsync(file.fileno())
            os.replace(Path(own, "new"), Path(own, "old"))
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding(what=what, found=str(there), fault=f"{error}. Choose another folder with --out.")
    fault = f"only {free / 1e9:.2g} GB are free there" if free < _LITTLE else ""
    return Finding(what=what, found=f"{there}: writable, {free / 1e9:,.0f} GB free", fault=fault)


def _engine(label: str) -> Finding:
    """Fit Dyestuff by one estimator; the likelihood's optimum is known."""
    started = time.perf_counter()
    found = _tried(partial(fit, _FORMULA, "dyestuff", [label]))
    took = f"{time.perf_counter() - started:.1f} s, compiling included"
    if isinstance(found, str):
        return Finding(what=label, found=took, fault=found)
    made = next(iter(found.values()))
    if made.status not in (Status.OK, Status.FLAGGED):
        return Finding(what=label, found=took, fault=f"{made.status}: {made.message}")
    off = abs(made.objective - _DEVIANCE)
    wrong = not label.startswith("nuts") and not off < _NEAR
    fault = f"its deviance is {made.objective:.4f}, and should be {_DEVIANCE:.4f}: please report this." if wrong else ""
    return Finding(what=label, found=f"fits dyestuff in {took}", fault=fault)


def _cluster(address: str) -> Finding:
    """Connect to a scheduler, and ask each of its workers for its versions."""

    def connected() -> int:
        from bayescompare.study.dask import existing_cluster

        with existing_cluster(address, load("adam-random-effects")) as workers:
            return workers.workers

    found = _tried(connected)
    if isinstance(found, str):
        return Finding(what="cluster", found=address, fault=found)
    return Finding(what="cluster", found=f"{address}: {found} workers with the versions of this machine")


def _tried[T](make: Callable[[], T]) -> T | str:
    """Return what a function returns, or why it did not."""
    try:
        return make()
    except BayesCompareError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
