"""Where the parts of a study go, and come back from: a folder, or memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from bayescompare.study import parts
from bayescompare.study.files import holds
from bayescompare.study.parts import DamagedPartError, Found, Part, Stamp
from bayescompare.study.tasks import SURFACE, Task, slug
from bayescompare.study.trees import KeptTrees, MemoryTrees

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Folder", "Memory", "Sink"]

Cell = tuple[str, str]


class Sink(ABC):
    """Keeps parts."""

    @abstractmethod
    def put(self, task: Task, part: Part) -> None:
        """Keep the part of a task."""

    @abstractmethod
    def done(self, cells: Sequence[Cell]) -> dict[Cell, set[int]]:
        """Return the replicates of each cell whose results are there."""

    @abstractmethod
    def rows(self, cell: Cell, identity: str) -> Iterator[tuple[pa.Table, Stamp]]:
        """Yield the rows of a cell's parts; a damaged one is put aside and noted in ``damaged``."""

    @abstractmethod
    def trees(self, index: Mapping[tuple[str, int], tuple[str, str]]) -> Mapping[tuple[str, int], xr.DataTree]:
        """Return the kept draws by (scenario, replicate), given their names and hashes."""


@dataclass(kw_only=True)
class Memory(Sink):
    """Keeps parts as long as the process lives."""

    _parts: dict[Cell, list[tuple[Task, Part]]] = field(default_factory=dict)
    _draws: dict[str, bytes] = field(default_factory=dict)

    def put(self, task: Task, part: Part) -> None:
        """Keep the part of a task."""
        self._parts.setdefault(task.cell, []).append((task, part))
        self._draws.update(part.draws)

    def done(self, cells: Sequence[Cell]) -> dict[Cell, set[int]]:
        """Return the replicates of each cell whose results are there."""
        return {cell: {k for task, _ in self._parts.get(cell, []) for k in task.replicates} for cell in cells}

    def rows(self, cell: Cell, identity: str) -> Iterator[tuple[pa.Table, Stamp]]:
        """Yield the rows of a cell's parts."""
        return (parts.decode(part.content) for _, part in self._parts.get(cell, []))

    def trees(self, index: Mapping[tuple[str, int], tuple[str, str]]) -> Mapping[tuple[str, int], xr.DataTree]:
        """Return the kept draws."""
        return MemoryTrees(contents={key: self._draws[name] for key, (name, _) in index.items()})


@dataclass(kw_only=True)
class Folder(Sink):
    """Keeps parts below a folder; each is whole and on the disk once `put` has returned.

    Parameters
    ----------
    path
        The study's folder.
    damaged
        Files that were put aside.
    """

    path: Path
    damaged: list[Path] = field(default_factory=list)

    @property
    def parts(self) -> Path:
        """Where the parts are."""
        return self.path / "parts"

    @property
    def draws(self) -> Path:
        """Where kept draws are."""
        return self.path / "draws"

    def put(self, task: Task, part: Part) -> None:
        """Keep the part of a task.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        parts.write(self.parts, self.draws, task, part)

    def done(self, cells: Sequence[Cell]) -> dict[Cell, set[int]]:
        """Return the replicates of each cell whose results are there; nothing is written."""
        found = {cell: [one.task for one in parts.scan(self.parts, [cell]) if parts.whole(one)] for cell in cells}
        return {cell: {k for task in tasks for k in task.replicates} for cell, tasks in found.items()}

    def rows(self, cell: Cell, identity: str) -> Iterator[tuple[pa.Table, Stamp]]:
        """Yield the rows of a cell's parts; a damaged one is put aside and noted in ``damaged``."""
        for one in parts.scan(self.parts, [cell]):
            try:
                rows, stamp = parts.read(one, identity)
                self._check_draws(one, rows)
            except DamagedPartError:
                self.damaged.append(parts.quarantine(one.path))
            else:
                yield rows, stamp

    def kept(self, found: Found, rows: pa.Table) -> Iterator[tuple[Path, str]]:
        """Yield where the draws of a part are, and their hashes."""
        if found.task.estimator == SURFACE:
            return
        folder = self.draws / found.task.scenario / slug(found.task.estimator)
        for row in rows.select(["replicate", "draws_sha256"]).to_pylist():
            if row["draws_sha256"]:
                yield folder / f"{row['replicate']}.nc", row["draws_sha256"]

    def _check_draws(self, found: Found, rows: pa.Table) -> None:
        """Put damaged draws aside; a part whose draws are not there must be made again."""
        for path, sha in self.kept(found, rows):
            if not holds(path, sha):
                self.damaged += [parts.quarantine(path)] if path.exists() else []
                raise DamagedPartError(f"{path} is missing or damaged.")

    def trees(self, index: Mapping[tuple[str, int], tuple[str, str]]) -> Mapping[tuple[str, int], xr.DataTree]:
        """Return the kept draws, each read when it is asked for."""
        return KeptTrees(folder=self.draws, index=index)
