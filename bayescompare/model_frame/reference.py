"""The level of a column that the others are held against: the first of its levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bayescompare.data.columns import as_predictor
from bayescompare.errors import FormulaError, did_you_mean
from bayescompare.formula import Formula
from bayescompare.model_frame.encodings import level_like, levels_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["with_references"]


def with_references(frame: pd.DataFrame, reference: Mapping[str, Any], formula: Formula, where: str) -> pd.DataFrame:
    """Return a frame whose columns have the given levels first.

    Parameters
    ----------
    frame
        The columns of the formula, without missing values.
    reference
        Column to level, as it reads.
    formula
        The formula.
    where
        Name of the data, for messages.

    Raises
    ------
    FormulaError
        If a column is no predictor of the formula or has no levels, or a level is unknown.
    """
    found = {}
    for name, level in reference.items():
        if name not in formula.predictors:
            raise FormulaError(
                f"A reference level is given for {name!r}, which is no predictor in '{formula}'."
                f"{did_you_mean(name, formula.predictors)}"
            )
        found[name] = _level_first(frame[name], level, where, name in formula.encoded)
    return frame.assign(**found)


def _level_first(series: pd.Series[Any], level: Any, where: str, encoded: bool) -> pd.Series[Any]:
    import pandas as pd

    labels = as_predictor(series, where, encoded=encoded)
    if pd.api.types.is_numeric_dtype(labels.dtype):
        raise FormulaError(
            f"{where}: {series.name!r} has numbers or a single value, and so no level of reference; "
            f"where its numbers are labels, write C({series.name}, {level}) in the formula."
        )
    levels = levels_of(labels)
    first = level_like(levels, level, series.name)
    order = [first, *(other for other in levels if other != first)]
    return pd.Series(pd.Categorical(labels, categories=order, ordered=True), index=series.index, name=series.name)
