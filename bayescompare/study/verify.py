"""Whether a folder still holds what was written, and whether it comes out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bayescompare.comparison.schema import TIMES
from bayescompare.errors import InputError, StoreError
from bayescompare.fits import Status
from bayescompare.study import parts
from bayescompare.study.definition import Study
from bayescompare.study.files import ABOUT, holds
from bayescompare.study.manifest import Manifest
from bayescompare.study.own import refuse_absent
from bayescompare.study.parts import DamagedPartError, Found
from bayescompare.study.sinks import Folder
from bayescompare.study.store import read_results
from bayescompare.study.tasks import SURFACE, cells, scenario_of
from bayescompare.study.work import identity, run_task

__all__ = ["Verification", "opened", "verify"]


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What `verify` found.

    Parameters
    ----------
    parts, draws
        Numbers of files that were read and hashed.
    refitted
        Tasks that were run again.
    faults
        A line each; empty where all is well.
    """

    parts: int
    draws: int
    refitted: tuple[str, ...]
    faults: tuple[str, ...]


def opened(folder: Path) -> tuple[Study, Manifest]:
    """Return the study of a folder and its manifest.

    Raises
    ------
    InputError
        If there is none.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        raise InputError(f"There is no study in {folder}; give a folder that 'run' wrote.")
    return Study.from_dict(dict(manifest.study), where=f"The study of {folder}", trial=False), manifest


def verify(folder: Path | str, *, refit: int = 3, seed: int = 0) -> Verification:
    """Read and hash every file of a study, and run some tasks again.

    Parameters
    ----------
    refit
        How many tasks, drawn at random; their rows must be the same to the last bit, times aside.
    seed
        Of that draw.

    Raises
    ------
    InputError
        If the folder holds no study.
    """
    study, _ = opened(Path(folder))
    if refit:
        refuse_absent(study.kinds.values())
    sink = Folder(path=Path(folder))
    found = list(parts.scan(sink.parts, cells(study)))
    faults: list[str] = []
    sound: list[tuple[Found, pa.Table]] = []
    for one in found:
        try:
            sound.append((one, parts.read(one, identity(study, scenario_of(study, one.task), one.task.estimator))[0]))
        except DamagedPartError as error:
            faults.append(str(error))
    kept = [place for one, rows in sound for place in sink.kept(one, rows)]
    faults += [f"{path} is missing or damaged." for path, sha in kept if not holds(path, sha)]
    faults += _tables(Path(folder))
    able = [one for one in sound if _again(*one)]
    again = [able[k] for k in np.random.default_rng(seed).permutation(len(able))[:refit]]
    faults += [f"{one.task}: run again, {what}." for one, rows in again for what in _changed(study, one, rows)]
    return Verification(
        parts=len(found), draws=len(kept), refitted=tuple(str(one.task) for one, _ in again), faults=tuple(faults)
    )


def _tables(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the tables, which may not be there yet."""
    if (folder / ABOUT).exists():
        try:
            read_results(folder)
        except StoreError as error:
            yield str(error)


def _again(found: Found, rows: pa.Table) -> bool:
    """Whether a task may be run again here: not what killed its process, or went past its limit."""
    if found.task.estimator == SURFACE:
        return True
    return not {Status.WORKER_DIED, Status.TIMEOUT} & set(rows["status"].to_pylist())


def _changed(study: Study, found: Found, rows: pa.Table) -> Iterator[str]:
    """Yield the columns in which a task's rows differ when it is run again."""
    again, _ = parts.decode(run_task(study, found.task).content)
    for name in rows.column_names:
        if name not in _VARYING and repr(rows[name].to_pylist()) != repr(again[name].to_pylist()):
            yield f"its {name} are not the same"


# Times; the files of draws, which carry the time at which they were made; and what the study was called.
_VARYING = ("study", *TIMES, "draws_sha256")
