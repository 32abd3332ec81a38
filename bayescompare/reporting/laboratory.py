"""Pictures of optimizers at work: their descent, their ways over the likelihood, and what the learning rate does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.contours import REGIONS
from bayescompare.comparison.monte_carlo import median_interval
from bayescompare.comparison.verdicts import learning_rate, without_learning_rate
from bayescompare.reporting.draws import labelled_draws
from bayescompare.reporting.factorial import names
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.contours import Plane, Route, contour_panel
from bayescompare.reporting.figures.descent import Fall, descent_panel
from bayescompare.reporting.figures.sensitivity import Curve, sensitivity_panel
from bayescompare.reporting.palette import Look
from bayescompare.reporting.subject import Scenario, Subject

__all__ = ["Contoured", "Descents", "Laboratory", "laboratory"]

Array = npt.NDArray[np.float64]

#: Ways of Adam over the contours, draws behind them, and scenarios of the curves of the learning rate.
MOST_ROUTES, MOST_DRAWS, MOST_CURVES = 4, 400, 12
# Rates that make a curve, and lines that a figure can hold.
_FEWEST_RATES, _MOST_LINES = 3, 6
_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descents:
    """How the fits of each estimator came down in one scenario."""

    scenario: str
    panels: Sequence[Drawing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contoured:
    """Ways over the likelihood, and what is to say of them."""

    looks: Sequence[Look]
    drawing: Drawing
    remarks: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """What there is to see of the optimizers."""

    descents: Sequence[Descents]
    contours: Contoured | None
    sensitivity: Sequence[Drawing]


def laboratory(subject: Subject, scenarios: int) -> Laboratory:
    """Return the pictures; the descents of so many scenarios."""
    found = (_descents(subject, scenario) for scenario in subject.scenarios[:scenarios])
    return Laboratory(
        descents=[one for one in found if one.panels], contours=_contoured(subject), sensitivity=_sensitivity(subject)
    )


# --- descent ---


def _descents(subject: Subject, scenario: Scenario) -> Descents:
    traces = subject.rows("traces", scenario.name)
    several = bool(len(traces) and traces["replicate"].nunique() > 1)
    what = "data sets" if several else "restarts"
    panels = []
    for k, (label, look) in enumerate(subject.estimators.items()):
        mine = _in(traces, estimator=label)
        if not look.name.startswith("adam") or not len(mine):
            continue
        runs = [
            _run(subject, scenario, label, int(replicate), int(restart), rows, alone=not several)
            for (replicate, restart), rows in mine.groupby(["replicate", "restart"])
            if restart == 0 or not several
        ]
        falls = [fall for fall, _ in runs if len(fall.steps)]
        if falls:
            above = all(known for fall, known in runs if len(fall.steps))
            drawing = descent_panel(f"{scenario.key}-descent{k}", look, falls, above=above, what=what)
            panels.append(drawing)
    return Descents(scenario=scenario.name, panels=panels)


def _in(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Return the rows that have some values; an empty table stays empty."""
    for name, value in values.items():
        table = table[table[name] == value] if len(table) else table
    return table


def _run(
    subject: Subject, scenario: Scenario, label: str, replicate: int, restart: int, rows: pd.DataFrame, *, alone: bool
) -> tuple[Fall, bool]:
    """Return one run, strong where it is the reported one of a single data set, and whether its optimum is known."""
    where = {"replicate": replicate, "estimator": label}
    path = rows.pivot_table(index="step", columns="quantity", values="value", dropna=False).sort_index()
    loss = path["loss"].to_numpy(float) if "loss" in path else np.full(len(path), _NAN)
    optimum = _in(subject.rows("optimum", scenario.name), **where)
    least = _least_loss(subject, scenario, where, optimum)
    known = bool(np.isfinite(least))
    fall = Fall(
        steps=path.index.to_numpy(float),
        loss=loss - least if known else loss,
        gap=_gaps(path, optimum),
        strong=alone and restart == 0,
    )
    return fall, known


def _gaps(path: pd.DataFrame, optimum: pd.DataFrame) -> Array:
    """Return the largest distance to the optimum over the parameters, in standard errors, at each step."""
    gaps = np.full(len(path), _NAN)
    for row in optimum.itertuples():
        scale, best = float(str(row.scale)), float(str(row.own_optimum))
        if str(row.parameter) in path and np.isfinite(best) and np.isfinite(scale) and scale > 0:
            gaps = np.fmax(gaps, np.abs(path[str(row.parameter)].to_numpy(float) - best) / scale)
    return gaps


def _least_loss(subject: Subject, scenario: Scenario, where: Mapping[str, object], optimum: pd.DataFrame) -> float:
    """Return the loss at the optimum of the objective, in the units of the path; NaN where it is not known.

    A deviance is at its end so much above it as the fit's gap says; a mean squared error is as much smaller there
    as its residual variance is. The end is the point of the reported path that is the estimate.
    """
    reported = _in(subject.rows("traces", scenario.name), **where, restart=0)
    path = reported.pivot_table(index="step", columns="quantity", values="value", dropna=False).sort_index()
    end = _end(path, _in(subject.rows("estimates", scenario.name), **where))
    if end is None or "loss" not in path:
        return _NAN
    name, _, settings = str(where["estimator"]).partition(":")
    loss = float(path["loss"].iloc[end])
    if name == "adam-marginal":
        gap = _in(subject.rows("fits", scenario.name), **where)["gap_deviance"]
        return loss - float(gap.iloc[0]) if len(gap) else _NAN
    best = optimum[optimum["parameter"] == "sigma"]["own_optimum"] if len(optimum) else optimum
    if name == "adam-pooled" and "loss=" not in settings and "sigma" in path and len(best):
        return loss * (float(best.iloc[0]) / float(path["sigma"].iloc[end])) ** 2
    return _NAN


def _end(path: pd.DataFrame, estimates: pd.DataFrame) -> int | None:
    """Return the position in a path of the estimate, which early stopping may have taken from before its end."""
    wanted = {str(row.parameter): float(str(row.estimate)) for row in estimates.itertuples()}
    shared = [name for name in path if name in wanted and np.isfinite(wanted[name])]
    if not shared:
        return None
    target = np.array([wanted[name] for name in shared])
    away = np.abs(path[shared].to_numpy(float) - target) / (np.abs(target) + 1e-12)
    worst = np.where(np.isnan(away), np.inf, away).max(axis=1)
    place = len(worst) - 1 - int(np.argmin(worst[::-1]))
    return place if worst[place] < 1e-6 else None


# --- contours ---


def _contoured(subject: Subject) -> Contoured | None:
    """Return the ways over the likelihood of one's own data."""
    table = subject.table("contours")
    if not len(table) or subject.is_study:
        return None
    scenario, pair = str(table["scenario"].iloc[0]), (str(table["first"].iloc[0]), str(table["second"].iloc[0]))
    plane, routes = _plane(table, pair), _routes(subject, scenario, pair)
    return Contoured(
        looks=[route.look for route in routes],
        drawing=contour_panel("contours", plane, routes, _draws(subject, scenario, pair)),
        remarks=list(_remarks(plane, routes)),
    )


def _plane(table: pd.DataFrame, pair: tuple[str, str]) -> Plane:
    grid = table[table["what"] == "grid"].pivot_table(index="y", columns="x", values="deviance")
    best = table[table["what"] == "optimum"].iloc[0]
    return Plane(
        names=pair,
        x=grid.columns.to_numpy(float),
        y=grid.index.to_numpy(float),
        deviance=grid.to_numpy(float),
        optimum=np.array([best["x"], best["y"]], dtype=float),
        logs=(_is_sd(pair[0]), _is_sd(pair[1])),
        levels=REGIONS,
    )


def _is_sd(name: str) -> bool:
    return name == "sigma" or name.startswith("sd_")


def _routes(subject: Subject, scenario: str, pair: tuple[str, str]) -> list[Route]:
    """Return the reported ways of Adam, and that of L-BFGS-B on the likelihood, of fits that estimate both."""
    traces = _in(subject.rows("traces", scenario), restart=0)
    found = []
    for label, look in subject.estimators.items():
        rows = _in(traces, estimator=label)
        if not look.name.startswith(("adam", "lbfgs-ml")) or not set(pair) <= set(rows.get("quantity", [])):
            continue
        path = rows.pivot_table(index="step", columns="quantity", values="value").sort_index()
        found.append(Route(look=look, points=path[list(pair)].to_numpy(float)))
    of_adam = [route for route in found if route.look.name.startswith("adam")][:MOST_ROUTES]
    return [*of_adam, *[route for route in found if route.look.name == "lbfgs-ml"][:1]]


def _draws(subject: Subject, scenario: str, pair: tuple[str, str]) -> Array:
    """Return some draws of the two, evenly from all chains."""
    found = labelled_draws(subject.tree(scenario), pair)
    if set(found) != set(pair):
        return np.empty((0, 2))
    values = np.column_stack([found[name].values.ravel() for name in pair])
    return values[:: max(1, -(-len(values) // MOST_DRAWS))]


def _remarks(plane: Plane, routes: Sequence[Route]) -> Iterator[str]:
    """Yield what this picture has that others have not: zeros at its edge, and ways that leave it."""
    zeros = [name for name, value in zip(plane.names, plane.optimum, strict=True) if value == 0]
    if zeros:
        where = "it is drawn at the edge, for a log axis has no zero"
        yield f"At the maximum {' and '.join(zeros)} is exactly zero: {where}."
    away = [route.look.label for route in routes if not _holds(plane, route)]
    if away:
        yield f"Ways that cross the edge: {', '.join(away)}."


def _holds(plane: Plane, route: Route) -> bool:
    """Return whether a way begins and ends in the picture."""
    inside = [
        bool(axis[0] <= value <= axis[-1]) or bool(value == 0 and is_log)
        for point in route.points[[0, -1]]
        for axis, value, is_log in zip((plane.x, plane.y), point, plane.logs, strict=True)
    ]
    return all(inside)


# --- learning rate ---


def _sensitivity(subject: Subject) -> list[Drawing]:
    """Return the distance to the optimum over the learning rate, of Adam estimators that differ in it only."""
    fits = subject.table("fits")
    if not subject.is_study or not len(fits):
        return []
    rates: dict[str, dict[float, str]] = {}
    for label, look in subject.estimators.items():
        if look.name.startswith("adam") and np.isfinite(learning_rate(label)):
            rates.setdefault(without_learning_rate(label), {})[learning_rate(label)] = label
    bases = {base: dict(sorted(found.items())) for base, found in rates.items() if len(found) >= _FEWEST_RATES}
    if not bases:
        return []
    words = names(subject)
    if len(bases) == 1:
        ((base, labels),) = bases.items()
        curves = [_curve(fits, one.name, words[one.name], labels) for one in subject.scenarios]
        pages = [curves[k : k + _MOST_LINES] for k in range(0, min(len(curves), MOST_CURVES), _MOST_LINES)]
        return [sensitivity_panel(f"rate{k}", base, page, _usual(base)) for k, page in enumerate(pages)]
    return [
        sensitivity_panel(
            f"rate{k}",
            words[one.name],
            [_curve(fits, one.name, name, bases[base]) for base, name in _short(list(bases)).items()][:_MOST_LINES],
            _usual(next(iter(bases))),
        )
        for k, one in enumerate(subject.scenarios[:MOST_CURVES])
    ]


def _usual(base: str) -> float:
    """Return the learning rate that an estimator has by default."""
    return learning_rate(base)


def _short(bases: Sequence[str]) -> dict[str, str]:
    """Return each label without what all have in common."""
    alike = len({base.partition(":")[0] for base in bases}) == 1
    parts = {base: base.partition(":")[2] or "default" for base in bases}
    return parts if alike and len(set(parts.values())) == len(bases) else {base: base for base in bases}


def _curve(fits: pd.DataFrame, scenario: str, name: str, labels: Mapping[float, str]) -> Curve:
    groups = [_in(fits, scenario=scenario, estimator=label) for label in labels.values()]
    found = [median_interval(group["gap_sd"].to_numpy(float)) for group in groups]
    return Curve(
        name=name,
        rates=np.array(list(labels)),
        median=np.array([median for median, _, _ in found]),
        lower=np.array([lower for _, lower, _ in found]),
        upper=np.array([upper for _, _, upper in found]),
        flagged=np.array([float((group["status"] == "flagged").mean()) if len(group) else _NAN for group in groups]),
        used=np.array([int(group["gap_sd"].notna().sum()) for group in groups]),
        total=np.array([len(group) for group in groups]),
    )
