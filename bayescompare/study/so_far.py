"""The tables of a study that is not finished, as far as it is."""

from __future__ import annotations

from pathlib import Path

from bayescompare.comparison.results import Results
from bayescompare.study.files import ABOUT
from bayescompare.study.manifest import BusyFolderError, Manifest, locked
from bayescompare.study.run import missing
from bayescompare.study.sinks import Folder
from bayescompare.study.store import write_results
from bayescompare.study.verify import opened

__all__ = ["finished", "write_so_far"]


def finished(folder: Path) -> bool:
    """Whether a folder holds all results of a study, and their tables."""
    if Manifest.read(folder) is None:
        return False
    study, _ = opened(folder)
    return not missing(study, Folder(path=folder)) and (folder / ABOUT).exists()


def write_so_far(results: Results, folder: Path) -> bool:
    """Write tables and draws, unless a process is at the study or has finished it meanwhile: it writes its own.

    Returns
    -------
    bool
        Whether they were written.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    if Manifest.read(folder) is None:
        write_results(results, folder)
        return True
    try:
        with locked(folder):
            if finished(folder):
                return False
            write_results(results, folder)
            return True
    except BusyFolderError:
        return False
