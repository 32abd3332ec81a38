"""Columns of dates that are written as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bayescompare.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["refuse_dates"]

_DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
_TIME = r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z| ?[-+]\d{2}:?\d{2})?"
_DATE = re.compile(rf"\s*(?:{_DAY})(?:{_TIME})?\s*")


def refuse_dates(series: pd.Series[Any], where: str) -> None:
    """Raise ``DataError`` where all texts of a column are dates, which would be as many labels."""
    different = [str(value) for value in series.unique()]
    if different and all(_DATE.fullmatch(value) for value in different):
        raise DataError(
            f"{where}: {series.name} is a column of dates, such as {different[0]!r}. Make it numbers, such as days "
            "since the first (in pandas: t = pandas.to_datetime(t); (t - t.min()).dt.days), or write "
            f"C({series.name}) for an effect of each date."
        )
