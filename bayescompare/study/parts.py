"""Part files: the result of a task, named with its own hash, written whole or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from bayescompare.errors import StoreError
from bayescompare.study.files import digest, write_bytes
from bayescompare.study.tasks import SURFACE, Task, slug

__all__ = ["DamagedPartError", "Found", "Part", "Stamp", "columns_of", "encode", "quarantine", "read", "scan", "write"]

_NAME = re.compile(r"(\d{6,})-(\d+)\.([0-9a-f]{16})\.parquet")
_KEY = b"bayescompare"
_MAGIC = b"PAR1"


class DamagedPartError(StoreError):
    """A part is not what was written; it must be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a task gave.

    Parameters
    ----------
    content
        The rows, as the bytes of a Parquet file.
    draws
        Name of a file below ``draws/`` to its bytes.
    """

    content: bytes
    draws: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the numbers of a part rest on: a hash of everything that was asked for, and the versions."""

    identity: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A part on disk."""

    task: Task
    path: Path


def encode(rows: pa.Table, stamp: Stamp) -> bytes:
    """Return rows and their stamp as the bytes of a Parquet file with page checksums."""
    note = json.dumps({"identity": stamp.identity, "versions": dict(stamp.versions)}).encode()
    sink = pa.BufferOutputStream()
    # without dictionaries and statistics a small part is written and read twice as fast, and is smaller
    parquet.write_table(
        rows.replace_schema_metadata({_KEY: note}),
        sink,
        compression="lz4",
        use_dictionary=False,
        write_page_checksum=True,
        write_statistics=False,
    )
    return bytes(sink.getvalue())


def decode(content: bytes) -> tuple[pa.Table, Stamp]:
    """Return the rows and the stamp of a part."""
    table = parquet.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
    note: dict[str, Any] = json.loads((table.schema.metadata or {})[_KEY])
    return table.replace_schema_metadata(None), Stamp(identity=note["identity"], versions=note["versions"])


def columns_of(part: Part, names: Sequence[str]) -> pa.Table:
    """Return some columns of a part that was just made."""
    return parquet.ParquetFile(pa.BufferReader(part.content)).read(columns=list(names), use_threads=False)


def folder_of(parts: Path, cell: tuple[str, str]) -> Path:
    """Return where the parts of a scenario and an estimator lie."""
    return parts / cell[0] / slug(cell[1])


def write(parts: Path, draws: Path, task: Task, part: Part) -> Path:
    """Write a task's draws, then its part, whose name says what it holds and its hash.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    for name, content in part.draws.items():
        write_bytes(draws / name, content)
    name = f"{task.first:06d}-{task.count}.{digest(part.content)[:16]}.parquet"
    path = folder_of(parts, task.cell) / name
    write_bytes(path, part.content)
    return path


def read(found: Found, identity: str) -> tuple[pa.Table, Stamp]:
    """Return the rows and the stamp of a part.

    Raises
    ------
    DamagedPartError
        If the bytes are not those that were written, or belong to another study.
    """
    try:
        content = found.path.read_bytes()
        if digest(content)[:16] != found.path.name.split(".")[1]:
            raise ValueError("its content does not match the hash in its name")
        rows, stamp = decode(content)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DamagedPartError(f"{found.path} is damaged: {error}.") from None
    if stamp.identity != identity:
        raise DamagedPartError(f"{found.path} belongs to another study.")
    if not _holds(rows, found.task):
        raise DamagedPartError(f"{found.path} does not hold the replicates that its name says.")
    return rows, stamp


def _holds(rows: pa.Table, task: Task) -> bool:
    """Whether rows are those of a task; a surface that could not be explored has none."""
    replicates = rows["replicate"].to_pylist()
    if task.estimator == SURFACE:
        return set(replicates) <= set(task.replicates)
    return replicates == list(task.replicates)


def scan(parts: Path, cells: list[tuple[str, str]]) -> Iterator[Found]:
    """Yield the parts of some scenarios and estimators that are on disk, damaged ones too, in the order of their names.

    One file is opened only for its last bytes; see `whole`.
    """
    for cell in cells:
        folder = folder_of(parts, cell)
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            match = _NAME.fullmatch(name)
            if match:
                task = Task(scenario=cell[0], estimator=cell[1], first=int(match[1]), count=int(match[2]))
                yield Found(task=task, path=folder / name)


def whole(found: Found) -> bool:
    """Whether a part looks whole: it is not empty, and begins and ends as a Parquet file does."""
    try:
        handle = os.open(found.path, os.O_RDONLY)
    except OSError:
        return False
    try:
        end = max(os.fstat(handle).st_size - 4, 0)
        return os.pread(handle, 4, 0) == _MAGIC == os.pread(handle, 4, end)
    except OSError:
        return False
    finally:
        os.close(handle)


def quarantine(path: Path) -> Path:
    """Move a damaged file out of the way, beside its place, and return where it is now.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    aside = path.with_name(f"{path.name}.corrupt")
    try:
        os.replace(path, aside)
    except OSError as error:
        raise StoreError(f"{path} is damaged, and cannot be moved out of the way: {error.strerror}.") from error
    return aside
