"""What would happen if a fit were the truth, in two sentences made of the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayescompare.comparison.if_true import AT_BOUND
from bayescompare.comparison.monte_carlo import half_width, wilson
from bayescompare.engines.base import HARMLESS
from bayescompare.reporting.formats import count, percent, plain, signed, whole

__all__ = ["sentences", "shared", "unusual", "with_error"]

#: Probability below which the user's own differences are called unlike the simulated ones.
UNUSUAL = 0.05


def sentences(tables: Mapping[str, pd.DataFrame], about: Mapping[str, Any]) -> list[str]:
    """Return what became of the estimators, and whether the user's own differences are usual."""
    table, spread, differences = (tables[name] for name in ("if_true", "if_true_estimates", "if_true_differences"))
    if not len(table):
        return ["No simulated data set has been fitted yet."]
    parts = [_ends(table), _collapse(table, spread), _bias(table), _coverage(table, spread)]
    first = f"If the {about['truth']} fit were the truth, {'; '.join(part for part in parts if part)}."
    return [signed(first), *filter(None, [unusual(differences)])]


def shared(row: Mapping[Any, Any]) -> str:
    """Return a share as ``63 of 100 data sets [53, 72 %]``, with its Wilson interval."""
    hits = round(row["value"] * row["n_used"])
    ends = f"[{100 * row['lower']:.0f}, {100 * row['upper']:.0f} %]"
    return f"{whole(hits)} of {whole(row['n_used'])} data sets {ends}"


def with_error(value: float, error: float) -> str:
    """Return a number with its Monte Carlo standard error; an error that is tiny adds no digits to the number."""
    return f"{plain(value, max(error, 1e-3 * abs(value)))} ± {plain(error, digits=2)}"


def _ends(table: pd.DataFrame) -> str:
    """Say which estimator is flagged, or has no result, most often."""
    fits = table[table["measure"].isin(["failed", "flagged"])]
    found = fits.assign(hits=(fits["value"] * fits["n_used"]).round()).groupby("estimator", sort=False)
    hits, n = found["hits"].sum().astype(int), found["n_used"].first()
    worst = str((hits / n).idxmax())
    if not hits[worst]:
        only = worst if len(hits) == 1 else "every estimator"
        return f"{only} would end without a flag in all of {whole(n[worst])} data sets"
    lower, upper = wilson(hits[worst], int(n[worst]))
    row = {"value": hits[worst] / n[worst], "lower": lower, "upper": upper, "n_used": n[worst]}
    return f"{worst} would be flagged or fail in {shared(row)}{_flag(table, worst)}"


def _flag(table: pd.DataFrame, label: str) -> str:
    """Name the commonest flag that is a fault."""
    flags = table[(table["measure"] == "flag") & (table["estimator"] == label) & (table["value"] > 0)]
    faults = flags[~flags["kind"].isin([str(flag) for flag in HARMLESS])]
    return f", most often {faults.loc[faults['value'].idxmax(), 'kind']}" if len(faults) else ""


def _collapse(table: pd.DataFrame, spread: pd.DataFrame) -> str:
    """Say which sd collapses most often, of those that are not at zero in truth."""
    apart = spread[spread["truth"] > AT_BOUND * spread["scale"].fillna(0)][["estimator", "parameter"]]
    rows = table[(table["measure"] == "at_bound") & table["parameter"].str.startswith("sd_")].merge(apart)
    if not len(rows) or not rows["value"].max() > 0:
        return ""
    worst = rows.loc[rows["value"].idxmax()]
    return f"{worst['parameter']} of {worst['estimator']} would collapse to zero in {shared(worst)}"


def _bias(table: pd.DataFrame) -> str:
    """Say which estimate is farthest off on average, and whether that can be told from nothing."""
    rows = table[(table["measure"] == "standardised_bias") & table["mcse"].gt(0)]
    unit = "ML standard errors"
    if not len(rows):
        rows, unit = table[(table["measure"] == "bias") & table["mcse"].gt(0)], "of its own units"
    if not len(rows):
        return ""
    size = rows["value"].abs() if unit.startswith("ML") else (rows["value"] / rows["mcse"]).abs()
    worst = rows.loc[size.idxmax()]
    far = f"{with_error(abs(worst['value']), worst['mcse'])} {unit}"
    told = abs(worst["value"]) > half_width(worst["mcse"], worst["n_used"], len(rows))
    name = f"{worst['parameter']} of {worst['estimator']}"
    if not told:
        return f"no mean error could be told from zero (the largest, of {name}, is {far})"
    return f"{name} would come out {far} too {'small' if worst['value'] < 0 else 'large'} on average"


def _coverage(table: pd.DataFrame, spread: pd.DataFrame) -> str:
    """Say whose intervals miss the truth most often; of an sd of zero, which most intervals cannot hold, none."""
    rows = table[table["measure"] == "first_coverage"]
    zero = spread.loc[spread["parameter"].str.startswith("sd_") & (spread["truth"] == 0), "parameter"]
    rows = rows[rows["value"].notna() & ~rows["parameter"].isin(zero)]
    if not len(rows):
        return ""
    worst = rows.loc[rows["value"].idxmin()]
    there = f" of the {count(worst['n_used'], worst['n_total'])} that there are" if (
        worst["n_used"] < worst["n_total"]
    ) else ""  # fmt: skip
    ends = f"[{100 * worst['lower']:.0f}, {100 * worst['upper']:.0f} %]"
    whose = f"those of {worst['estimator']} for {worst['parameter']}"
    share = f"{100 * worst['value']:.0f} %{there} {ends}"
    return f"of the {percent(worst['level'])} intervals, {whose} would hold the truth least often, in {share}"


def unusual(differences: pd.DataFrame) -> str:
    """Say whether the user's own differences between estimators are such as the simulated data give."""
    rows = differences[differences["p_together"].notna()]
    if not len(rows):
        return "" if not len(differences) else f"Your own differences are not ranked: {_because(differences)}."
    worst = rows.loc[rows["p_together"].idxmin()]
    name = f"{worst['parameter']}, {worst['estimator']} less {worst['reference']}"
    place = f"above {count(worst['below'], worst['n_used'])} of the simulated ones"
    p = f"p = {plain(worst['p_together'], digits=2)}"
    where = f"lies {place} ({p}, all together)"
    if worst["p_together"] > UNUSUAL:
        return (
            "Your own differences between the estimators are what one would expect then: the most unusual of "
            f"{len(rows)} ({name}) {where}."
        )
    return (
        f"Your own differences between the estimators are not what one would expect then: of {len(rows)}, that of "
        f"{name} {where}, which points at something in the data that the model leaves out."
    )


def _because(differences: pd.DataFrame) -> str:
    return "; ".join(dict.fromkeys(str(reason) for reason in differences["reason"] if reason))
