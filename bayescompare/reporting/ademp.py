"""A study by its aims, data, estimands, methods and performance measures, in words (Morris et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.records import same_estimand
from bayescompare.comparison.schema import MEASURES
from bayescompare.reporting.factorial import Family, families, names
from bayescompare.reporting.formats import Value, count, number, percent, text, whole
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.mechanisms import mechanism
from bayescompare.reporting.settings import in_words
from bayescompare.reporting.subject import Subject

__all__ = ["Ademp", "Part", "ademp"]

#: Measure -> where its Monte Carlo standard error comes from.
_ERRORS: Mapping[str, str] = {
    "bias": "sd / √n",
    "relative_bias": "delta method",
    "empirical_se": "jackknife",
    "model_se": "jackknife",
    "se_ratio": "Morris et al. 2019, table 6",
    "mse": "sd / √n",
    "rmse": "jackknife",
    "coverage": "binomial; Wilson interval",
    "bias_eliminated_coverage": "binomial; Wilson interval",
    "width": "sd / √n",
    "interval_score": "sd / √n",
    "convergence_rate": "binomial; Wilson interval",
}
_NAMES = {"empirical_se": "empirical SE", "model_se": "model SE", "se_ratio": "SE ratio", "mse": "MSE", "rmse": "RMSE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the five: its name, its paragraphs, and a list below them."""

    name: str
    paragraphs: Sequence[str]
    items: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ademp:
    """The five parts, and the performance measures with the errors that they reached."""

    parts: Sequence[Part]
    measures: Grid


def ademp(subject: Subject) -> Ademp | None:
    """Return a study in words that a methods section could take over; None of one's own data."""
    if not subject.is_study:
        return None
    grids = families(subject)
    parts = [_aims(subject), _mechanisms(subject, grids), _estimands(subject), _methods(subject), _performance(subject)]
    return Ademp(parts=parts, measures=_measures(subject))


def _aims(subject: Subject) -> Part:
    title = str(subject.about.get("title") or "").strip()
    asked = [title if title.endswith(("?", ".", "!")) else f"{title}."] if title else []
    described = str(subject.about.get("description") or "").strip()
    return Part(name="Aims", paragraphs=[" ".join([*asked, described]).strip() or "The study file names none."])


def _mechanisms(subject: Subject, grids: Sequence[Family]) -> Part:
    n = len(subject.scenarios)
    first = f"Data were simulated by {whole(n)} data-generating mechanism{'s' * (n > 1)}, {_replicates(subject)}."
    seeds = "Every method was given the same data sets."
    if subject.about.get("seed") is not None:
        seeds = (
            f"Each data set has random numbers of its own, which the seed {subject.about['seed']}, the name of "
            f"the scenario and the number of the data set decide; {seeds[0].lower()}{seeds[1:]}"
        )
    normal = "Random effects and residuals were drawn from normal distributions with the sds and correlations below."
    return Part(
        name="Data-generating mechanisms",
        paragraphs=[f"{first} {normal}", seeds],
        items=[(family.base, mechanism(family)) for family in grids],
    )


def _replicates(subject: Subject) -> str:
    """Return how many data sets there are a scenario, of how many asked for."""
    fits = subject.table("fits")
    sets = fits.drop_duplicates(["scenario", "replicate"])["scenario"].value_counts() if len(fits) else pd.Series([0])
    low, high = int(sets.min()), int(sets.max())
    made = whole(low) if low == high else f"{whole(low)} to {whole(high)}"
    asked = subject.about.get("replicates")
    so_far = f" of {whole(float(asked))} asked for" if asked and int(asked) != low else ""
    return f"with {made} independent data sets each{so_far}"


def _estimands(subject: Subject) -> Part:
    every = list(dict.fromkeys(parameter for scenario in subject.scenarios for parameter in scenario.parameters))
    kinds = {
        "fixed effects": [label for label in every if label.startswith("beta[")],
        "sds of the random effects": [label for label in every if label.startswith("sd_")],
        "correlations of the random effects": [label for label in every if label.startswith("cor_")],
        "residual sd": [label for label in every if label == "sigma"],
    }
    known = {label for labels in kinds.values() for label in labels}
    kinds["others"] = [label for label in every if label not in known]
    items = [(name, ", ".join(labels)) for name, labels in kinds.items() if labels]
    words = "The estimands are the parameters of the model that generated the data, sds rather than variances."
    return Part(name="Estimands", paragraphs=[words, *_other_estimands(subject)], items=items)


def _other_estimands(subject: Subject) -> list[str]:
    """Return what estimators estimate instead, which is kept out of their measures."""
    estimates = subject.table("estimates")
    if not len(estimates):
        return []
    other = estimates.loc[~estimates.index.isin(same_estimand(estimates).index) & (estimates["estimand"] != "")]
    found = other[["estimator", "parameter", "estimand"]].drop_duplicates()
    if not len(found):
        return []
    words = "; ".join(f"{row.parameter} of {row.estimator} estimates {row.estimand}" for row in found.itertuples())
    return [f"Kept out of the measures, because it estimates something else: {words}."]


def _methods(subject: Subject) -> Part:
    described = {str(each.get("label")): each for each in subject.about.get("estimators") or ()}
    items = []
    for label in subject.estimators:
        each, settings = described.get(label, {}), in_words(label)
        words = [str(each.get("what") or ""), f"with {settings}" if settings else ""]
        priors = "; priors used" if each.get("uses_priors") else ""
        items.append((label, ", ".join(filter(None, words)) + priors))
    first = f"Each data set was analysed by {whole(len(items))} method{'s' * (len(items) > 1)}."
    return Part(
        name="Methods",
        paragraphs=[
            f"{first} Settings that are not named are the defaults of the versions below.",
            *_intervals(subject),
        ],
        items=items,
    )


def _intervals(subject: Subject) -> list[str]:
    table = subject.table("intervals")
    if not len(table):
        return []
    kinds = ", ".join(map(str, dict.fromkeys(table["kind"])))
    levels = " and ".join(percent(level) for level in dict.fromkeys(table["level"]))
    return [f"Intervals of {levels} were made of each method that has them ({kinds})."]


def _performance(subject: Subject) -> Part:
    """Return what the measures are conditioned on, and where the formulas come from."""
    words = (
        "Performance was measured over the data sets of each mechanism, method and estimand by the formulas of "
        "Morris, White and Crowther (2019, Statistics in Medicine 38:2074-2102, table 6), each with its Monte Carlo "
        "standard error. Fits that failed are counted in every denominator, and a number is refused where more "
        "than half of the fits failed."
    )
    return Part(name="Performance measures", paragraphs=[words])


def _measures(subject: Subject) -> Grid:
    """Return the measures with their definitions and the Monte Carlo standard errors that were reached."""
    every = subject.results.performance
    every, where = every[every["reading"] == "all"], names(subject)
    columns = [
        Column("measure", numeric=False),
        Column("definition", numeric=False),
        Column("Monte Carlo SE by", numeric=False),
        Column("median SE", "over scenarios, estimators and parameters"),
        Column("largest SE"),
        Column("largest in", numeric=False),
        Column("numbers", "that could be computed, of all"),
    ]
    groups = dict(list(every.groupby("measure", sort=False)))
    rows = [_reached(measure, groups[measure], where) for measure in MEASURES if measure in groups]
    title = "Performance measures, and the Monte Carlo standard errors reached"
    return grid("measures-reached", title, columns, rows)


def _reached(measure: str, rows: pd.DataFrame, where: Mapping[str, str]) -> list[Value]:
    known = rows[np.isfinite(rows["mcse"].to_numpy(float))]
    none = "fewer than two fits"
    median = float(known["mcse"].median()) if len(known) else np.nan
    worst: Mapping[str, Any] = known.loc[known["mcse"].idxmax()].to_dict() if len(known) else {}
    return [
        text(_NAMES.get(measure, measure.replace("_", " "))),
        text(MEASURES[measure]),
        text(_ERRORS.get(measure, "")),
        number(median, reason=none, digits=2),
        number(worst.get("mcse", np.nan), reason=none, digits=2),
        text(_place(worst, where)),
        Value(count(rows["value"].notna().sum(), len(rows)), str(rows["value"].notna().sum())),
    ]


def _place(worst: Mapping[str, Any], where: Mapping[str, str]) -> str:
    """Return where a standard error is largest, with its fits."""
    if not worst:
        return ""
    parts = [str(worst["parameter"]), str(worst["estimator"]), where[str(worst["scenario"])]]
    level = f"{worst['kind']} {percent(float(worst['level']))}" if worst["level"] == worst["level"] else ""
    return ", ".join(filter(None, [*parts, level, f"n = {count(worst['n_used'], worst['n_total'])}"]))
