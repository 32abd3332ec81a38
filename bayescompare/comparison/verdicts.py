"""A verdict per claim, objective and scenario, by the rule of `claims.decide`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.claims import CLAIMS, Verdict, decide
from bayescompare.comparison.estimands import (
    Interval,
    contrast,
    coverage_shortfall,
    flagged_share,
    largest_bias,
    share_of,
)
from bayescompare.comparison.monte_carlo import median_interval
from bayescompare.comparison.records import same_estimand
from bayescompare.engines.catalog import ESTIMATORS, settings
from bayescompare.fits import GATE

__all__ = ["Contrast", "learning_rate", "summarise", "verdicts", "without_learning_rate"]

Array = npt.NDArray[np.bool_]
Frames = Mapping[str, pd.DataFrame]

# A fit at rest in a worse optimum is as far from the best one as a premature fit.
_ELSEWHERE = {"premature", "worse_optimum"}
_UNSTABLE = {"diverged", "oscillating"}
_SHORT = {1: "premature", 2: "unstable"}
_AWAY_SD, _AWAY_DEVIANCE = 0.1, 0.01
# Standard errors by which the gaps of two learning rates may differ and count as the same.
_TIED = 0.01
_BIASES = {"optimizer bias": ("estimate", "own_optimum"), "objective bias": ("own_optimum", "marginal_ml")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two scenarios that differ in one thing."""

    name: str
    worse: str
    base: str


@dataclass(frozen=True, slots=True)
class _Cell:
    """An estimand of one claim for one objective in one scenario."""

    claim: int
    aspect: str
    objective: str
    scenario: str
    found: Interval


def _lost(fits: pd.DataFrame) -> Array:
    """Return which fits diverged or failed."""
    diverged = np.array(["diverged" in flags for flags in fits["flags"]], dtype=bool)
    return diverged | (fits["status"] == "failed").to_numpy(bool)


def _premature(fits: pd.DataFrame) -> Interval:
    """Return the share of Adam fits that stopped away from their own optimum; a lost fit is away."""
    away = np.array([bool(_ELSEWHERE & set(flags)) for flags in fits["flags"]], dtype=bool)
    lost = _lost(fits)
    unknown = fits["gap_sd"].isna().to_numpy() & fits["gap_deviance"].isna().to_numpy() & ~lost
    return share_of(np.where(unknown, np.nan, away | lost))


def _away(fits: pd.DataFrame) -> Interval:
    """Return the share of fits away from the best optimum known, in standard errors or in deviance."""
    away = (fits["gap_sd"] > _AWAY_SD).to_numpy() | (fits["gap_deviance"] > _AWAY_DEVIANCE).to_numpy()
    lost = _lost(fits)
    unknown = fits["gap_deviance"].isna().to_numpy() & ~lost
    return share_of(np.where(unknown, np.nan, away | lost))


def _by_fit(frame: pd.DataFrame) -> Callable[[str, str], pd.DataFrame]:
    """Return what gives the rows of a scenario and an estimator; the table is searched once."""
    places = frame.groupby(["scenario", "estimator"], sort=False).indices if len(frame) else {}
    return lambda scenario, estimator: frame.take(places.get((scenario, estimator), []))


def _cells(frames: Frames) -> Iterator[_Cell]:
    """Yield every estimand that the tables hold."""
    for row, group in frames["optima"].groupby(["scenario", "objective"], sort=False):
        yield _Cell(0, "", row[1], row[0], share_of((group["distinct"] > 1).to_numpy(float)))
    keys = ["scenario", "replicate", "estimator", "parameter"]
    optimum = _by_fit(frames["optimum"].merge(same_estimand(frames["estimates"])[[*keys, "estimate"]], on=keys))
    kept = [_by_fit(frames[name]) for name in ("intervals", "estimates")]
    for (scenario, estimator), fits in frames["fits"].groupby(["scenario", "estimator"], sort=False):
        if estimator.startswith("adam"):
            yield _Cell(1, "", estimator, scenario, _premature(fits))
            yield _Cell(2, "", estimator, scenario, flagged_share(fits, _UNSTABLE))
            for aspect, columns in _BIASES.items():
                found = largest_bias(optimum(scenario, estimator), *columns, len(fits))
                yield _Cell(3, aspect, estimator, scenario, found)
        elif estimator.startswith("lbfgs-ml"):
            yield _Cell(5, "", estimator, scenario, _away(fits))
        elif estimator.startswith("nuts"):
            yield _Cell(6, "gate failures", estimator, scenario, flagged_share(fits, set(GATE)))
            interval, estimate = (of(scenario, estimator) for of in kept)
            yield _Cell(6, "coverage shortfall", estimator, scenario, coverage_shortfall(interval, estimate))


def _contrasts(cells: Sequence[_Cell], contrasts: Sequence[Contrast]) -> Iterator[tuple[_Cell, float]]:
    """Yield the contrasts of claims 1 to 3, each with its margin."""
    found = {(cell.claim, cell.aspect, cell.objective, cell.scenario): cell.found for cell in cells}
    for one in contrasts:
        for claim, aspect, objective, scenario in found:
            base = found.get((claim, aspect, objective, one.base))
            if claim in (1, 2, 3) and scenario == one.worse and base is not None:
                worse = found[claim, aspect, objective, scenario]
                label = f"{one.worse} - {one.base}: {aspect or _SHORT[claim]}"
                yield _Cell(4, one.name, objective, label, contrast(worse, base)), CLAIMS[claim].margin


def _learning_rates(fits: pd.DataFrame) -> Iterator[_Cell]:
    """Yield the range of the median gap over a decade of learning rates each side of the best."""
    adam = fits[fits["estimator"].str.startswith("adam")].copy()
    adam["rate"] = adam["estimator"].map(learning_rate)
    adam["base"] = adam["estimator"].map(without_learning_rate)
    adam["gap"] = adam["gap_sd"].mask(_lost(adam), np.inf)
    for (scenario, base), group in adam.dropna(subset=["rate"]).groupby(["scenario", "base"], sort=False):
        found = _medians(group)
        best = _best_rate(found["median"].replace(np.inf, np.nan).dropna())
        near = found[(found.index >= best / 10.001) & (found.index <= best * 10.001)]
        if len(near) >= 3 and near.index.min() < best < near.index.max():
            yield _Cell(7, "", base, scenario, _range(near, int(group["replicate"].nunique())))


def _medians(group: pd.DataFrame) -> pd.DataFrame:
    """Return the median gap of each rate with its interval; those of all rates hold together (Bonferroni)."""
    rates = {rate: one["gap"].to_numpy(float) for rate, one in group.groupby("rate")}
    rows = [median_interval(gaps, 1 - 0.05 / len(rates)) for gaps in rates.values()]
    return pd.DataFrame(rows, index=list(rates), columns=["median", "lower", "upper"])


def _range(medians: pd.DataFrame, n: int) -> Interval:
    """Return the range of some medians: it lies between that of their nearest and that of their farthest ends."""
    lower, upper = medians["lower"].fillna(0.0), medians["upper"].fillna(np.inf)
    return Interval(
        value=float(medians["median"].max() - medians["median"].min()),
        lower=max(float(lower.max() - upper.min()), 0.0),
        upper=float(upper.max() - lower.min()),
        n_used=n,
        n_total=n,
    )


def _best_rate(medians: pd.Series) -> float:
    """Return the rate of the smallest gap: of those that are as good, the one in the middle."""
    tied = np.sort(medians.index[medians <= medians.min() + _TIED].to_numpy(float))
    return float(tied[(len(tied) - 1) // 2]) if len(tied) else np.nan


def without_learning_rate(label: str) -> str:
    """Return an Adam label with all settings but the learning rate."""
    return re.sub(r"\blr=[0-9.eE+-]+,?", "", label).rstrip(":,")


def learning_rate(label: str) -> float:
    """Return the learning rate of an Adam label, its default where the label has none."""
    given = re.search(r"\blr=([0-9.eE+-]+)", label)
    name = label.partition(":")[0]
    default = settings(name).get("lr", np.nan) if name in ESTIMATORS else np.nan
    return float(given[1] if given else default)


def _row(cell: _Cell, margin: float | None = None) -> dict[str, object]:
    claim = CLAIMS[cell.claim]
    used = claim.margin if margin is None else margin
    return {
        "claim": claim.number,
        "statement": claim.statement,
        "aspect": cell.aspect,
        "objective": cell.objective,
        "scenario": cell.scenario,
        "estimand": claim.estimand,
        **asdict(cell.found),
        "margin": used,
        "verdict": str(decide(cell.found.lower, cell.found.upper, used, fault=claim.fault)),
    }


_COLUMNS = [
    "claim", "statement", "aspect", "objective", "scenario", "estimand",
    "value", "lower", "upper", "n_used", "n_total", "where", "margin", "verdict",
]  # fmt: skip


def verdicts(frames: Frames, contrasts: Sequence[Contrast] = ()) -> pd.DataFrame:
    """Return a row per claim, aspect, objective and scenario; claims without data are not tested.

    The rule: a 95 % interval wholly above the margin supports the claim, wholly below refutes it,
    otherwise it is undecided (the other way round for claims 5 and 6, which allege that a fault is
    avoided).
    """
    cells = list(_cells(frames))
    rows = [_row(cell) for cell in cells]
    rows += [_row(cell, margin) for cell, margin in _contrasts(cells, contrasts)]
    rows += [_row(cell) for cell in _learning_rates(frames["fits"])]
    empty = Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=0)
    done = {row["claim"] for row in rows}
    rows += [_row(_Cell(number, "", "", "", empty)) for number in CLAIMS if number not in done]
    return pd.DataFrame(rows, columns=_COLUMNS).sort_values("claim", kind="stable", ignore_index=True)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per claim, aspect and objective: how many scenarios are supported, refuted, undecided."""
    rows = []
    for key, group in table.groupby(["claim", "statement", "aspect", "objective"], sort=False):
        counts = group["verdict"].value_counts()
        kinds = [verdict for verdict in Verdict if counts.get(str(verdict), 0)]
        overall = str(kinds[0]) if len(kinds) == 1 else "differs by scenario"
        worst = group.loc[group["value"].idxmax()] if group["value"].notna().any() else group.iloc[0]
        rows.append({
            **dict(zip(["claim", "statement", "aspect", "objective"], key, strict=True)),
            "verdict": overall,
            **{str(verdict): int(counts.get(str(verdict), 0)) for verdict in Verdict},
            "scenarios": len(group),
            "worst_scenario": worst["scenario"],
            "value": worst["value"],
            "lower": worst["lower"],
            "upper": worst["upper"],
            "n_used": worst["n_used"],
            "n_total": worst["n_total"],
            "where": worst["where"],
        })  # fmt: skip
    return pd.DataFrame(rows)
