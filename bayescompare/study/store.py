"""Results on disk: tables as Parquet, posterior trees as netCDF, each written whole or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayescompare.comparison.results import Results
from bayescompare.comparison.verdicts import Contrast
from bayescompare.errors import StoreError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["prepare", "read_results", "write_results", "written_whole"]


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
        raise StoreError(f"Cannot write {path}: {error.strerror or error}. Is the disk full, or read-only?") from error
    finally:
        temporary.unlink(missing_ok=True)


def prepare(folder: Path) -> Path:
    """Make the folder of some results, before any work is done.

    Raises
    ------
    StoreError
        If it cannot be made or written to.
    """
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
    with written_whole(path) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf", encoding=_encoding(tree))


def write_results(results: Results, folder: Path) -> None:
    """Write tables, draws and what was run below a folder.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    prepare(folder)
    for name, frame in results.tables.items():
        _write_table(frame, folder / "tables" / f"{name}.parquet")
    if results.about.get("kind") == "study":
        _write_table(results.measures, folder / "tables" / "measures.parquet")
        _write_table(results.verdicts, folder / "tables" / "verdicts.parquet")
    names = {}
    for (scenario, replicate), tree in results.trees.items():
        name = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', scenario)[:64]}-{replicate}.nc"
        _write_tree(tree, folder / "draws" / name)
        names[name] = [scenario, replicate]
    contrasts = [{"name": one.name, "worse": one.worse, "base": one.base} for one in results.contrasts]
    content = {"about": dict(results.about), "contrasts": contrasts, "draws": names}
    with written_whole(folder / "about.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1), "utf-8")


def read_results(folder: Path) -> Results:
    """Read back what `write_results` wrote; checksums of the tables are verified.

    Raises
    ------
    StoreError
        If the folder does not hold results, or a file is damaged.
    """
    import xarray as xr
    from pyarrow import ArrowException, parquet

    try:
        content = json.loads((folder / "about.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder} holds no results of bayescompare: about.json cannot be read ({error}).") from None
    tables, trees = {}, {}
    try:
        for path in sorted((folder / "tables").glob("*.parquet")):
            tables[path.stem] = parquet.read_table(path, page_checksum_verification=True).to_pandas()
        for name, (scenario, replicate) in content["draws"].items():
            trees[scenario, replicate] = xr.open_datatree(folder / "draws" / Path(name).name, engine="h5netcdf")
    except (OSError, ArrowException, ValueError) as error:
        raise StoreError(f"The results in {folder} are damaged: {error}.") from None
    contrasts = tuple(Contrast(**one) for one in content["contrasts"])
    return Results(tables=tables, about=content["about"], contrasts=contrasts, trees=trees)
