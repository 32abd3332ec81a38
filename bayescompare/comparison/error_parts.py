"""The error of each estimate in parts: what the optimizer, the objective, the sample, the prior and the loss add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.cells import Frames, points_of
from bayescompare.comparison.flagged import raised
from bayescompare.comparison.grouping import Array
from bayescompare.comparison.readings import refused
from bayescompare.comparison.schema import ERROR_PART_COLUMNS, PARTS
from bayescompare.fits import Flag, Status

__all__ = ["LOCAL", "POINT", "POSTERIOR", "error_rows", "long_rows", "parts_of"]

#: Parts of the error of a point estimate, and of a posterior mean.
POINT = ("optimizer and stopping", "objective", "sampling")
POSTERIOR = ("prior and loss", "sampling")
#: What ``own_optimum`` says of a fit whose own optimum is a local mode.
LOCAL = "local mode"

_ENDS: Mapping[str, tuple[str, str]] = {
    "optimizer and stopping": ("estimate", "own_optimum"),
    "objective": ("own_optimum", "marginal_ml"),
    "prior and loss": ("estimate", "marginal_ml"),
    "sampling": ("marginal_ml", "truth"),
}
_SET = ["scenario", "replicate", "parameter"]
_FIT = ["scenario", "replicate", "estimator"]
_CELL = ["scenario", "estimator", "parameter"]


def error_rows(tables: Frames) -> pd.DataFrame:
    """Return a row an estimate that can be judged, with its truth, its own optimum and the marginal ML estimate.

    Cells (scenario, estimator, parameter) are those of `cells.points_of`: estimates of something
    else and parameters without a truth are left out, fits that were not applicable are not counted.

    Parameters
    ----------
    tables
        ``estimates``, ``fits`` and ``optimum``.

    Returns
    -------
    DataFrame
        ``scenario, replicate, estimator, parameter, estimate, truth, own_optimum, marginal_ml, scale``
        in the units of the response, NaN where not known; ``n_total`` and ``refused`` of the cell;
        ``posterior`` and ``local`` say what the fit is; ``reason`` why a part is not known.
    """
    points = points_of(tables)
    cells = points.keys.assign(n_total=points.cells["fits"].to_numpy(), refused=refused(points, "all"))
    rows = tables["estimates"][[*_SET, "estimator", "estimate", "estimand", "truth"]].merge(cells, on=_CELL)
    rows = rows.merge(_fits(tables["fits"]), on=_FIT).merge(
        _own(tables["optimum"]), how="left", on=[*_SET, "estimator"]
    )
    rows = rows.merge(_reference(tables["optimum"]), how="left", on=_SET)
    drawn = set(rows.loc[rows["estimand"] == "posterior mean", "estimator"])
    rows["posterior"] = rows["estimator"].isin(drawn)
    rows["own_optimum"] = rows["own_optimum"].mask(rows["degenerate"] | rows["posterior"])
    return rows.assign(reason=_reasons(rows))


def _fits(fits: pd.DataFrame) -> pd.DataFrame:
    """Return what the flags say of the fits that were applicable."""
    used = fits[fits["status"] != Status.NOT_APPLICABLE]
    return used[_FIT].assign(local=raised(used, Flag.LOCAL_MODE), degenerate=raised(used, Flag.DEGENERATE))


def _own(optimum: pd.DataFrame) -> pd.DataFrame:
    return _typed(optimum)[[*_SET, "estimator", "own_optimum"]]


def _reference(optimum: pd.DataFrame) -> pd.DataFrame:
    """Return the marginal ML estimates: they are of data sets, so fits without an optimum have them too."""
    return _typed(optimum).drop_duplicates(_SET)[[*_SET, "marginal_ml", "scale"]]


def _typed(optimum: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the types that an empty one lacks."""
    numbers = dict.fromkeys(("own_optimum", "marginal_ml", "scale"), float)
    words = dict.fromkeys(("scenario", "estimator", "parameter"), object)
    return optimum.astype(words | numbers | {"replicate": np.int64})


def _reasons(rows: pd.DataFrame) -> npt.NDArray[np.str_]:
    """Return why a part of each error is not known, empty where all are."""
    missing = {name: ~np.isfinite(rows[name].to_numpy(float)) for name in ("estimate", "marginal_ml", "own_optimum")}
    point = ~rows["posterior"].to_numpy(bool)
    kinds = {
        "there is no estimate": missing["estimate"],
        "its data set has no marginal ML estimate": missing["marginal_ml"],
        "its objective is degenerate: it has no optimum": point & rows["degenerate"].to_numpy(bool),
        "its own optimum is not known": point & missing["own_optimum"],
        "the truth is not known": ~np.isfinite(rows["truth"].to_numpy(float)),
    }
    return np.select(list(kinds.values()), list(kinds), "")


def parts_of(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, Array]:
    """Return part -> its value in each row; their sum is estimate less truth."""
    ends = {name: rows[name].to_numpy(float) for name in ("estimate", "own_optimum", "marginal_ml", "truth")}
    with np.errstate(invalid="ignore"):
        return {name: ends[_ENDS[name][0]] - ends[_ENDS[name][1]] for name in names}


def long_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a part; the columns are those of `schema.ERROR_PART_COLUMNS`."""
    made = [
        kind.assign(part=name, value=value, error=kind["estimate"] - kind["truth"], own_optimum=_kinds(kind))
        for names, kind in _by_kind(rows)
        for name, value in parts_of(kind, names).items()
    ]
    order = {name: k for k, name in enumerate(PARTS)}
    whole = pd.concat(made)
    placed = whole.assign(place=whole["part"].map(order), row=whole.index).sort_values(["row", "place"], kind="stable")
    return placed[list(ERROR_PART_COLUMNS)].reset_index(drop=True)


def _by_kind(rows: pd.DataFrame) -> list[tuple[Sequence[str], pd.DataFrame]]:
    return [(POINT, rows[~rows["posterior"]]), (POSTERIOR, rows[rows["posterior"]])]


def _kinds(rows: pd.DataFrame) -> npt.NDArray[np.str_]:
    """Return what the own optimum of each fit is."""
    found = {
        "posterior: has none": rows["posterior"].to_numpy(bool),
        "not known": ~np.isfinite(rows["own_optimum"].to_numpy(float)),
        LOCAL: rows["local"].to_numpy(bool),
    }
    return np.select(list(found.values()), list(found), "best known")
