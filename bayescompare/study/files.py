"""Files that are whole or not there: temporary name, flush to disk, rename."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from bayescompare.errors import StoreError

__all__ = ["ABOUT", "MANIFEST", "digest", "holds", "intact", "prepared", "sweep", "write_bytes", "written_whole"]

#: File of what was run, in every folder of results, and file that a study's folder has from the beginning.
ABOUT, MANIFEST = "about.json", "manifest.json"

_TEMPORARY = ".tmp"
_STALE = re.compile(r"\..+\.\d+\.tmp")


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def holds(path: Path, sha: str) -> bool:
    """Whether a file is there and its content has a hash."""
    try:
        return digest(path.read_bytes()) == sha
    except OSError:
        return False


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; on success it is flushed to disk and renamed to ``path``.

    Raises
    ------
    StoreError
        If the disk refuses, with the path and the reason; nothing half-written stays behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")
    try:
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}. {_room(path.parent)}") from error
    finally:
        # a disk that refuses to write may refuse this as well; the first reason counts
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file, and the folders above it.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    with written_whole(path) as temporary:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)


def sweep(folder: Path) -> int:
    """Remove what interrupted writes left of a study in a folder, and return how many files that were.

    Only names that `written_whole` gives, and only where a study has files: what else is in the
    folder is somebody's.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    below = chain.from_iterable((folder / name).rglob(f".*{_TEMPORARY}") for name in ("parts", "draws", "tables"))
    stale = [path for path in chain(folder.glob(f".*{_TEMPORARY}"), below) if _STALE.fullmatch(path.name)]
    try:
        for path in stale:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot remove {path}, which an interrupted write left: {error.strerror}.") from error
    return len(stale)


@contextmanager
def intact(path: Path, remedy: str = "Run the study or the fit again.") -> Iterator[None]:
    """Turn whatever reading a damaged file raises into one error that names it, and says what to do.

    Raises
    ------
    StoreError
        If the file is missing or damaged.
    """
    try:
        yield
    except FileNotFoundError:
        raise StoreError(f"The results are not complete: {path} is missing. {remedy}") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        raise StoreError(f"{path} is damaged: {error}. {remedy}") from None


@contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """Make the folder of some results before any work is done; where the work fails, what is empty goes again.

    Raises
    ------
    StoreError
        If it cannot be made or written to.
    """
    above = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield _make(folder)
    except BaseException:
        for path in (folder / "draws", folder / "tables", *above):
            with suppress(OSError):
                path.rmdir()
        raise


def _make(folder: Path) -> Path:
    try:
        for part in ("tables", "draws"):
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot make the folder {folder}: {error.strerror}. Choose another with --out.") from error
    with written_whole(folder / ".writable") as probe:
        probe.write_bytes(b"")
    (folder / ".writable").unlink(missing_ok=True)
    return folder


def _room(folder: Path) -> str:
    """Return how much room a folder has."""
    with suppress(OSError):
        return f"There are {shutil.disk_usage(folder).free:,} bytes free; make room, or choose another folder."
    return "Choose another folder."
