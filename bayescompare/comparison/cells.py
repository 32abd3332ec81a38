"""The estimates and intervals of a study as arrays, each row with its cell: (scenario, estimator, parameter)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.grouping import Array, Codes, Groups, Mask, encode, find, mixed
from bayescompare.comparison.records import same_estimand
from bayescompare.fits import GATE, Status

__all__ = ["FAILED", "Names", "Points", "points_of"]

#: Statuses of a fit that went wrong.
FAILED = frozenset({Status.FAILED, Status.TIMEOUT, Status.WORKER_DIED})
_CELL = ("scenario", "estimator", "parameter")

Frames = Mapping[str, pd.DataFrame]
#: Column -> what its codes stand for.
Names = Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """The estimates that can be judged: those with a truth, of the parameter that they stand beside.

    Parameters
    ----------
    names
        What the codes of scenario, estimator, parameter and replicate stand for.
    cells
        A row a cell, as codes; ``fits`` is how many fits were asked for, those that were not
        applicable aside, and ``converged`` how many of them ended ``ok``.
    groups
        The cell of each estimate.
    sets
        The data set and parameter of each estimate: what the estimators have in common.
    replicate : (N,)
        Its code.
    error, se, truth : (N,)
        Estimate less truth (NaN where either is missing), standard error, true value.
    applicable, failed, passed : (N,)
        What its fit was: asked for at all; without a result, or cut short; with a result that
        does not fail the convergence gate.
    """

    names: Names
    cells: pd.DataFrame
    groups: Groups
    sets: Groups
    replicate: Codes
    error: Array
    se: Array
    truth: Array
    applicable: Mask
    failed: Mask
    passed: Mask

    @property
    def estimated(self) -> Mask:
        """Which rows have an error: an estimate and a truth."""
        return self.applicable & np.isfinite(self.error)

    @property
    def keys(self) -> pd.DataFrame:
        """Scenario, estimator and parameter of each cell in words."""
        return pd.DataFrame({
            name: np.array(self.names[name], dtype=object)[self.cells[name].to_numpy()] for name in _CELL
        })  # fmt: skip


def points_of(tables: Frames) -> Points:
    """Return the estimates of the tables ``estimates`` and ``fits``.

    A cell is left out where its estimator does not estimate its parameter (no estimate although
    fits succeeded, or estimates of something else), where no truth is known, and where no fit was
    applicable. A cell whose fits all failed stays.
    """
    estimates, fits = tables["estimates"], tables["fits"]
    columns, names = _encoded(estimates, fits)
    at = find(_fit_key(columns["estimates"], names), _fit_key(columns["fits"], names))
    kinds = {name: np.append(mask, name != "failed")[at] for name, mask in _kinds(fits).items()}
    cell, first = _factorised([columns["estimates"][name] for name in _CELL], [len(names[name]) for name in _CELL])
    truth = estimates["truth"].to_numpy(float)
    error = np.where(kinds["applicable"], estimates["estimate"].to_numpy(float) - truth, np.nan)
    kept = _kept(cell, estimates, error, kinds)
    place = np.cumsum(kept) - 1
    rows = kept[cell.code]
    cells = pd.DataFrame({name: columns["estimates"][name][first[kept]] for name in _CELL})
    parts = {name: column[rows] for name, column in columns["estimates"].items()}
    sets, _ = _factorised(
        [parts[name] for name in ("scenario", "parameter", "replicate")],
        [len(names[name]) for name in ("scenario", "parameter", "replicate")],
    )
    return Points(
        names=names,
        cells=cells.assign(**_asked(cells, columns["fits"], names, fits)),
        groups=Groups(place[cell.code[rows]], len(cells)),
        sets=sets,
        replicate=parts["replicate"],
        error=error[rows],
        se=estimates["se"].to_numpy(float)[rows],
        truth=truth[rows],
        **{name: mask[rows] for name, mask in kinds.items()},
    )


def _encoded(estimates: pd.DataFrame, fits: pd.DataFrame) -> tuple[dict[str, dict[str, Codes]], Names]:
    """Return the key columns of both tables as codes, and the names behind them."""
    columns: dict[str, dict[str, Codes]] = {"estimates": {}, "fits": {}}
    names = {}
    for name in ("scenario", "estimator", "replicate"):
        (first, second), names[name] = encode(estimates[name], fits[name])
        columns["estimates"][name], columns["fits"][name] = first, second
    (columns["estimates"]["parameter"],), names["parameter"] = encode(estimates["parameter"])
    return columns, names


def _fit_key(columns: Mapping[str, Codes], names: Names) -> Codes:
    keys = ("scenario", "estimator", "replicate")
    return mixed([columns[name] for name in keys], [len(names[name]) for name in keys])


def _kinds(fits: pd.DataFrame) -> dict[str, Mask]:
    """Return what each fit was; see `Points`."""
    applicable = (fits["status"] != Status.NOT_APPLICABLE).to_numpy(bool)
    failed = fits["status"].isin([str(status) for status in FAILED]).to_numpy(bool)
    gate = {str(flag) for flag in GATE}
    gated = np.array([not gate.isdisjoint(flags) for flags in fits["flags"]], dtype=bool)
    return {"applicable": applicable, "failed": failed, "passed": applicable & ~failed & ~gated}


def _factorised(codes: list[Codes], sizes: list[int]) -> tuple[Groups, Codes]:
    """Return groups of rows with equal codes, in order of appearance, and the first row of each."""
    code, uniques = pd.factorize(mixed(codes, sizes))
    first = np.zeros(len(uniques), dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return Groups(code.astype(np.int64), len(uniques)), first


def _kept(cell: Groups, estimates: pd.DataFrame, error: Array, kinds: Mapping[str, Mask]) -> Mask:
    """Return which cells can be judged; see `points_of`."""
    other = np.ones(len(estimates), dtype=bool)
    other[same_estimand(estimates.reset_index(drop=True)[["estimand"]]).index] = False
    known = cell.some(np.isfinite(estimates["truth"].to_numpy(float)) & kinds["applicable"])
    estimated, succeeded = cell.some(np.isfinite(error)), cell.some(kinds["applicable"] & ~kinds["failed"])
    return known & ~cell.some(other) & (estimated | ~succeeded)


def _asked(cells: pd.DataFrame, columns: Mapping[str, Codes], names: Names, fits: pd.DataFrame) -> dict[str, Codes]:
    """Return how many fits each cell's estimator was asked for in its scenario, and how many of them ended ``ok``."""
    width = len(names["estimator"])
    pair = Groups(columns["scenario"] * width + columns["estimator"], len(names["scenario"]) * width)
    mine = cells["scenario"].to_numpy() * width + cells["estimator"].to_numpy()
    counted = {"fits": fits["status"] != Status.NOT_APPLICABLE, "converged": fits["status"] == Status.OK}
    return {name: pair[mask.to_numpy(bool)].count()[mine] for name, mask in counted.items()}
