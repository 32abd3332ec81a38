"""The way in for data: files and data frames to a `Dataset`, and the columns of it that a formula uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayescompare import datasets
from bayescompare.data.columns import refuse_unusable
from bayescompare.data.files import read_file, refuse_missing
from bayescompare.dataset import Dataset, Note, check_na
from bayescompare.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "Note", "read_data", "select"]


def read_data(
    source: Any, *, name: str | None = None, na: str | None = None, missing: str | Sequence[str] | None = None
) -> Dataset:
    """Return a dataset from a file, a bundled dataset's name, or a data frame.

    Parameters
    ----------
    source
        Path of a CSV or Parquet file, name of a bundled dataset such as ``sleepstudy``, a data frame
        of pandas, polars, pyarrow or any other eager library that narwhals knows, or a `Dataset`.
    name
        Name for reports; the dataset's own, the file's stem or ``data`` where None.
    na
        What to do with missing values in the columns that a formula uses: ``error`` or ``drop``;
        the dataset's own setting, otherwise ``error``, where None.
    missing
        Texts of a CSV file that count as missing, such as ``["NA", "."]``; an empty cell always does.
        Where None: NA, NaN, nan, N/A, n/a, #N/A, NULL, null, None, <NA> and a point.

    Raises
    ------
    DataError
        Where there is no such file, it cannot be read, it is no table, or ``missing`` is given for data
        that are not a CSV file.
    """
    texts = [missing] if isinstance(missing, str) else missing
    if isinstance(source, Dataset):
        refuse_missing(texts, f"{source.name} has been read already and")
        return replace(source, name=name or source.name, na=na or source.na)
    if isinstance(source, str | PathLike):
        return _from_path(source, name, na or "error", texts)
    refuse_missing(texts, f"A data frame of type {type(source).__name__}")
    return Dataset(frame=_to_pandas(source), name=name or "data", source=type(source).__name__, na=na or "error")


def _from_path(source: str | PathLike[str], name: str | None, na: str, missing: Sequence[str] | None) -> Dataset:
    path = Path(source)
    if str(source) in datasets.available() and not path.is_file():
        refuse_missing(missing, f"The bundled data set {str(source)!r}")
        return read_data(datasets.load(str(source)), name=name, na=na)
    frame, texts = read_file(path, missing)
    return Dataset(frame=frame, name=name or path.stem, source=str(path), na=na, texts=texts)


def _to_pandas(source: Any) -> pd.DataFrame:
    import narwhals as nw
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return _with_text_names(source)
    try:
        table = nw.from_native(source, eager_only=True)
    except (TypeError, ModuleNotFoundError) as error:
        kinds = "a path, the name of a bundled dataset, or a data frame of pandas, polars or pyarrow"
        raise DataError(f"Data of type {type(source).__name__} cannot be read; give {kinds}.") from error
    # as floats, which pandas makes of integers beside a missing value, long ones would be rounded
    exact = {
        name: pd.Series(table[name].to_list(), dtype=object)
        for name, kind in table.schema.items()
        if kind.is_integer() and table[name].null_count()
    }
    return _with_text_names(table.to_pandas()).assign(**exact)


def _with_text_names(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.columns.nlevels > 1:
        raise DataError("The table has several rows of column names (a MultiIndex); join them into one name each.")
    renamed = frame.copy(deep=False)
    renamed.columns = renamed.columns.map(str)
    return renamed.reset_index(drop=True)


def select(dataset: Dataset, columns: Sequence[str], na: str | None = None) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Return the named columns without missing values, and notes of what was dropped.

    The index of the table is each row's position in the data, from 0.

    Parameters
    ----------
    dataset
        The data.
    columns
        Names of the columns that are used; nothing else is looked at.
    na
        ``error`` or ``drop``; the dataset's own setting where None.

    Raises
    ------
    DataError
        Where a column is missing, has missing values and ``na`` is ``error``, or nothing is left.
    """
    action = check_na(dataset.na if na is None else na)
    known = [str(column) for column in dataset.frame.columns]
    for column in columns:
        if column not in known:
            raise DataError(f"{dataset.name} has no column {column!r}.{did_you_mean(column, known)}")
    frame = dataset.frame.loc[:, list(columns)].reset_index(drop=True)
    for column in columns:
        refuse_unusable(frame[column], dataset.name)
    missing = frame.isna() | frame.apply(_is_nan)
    if not missing.to_numpy().any():
        return frame, ()
    counted, hint = _counted(missing, dataset)
    if action == "error":
        first = int(missing.any(axis=1).to_numpy().argmax()) + 1
        raise DataError(
            f"{dataset.name}: values are missing in {counted}, first in row {first}; "
            f"fill them in, or drop these rows with na='drop' (--na drop).{hint}"
        )
    kept = frame[~missing.any(axis=1)]
    if len(kept) < 2:
        raise DataError(f"{dataset.name}: {len(kept)} rows are left after dropping missing values in {counted}.{hint}")
    message = f"{len(frame) - len(kept)} of {len(frame)} rows were dropped for missing values: {counted}.{hint}"
    return kept, (Note("rows_dropped", message),)


def _counted(missing: pd.DataFrame, dataset: Dataset) -> tuple[str, str]:
    """Return how many values each column misses, by text where it has one, and how such a text is kept."""
    counted, found = [], ""
    for column, absent in missing.items():
        texts = dataset.texts[str(column)][absent.to_numpy()] if column in dataset.texts else None
        written = {} if texts is None else texts[texts != ""].value_counts().to_dict()
        of_them = [f"{'all' if count == absent.sum() else count} {text!r}" for text, count in written.items()]
        found = found or next(iter(written), "")
        if absent.any():
            counted.append(f"{column} ({', '.join([str(absent.sum()), *of_them])})")
    hint = (
        f" The text {found!r} counts as missing; to keep it as a value, name the texts that do, as in "
        "--missing NA (read_data(path, missing=['NA']))."
    )
    return ", ".join(counted), hint if found else ""


def _is_nan(series: pd.Series[Any]) -> pd.Series[bool]:
    """Return where a column is NaN, which extension types do not count as missing."""
    import pandas as pd

    if pd.api.types.is_extension_array_dtype(series.dtype) and pd.api.types.is_float_dtype(series.dtype):
        values = series.to_numpy(dtype="float64", na_value=float("nan"))
        return pd.Series(values != values, index=series.index)
    return series.isna()
