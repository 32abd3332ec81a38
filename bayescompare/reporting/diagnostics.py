"""Did it converge? Paths of the optimizers, ranks and energies of the sampler, and the numbers of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescompare.reporting.draws import Diagnosis, diagnoses, labelled_draws
from bayescompare.reporting.figures.arviz import energy_panel, rank_panel
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.paths import Track, path_panel
from bayescompare.reporting.formats import Value, count, counted, number, sortable, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.palette import Look
from bayescompare.reporting.subject import Scenario, Subject

__all__ = ["Paths", "Sampler", "optimizer_grid", "paths", "sampler", "sampler_grid"]

_NAN = float("nan")
_NO_GAP = "no optimum of its own objective is known, or it lies at a boundary"
#: Rank plots of a scenario; of more parameters those with the largest R-hat are shown.
_MOST_RANKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The optimizers' ways on the first data set of a scenario."""

    parameters: Sequence[Drawing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """The sampler on the first data set of a scenario."""

    ranks: Sequence[Drawing]
    left_out: int
    energy: Drawing | None
    table: Grid


def paths(subject: Subject, scenario: Scenario) -> Paths | None:
    """Return the paths of the parameters on the first data set that has any; their losses are in the laboratory."""
    traces = subject.rows("traces", scenario.name)
    # the reported restarts of Adam: steps of other optimizers are no updates
    if len(traces):
        traces = traces[(traces["restart"] == 0) & traces["estimator"].str.startswith("adam")]
    if not len(traces):
        return None
    first = traces[traces["replicate"] == traces["replicate"].min()]
    optima = subject.rows("optimum", scenario.name)
    if len(optima):
        optima = optima[optima["replicate"] == first["replicate"].iloc[0]]
    return Paths(parameters=_parameters(subject, scenario, first, optima))


def _track(look: Look, rows: pd.DataFrame, optimum: float = _NAN) -> Track | None:
    rows = rows[np.isfinite(rows["value"].to_numpy(float))].sort_values("step")
    if not len(rows):
        return None
    return Track(look=look, steps=rows["step"].to_numpy(float), values=rows["value"].to_numpy(float), optimum=optimum)


def _parameters(subject: Subject, scenario: Scenario, traces: pd.DataFrame, optima: pd.DataFrame) -> list[Drawing]:
    known: dict[tuple[str, str], float] = {}
    if len(optima):
        known = {(str(row.estimator), str(row.parameter)): float(row.own_optimum) for row in optima.itertuples()}
    panels = []
    for k, parameter in enumerate(scenario.parameters):
        rows = traces[traces["quantity"] == parameter]
        tracks = [
            track
            for label, look in subject.estimators.items()
            if (track := _track(look, rows[rows["estimator"] == label], known.get((label, parameter), _NAN)))
            is not None
        ]
        if tracks:
            truth = subject.truth(scenario.name, parameter)
            panels.append(path_panel(f"{scenario.key}-path{k}", parameter, tracks, truth))
    return panels


def sampler(subject: Subject, scenario: Scenario) -> Sampler | None:
    """Return rank plots, the energy plot and the table of one posterior; None where no draws were kept."""
    tree = subject.tree(scenario.name)
    draws = labelled_draws(tree, scenario.parameters)
    if tree is None or not draws:
        return None
    found = diagnoses(draws)
    worst = sorted(found, key=lambda label: -found[label].get("r_hat", _NAN))[:_MOST_RANKS]
    shown = [label for label in found if label in worst]
    ranks = [
        rank_panel(f"{scenario.key}-rank{k}", label, draws[label], found[label].get("r_hat", _NAN))
        for k, label in enumerate(shown)
        if draws[label].sizes["chain"] > 1
    ]
    return Sampler(
        ranks=ranks,
        left_out=len(draws) - len(ranks),
        energy=energy_panel(f"{scenario.key}-energy", tree),
        table=_diagnosis_grid(scenario, draws, found),
    )


def _diagnosis_grid(scenario: Scenario, draws: Mapping[str, object], found: Mapping[str, Diagnosis]) -> Grid:
    columns = [
        Column("parameter", numeric=False),
        Column("R-hat", "at most 1.01 passes"),
        Column("bulk ESS", "at least 400 passes"),
        Column("tail ESS", "at least 400 passes"),
    ]
    reason = "draws are constant, infinite or not a number"
    rows = [
        [
            text(label, kind="code"),
            _fixed(found.get(label, {}).get("r_hat", _NAN), 3, reason),
            _fixed(found.get(label, {}).get("ess_bulk", _NAN), 0, reason),
            _fixed(found.get(label, {}).get("ess_tail", _NAN), 0, reason),
        ]
        for label in draws
    ]
    return grid(f"{scenario.key}-convergence", "Convergence of each parameter (ArviZ)", columns, rows)


def _fixed(value: float, decimals: int, reason: str = "") -> Value:
    """Return a number with so many decimals."""
    if not np.isfinite(value):
        return number(_NAN, reason=reason)
    return Value(f"{value:.{decimals}f}", sortable(value))


def _cells(subject: Subject, fits: pd.DataFrame) -> list[tuple[str, Look, pd.DataFrame]]:
    """Return (scenario, look, fits) in the order of the report."""
    return [
        (scenario.name, look, group)
        for scenario in subject.scenarios
        for label, look in subject.estimators.items()
        if len(group := fits[(fits["scenario"] == scenario.name) & (fits["estimator"] == label)])
    ]


def sampler_grid(subject: Subject) -> Grid | None:
    """Return the worst diagnostics of the sampler over the data sets of each scenario."""
    fits = subject.table("fits")
    fits = fits[fits["estimator"].astype(str).str.startswith("nuts")] if len(fits) else fits
    if not len(fits):
        return None
    columns = [
        *([Column("scenario", numeric=False)] if subject.is_study else []),
        Column("estimator", numeric=False),
        Column("passed the gate", "fits without a flag, of all"),
        Column("largest R-hat"),
        Column("smallest bulk ESS"),
        Column("smallest tail ESS"),
        Column("divergent transitions"),
        Column("n", "fits with diagnostics, of all"),
    ]
    rows = []
    for scenario, look, group in _cells(subject, fits):
        passed, known = int((group["status"] == "ok").sum()), int(group["rhat_max"].notna().sum())
        rows.append(
            [
                *([text(scenario)] if subject.is_study else []),
                text(look.label, kind="estimator"),
                Value(count(passed, len(group)), str(passed)),
                _fixed(group["rhat_max"].max(), 3, "no diagnostics"),
                _fixed(group["ess_bulk_min"].min(), 0, "no diagnostics"),
                _fixed(group["ess_tail_min"].min(), 0, "no diagnostics"),
                _fixed(group["divergences"].sum(min_count=1), 0, "no diagnostics"),
                Value(count(known, len(group)), str(known)),
            ]
        )
    return grid("sampler", "The sampler's worst diagnostics", columns, rows)


def optimizer_grid(subject: Subject) -> Grid | None:
    """Return how far the optimizers ended from the best known optimum of their own objective."""
    fits = subject.table("fits")
    fits = fits[~fits["estimator"].astype(str).str.startswith(("nuts", "quadrature"))] if len(fits) else fits
    if not len(fits):
        return None
    if not subject.is_study:
        return _own_gaps(subject, fits)
    columns = [
        Column("scenario", numeric=False),
        Column("estimator", numeric=False),
        Column("median gap, SE", "largest distance over the parameters from the own optimum, in standard errors"),
        Column("largest gap, SE"),
        Column("largest gap, deviance"),
        Column("n", "fits whose optimum is known, of all"),
        Column("flagged", "fits with status flagged"),
        Column("failed", "fits without an estimate"),
        Column("seconds a fit", "median"),
    ]
    return grid(
        "optimizers", "Distance from their own optimum", columns, [_gaps(*cell) for cell in _cells(subject, fits)]
    )


def _own_gaps(subject: Subject, fits: pd.DataFrame) -> Grid:
    """Return the same for one's own data, a row a fit."""
    columns = [
        Column("estimator", numeric=False),
        Column("gap, SE", "largest distance over the parameters from the own optimum, in standard errors"),
        Column("gap, deviance"),
        Column("gradient", "largest absolute gradient at the end"),
        Column("evaluations", "of the objective, or updates"),
        Column("seconds"),
    ]
    rows = [
        [
            text(look.label, kind="estimator"),
            number(row["gap_sd"], reason=_NO_GAP, digits=2),
            number(row["gap_deviance"], reason=_NO_GAP, digits=2),
            number(row["grad_norm"], reason="none", digits=2),
            counted(row["evaluations"]),
            number(row["seconds"], reason="not measured", digits=2),
        ]
        for _, look, group in _cells(subject, fits)
        for row in group.to_dict("records")
    ]
    return grid("optimizers", "Distance from their own optimum", columns, rows)


def _gaps(scenario: str, look: Look, group: pd.DataFrame) -> list[Value]:
    gap, known = group["gap_sd"], int(group["gap_sd"].notna().sum())
    reason = _NO_GAP
    flagged = int((group["status"] == "flagged").sum())
    failed = int(group["status"].isin(["failed", "timeout", "worker_died"]).sum())
    return [
        text(scenario),
        text(look.label, kind="estimator"),
        number(gap.median(), reason=reason, digits=2),
        number(gap.max(), reason=reason, digits=2),
        number(group["gap_deviance"].max(), reason=reason, digits=2),
        Value(count(known, len(group)), str(known)),
        Value(count(flagged, len(group)), str(flagged)),
        Value(count(failed, len(group)), str(failed)),
        number(group["seconds"].median(), reason="not measured", digits=2),
    ]
