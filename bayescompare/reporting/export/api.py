"""Everything that a paper takes from a comparison, written to a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bayescompare.comparison.results import Results
from bayescompare.errors import InputError, did_you_mean
from bayescompare.reporting.export.bibliography import bibliography
from bayescompare.reporting.export.latex import latex_tables
from bayescompare.reporting.export.sheets import sheets
from bayescompare.reporting.writing import write_text

__all__ = ["FORMATS", "export"]


def _bibtex(results: Results) -> dict[str, str]:
    return {"methods.bib": bibliography(results)}


#: Format -> makes file names and their contents.
_MAKERS: Mapping[str, Callable[[Results], Mapping[str, str]]] = {
    "csv": sheets,
    "latex": latex_tables,
    "bibtex": _bibtex,
}

FORMATS = tuple(_MAKERS)


def export(results: Results, folder: str | Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write tables as CSV and LaTeX, and the literature of what was used as BibTeX.

    Parameters
    ----------
    results
        What a comparison found.
    folder
        Where to write; files that are there are replaced, each whole or not at all.
    formats
        Out of `FORMATS`.

    Returns
    -------
    list
        Of the files written.

    Raises
    ------
    InputError
        For an unknown format.
    StoreError
        If the disk refuses.
    """
    for name in formats:
        if name not in _MAKERS:
            raise InputError(f"There is no format {name!r}.{did_you_mean(name, FORMATS)}")
    return [
        write_text(Path(folder) / name, content)
        for each in dict.fromkeys(formats)
        for name, content in _MAKERS[each](results).items()
    ]
