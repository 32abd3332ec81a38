"""Which fits raise a flag."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayescompare.comparison.grouping import Mask

__all__ = ["raised"]


def raised(fits: pd.DataFrame, flag: str) -> Mask:
    """Return which rows of the table ``fits`` have a flag."""
    return np.array([flag in flags for flags in fits["flags"]], dtype=bool)
