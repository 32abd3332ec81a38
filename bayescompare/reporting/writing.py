"""A text file that is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bayescompare.errors import StoreError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> Path:
    """Write a file through a temporary one beside it, and return its path.

    Raises
    ------
    StoreError
        If it cannot be written; nothing half-written has its name then.
    """
    data = text.encode("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".report-", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise _refused(path, data, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise _refused(path, data, error) from error
    return path


def _refused(path: Path, data: bytes, error: OSError) -> StoreError:
    return StoreError(
        f"The report cannot be written to {str(path)!r} ({len(data):,} bytes): {error.strerror or error}. "
        "Choose a folder that you may write to and that has room."
    )
