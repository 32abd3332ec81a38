"""The mean error and the mean squared error of each estimator in parts that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bayescompare.comparison.cells import Frames
from bayescompare.comparison.error_parts import POINT, POSTERIOR, error_rows, long_rows, parts_of
from bayescompare.comparison.grouping import Array, Groups, Mask
from bayescompare.comparison.measure_rows import measure_rows, tidy
from bayescompare.comparison.monte_carlo import means
from bayescompare.comparison.schema import ERROR_MEAN_COLUMNS, ERROR_SQUARE_COLUMNS

__all__ = ["UNITS", "Decomposition", "decomposition"]


_CELL = ["scenario", "estimator", "parameter"]
_TOTAL = "total"
_NO_SCALE = "the marginal ML estimates have no standard error"
# A term of a sum: its labels, and its value in each row.
_Term = tuple[Mapping[str, str], Array]


def _scale(rows: pd.DataFrame) -> Array:
    """Return the standard error of the marginal ML estimate; NaN where it has none, as at a boundary."""
    scale = rows["scale"].to_numpy(float)
    return np.where(scale > 0, scale, np.nan)


def _typical(rows: pd.DataFrame) -> Array:
    """Return the median standard error over the replicates of a scenario: the same for all of them."""
    keys = ["scenario", "parameter"]
    return rows[keys].assign(scale=_scale(rows)).groupby(keys)["scale"].transform("median").to_numpy(float)


#: Unit of the means -> what each error is divided by.
UNITS: Mapping[str, Callable[[pd.DataFrame], Array]] = {
    "response": lambda rows: np.ones(len(rows)),
    "ML standard error": _scale,
    "typical ML standard error": _typical,
}


@dataclass(frozen=True, kw_only=True)
class Decomposition:
    """The errors of a study in parts.

    A point estimate: estimate - truth = (estimate - own optimum: ``optimizer and stopping``)
    + (own optimum - marginal ML: ``objective``) + (marginal ML - truth: ``sampling``). A posterior mean:
    (posterior mean - marginal ML: ``prior and loss``) + ``sampling``. Sds, not variances.

    Parameters
    ----------
    replicates
        A row a part of an estimate; the columns are those of `schema.ERROR_PART_COLUMNS`.
    means
        The signed means and their total, the bias; `schema.ERROR_MEAN_COLUMNS`.
    squares
        The mean squared error as mean squares and twice the mean products of the parts, and their
        total; `schema.ERROR_SQUARE_COLUMNS`.
    """

    replicates: pd.DataFrame
    means: pd.DataFrame
    squares: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The cells of a study, the one of each row, and the first reason why a part is missing in a row of each."""

    keys: pd.DataFrame
    groups: Groups
    rows: pd.DataFrame
    why: Sequence[str]


def decomposition(tables: Frames) -> Decomposition:
    """Return the errors of a study in parts.

    Means are of the replicates whose every part is known (``n_used`` of the ``n_total`` fits asked
    for), so that they add up. They come in three units: the response's; the standard error of each
    replicate's marginal ML estimate, without the replicates in which it has none (those at a
    boundary, so that what is left is a selection); its median over the replicates, which leaves none out.
    Monte Carlo standard errors are ``sd / sqrt(n)``, those of the bias and of the MSE in Morris,
    White and Crowther (2019, table 6). As in `performance.performance`, there is no number where
    more than half of a cell's fits failed.

    Parameters
    ----------
    tables
        ``estimates``, ``fits`` and ``optimum``.
    """
    rows = error_rows(tables)
    cells = _cells(rows)
    made = [_summaries(cells, unit, drawn=drawn) for drawn in (False, True) for unit in UNITS]
    return Decomposition(
        replicates=long_rows(rows),
        means=tidy((part for signed, _ in made for part in signed), list(ERROR_MEAN_COLUMNS)),
        squares=tidy((part for _, squared in made for part in squared), list(ERROR_SQUARE_COLUMNS)),
    )


def _cells(rows: pd.DataFrame) -> _Cells:
    found = rows.groupby(_CELL, sort=False)
    columns = [*_CELL, "n_total", "refused", "posterior"]
    keys = rows.loc[~rows.duplicated(_CELL), columns].reset_index(drop=True)
    code = found.ngroup().to_numpy(np.int64)
    missing = (rows["reason"] != "").to_numpy(bool)
    first = dict(zip(code[missing][::-1], rows["reason"][missing][::-1], strict=True))
    why = [first.get(k, _NO_SCALE) for k in range(len(keys))]
    return _Cells(keys=keys, groups=Groups(code, len(keys)), rows=rows, why=why)


def _summaries(cells: _Cells, unit: str, *, drawn: bool) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Return the rows of the signed means and of the mean squares, of posterior means or of point estimates."""
    divisor = UNITS[unit](cells.rows)
    used = (cells.rows["reason"] == "").to_numpy(bool) & np.isfinite(divisor)
    names = POSTERIOR if drawn else POINT
    parts = {name: values / divisor for name, values in parts_of(cells.rows, names).items()}
    total = (cells.rows["estimate"] - cells.rows["truth"]).to_numpy(float) / divisor
    kept = (cells.keys["posterior"] == drawn).to_numpy(bool)
    return (
        list(_rows(cells, unit, _signed(parts, total), used, kept)),
        list(_rows(cells, unit, _squared(parts, total), used, kept)),
    )


def _signed(parts: Mapping[str, Array], total: Array) -> Iterator[_Term]:
    yield from (({"part": name}, values) for name, values in parts.items())
    yield {"part": _TOTAL}, total


def _squared(parts: Mapping[str, Array], total: Array) -> Iterator[_Term]:
    """Yield the terms of ``(a + b + c)^2``: squares, and twice the products."""
    yield from (({"first": name, "second": name}, values**2) for name, values in parts.items())
    for (first, a), (second, b) in combinations(parts.items(), 2):
        yield {"first": first, "second": second}, 2 * a * b
    yield {"first": _TOTAL, "second": _TOTAL}, total**2


def _rows(cells: _Cells, unit: str, terms: Iterable[_Term], used: Mask, kept: Mask) -> Iterator[pd.DataFrame]:
    """Yield the means of the terms over the rows that are used, a table a term."""
    local = cells.groups[used & cells.rows["local"].to_numpy(bool)].count()
    reasons = _reasons(cells, used)
    for labels, values in terms:
        found = means(np.where(used, values, np.nan), cells.groups)
        keys = cells.keys[_CELL].assign(**labels, unit=unit, n_local=local)
        yield measure_rows(keys, "", "", found, cells.keys["n_total"].to_numpy(), reasons, kept)


def _reasons(cells: _Cells, used: Mask) -> list[str]:
    """Return why each cell has no number, empty where it has one."""
    some = cells.groups.some(used)
    return [
        refused or ("" if any_used else why)
        for refused, any_used, why in zip(cells.keys["refused"], some, cells.why, strict=True)
    ]
