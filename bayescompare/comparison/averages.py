"""Measures averaged over the grid of a study, every cell with the same weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.grouping import Array, Groups
from bayescompare.comparison.measure_rows import chosen
from bayescompare.errors import InputError

__all__ = ["average"]

# What is never averaged over: different quantities, or numbers from the same data sets, whose
# errors are not independent.
_APART = ("estimator", "parameter", "kind", "level", "reading", "measure")

Factors = Mapping[str, Mapping[str, Any]]


def average(cells: pd.DataFrame, by: str | Sequence[str], factors: Factors) -> pd.DataFrame:
    """Return the measures of cells averaged over the scenarios that agree in some factors.

    Equal weights: the value is ``mean(value_k)`` over the m cells, its standard error
    ``sqrt(sum mcse_k^2) / m``, since scenarios have independent data sets. The interval is by the
    square-and-add method (Newcombe 1998; Zou and Donner 2008), which keeps the asymmetry of
    Wilson intervals. Denominators are summed. If one of the cells has no number, neither has the
    average: without the hard cells an estimator that fails in them would look better.

    Parameters
    ----------
    cells
        As `performance.performance` returns them.
    by
        Names of factors, or ``scenario``. Estimators, parameters, kinds and levels are kept apart
        whether they are named or not.
    factors
        Scenario -> factor -> value.

    Raises
    ------
    InputError
        If a name is neither a factor nor a column, or is both.
    """
    placed, named = _placed(cells, by, factors)
    keys = [*named, *(name for name in _APART if name not in named)]
    found = placed.groupby(keys, sort=False, dropna=False)
    groups = Groups(found.ngroup().to_numpy(np.int64), found.ngroups)
    heads = placed.loc[~placed.duplicated(keys), keys].reset_index(drop=True)
    return heads.assign(**_averaged(placed, groups))


def _placed(cells: pd.DataFrame, by: str | Sequence[str], factors: Factors) -> tuple[pd.DataFrame, list[str]]:
    """Return the cells with a column for each factor that is asked for, and the names that are."""
    known = dict.fromkeys(name for values in factors.values() for name in values)
    named = list(dict.fromkeys(chosen(by, [*known, "scenario", *_APART], "factor or column")))
    for name in named:
        if name in known and name in cells.columns:
            raise InputError(f"The factor {name!r} has the name of a column of the measures. Give it another name.")
    columns = {
        name: cells["scenario"].map({scenario: _plain(values.get(name)) for scenario, values in factors.items()})
        for name in named
        if name in known
    }
    return cells.assign(**columns), named


def _plain(value: Any) -> Any:
    """Return a factor's value, written out where it cannot be grouped by."""
    return str(value) if isinstance(value, list | dict | np.ndarray) else value


def _averaged(cells: pd.DataFrame, groups: Groups) -> dict[str, Any]:
    m = groups.count()
    value, mcse, lower, upper = (cells[name].to_numpy(float) for name in ("value", "mcse", "lower", "upper"))
    centre = groups.mean(value)

    def together(errors: Array) -> Array:
        return np.sqrt(groups.total(errors**2)) / m

    empty = groups.total(np.isnan(value)).astype(int)
    return {
        "value": centre,
        "mcse": together(mcse),
        "lower": centre - together(value - lower),
        "upper": centre + together(upper - value),
        "n_cells": m,
        "n_used": groups.total(cells["n_used"].to_numpy(float)).astype(np.int64),
        "n_total": groups.total(cells["n_total"].to_numpy(float)).astype(np.int64),
        "reason": [f"{k} of {n} cells have no number" if k else "" for k, n in zip(empty, m, strict=True)],
    }
