"""Begin a study with what another one has already computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bayescompare.errors import StudyError
from bayescompare.study import parts
from bayescompare.study.definition import Study
from bayescompare.study.manifest import Manifest
from bayescompare.study.parts import DamagedPartError, Found
from bayescompare.study.sinks import Folder
from bayescompare.study.tasks import SURFACE, cells, scenario_of, slug
from bayescompare.study.work import identity

__all__ = ["take_over"]


def take_over(study: Study, sink: Folder, other: Path) -> int:
    """Copy the parts that are the same in both studies into a folder, and return how many fits that were.

    Those count as the same that depend on the same scenario, truth, priors, seed, intervals and estimator.

    Raises
    ------
    StudyError
        If there is no study in the other folder.
    """
    if Manifest.read(other) is None:
        raise StudyError(f"There is no study in {other} to take anything over from; --fork wants a folder of 'run'.")
    taken = 0
    source = Folder(path=other)
    there = sink.done(cells(study))
    for found in _shared(study, source):
        if there[found.task.cell].issuperset(found.task.replicates):
            continue
        sink.put(found.task, parts.Part(content=found.path.read_bytes(), draws=_draws(found, source)))
        taken += found.task.count * (found.task.estimator != SURFACE)
    return taken


def _shared(study: Study, other: Folder) -> Iterator[Found]:
    """Yield the parts of another folder that belong to a study as well."""
    for cell in cells(study):
        for found in parts.scan(other.parts, [cell]):
            if found.task.first + found.task.count > study.replicates:
                continue
            try:
                parts.read(found, identity(study, scenario_of(study, found.task), found.task.estimator))
            except DamagedPartError:
                continue
            yield found


def _draws(found: Found, source: Folder) -> dict[str, bytes]:
    """Return the draws that belong to a part."""
    names = (f"{found.task.scenario}/{slug(found.task.estimator)}/{k}.nc" for k in found.task.replicates)
    return {name: (source.draws / name).read_bytes() for name in names if (source.draws / name).is_file()}
