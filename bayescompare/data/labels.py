"""Labels of groups and categories: what the data say, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from bayescompare.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_labels"]


def as_labels(series: pd.Series[Any], where: str, texts: pd.Series[str] | None = None) -> pd.Series[Any]:
    """Return a column of labels without a rounded value; numbers that a file writes in another way as that text.

    Parameters
    ----------
    series
        The column, without missing values.
    where
        Name of the data, for messages.
    texts
        What the cells of the file say, where that is not how the numbers would be written.

    Raises
    ------
    DataError
        Where floats are too large to tell whole numbers apart, or a number is written in two ways.
    """
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        _refuse_rounded(pd.Series(series.cat.categories, name=series.name), where)
        return series
    if series.dtype == object or "decimal" in str(series.dtype):
        series = _exact(series)
    _refuse_rounded(series, where)
    kind = pd.api.types.infer_dtype(series, skipna=True)
    return series if texts is None or kind == "string" else _as_written(series, texts, where)


def _exact(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return whole numbers of mixed types as integers of any length, where all are whole; other columns as they are."""
    import pandas as pd

    values = [_whole(value) for value in series]
    whole = all(isinstance(value, int) for value in values) and not all(isinstance(value, bool) for value in series)
    return pd.Series(values, index=series.index, name=series.name).infer_objects() if whole else series


def _whole(value: Any) -> Any:
    """Return a whole number as an integer, and anything else as it is; floats that may be rounded stay."""
    if isinstance(value, np.integer) or (isinstance(value, Decimal) and value == value.to_integral_value()):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _limit(value):
        return int(value)
    return value


def _limit(dtype: Any) -> float:
    """Return the whole number from which on floats of a type do not tell neighbours apart."""
    return float(2.0 ** (np.finfo(dtype).nmant + 1))


def _refuse_rounded(series: pd.Series[Any], where: str) -> None:
    """Refuse labels that are floats beyond the whole numbers that floats can tell apart."""
    import pandas as pd

    if series.dtype == object:
        series = pd.Series([value for value in series if isinstance(value, float)], name=series.name, dtype="float64")
    if not pd.api.types.is_float_dtype(series.dtype) or not len(series):
        return
    kind = getattr(series.dtype, "numpy_dtype", series.dtype)
    largest = float(np.abs(series.to_numpy(dtype=np.float64)).max())
    if largest >= _limit(kind):
        raise DataError(
            f"{where}: column {series.name!r} holds labels as floating-point numbers up to {largest:.0f}, where "
            f"{kind} rounds whole numbers, so different labels may have become equal. "
            "Read them from the source as text or as whole numbers (in pandas dtype 'str' or 'Int64')."
        )


def _as_written(series: pd.Series[Any], texts: pd.Series[str], where: str) -> pd.Series[Any]:
    """Return numbers as the texts of their cells, an ordered categorical in the order of the numbers."""
    import pandas as pd

    written = texts.loc[series.index]
    pairs = pd.DataFrame({"value": series.astype(object), "text": written}).drop_duplicates()
    again = pairs["value"].duplicated()
    if again.any():
        second = pairs.index[again][0]
        first = pairs.index[pairs["value"] == pairs["value"][second]][0]
        raise DataError(
            f"{where}: column {series.name!r} has one number written in two ways, {written[first]!r} in row "
            f"{first + 1} and {written[second]!r} in row {second + 1}. Write it in one way, or put a letter before "
            "labels that differ, such as 'g007'."
        )
    order = pairs.sort_values("value")["text"]
    return pd.Series(pd.Categorical(written, categories=order, ordered=True), index=series.index, name=series.name)
