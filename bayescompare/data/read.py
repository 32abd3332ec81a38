"""The way in for data: files and data frames to a `Dataset`, and the columns of it that a formula uses."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayescompare import datasets
from bayescompare.data.columns import refuse_unusable
from bayescompare.data.files import read_file
from bayescompare.dataset import Dataset, Note, check_na
from bayescompare.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "Note", "read_data", "select"]


def read_data(source: Any, *, name: str | None = None, na: str = "error") -> Dataset:
    """Return a dataset from a file, a bundled dataset's name, or a data frame.

    Parameters
    ----------
    source
        Path of a CSV or Parquet file, name of a bundled dataset such as ``sleepstudy``, a data frame
        of pandas, polars, pyarrow or any other eager library that narwhals knows, or a `Dataset`.
    name
        Name for reports; the file's stem or ``data`` otherwise.
    na
        What to do with missing values in the columns that a formula uses: ``error`` or ``drop``.

    Raises
    ------
    DataError
        Where there is no such file, it cannot be read, or it is no table.
    """
    if isinstance(source, Dataset):
        return Dataset(frame=source.frame, name=name or source.name, source=source.source, truth=source.truth, na=na)
    if isinstance(source, str | PathLike):
        return _from_path(source, name, na)
    return Dataset(frame=_to_pandas(source), name=name or "data", source=type(source).__name__, na=na)


def _from_path(source: str | PathLike[str], name: str | None, na: str) -> Dataset:
    path = Path(source)
    if str(source) in datasets.available() and not path.is_file():
        return read_data(datasets.load(str(source)), name=name, na=na)
    return Dataset(frame=read_file(path), name=name or path.stem, source=str(path), na=na)


def _to_pandas(source: Any) -> pd.DataFrame:
    import narwhals as nw
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return _with_text_names(source)
    try:
        return _with_text_names(nw.from_native(source, eager_only=True).to_pandas())
    except (TypeError, ModuleNotFoundError) as error:
        kinds = "a path, the name of a bundled dataset, or a data frame of pandas, polars or pyarrow"
        raise DataError(f"Data of type {type(source).__name__} cannot be read; give {kinds}.") from error


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
    counts = {column: int(missing[column].sum()) for column in columns if missing[column].any()}
    if not counts:
        return frame, ()
    counted = ", ".join(f"{column} ({count})" for column, count in counts.items())
    if action == "error":
        first = int(missing.any(axis=1).to_numpy().argmax()) + 1
        raise DataError(
            f"{dataset.name}: values are missing in {counted}, first in row {first}; "
            "fill them in, or drop these rows with na='drop' (--na drop)."
        )
    kept = frame[~missing.any(axis=1)]
    if len(kept) < 2:
        raise DataError(f"{dataset.name}: {len(kept)} rows are left after dropping missing values in {counted}.")
    message = f"{len(frame) - len(kept)} of {len(frame)} rows were dropped for missing values: {counted}."
    return kept, (Note("rows_dropped", message),)


def _is_nan(series: pd.Series[Any]) -> pd.Series[bool]:
    """Return where a column is NaN, which extension types do not count as missing."""
    import pandas as pd

    if pd.api.types.is_extension_array_dtype(series.dtype) and pd.api.types.is_float_dtype(series.dtype):
        values = series.to_numpy(dtype="float64", na_value=float("nan"))
        return pd.Series(values != values, index=series.index)
    return series.isna()
