"""What the cells of a file say, where the table that was read from it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_measured", "long_integers", "texts_of"]

_EXACT = 2.0**53
_INTEGER = r"[-+]?\d+"


def is_measured(column: pd.Series[Any]) -> bool:
    """Whether a column holds decimals without a gap, of whose texts there is no question."""
    import pandas as pd

    if not pd.api.types.is_float_dtype(column.dtype):
        return False
    values = column.to_numpy(dtype=np.float64)
    return not np.isnan(values).any() and bool((values != np.round(values)).any())


def long_integers(column: pd.Series[Any], raw: pd.Series[str], absent: pd.Series[bool]) -> pd.Series[Any]:
    """Return a column as read, or as exact integers where only missing values made pandas round them.

    Parameters
    ----------
    column
        As pandas reads it.
    raw
        The texts of its cells, without spaces around them.
    absent
        Which of these count as missing.
    """
    import pandas as pd

    there = raw[~absent]
    # most columns of text are told from their first cell
    if not (_may_be_rounded(column) and all(cells.str.fullmatch(_INTEGER).all() for cells in (there[:1], there))):
        return column
    exact = [None if missing else int(text) for text, missing in zip(raw, absent, strict=True)]
    return pd.Series(exact, index=column.index, name=column.name, dtype=object)


def _may_be_rounded(column: pd.Series[Any]) -> bool:
    """Whether a column holds floats beyond the exact integers, or texts that may be integers of any length."""
    import pandas as pd

    if pd.api.types.is_float_dtype(column.dtype):
        return bool((column.abs() >= _EXACT).any())
    return not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype))


def texts_of(frame: pd.DataFrame, raw: pd.DataFrame) -> Mapping[str, pd.Series[str]]:
    """Return the texts of the columns whose labels or missing values the table does not show as they are written."""
    return {str(name): raw[name] for name in raw.columns if _differs(frame[name], raw[name])}


def _differs(column: pd.Series[Any], raw: pd.Series[str]) -> bool:
    missing = column.isna()
    if (raw[missing] != "").any():
        return True
    shown = _as_shown(column[~missing])
    return shown is not None and bool((shown != raw[~missing]).any())


def _as_shown(column: pd.Series[Any]) -> pd.Series[str] | None:
    """Return whole numbers and truth values as text; None for columns that are something else."""
    import pandas as pd

    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "floating":
        values = column.to_numpy(dtype=np.float64)
        whole = np.isfinite(values).all() and (values == np.round(values)).all() and (np.abs(values) < _EXACT).all()
        return column.astype("int64").astype(str) if whole else None
    return column.astype(str) if kind in {"integer", "boolean"} else None
