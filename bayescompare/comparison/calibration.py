"""Simulation-based calibration, judged: whether truths drawn from the prior lie where the fits say.

Talts, Betancourt, Simpson, Vehtari and Gelman (2018), arXiv:1804.06788; Modrak et al. (2023). The posterior of a model
whose truths are drawn from its prior is calibrated in the mean over data sets; confidence intervals mean something
else, and are held to the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import bdtr, bdtrc

from bayescompare.comparison.cells import Frames
from bayescompare.comparison.derived import LIKELIHOOD
from bayescompare.comparison.schema import CALIBRATION_COLUMNS
from bayescompare.comparison.uniformity import Estimated, p_value, shift_of, spread_of, spread_of_levels
from bayescompare.fits import GATE
from bayescompare.intervals import KINDS

__all__ = [
    "CALIBRATED",
    "ERROR",
    "NOT_APPLICABLE",
    "NOT_CALIBRATED",
    "RIGHT",
    "UNDECIDED",
    "calibration",
    "prior_spread",
    "transforms",
]

Array = npt.NDArray[np.float64]
Row = dict[str, Any]

CALIBRATED, NOT_CALIBRATED, UNDECIDED, NOT_APPLICABLE = "calibrated", "not calibrated", "undecided", "not applicable"

#: Chance of calling anything not calibrated where all is.
ERROR = 0.05
#: Widths within this factor, and centres within so many sds, count as right.
RIGHT = (1.25, 0.25)
#: Levels, in percent, whose coverage is told.
LEVELS = (50, 80, 95)
# Data sets below which nothing is said.
_FEWEST = 10

_CELL = ["scenario", "estimator", "parameter", "kind"]
_FIT = ["scenario", "estimator"]
_NAN = float("nan")
_UNKNOWN = Estimated(_NAN, _NAN, _NAN)


def calibration(tables: Frames) -> pd.DataFrame:
    """Return a row a quantity and kind of interval, with the columns of `schema.CALIBRATION_COLUMNS`.

    Parameters
    ----------
    tables
        With ``calibration`` and ``fits``. Where fits failed the convergence gate there are two readings: ``all``, and
        those that ``passed``.
    """
    rows = tables.get("calibration")
    if rows is None or not len(rows):
        return pd.DataFrame(columns=list(CALIBRATION_COLUMNS))
    found = [_judged(rows, "all")]
    if len(gated := _past_the_gate(rows, tables["fits"])):
        found.append(_judged(gated, "passed"))
    return pd.concat(found, ignore_index=True).reindex(columns=list(CALIBRATION_COLUMNS))


def _past_the_gate(rows: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the fits that passed, of the estimators and scenarios where some did not."""
    failed = np.array([not GATE.isdisjoint(flags) for flags in fits["flags"]], dtype=bool)
    out = fits.loc[failed, [*_FIT, "replicate"]].assign(out=True)
    kept = rows.merge(out[_FIT].drop_duplicates(), on=_FIT).merge(out, on=[*_FIT, "replicate"], how="left")
    return kept[kept["out"].isna()].drop(columns="out")


def _judged(rows: pd.DataFrame, reading: str) -> pd.DataFrame:
    """Return the verdicts of one reading; all its tests are one family."""
    totals = rows.groupby(_FIT, sort=False)["replicate"].nunique()
    found = pd.DataFrame([*_cells(rows, totals)], columns=list(CALIBRATION_COLUMNS)).assign(reading=reading)
    found["p_adjusted"] = _holm(found["p_value"].to_numpy(float))
    said = [_verdict(row) for row in found.to_dict("records")]
    return found.assign(verdict=[one[0] for one in said], what=[one[1] for one in said])


def _cells(rows: pd.DataFrame, totals: Mapping[Any, int]) -> Iterator[Row]:
    """Yield the numbers of each cell; one without any for an estimator that fitted nothing."""
    for (scenario, estimator), fits in rows.groupby(_FIT, sort=False):
        total = int(totals[scenario, estimator])
        cells = fits[fits["parameter"] != ""]
        key: Row = {"scenario": scenario, "estimator": estimator}
        if not len(cells):
            yield key | _nothing("", "", fits["reason"]) | {"n_used": 0, "n_total": total}
        for (parameter, kind), cell in cells.groupby(["parameter", "kind"], sort=False):
            yield key | _numbers(str(parameter), str(kind), cell, total) | {"n_total": total}


def _nothing(parameter: Hashable, kind: Hashable, reasons: pd.Series) -> Row:
    """Return a cell without numbers; the reason that most of its fits give."""
    said = reasons[reasons != ""]
    return {"parameter": parameter, "kind": kind, "reason": said.mode().iloc[0] if len(said) else "no interval"}


def transforms(cell: pd.DataFrame) -> Array:
    """Return the transforms ``(n,)`` of a cell that are uniform if its kind of interval is calibrated.

    Of kinds with equal tails the place of the truth in the distribution, of others the smallest level that holds it.
    Among ``L`` draws it has only ``L + 1`` ranks; a random part of a step makes them continuous.
    """
    tails = all(KINDS[str(kind)].tails for kind in cell["kind"].unique() if kind in KINDS)
    ranks, n = cell["rank"].to_numpy(float), cell["n_ranks"].to_numpy(float)
    # the same parts in every reading and whatever else is in the table
    part = np.random.default_rng(0).uniform(size=int(cell["replicate"].max()) + 1)[cell["replicate"].to_numpy(int)]
    exact = cell["pit" if tails else "covered_from"].to_numpy(float)
    return np.asarray(np.where(n > 0, (ranks + part) / (n + 1), exact))


def _numbers(parameter: str, kind: str, every: pd.DataFrame, total: int) -> Row:
    """Return what the fits of a cell say together; without a test where they are few, or less than half of all."""
    cell = every[every["covered_from"].notna()]
    if not len(cell):
        return _nothing(parameter, kind, every["reason"]) | {"n_used": 0}
    uniform, tails = transforms(cell), KINDS[kind].tails
    enough = len(cell) >= _FEWEST and 2 * len(cell) >= total
    spread = (spread_of if tails else spread_of_levels)(uniform) if enough else _UNKNOWN
    shift = shift_of(uniform) if enough and tails else _UNKNOWN
    return {
        "parameter": parameter,
        "kind": kind,
        "p_value": _NAN if not enough else p_value(uniform) if tails else _of_coverage(cell["covered_from"]),
        **{f"spread{end}": one for end, one in zip(("", "_lower", "_upper"), spread, strict=True)},
        **{f"shift{end}": one for end, one in zip(("", "_lower", "_upper"), shift, strict=True)},
        **{f"coverage_{level}": float(np.mean(cell["covered_from"] <= level / 100)) for level in LEVELS},
        "contraction": _contraction(cell),
        "n_used": len(cell),
        "reason": "",
    }


def _of_coverage(covered_from: pd.Series) -> float:
    """Return a p-value of coverage at a few levels, by binomial tests and Bonferroni.

    The shortest interval of draws at a low level lies where they happen to be dense, and holds the truth too seldom
    whatever the posterior is: its lowest levels are not looked at.
    """
    n = len(covered_from)
    found = []
    for level in LEVELS:
        held = int((covered_from <= level / 100).sum())
        found.append(2 * min(bdtr(held, n, level / 100), bdtrc(held - 1, n, level / 100) if held else 1.0))
    return float(min(1.0, len(found) * min(found)))


def prior_spread(cell: pd.DataFrame) -> float:
    """Return the sd of the prior of a quantity, NaN of the likelihood, which has none.

    The truths are draws of the prior; the sd is read off their 16 % and 84 % quantiles, since some priors have none.
    """
    low, high = np.quantile(cell["truth"], [0.158655, 0.841345])
    return float(high - low) / 2 if high > low and LIKELIHOOD not in set(cell["parameter"]) else _NAN


def _contraction(cell: pd.DataFrame) -> float:
    """Return the share of the prior variance that data take away, in the median fit."""
    return float(1 - (cell["sd"].median() / prior_spread(cell)) ** 2)


def _holm(values: Array) -> Array:
    """Return p-values adjusted for their number (Holm 1979); NaN where there is none."""
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    out = np.full(len(values), np.nan)
    out[order] = np.minimum(np.maximum.accumulate(factors * values[order]), 1.0)
    return out


def _verdict(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict on a cell, and what there is to say."""
    used, total = int(row["n_used"]), int(row["n_total"])
    if not used:
        return NOT_APPLICABLE, str(row["reason"])
    if 2 * used < total:
        return UNDECIDED, f"only {used:,} of {total:,} fits have one"
    if not np.isfinite(row["p_value"]):
        return UNDECIDED, f"{used:,} data sets are too few"
    if row["p_adjusted"] < ERROR:
        return NOT_CALIBRATED, "; ".join(_wrong(row)) or "its shape is off"
    # undecided is a sample that shows no deviation and is too small to rule one out
    return (CALIBRATED if _is_right(row) else UNDECIDED), ""


def _wrong(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the width and the centre of a distribution."""
    if row["spread_lower"] > 1:
        yield "too narrow"
    if row["spread_upper"] < 1:
        yield "too wide"
    if row["shift_lower"] > 0:
        yield "centred too low"
    if row["shift_upper"] < 0:
        yield "centred too high"


def _is_right(row: Mapping[str, Any]) -> bool:
    """Whether the 95 % intervals of width and centre lie within what counts as right."""
    factor, sds = RIGHT
    width = 1 / factor <= row["spread_lower"] and row["spread_upper"] <= factor
    centred = np.isnan(row["shift"]) or (row["shift_lower"] >= -sds and row["shift_upper"] <= sds)
    return bool(width and centred)
