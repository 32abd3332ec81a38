"""What a folder's study is, on what it ran, and that nobody else is at it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TextIO

from bayescompare.errors import StoreError, StudyError
from bayescompare.provenance import created, machine, versions
from bayescompare.study.definition import Study
from bayescompare.study.files import MANIFEST, digest, intact, write_bytes
from bayescompare.study.work import identities

__all__ = ["BusyFolderError", "Manifest", "locked"]


class BusyFolderError(StoreError):
    """Another process is at a folder."""


_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A study's folder in a few lines.

    Parameters
    ----------
    study
        As `Study.as_dict` gives it.
    versions, machine, created
        Of the first session.
    sessions
        One entry a run: when, how long, how many tasks, on how many workers.
    """

    study: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=versions)
    machine: Mapping[str, str] = field(default_factory=machine)
    created: str = field(default_factory=created)
    sessions: tuple[Mapping[str, Any], ...] = ()
    format: int = _FORMAT

    @property
    def study_sha256(self) -> str:
        """A hash of the study."""
        return digest(json.dumps(self.study, sort_keys=True).encode())

    @property
    def sha256(self) -> str:
        """A hash of all of it."""
        return digest(json.dumps(asdict(self), sort_keys=True).encode())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the manifest of a folder, or None where there is none.

        Raises
        ------
        StoreError
            If it is damaged, or was written by a later version.
        """
        path = folder / MANIFEST
        if not path.exists():
            return None
        with intact(path, remedy=f"Move it away and run the study again into {folder}; what is done there is kept."):
            content = json.loads(path.read_text("utf-8"))
            if not isinstance(content, dict):
                raise TypeError("it is no manifest")
            if content.get("format", 0) > _FORMAT:
                raise ValueError(f"it has format {content['format']}, which a later version of bayescompare wrote")
            stated = content.pop("study_sha256"), content.pop("sha256")
            found = cls(**content | {"sessions": tuple(content["sessions"])})
            if (found.study_sha256, found.sha256) != stated:
                raise ValueError("its content does not match its hash")
        return found

    def write(self, folder: Path) -> None:
        """Write it whole.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        content = asdict(self) | {"study_sha256": self.study_sha256, "sha256": self.sha256}
        write_bytes(folder / MANIFEST, json.dumps(content, indent=1).encode())

    def with_session(self, **session: Any) -> Self:
        """Return the manifest with one more session."""
        return replace(self, sessions=(*self.sessions, session))

    def continued_by(self, study: Study, folder: Path, *, strict: bool) -> Self:
        """Return the manifest with a study that goes on from this one.

        More replicates, estimators and scenarios are welcome, and whatever no number depends on may
        differ; the rest is another study.

        Raises
        ------
        StudyError
            With each difference; or, if ``strict``, where the versions are not those of the first session.
        """
        before = Study.from_dict(dict(self.study), trial=False)
        changes = [] if _goes_on(before, study) else before.difference(study)
        if changes:
            listed = "\n".join(f"  {line}" for line in changes)
            raise StudyError(
                f"{folder} holds another study; this one differs in:\n{listed}\n"
                f"Give another folder with --out, and --fork {folder} to take over what is the same."
            )
        other = [f"{name} {old} -> {versions().get(name)}" for name, old in self.versions.items()
                 if versions().get(name) != old]  # fmt: skip
        if strict and other:
            raise StudyError(
                f"{folder} was begun with other versions: {', '.join(other)}. Leave --strict away to go on."
            )
        return replace(self, study=study.as_dict())


def _goes_on(before: Study, now: Study) -> bool:
    """Whether everything that a study asked for is asked for still, and would come out the same."""
    return now.replicates >= before.replicates and identities(before).items() <= identities(now).items()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from running a study in the same folder; a dead process holds nothing.

    Raises
    ------
    BusyFolderError
        If another process is at it, with its number and its machine.
    StoreError
        If the disk refuses.
    """
    path = folder / ".lock"
    try:
        handle = _held(path)
    except BlockingIOError:
        holder = ""
        with suppress(OSError):
            holder = path.read_text("utf-8").strip()
        raise BusyFolderError(
            f"{folder} is locked by {holder or 'another process'}. Wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise StoreError(f"Cannot write to {folder}: {error.strerror}. Choose another with --out.") from error
    with handle:
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _held(path: Path) -> TextIO:
    """Return the open lock, which is ours; one that its holder removed meanwhile does not count."""
    while True:
        handle = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                handle.truncate(0)
                handle.write(f"pid {os.getpid()} on {socket.gethostname()}")
                handle.flush()
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            handle.close()
            raise
        handle.close()
