"""The picture of a study: measures over its scenarios, as lolly plots of a few and nested-loop plots of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from bayescompare.reporting.charts import Chart, charts_of
from bayescompare.reporting.factorial import families, names
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.lolly import lolly_panel
from bayescompare.reporting.figures.loops import nested_loop_panel
from bayescompare.reporting.figures.series import Dot, Measure, Series
from bayescompare.reporting.formats import percent
from bayescompare.reporting.subject import Subject

__all__ = ["Pictured", "dot_of", "pictures", "shown_measures"]

#: Parameters of which a measure is drawn, and of which where the scenarios are many.
MOST_PARAMETERS, FEWER_PARAMETERS, MANY_SCENARIOS = 6, 4, 24
# What is not drawn of many scenarios: RMSE and bias together say it.
_IN_TABLES = ("empirical_se",)

#: Measure -> title.
_TITLES: Mapping[str, str] = {
    "bias": "Bias",
    "coverage": "Coverage",
    "rmse": "RMSE",
    "empirical_se": "Empirical SE",
    "convergence_rate": "Convergence rate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """A measure with its figures, which intervals it is of, and what they leave out."""

    key: str
    name: str
    intervals: str
    drawings: Sequence[Drawing]
    nested: bool
    left_out: Sequence[str]


def pictures(subject: Subject) -> list[Pictured]:
    """Return the figures of each measure over the scenarios of a study; none of a single scenario."""
    if not subject.is_study or len(subject.scenarios) < 2:
        return []
    rows = shown_measures(subject)
    charts = charts_of(families(subject))
    kinds = [kind for kind in _TITLES if kind not in _IN_TABLES or len(subject.scenarios) <= MANY_SCENARIOS]
    found = (_pictured(subject, kind, rows[rows["measure"] == kind], charts) for kind in kinds)
    return [one for one in found if one.drawings]


def shown_measures(subject: Subject, reading: str = "all") -> pd.DataFrame:
    """Return the measures of a reading, of the first level and of one kind of interval.

    That is the first kind of an estimator, highest-density ones last.
    """
    every = subject.results.performance
    rows = every[(every["reading"] == reading) & (every["level"].isna() | (every["level"] == subject.level))]
    keys = ["scenario", "estimator", "parameter", "measure"]
    return rows.assign(last=rows["kind"] == "hdi").sort_values("last", kind="stable").drop_duplicates(keys)


def _pictured(subject: Subject, kind: str, rows: pd.DataFrame, charts: Sequence[Chart]) -> Pictured:
    every = [parameter for parameter in _ordered(subject) if parameter in set(rows["parameter"])]
    chosen = every[: FEWER_PARAMETERS if len(subject.scenarios) > MANY_SCENARIOS else MOST_PARAMETERS]
    draw = partial(_drawing, subject, kind, _dots(subject, rows))
    drawings = [
        drawing
        for i, chart in enumerate(charts)
        for k, parameter in enumerate(chosen)
        if (drawing := draw(f"{kind}-{i}-{k}", chart, parameter)) is not None
    ]
    left_out = [f"{len(every) - len(chosen)} further parameters"] if len(every) > len(chosen) else []
    dropped = len(subject.scenarios) - sum(len(chart.scenarios) for chart in charts)
    left_out += [f"{dropped} further scenarios"] if dropped else []
    return Pictured(
        key=kind,
        name=_TITLES[kind],
        intervals=_kinds(rows),
        drawings=drawings,
        nested=any(chart.nested for chart in charts),
        left_out=left_out,
    )


def _kinds(rows: pd.DataFrame) -> str:
    """Return what kind of intervals the estimators have: the commonest, and who has another."""
    levels = rows["level"].dropna()
    if not len(levels):
        return ""
    used = rows.dropna(subset=["kind"]).groupby("kind", sort=False)["estimator"].unique()
    (most, _), *others = sorted(used.items(), key=lambda pair: -len(pair[1]))
    parts = [str(most), *(f"{kind} for {', '.join(map(str, labels))}" for kind, labels in others)]
    return f"Intervals of {percent(float(levels.iloc[0]))}: {'; '.join(parts)}."


def _ordered(subject: Subject) -> list[str]:
    """Return the parameters, whole fits first, those of most scenarios next, by turns from effects and sds."""
    every = Counter(parameter for scenario in subject.scenarios for parameter in scenario.parameters)
    turns: dict[str, list[str]] = {}
    for parameter in sorted(every, key=lambda label: (label == "beta[Intercept]", -every[label])):
        turns.setdefault(parameter.partition("[")[0], []).append(parameter)
    longest = max(map(len, turns.values()), default=0)
    return ["", *(group[k] for k in range(longest) for group in turns.values() if k < len(group))]


def _dots(subject: Subject, rows: pd.DataFrame) -> dict[tuple[str, str, str], Dot]:
    """Return (parameter, estimator, scenario) to its number."""
    where = names(subject)
    return {
        (str(row["parameter"]), str(row["estimator"]), str(row["scenario"])): dot_of(row, where[str(row["scenario"])])
        for row in rows.to_dict("records")
    }


def dot_of(row: Mapping[str, object], where: str) -> Dot:
    """Return a row of the measures as it is drawn."""
    value, lower, upper = (float(str(row[name])) for name in ("value", "lower", "upper"))
    used, total = int(str(row["n_used"])), int(str(row["n_total"]))
    return Dot(
        value=value, lower=lower, upper=upper, used=used, total=total, reason=str(row.get("reason") or ""), where=where
    )


def _drawing(
    subject: Subject, kind: str, dots: Mapping[tuple[str, str, str], Dot], key: str, chart: Chart, parameter: str
) -> Drawing | None:
    """Return one figure, of the estimators that have the measure in any of its scenarios."""
    every = [
        Series(look=look, dots=[dots.get((parameter, label, scenario)) for scenario in chart.scenarios])
        for label, look in subject.estimators.items()
    ]
    series = [one for one in every if any(one.dots)]
    if not series:
        return None
    measure = _measure(subject, kind)
    title = ", ".join(part for part in (parameter or "all fits", chart.title) if part)
    if chart.nested:
        return nested_loop_panel(key, title, chart.stairs, series, measure)
    kept = [k for k in range(len(chart.bands)) if any(one.dots[k] for one in series)]
    some = [Series(look=one.look, dots=[one.dots[k] for k in kept]) for one in series]
    return lolly_panel(key, title, [chart.bands[k] for k in kept], some, measure)


def _measure(subject: Subject, kind: str) -> Measure:
    """Return a measure as it is drawn: a share against the best it can be, others against zero."""
    name = _TITLES[kind]
    best = {"coverage": subject.level, "convergence_rate": 1.0}.get(kind, 0.0)
    return Measure(
        name=name if name == "RMSE" else name[0].lower() + name[1:],
        reference=best,
        share=best > 0,
    )
