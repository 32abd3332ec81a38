"""What estimators do to data that are simulated from a fit, and where the user's own estimates lie among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.cells import FAILED, Frames
from bayescompare.comparison.grouping import Array, Groups, Mask
from bayescompare.comparison.measure_rows import measure_rows, tidy
from bayescompare.comparison.monte_carlo import shares
from bayescompare.comparison.performance import performance
from bayescompare.comparison.results import Results
from bayescompare.comparison.schema import TABLES
from bayescompare.comparison.usual import differences
from bayescompare.fits import Status

__all__ = ["AT_BOUND", "IfTrue", "if_true_tables", "own_estimates"]

#: Distance to zero, in typical ML standard errors, below which an sd is at its bound; and that of a correlation to one.
AT_BOUND, _ALONG = 0.1, 1e-3
_MEASURES = ("bias", "empirical_se", "se_ratio", "rmse", "coverage", "convergence_rate")
_QUANTILES = {"lower": 0.025, "lower_half": 0.25, "median": 0.5, "upper_half": 0.75, "upper": 0.975}
_NO_UNIT = "no ML standard errors to measure it in: lbfgs-ml did not fit the simulated data, or was at a bound"


@dataclass(frozen=True, kw_only=True)
class IfTrue:
    """What would happen if a fit were the truth.

    Parameters
    ----------
    results
        Of the simulation: a study of one scenario.
    tables
        ``if_true`` (measures), ``if_true_estimates`` (their spread) and ``if_true_differences``; their columns are
        described in `bayescompare.comparison.schema.TABLES`.
    about
        ``truth`` (label), ``replicates``, ``done``, ``seed``, ``key`` (of data and truth), ``left_out`` and ``notes``.
    """

    results: Results = field(repr=False)
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    about: Mapping[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """Measures of each estimator and parameter, each with its Monte Carlo error and denominators."""
        return self.tables["if_true"]

    @property
    def estimates(self) -> pd.DataFrame:
        """The user's own estimates, the truth, and the spread of the estimates from simulated data."""
        return self.tables["if_true_estimates"]

    @property
    def differences(self) -> pd.DataFrame:
        """Where the user's own differences between estimators lie among those from simulated data."""
        return self.tables["if_true_differences"]


def own_estimates(estimates: pd.DataFrame) -> pd.Series:
    """Return the user's own estimates by estimator and parameter."""
    own = estimates[estimates["replicate"] == 0]
    return own.set_index(["estimator", "parameter"])["estimate"]


def if_true_tables(own: pd.Series, simulated: Frames, truth: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    """Return the tables of `IfTrue`.

    Parameters
    ----------
    own
        Estimates from the user's data by estimator and parameter.
    simulated
        Tables of the simulation, finished or not.
    truth
        True values; a parameter that is not here has none.
    """
    tables = {**simulated, "estimates": _with_truth(simulated["estimates"], truth)}
    scale = _scale(simulated["optimum"])
    spread = pd.DataFrame(_spread(own, tables["estimates"], scale), columns=list(TABLES["if_true_estimates"]))
    measured = performance(tables, measure=_MEASURES)
    parts = [
        measured,
        _first_coverage(measured, tables["intervals"], truth),
        _standardised(measured, scale),
        _at_bound(tables["estimates"], scale),
        _outcomes(tables["fits"]),
    ]
    found = tidy([part.reset_index(drop=True) for part in parts], list(TABLES["if_true"]))
    return {
        "if_true": _ordered(found, tables["estimates"]),
        "if_true_estimates": spread,
        "if_true_differences": differences(own, tables["estimates"], scale),
    }


def _with_truth(estimates: pd.DataFrame, truth: Mapping[str, float]) -> pd.DataFrame:
    """Return estimates without a truth where it is not defined."""
    return estimates.assign(truth=estimates["truth"].where(estimates["parameter"].isin(truth.keys())))


def _scale(optimum: pd.DataFrame) -> dict[str, float]:
    """Return the typical ML standard error of each parameter: the median over the data sets where there is one."""
    known = optimum[optimum["scale"] > 0].drop_duplicates(["replicate", "parameter"])
    return {str(name): float(value) for name, value in known.groupby("parameter", sort=False)["scale"].median().items()}


def _first_coverage(measured: pd.DataFrame, intervals: pd.DataFrame, truth: Mapping[str, float]) -> pd.DataFrame:
    """Return the coverage, at the first level, of the interval that a report shows: of each fit the first with bounds.

    A coverage of one kind is of the data sets that have it: likelihood ratio intervals are those where Wald has none.
    """
    cell = ["estimator", "parameter"]
    asked = measured[measured["measure"] == "coverage"].drop_duplicates(cell)[[*cell, "level", "n_total"]]
    if not len(asked):
        return pd.DataFrame(columns=list(TABLES["if_true"]))
    rows = intervals[intervals["level"] == intervals["level"].iloc[0]]
    rows = rows[np.isfinite(rows["lower"]) & np.isfinite(rows["upper"])].drop_duplicates(["replicate", *cell])
    rows = asked.merge(rows[[*cell, "lower", "upper", "kind"]], on=cell, how="left")
    value = rows["parameter"].map(truth).to_numpy(float)
    holds = (rows["lower"].to_numpy(float) <= value) & (value <= rows["upper"].to_numpy(float))
    found = rows.groupby(cell, sort=False)
    groups = Groups(found.ngroup().to_numpy(np.int64), found.ngroups)
    n = groups.total(rows["lower"].notna().to_numpy(bool)).astype(np.int64)
    heads = asked.reset_index(drop=True).assign(kind=[_kinds(kinds) for _, kinds in found["kind"]])
    counted = shares(groups.total(holds), n)
    made = measure_rows(heads, "first_coverage", "all", counted, heads["n_total"].to_numpy(), [""] * len(heads))
    return made.assign(level=float(intervals["level"].iloc[0]))


def _kinds(kinds: pd.Series) -> str:
    """Return the kinds of some intervals, the most frequent first."""
    return ", ".join(map(str, kinds.value_counts().index))


def _standardised(measured: pd.DataFrame, scale: Mapping[str, float]) -> pd.DataFrame:
    """Return the mean errors in typical ML standard errors."""
    rows = measured[measured["measure"] == "bias"].copy()
    unit = np.array([scale.get(str(name), np.nan) for name in rows["parameter"]], dtype=float)
    for name in ("value", "mcse", "lower", "upper"):
        rows[name] = rows[name] / unit
    why = np.where(np.isfinite(unit), rows["reason"], _NO_UNIT)
    return rows.assign(measure="standardised_bias", reason=why)


def _at_bound(estimates: pd.DataFrame, scale: Mapping[str, float]) -> pd.DataFrame:
    """Return the share of sds near zero, and of correlations near plus or minus one."""
    rows = estimates[estimates["parameter"].str.startswith(("sd_", "cor_"))].reset_index(drop=True)
    if not len(rows):
        return pd.DataFrame(columns=list(TABLES["if_true"]))
    value, of_sd = rows["estimate"].to_numpy(float), rows["parameter"].str.startswith("sd_").to_numpy(bool)
    near = np.array([AT_BOUND * scale.get(str(name), 0.0) for name in rows["parameter"]])
    hits = np.where(of_sd, value <= near, np.abs(value) >= 1 - _ALONG)
    return _shares(rows, hits, np.isfinite(value), "at_bound")


def _shares(rows: pd.DataFrame, hits: Mask, known: Mask, measure: str, **more: object) -> pd.DataFrame:
    """Return the share of hits among the known rows of each estimator and parameter; none where none is known."""
    keys = [name for name in ("estimator", "parameter") if name in rows]
    found = rows.groupby(keys, sort=False)
    groups = Groups(found.ngroup().to_numpy(np.int64), found.ngroups)
    heads = rows.loc[~rows.duplicated(keys), keys].reset_index(drop=True)
    n = groups.total(known).astype(np.int64)
    counted = shares(groups.total(hits & known), n)
    return measure_rows(heads.assign(**more), measure, "all", counted, groups.count(), [""] * len(heads), n > 0)


def _outcomes(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of fits without a result, of flagged ones, and of each flag."""
    rows = fits[fits["status"] != Status.NOT_APPLICABLE].reset_index(drop=True).assign(parameter="")
    if not len(rows):
        return pd.DataFrame(columns=list(TABLES["if_true"]))
    every = np.ones(len(rows), dtype=bool)
    parts = [
        _shares(rows, rows["status"].isin([str(one) for one in FAILED]).to_numpy(bool), every, "failed"),
        _shares(rows, (rows["status"] == Status.FLAGGED).to_numpy(bool), every, "flagged"),
    ]
    raised = [set(flags) for flags in rows["flags"]]
    for flag in dict.fromkeys(flag for flags in rows["flags"] for flag in flags):
        mine = np.array([flag in one for one in raised], dtype=bool)
        parts.append(_shares(rows, mine, every, "flag", kind=str(flag)))
    return pd.concat(parts, ignore_index=True)


def _ordered(rows: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Return rows by parameter and estimator in the order of the estimates; those of whole fits come last."""
    places = {name: list(dict.fromkeys(estimates[name])) for name in ("parameter", "estimator")}
    places["parameter"] = [*places["parameter"], ""]
    rank = {name: {value: k for k, value in enumerate(values)} for name, values in places.items()}
    return rows.sort_values(
        list(rank), key=lambda column: column.map(rank[str(column.name)]), kind="stable"
    ).reset_index(drop=True)


def _spread(own: pd.Series, estimates: pd.DataFrame, scale: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """Yield the truth, the user's own estimate and quantiles of those from simulated data."""
    groups = dict(list(estimates.groupby(["parameter", "estimator"], sort=False)))
    order = {name: k for k, name in enumerate(dict.fromkeys(estimates["parameter"]))}
    for (parameter, label), rows in sorted(groups.items(), key=lambda item: order[item[0][0]]):
        values = rows["estimate"].to_numpy(float)
        known = values[np.isfinite(values)]
        reasons = [str(reason) for reason in rows["reason"] if reason]
        yield {
            "estimator": label,
            "parameter": parameter,
            "truth": float(rows["truth"].iloc[0]),
            "own": float(own.get((label, parameter), np.nan)),
            "mean": float(known.mean()) if len(known) else np.nan,
            **_quantiles(known),
            "scale": scale.get(str(parameter), np.nan),
            "estimand": _first(rows["estimand"]),
            "n_used": len(known),
            "n_total": len(values),
            "reason": "" if len(known) else next(iter(reasons), "no fit has a number"),
        }


def _quantiles(known: Array) -> dict[str, float]:
    if not len(known):
        return dict.fromkeys(_QUANTILES, np.nan)
    return {name: float(np.quantile(known, share)) for name, share in _QUANTILES.items()}


def _first(words: Sequence[str]) -> str:
    """Return the first of some texts that says something."""
    return next((str(one) for one in words if one), "")
