"""One task, from its coordinates to its part: simulate, fit, take apart. A function of its arguments alone."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from bayescompare.comparison.kept_draws import chosen, kept_tree
from bayescompare.comparison.records import Record
from bayescompare.comparison.rows import SKETCH, row_of, table_of
from bayescompare.comparison.trees import fit_tree
from bayescompare.design import Scenario
from bayescompare.engines.base import Engine, failed_fit
from bayescompare.engines.surface import explore, least_squares_surface
from bayescompare.fits import GATE, Draws, Fit, Status
from bayescompare.fitting import fit_batch
from bayescompare.intervals import refitting
from bayescompare.layout import Layout
from bayescompare.provenance import versions
from bayescompare.seeds import generator, seed_key, sequence
from bayescompare.simulation import blank
from bayescompare.study.cases import Case, cases, scenario_key
from bayescompare.study.definition import Study
from bayescompare.study.files import digest
from bayescompare.study.parts import Part, Stamp, encode
from bayescompare.study.tasks import SURFACE, Task, cells, scenario_of, slug
from bayescompare.study.trees import netcdf

__all__ = ["KEPT_DRAWS", "SURFACES", "fits_of", "identities", "identity", "lost_part", "run_task"]

#: Flagged fits of a task, and of a study, whose draws are kept.
KEPT_DRAWS = 20

#: Columns of a part that holds explorations.
SURFACES = pa.schema({
    "study": pa.string(),
    "scenario": pa.string(),
    "replicate": pa.int64(),
    "objective": pa.string(),
    "starts": pa.int64(),
    "distinct": pa.int64(),
    "deviance_range": pa.float64(),
})  # fmt: skip

# Of the parts; a change of it makes every part another.
_FORMAT = 6
# Replicates of each scenario whose optimizer paths are kept.
_TRACED = 5
# Characters of a traceback that are kept, from its end.
_TRACEBACK = 4000


def identity(study: Study, scenario: Scenario, label: str) -> str:
    """Return a hash of everything that the fits of an estimator in a scenario depend on, but for versions."""
    starts = study.dispersed_starts if label == SURFACE else None
    refits = study.refits if refitting(study.intervals) else None
    asked = [_FORMAT, scenario_key(study, scenario), study.levels, study.intervals, refits, label, starts]
    return digest(json.dumps(asked).encode())[:32]


def identities(study: Study) -> dict[tuple[str, str], str]:
    """Return the identity of every scenario with every estimator."""
    scenarios = {scenario.name: scenario for scenario in study.scenarios()}
    return {(name, label): identity(study, scenarios[name], label) for name, label in cells(study)}


def run_task(study: Study, task: Task) -> Part:
    """Run a task; what goes wrong in a fit is a row of its result.

    Parameters
    ----------
    task
        Its block changes nothing but which rows there are.
    """
    scenario = scenario_of(study, task)
    found = cases(study, scenario, task.replicates)
    if task.estimator == SURFACE:
        rows = [row for case in found for row in _surfaces(study, scenario, case)]
        return _part(study, scenario, task, pa.Table.from_pylist(rows, schema=SURFACES))
    return _fitted(study, scenario, task, found, fits_of(study, scenario, study.engine(task.estimator), found))


def lost_part(study: Study, task: Task, status: Status, message: str, trace: str = "") -> Part:
    """Return the part of a task that could not be run: its fits are rows with a status and no estimate."""
    info = {"traceback": trace[-_TRACEBACK:]}
    scenario = scenario_of(study, task)
    if task.estimator == SURFACE:
        return _part(study, scenario, task, SURFACES.empty_table())
    found = cases(study, scenario, task.replicates)
    layout = _layout(study, scenario, found)
    engine = study.engine(task.estimator)
    fits = [
        failed_fit(
            task.estimator, layout, message, status, seed_key=_seed_key(study, scenario, engine, case), info=info
        )
        for case in found
    ]
    return _fitted(study, scenario, task, found, fits)


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    """Return the versions that this process began with, which are those that it has loaded."""
    return versions()


def _part(study: Study, scenario: Scenario, task: Task, rows: pa.Table, **draws: bytes) -> Part:
    stamp = Stamp(identity=identity(study, scenario, task.estimator), versions=_versions())
    return Part(content=encode(rows, stamp), draws=draws)


def _fitted(study: Study, scenario: Scenario, task: Task, found: Sequence[Case], fits: Sequence[Fit]) -> Part:
    """Return the part of some fits, with the draws that are kept."""
    draws: dict[str, bytes] = {}
    rows, later = [], 0
    for case, fit in zip(found, fits, strict=True):
        kept = _netcdf(case, fit, study.seed) if _keeps(case, fit, later) else b""
        later += bool(kept) and case.replicate > 0
        if kept:
            draws[f"{scenario.name}/{slug(task.estimator)}/{case.replicate}.nc"] = kept
        rows.append(_row(study, scenario, case, fit, digest(kept) if kept else ""))
    return _part(study, scenario, task, table_of(rows), **draws)


def _row(study: Study, scenario: Scenario, case: Case, fit: Fit, draws_sha256: str) -> dict[str, Any]:
    truth = case.truth
    record = Record(
        study=study.name,
        scenario=scenario.name,
        replicate=case.replicate,
        fit=fit,
        truth=None if truth is None else truth.theta,
        effects=truth.effects if truth is not None and fit.layout.q else None,
        modes=None if fit.random_effects is None else case.modes,
        moments=case.moments,
        drawn=scenario.truth == "prior",
        problem=case.problem,
        draws_sha256=draws_sha256,
    )
    traced = case.replicate < _TRACED
    return row_of(
        record, levels=study.levels, kinds=study.intervals, random_effects=False, traces=traced, sketch=SKETCH
    )


def fits_of(study: Study, scenario: Scenario, engine: Engine, found: Sequence[Case]) -> list[Fit]:
    """Return a fit for each case; those of one shape are fitted together."""
    layout = _layout(study, scenario, found)
    fits = {
        case.replicate: failed_fit(
            engine.label, layout, case.fault, case.status, seed_key=_seed_key(study, scenario, engine, case)
        )
        for case in found
        if case.problem is None
    }
    shapes: dict[Any, list[Case]] = {}
    for case in found:
        if case.problem is not None:
            shapes.setdefault((case.problem.layout.labels, len(case.problem.layout.levels)), []).append(case)
    for alike in shapes.values():
        done = _batch(study, scenario, engine, alike)
        fits |= {case.replicate: fit for case, fit in zip(alike, done, strict=True)}
    return [fits[case.replicate] for case in found]


def _batch(study: Study, scenario: Scenario, engine: Engine, alike: Sequence[Case]) -> list[Fit]:
    """Fit cases of one shape together; where that raises, one by one, and what raises alone is a failed fit."""
    problems = [case.problem for case in alike if case.problem is not None]
    try:
        replicates = [case.replicate for case in alike]
        fits = fit_batch(
            problems,
            [engine],
            study.seed,
            scenario.name,
            replicates,
            limit=study.time_limit,
            kinds=study.intervals,
            refits=study.refits,
        )
        return [one for (one,) in fits]
    except Exception as error:
        message, trace = f"{type(error).__name__}: {error}", traceback.format_exc()[-_TRACEBACK:]
    if len(alike) > 1:
        return [fit for case in alike for fit in _batch(study, scenario, engine, [case])]
    key = _seed_key(study, scenario, engine, alike[0])
    return [failed_fit(engine.label, problems[0].layout, message, seed_key=key, info={"traceback": trace})]


def _layout(study: Study, scenario: Scenario, found: Sequence[Case]) -> Layout:
    """Return the layout of the first data set that has one, or that of the reference design."""
    for case in (*found, *cases(study, scenario, [0])):
        if case.problem is not None:
            return case.problem.layout
    return blank(scenario, 0, study.seed).layout


def _seed_key(study: Study, scenario: Scenario, engine: Engine, case: Case) -> str:
    return seed_key(sequence(study.seed, scenario.name, case.replicate, engine.engine))


def _keeps(case: Case, fit: Fit, kept: int) -> bool:
    """Whether the draws of a fit are kept: of replicate 0, and of the first fits that fail the gate."""
    if fit.draws is None or not np.all(np.isfinite(fit.draws.values)):
        return False
    return case.replicate == 0 or (kept < KEPT_DRAWS and bool(GATE & set(fit.flags)))


def _netcdf(case: Case, fit: Fit, seed: int) -> bytes:
    """Return the draws of a fit as netCDF, without random effects; where they are many, of the parameters alone."""
    assert case.problem is not None
    assert fit.draws is not None
    draws = Draws(values=fit.draws.values, stats=fit.draws.stats)
    tree = fit_tree(case.problem, replace(fit, draws=draws), seed=seed)
    return netcdf(kept_tree(tree, chosen(None, {"": tree})))


def _surfaces(study: Study, scenario: Scenario, case: Case) -> Iterator[dict[str, Any]]:
    """Yield how many optima each objective has on one data set."""
    if case.problem is None:
        return
    rng = generator(sequence(study.seed, scenario.name, case.replicate, "starts"))
    found = explore(case.problem, starts=study.dispersed_starts, rng=rng)
    key = {"study": study.name, "scenario": scenario.name, "replicate": case.replicate}
    yield key | {"objective": "marginal likelihood", **asdict(found)}
    yield key | {"objective": "least squares", **asdict(least_squares_surface(case.problem))}
