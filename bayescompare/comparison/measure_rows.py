"""From arrays of statistics to rows of a table, each with its denominators, and a reason where there is no number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bayescompare.comparison.grouping import Array, Codes, Mask
from bayescompare.comparison.monte_carlo import Statistics
from bayescompare.errors import InputError, did_you_mean

__all__ = ["chosen", "measure_rows", "tidy"]


def measure_rows(
    keys: pd.DataFrame,
    measure: str,
    reading: str,
    found: Statistics,
    n_total: Array | Codes,
    reasons: Sequence[str],
    kept: Mask | None = None,
) -> pd.DataFrame:
    """Return a row for each row of the keys.

    Parameters
    ----------
    reasons
        Why a number is refused; empty where it is not.
    kept
        Rows for which the measure is defined; all where None.
    """
    given = np.array([not reason for reason in reasons], dtype=bool)
    why = np.array(reasons, dtype=object)
    why[given & ~np.isfinite(found.value)] = "no fit has a number"
    numbers = {
        name: np.where(given, getattr(found, name), np.nan).astype(float)
        for name in ("value", "mcse", "lower", "upper")
    }
    rows = keys.assign(
        reading=reading,
        measure=measure,
        **numbers,
        n_used=found.n_used,
        n_total=np.asarray(n_total).astype(np.int64),
        reason=why,
    )
    return rows if kept is None else rows[kept]


def tidy(parts: Iterable[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows with the columns of a schema, what belongs to a cell together (by the index of the parts)."""
    rows = [part for part in parts if len(part)]
    if not rows:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(rows).sort_index(kind="stable").reset_index(drop=True).reindex(columns=list(columns))


def chosen(given: str | Sequence[str] | None, known: Iterable[str], what: str) -> list[str]:
    """Return the names that are asked for, all where None.

    Raises
    ------
    InputError
        If a name is not known.
    """
    names = list(known)
    asked = names if given is None else [given] if isinstance(given, str) else list(given)
    for name in asked:
        if name not in names:
            raise InputError(f"There is no {what} {name!r}.{did_you_mean(str(name), names)}")
    return asked
