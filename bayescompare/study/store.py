"""Results on disk: tables as Parquet, posterior trees as netCDF, each written whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

from bayescompare.comparison.kept_draws import KeepDraws, kept_tree
from bayescompare.comparison.results import Results
from bayescompare.comparison.verdicts import Contrast
from bayescompare.errors import InputError, StoreError
from bayescompare.study.files import ABOUT, MANIFEST, digest, intact, prepared, write_bytes, written_whole
from bayescompare.study.trees import KeptTrees, netcdf

__all__ = ["prepared", "read_results", "refuse_other_kind", "withdraw_results", "write_results"]

Index = dict[tuple[str, int], tuple[str, str]]


def write_results(results: Results, folder: Path | str, *, draws: str = "all") -> None:
    """Write tables, draws and what was run below a folder.

    ``about.json`` comes last: a folder without it holds no results yet.

    Parameters
    ----------
    results
        Of a fit or a study.
    folder
        Made where it is not there.
    draws
        ``all``; ``parameters``, without what has a number for each group or row: draws of the random effects,
        log likelihoods and simulated responses; or ``none``. What a study has on disk already stays as it is.

    Raises
    ------
    InputError
        If ``draws`` is something else, or the folder holds a study and these are the results of a fit, or the reverse.
    StoreError
        If the disk refuses.
    """
    folder, keep = Path(folder), KeepDraws(draws)
    refuse_other_kind(folder, str(results.about.get("kind", "")))
    with prepared(folder):
        withdraw_results(folder)
        tables = dict(results.tables)
        if results.about.get("kind") == "study":
            tables |= {"measures": results.performance, "verdicts": results.verdicts}
            tables |= {"calibration_verdicts": results.calibration} if len(results.calibration) else {}
        for name, frame in tables.items():
            _write_table(frame, folder / "tables" / f"{name}.parquet")
        content = {
            "about": dict(results.about),
            "contrasts": [{"name": one.name, "worse": one.worse, "base": one.base} for one in results.contrasts],
            "tables": list(tables),
            "draws": [[*key, *place] for key, place in _draws(results, folder / "draws", keep).items()],
        }
        write_bytes(folder / ABOUT, json.dumps(content, indent=1).encode())


def refuse_other_kind(folder: Path, kind: str) -> None:
    """Refuse a folder whose tables and report are of another kind of results, which would be replaced.

    Parameters
    ----------
    folder
        It need not be there.
    kind
        ``fit`` or ``study``: what is to be written.

    Raises
    ------
    InputError
        If the folder holds a study and a fit is to be written, or the reverse.
    """
    there = _kind(folder)
    if {kind, there} == {"fit", "study"}:
        raise InputError(
            f"{folder} holds a {there}, whose tables and report this {kind} would replace. "
            "Choose another folder with --out."
        )


def _kind(folder: Path) -> str:
    """Return what a folder holds, or nothing where that cannot be read; a study has a manifest before any results."""
    if (folder / MANIFEST).exists():
        return "study"
    try:
        return str(json.loads((folder / ABOUT).read_text("utf-8"))["about"]["kind"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def withdraw_results(folder: Path) -> None:
    """Note that the tables in a folder are not, or no longer, those of its study.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    try:
        (folder / ABOUT).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot write to {folder}: {error.strerror}. Choose another with --out.") from error


def _write_table(frame: pd.DataFrame, path: Path) -> None:
    with written_whole(path) as temporary:
        frame.to_parquet(temporary, index=False, write_page_checksum=True)


def _draws(results: Results, folder: Path, keep: KeepDraws) -> Index:
    """Write the trees, unless they are there already, and return their names and hashes."""
    if isinstance(results.trees, KeptTrees) and results.trees.folder == folder:
        return dict(results.trees.index)
    index: Index = {}
    for (scenario, replicate), tree in results.trees.items():
        name = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', scenario)[:64]}-{replicate}.nc"
        if keep is KeepDraws.NONE:
            # those of an earlier fit of the same data are not of this one
            (folder / name).unlink(missing_ok=True)
            continue
        content = netcdf(kept_tree(tree, keep))
        write_bytes(folder / name, content)
        index[scenario, replicate] = name, digest(content)
    return index


def read_results(folder: Path | str) -> Results:
    """Read back what `write_results` wrote; the checksums of tables and draws are verified.

    Raises
    ------
    InputError
        If the folder holds no results.
    StoreError
        If a file is missing, damaged or cannot be read.
    """
    folder = Path(folder)
    path = folder / ABOUT
    if not path.exists():
        raise InputError(f"There are no results in {folder}; give a folder that 'fit' or 'run' wrote.")
    with intact(path):
        content = json.loads(path.read_text("utf-8"))
        contrasts = tuple(Contrast(**one) for one in content["contrasts"])
        about, names = dict(content["about"]), list(content["tables"])
        index = {(scenario, int(replicate)): (name, sha) for scenario, replicate, name, sha in content["draws"]}
    return Results(
        tables={name: _read_table(folder / "tables" / f"{Path(name).name}.parquet") for name in names},
        about=about,
        contrasts=contrasts,
        trees=KeptTrees(folder=folder / "draws", index=index),
    )


def _read_table(path: Path) -> pd.DataFrame:
    from pyarrow import parquet

    with intact(path):
        return parquet.ParquetFile(path, page_checksum_verification=True).read().to_pandas()
