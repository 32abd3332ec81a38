"""Reading CSV and Parquet files: what is wrong with a file is said with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayescompare import datasets
from bayescompare.data.written import is_measured, long_integers, texts_of
from bayescompare.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MISSING", "read_file", "refuse_missing"]

#: Texts of a CSV file that count as missing, beside an empty cell.
MISSING = ("NA", "NaN", "nan", "N/A", "n/a", "#N/A", "NULL", "null", "None", "<NA>", ".")
_PARQUET = {".parquet", ".pq"}
_TEXT = {".csv", ".txt", ".tsv", ""}
_WORKBOOKS = {".xls", ".xlsm", ".xlsx", ".ods", ".numbers"}
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_file(path: Path, missing: Sequence[str] | None = None) -> tuple[pd.DataFrame, Mapping[str, pd.Series[str]]]:
    """Return the table in a CSV (comma, UTF-8) or Parquet file, and the texts of cells that it does not show.

    Parameters
    ----------
    path
        The file.
    missing
        Texts of a CSV file that count as missing, beside an empty cell; `MISSING` where None.

    Raises
    ------
    DataError
        Where it does not exist or cannot be read, with the line where there is one.
    """
    if not path.is_file():
        raise DataError(_not_found(path))
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS:
        raise DataError(
            f"{path} is a workbook; save its sheet as CSV (in Excel: Save As, CSV UTF-8) and give that file."
        )
    if suffix not in _PARQUET | _TEXT:
        raise DataError(f"{path}: files ending in {suffix!r} are not read; save the table as CSV or Parquet.")
    try:
        if suffix in _TEXT:
            return _read_csv(path, MISSING if missing is None else missing)
        refuse_missing(missing, f"{path} is a Parquet file, which")
        return _read_parquet(path), {}
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _not_found(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; give a CSV or Parquet file."
    if " ~" in str(path) or "~ " in str(path):
        return (
            f"{str(path)!r} is a formula where data should be: in Python the formula is first, bc.fit(formula, data)."
        )
    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    near = get_close_matches(path.name, names, n=3, cutoff=0.6)
    if near:
        return f"There is no file {path}. Did you mean {' or '.join(repr(str(folder / name)) for name in near)}?"
    bundled = get_close_matches(str(path).lower(), list(datasets.available()), n=1, cutoff=0.6)
    hint = f" Did you mean the bundled dataset {bundled[0]!r}?" if bundled else ""
    where = "" if folder.is_dir() else f" (nor a folder {folder})"
    return f"There is no file {path}{where}.{hint}"


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, page_checksum_verification=True).to_pandas(integer_object_nulls=True)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{path} is no readable Parquet file: {error}.") from error


def refuse_missing(missing: Sequence[str] | None, what: str) -> None:
    """Refuse texts that count as missing for data of which they would be ignored."""
    if missing is not None:
        raise DataError(
            f"{what} marks its missing values itself; texts that count as missing are for CSV files. "
            "Leave out --missing (missing=)."
        )


def _read_csv(path: Path, missing: Sequence[str]) -> tuple[pd.DataFrame, Mapping[str, pd.Series[str]]]:
    """Return the table with its missing values, and the texts that it does not show."""
    text = _decode(path)
    _check_lines(path, text)
    frame = _parsed(path, text, na_values=["", *missing])
    asked = [place for place, name in enumerate(frame.columns) if not is_measured(frame[name])]
    raw = _parsed(path, text, usecols=asked, dtype=str, na_filter=False).apply(lambda column: column.str.strip())
    for name in raw.columns:
        frame[name] = long_integers(frame[name], raw[name], raw[name].isin(["", *missing]))
    return frame, texts_of(frame, raw)


def _parsed(path: Path, text: str, **how: Any) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(
            io.StringIO(text), keep_default_na=False, skipinitialspace=True, index_col=False, low_memory=False, **how
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.") from error
    frame.columns = frame.columns.str.strip()
    return frame


def _decode(path: Path) -> str:
    """Return the text of a UTF-8 file, with or without a byte-order mark."""
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path} is encoded as UTF-16; save it as UTF-8.")
    if b"\0" in raw:
        raise DataError(f"{path} is no text file (line {raw[: raw.index(0)].count(10) + 1} holds a zero byte).")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        guess = raw.splitlines()[line - 1].decode("latin-1").strip()[:60]
        raise DataError(
            f"{path} is not UTF-8: line {line} holds the byte 0x{raw[error.start]:02x}; "
            f"read as Latin-1 the line is {guess!r}. Save the file as UTF-8."
        ) from error


def _check_lines(path: Path, text: str) -> None:
    """Refuse a wrong delimiter, unnamed columns and lines of another width than the header."""
    reader = csv.reader(io.StringIO(text), skipinitialspace=True)
    header: list[str] = []
    try:
        for row in reader:
            if not row:
                continue
            if not header:
                header = row
                _check_header(path, header, reader.line_num)
            elif len(row) != len(header):
                raise DataError(_ragged(path, reader.line_num, header, row))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.") from error
    if not header:
        raise DataError(f"{path} is empty.")


def _ragged(path: Path, line: int, header: list[str], row: list[str]) -> str:
    extra = len(row) > len(header) and not any(cell.strip() for cell in row[len(header) :])
    why = "; the line ends in a comma too many" if extra else ""
    return f"{path}, line {line}: {len(row)} values, but the header names {len(header)} columns{why}."


def _check_header(path: Path, header: list[str], line: int) -> None:
    for delimiter, plural in _DELIMITERS.items():
        if len(header) == 1 and delimiter in header[0]:
            raise DataError(
                f"{path}, line {line}: the columns are separated by {plural}, not by commas; "
                f"save the file with commas, or read it with pandas.read_csv(path, sep={delimiter!r})."
            )
    names = [name.strip() for name in header]
    for position, name in enumerate(names):
        if name in names[:position] and name:
            raise DataError(f"{path}, line {line}: the column name {name!r} occurs more than once; rename one of them.")
    unnamed = [position for position, name in enumerate(names) if not name]
    if unnamed and unnamed != [0]:
        hint = "remove the commas at the ends of the lines" if unnamed[-1] == len(names) - 1 else "give it one"
        raise DataError(f"{path}, line {line}: column {unnamed[-1] + 1} has no name; {hint}.")
