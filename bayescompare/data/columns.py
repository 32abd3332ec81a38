"""One column of a table as numbers, as a predictor, or as group labels; or why it cannot be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bayescompare.data.dates import refuse_dates
from bayescompare.errors import DataError, ModelError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_groups", "as_numbers", "as_predictor", "natural_key", "refuse_unusable"]

_EXACT = 2**53
_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*%?\s*")


def refuse_unusable(series: pd.Series[Any], where: str) -> None:
    """Raise ``DataError`` for infinite values and for types that are neither numbers nor labels."""
    import pandas as pd

    kinds = pd.api.types
    dtype, name = series.dtype, series.name
    if kinds.is_complex_dtype(dtype):
        raise DataError(f"{where}: column {name!r} is complex; use its real part, imaginary part or modulus.")
    if kinds.is_datetime64_any_dtype(dtype) or kinds.is_timedelta64_dtype(dtype) or _is_dated(series):
        raise DataError(f"{where}: column {name!r} holds dates or times ({dtype}); make it a number, such as days.")
    if kinds.is_float_dtype(dtype):
        infinite = np.flatnonzero(np.isinf(series.to_numpy(dtype=np.float64, na_value=np.nan)))
        if infinite.size:
            first = series.index[infinite[0]] + 1
            raise DataError(
                f"{where}: column {name!r} is infinite in {infinite.size} rows, first in row {first}; "
                "correct or remove them."
            )


def _is_dated(series: pd.Series[Any]) -> bool:
    import pandas as pd

    if isinstance(series.dtype, pd.ArrowDtype):
        return any(word in str(series.dtype) for word in ("date", "timestamp", "time32", "time64", "duration"))
    return isinstance(series.dtype, pd.PeriodDtype) or (
        series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in _DATED
    )


_DATED = {"datetime", "date", "datetime64", "timedelta", "timedelta64", "time", "period", "interval"}


def as_numbers(series: pd.Series[Any], where: str) -> pd.Series[Any]:
    """Return a column as float64 (a predictor or response without missing values).

    Raises
    ------
    DataError
        Where it is text, or holds integers that float64 cannot hold.
    """
    import pandas as pd

    name = series.name
    if series.dtype == object:
        series = _from_objects(series, where)
    if _is_text(series):
        _refuse_text(series, where)
    if _is_integer(series):
        _refuse_long_integers(series, where)
    numbers = series.to_numpy(dtype=np.float64)
    return pd.Series(numbers, index=series.index, name=name)


def _from_objects(series: pd.Series[Any], where: str) -> pd.Series[Any]:
    """Return a column of Python objects as numbers or as text, never as a mixture."""
    import pandas as pd

    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "complex":
        raise DataError(f"{where}: column {series.name!r} is complex; use its real part, imaginary part or modulus.")
    if kind == "string":
        return series.astype("str")
    if kind not in {"integer", "floating", "mixed-integer-float", "boolean", "decimal"}:
        types = ", ".join(sorted({type(value).__name__ for value in series}))
        raise DataError(f"{where}: column {series.name!r} mixes values of types {types}; make them one type.")
    converted = pd.to_numeric(series.astype("float64") if kind == "decimal" else series.infer_objects())
    refuse_unusable(converted, where)
    return converted


def _refuse_text(series: pd.Series[Any], where: str, hint: str = "") -> None:
    refuse_dates(series, where)
    values = series.astype(str).to_numpy()
    odd = [row for row, value in enumerate(values) if not _is_number(value)]
    row = odd[0] if odd and len(odd) < len(values) else 0
    comma = " (decimals need a point, not a comma)" if any("," in values[i] for i in odd[:100]) else ""
    raise DataError(
        f"{where}: column {series.name!r} is text where numbers are needed; "
        f"the first such value is {values[row]!r} in row {series.index[row] + 1}{comma}; make it numbers{hint}."
    )


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _refuse_long_integers(series: pd.Series[Any], where: str) -> None:
    integers = [int(series.min()), int(series.max())]
    worst = max(integers, key=abs)
    if abs(worst) > _EXACT:
        raise DataError(
            f"{where}: column {series.name!r} holds {worst}, beyond 2**53, where numbers lose their last digits; "
            "subtract an offset first."
        )


def as_predictor(series: pd.Series[Any], where: str, *, encoded: bool = False) -> pd.Series[Any]:
    """Return a column as float64, or as text or an ordered categorical where it is a label.

    A label with a single value becomes the constant 1, which no contrast can code.

    Parameters
    ----------
    series
        The column, without missing values.
    where
        Name of the data, for messages.
    encoded
        True where the formula takes it through ``C()``, so that it is a label whatever its type.

    Raises
    ------
    DataError
        Where it mixes types, or is text of which most values look like numbers.
    """
    import pandas as pd

    if series.dtype == object:
        series = _from_objects(series, where)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.cat.remove_unused_categories().cat.as_ordered()
    elif _is_text(series):
        if not encoded:
            refuse_dates(series, where)
        numeric = sum(bool(_NUMBER.fullmatch(value)) for value in series.astype(str))
        if not encoded and numeric > len(series) / 2:
            _refuse_text(series, where, f", or write C({series.name}) if they are labels")
        series = series.astype("str")
    else:
        return _encoded(series, where) if encoded else as_numbers(series, where)
    return series if encoded or series.nunique() > 1 else pd.Series(1.0, index=series.index, name=series.name)


def _encoded(series: pd.Series[Any], where: str) -> pd.Series[Any]:
    """Return numbers that serve as labels: whole ones without a decimal point, truth values as text."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(series.dtype):
        return series.astype("bool").astype("str")
    if pd.api.types.is_signed_integer_dtype(series.dtype):
        return series.astype("int64")
    if _is_integer(series):
        order = sorted(set(series))
        return series.astype(pd.CategoricalDtype(order, ordered=True)).cat.rename_categories(str)
    numbers = as_numbers(series, where)
    return numbers.astype("int64") if bool((numbers == numbers.round()).all()) else numbers


def _is_integer(series: pd.Series[Any]) -> bool:
    """Return whether a column holds integers, of any length."""
    import pandas as pd

    return pd.api.types.is_integer_dtype(series.dtype) or series.dtype == object


def _is_text(series: pd.Series[Any]) -> bool:
    """Return whether a column holds text; one of Python objects that `_from_objects` left holds long integers."""
    import pandas as pd

    if series.dtype == object or (isinstance(series.dtype, pd.ArrowDtype) and "decimal" in str(series.dtype)):
        return False
    return not (pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_bool_dtype(series.dtype))


def as_groups(series: pd.Series[Any], where: str) -> tuple[np.ndarray[Any, np.dtype[np.intp]], tuple[str, ...], int]:
    """Return the index of each row's level, the levels in natural order, and how many declared levels are unused.

    Numbers are ordered by size, text with its digits read as numbers, a categorical as it declares.

    Raises
    ------
    ModelError
        Where the column holds numbers that are not whole.
    """
    import pandas as pd

    unused = 0
    if isinstance(series.dtype, pd.CategoricalDtype):
        used = series.cat.remove_unused_categories()
        unused = len(series.cat.categories) - len(used.cat.categories)
        if used.cat.ordered or _is_declared(series):
            return used.cat.codes.to_numpy(dtype=np.intp), _labels(used.cat.categories, series, where), unused
        series = pd.Series(np.asarray(used), name=series.name)
    if series.dtype == object:
        series = _from_objects(series, where)
    _refuse_continuous(series, where)
    codes, values = pd.factorize(series.to_numpy(dtype=object))
    order = sorted(range(len(values)), key=lambda index: natural_key(values[index]))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[codes], _labels([values[index] for index in order], series, where), unused


def _is_declared(series: pd.Series[Any]) -> bool:
    """Return whether the categories' order says something: it is not merely the order of the text."""
    categories = list(series.cat.categories)
    return [str(value) for value in categories] != sorted(str(value) for value in categories)


def _refuse_continuous(series: pd.Series[Any], where: str) -> None:
    import pandas as pd

    if not pd.api.types.is_float_dtype(series.dtype):
        return
    values = series.to_numpy(dtype=np.float64)
    if (values != np.round(values)).any():
        count = len(np.unique(values))
        raise ModelError(
            f"{where}: the grouping column {series.name!r} is continuous ({count} different values in "
            f"{len(values)} rows); group by whole numbers, text or categories."
        )


def _labels(values: Any, series: pd.Series[Any], where: str) -> tuple[str, ...]:
    labels = tuple(str(int(value)) if _is_whole_float(value) else str(value) for value in values)
    if len(set(labels)) < len(labels):
        raise DataError(
            f"{where}: different values of column {series.name!r} look the same as text; make them one type."
        )
    return labels


def _is_whole_float(value: Any) -> bool:
    return isinstance(value, float | np.floating) and float(value).is_integer()


def natural_key(value: Any) -> tuple[Any, ...]:
    """Return a sort key: numbers by size before text, text with its digits read as numbers."""
    if not isinstance(value, str):
        return (0, value, ())
    parts = re.split(r"(\d+)", value)
    return (1, 0, tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part), value)
