"""Results on disk: tables as Parquet, posterior trees as netCDF, each written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayescompare.comparison.results import Results
from bayescompare.comparison.verdicts import Contrast
from bayescompare.errors import InputError, StoreError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["prepared", "read_results", "write_results", "written_whole"]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; on success it is flushed to disk and renamed to ``path``.

    Raises
    ------
    StoreError
        If the disk refuses, with the path and the reason; nothing half-written stays behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}. {_room(path.parent)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _room(folder: Path) -> str:
    """Return how much room a folder has."""
    with suppress(OSError):
        return f"There are {shutil.disk_usage(folder).free:,} bytes free; make room, or choose another folder."
    return "Choose another folder."


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


def _write_table(frame: pd.DataFrame, path: Path) -> None:
    with written_whole(path) as temporary:
        frame.to_parquet(temporary, index=False, write_page_checksum=True)


def _encoding(tree: xr.DataTree) -> dict[str, dict[str, dict[str, Any]]]:
    """Return checksums and light compression for every array of a tree."""
    return {
        node.path: {
            str(name): {"fletcher32": True, "zlib": True, "complevel": 1}
            for name, array in node.data_vars.items()
            if array.ndim and array.dtype.kind in "fiub"
        }
        for node in tree.subtree
        if node.data_vars
    }


def _write_tree(tree: xr.DataTree, path: Path) -> None:
    # made in memory: the HDF5 library crashes the process when the disk is full
    content = bytes(tree.to_netcdf(None, engine="h5netcdf", encoding=_encoding(tree)))
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def write_results(results: Results, folder: Path) -> None:
    """Write tables, draws and what was run below a folder.

    ``about.json`` comes last: a folder without it holds no results yet.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    _make(folder)
    (folder / "about.json").unlink(missing_ok=True)
    tables = dict(results.tables)
    if results.about.get("kind") == "study":
        tables |= {"measures": results.measures, "verdicts": results.verdicts}
    for name, frame in tables.items():
        _write_table(frame, folder / "tables" / f"{name}.parquet")
    names = {}
    for (scenario, replicate), tree in results.trees.items():
        name = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', scenario)[:64]}-{replicate}.nc"
        _write_tree(tree, folder / "draws" / name)
        names[name] = [scenario, replicate]
    contrasts = [{"name": one.name, "worse": one.worse, "base": one.base} for one in results.contrasts]
    content = {"about": dict(results.about), "contrasts": contrasts, "tables": list(tables), "draws": names}
    with written_whole(folder / "about.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1), "utf-8")


def read_results(folder: Path) -> Results:
    """Read back what `write_results` wrote; the checksums of tables and draws are verified.

    Raises
    ------
    InputError
        If the folder holds no results.
    StoreError
        If a file is missing, damaged or cannot be read.
    """
    path = folder / "about.json"
    if not path.exists():
        raise InputError(f"There are no results in {folder}; give a folder that 'fit' or 'run' wrote.")
    with _intact(path):
        content = json.loads(path.read_text("utf-8"))
        contrasts = tuple(Contrast(**one) for one in content["contrasts"])
        about, tables, draws = dict(content["about"]), list(content["tables"]), dict(content["draws"])
    return Results(
        tables={name: _read_table(folder / "tables" / f"{Path(name).name}.parquet") for name in tables},
        about=about,
        contrasts=contrasts,
        trees={(key[0], key[1]): _read_tree(folder / "draws" / Path(name).name) for name, key in draws.items()},
    )


@contextmanager
def _intact(path: Path) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into one error that names it."""
    try:
        yield
    except FileNotFoundError:
        raise StoreError(f"The results are not complete: {path} is missing. Run the study or the fit again.") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        raise StoreError(f"{path} is damaged: {error}. Run the study or the fit again.") from None


def _read_table(path: Path) -> pd.DataFrame:
    from pyarrow import parquet

    with _intact(path):
        return parquet.ParquetFile(path, page_checksum_verification=True).read().to_pandas()


def _read_tree(path: Path) -> xr.DataTree:
    import xarray as xr

    with _intact(path), xr.open_datatree(path, engine="h5netcdf") as tree:
        return tree.load()
