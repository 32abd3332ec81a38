"""Everything that the template shows, in the order of reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bayescompare.reporting.ademp import Ademp, ademp
from bayescompare.reporting.calibration import Calibration, calibration_section
from bayescompare.reporting.detection import Detection, detector_grids
from bayescompare.reporting.diagnostics import Paths, Sampler, optimizer_grid, paths, sampler, sampler_grid
from bayescompare.reporting.error_parts import ErrorParts, error_parts
from bayescompare.reporting.evidence import forests, performance
from bayescompare.reporting.exact import Exact, exact
from bayescompare.reporting.failures import Outcomes, outcomes
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.fit_answer import FitAnswer, fit_answer
from bayescompare.reporting.flags import FlagNote, flag_notes
from bayescompare.reporting.formats import percent
from bayescompare.reporting.grid import Grid
from bayescompare.reporting.headline import Headline, headline
from bayescompare.reporting.if_true import IfTrueSection, if_true
from bayescompare.reporting.laboratory import Laboratory, laboratory
from bayescompare.reporting.methods import Methods, methods, so_far, subtitle
from bayescompare.reporting.palette import Look
from bayescompare.reporting.picture import Pictured, pictures
from bayescompare.reporting.priors import Priors, priors
from bayescompare.reporting.profiles import profiles
from bayescompare.reporting.readings import Readings, readings
from bayescompare.reporting.study_answer import StudyAnswer, study_answer
from bayescompare.reporting.subject import Scenario, Subject
from bayescompare.reporting.tables import (
    estimates_grid,
    failures_grid,
    fits_grid,
    measures_grid,
    paired_grid,
    past_the_gate_grid,
    random_effects_grid,
    recovery_grid,
    verdicts_grid,
)
from bayescompare.reporting.zippers import zippers

__all__ = ["Context", "Shown", "context"]

#: Scenarios up to which the figures of each are drawn, and of how many they are drawn beyond that.
MOST_SCENARIOS, SOME_SCENARIOS = 24, 3
#: Parameters of all scenarios by all estimators up to which all figures are drawn: about nine megabytes.
MOST_CELLS = 540


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One scenario with its figures and tables."""

    key: str
    name: str
    description: str
    performance: Sequence[Drawing]
    forests: Sequence[Drawing]
    paths: Paths | None
    sampler: Sampler | None
    estimates: Grid | None
    measures: Grid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The whole report."""

    title: str
    subtitle: str
    so_far: str
    description: str
    level: str
    is_study: bool
    has_posterior: bool
    legend: Sequence[Look]
    symbols: Sequence[Look]
    fit_answer: FitAnswer | None
    study_answer: StudyAnswer | None
    calibration: Calibration | None
    headline: Headline | None
    flags: Sequence[FlagNote]
    notes: Sequence[Any]
    failed: int
    scenarios: Sequence[Shown]
    without_figures: Sequence[str]
    optimizers: Grid | None
    detectors: Detection | None
    laboratory: Laboratory
    sampler: Grid | None
    failures: Grid | None
    profiles: Sequence[Drawing]
    exact: Exact | None
    if_true: IfTrueSection | None
    priors: Priors | None
    pictures: Sequence[Pictured]
    zippers: Sequence[Drawing]
    error_parts: ErrorParts | None
    outcomes: Outcomes | None
    readings: Readings | None
    ademp: Ademp | None
    methods: Methods
    tables: Sequence[Grid]


def context(subject: Subject) -> Context:
    """Return what the template shows of results."""
    about = subject.about
    fits = subject.table("fits")
    return Context(
        title=str(about.get("title") or about.get("study") or about.get("dataset") or "Comparison of estimators"),
        subtitle=subtitle(subject),
        so_far=so_far(subject),
        description=str(about.get("description") or ""),
        level=percent(subject.level),
        is_study=subject.is_study,
        has_posterior=bool(len(subject.results.trees)),
        legend=list(subject.estimators.values()),
        symbols=list({look.key: look for look in (subject.look(""), *subject.estimators.values())}.values()),
        fit_answer=None if subject.is_study else fit_answer(subject),
        study_answer=study_answer(subject) if subject.is_study else None,
        calibration=calibration_section(subject),
        headline=headline(subject),
        flags=flag_notes(subject, fits) if len(fits) else [],
        notes=list(about.get("notes") or ()),
        failed=subject.results.failed,
        scenarios=[
            _shown(subject, scenario, in_full=k < _in_full(subject)) for k, scenario in enumerate(subject.scenarios)
        ],
        without_figures=[scenario.name for scenario in subject.scenarios[_in_full(subject) :]],
        optimizers=optimizer_grid(subject),
        detectors=detector_grids(subject),
        laboratory=laboratory(subject, _in_full(subject)),
        sampler=sampler_grid(subject),
        failures=failures_grid(subject) if subject.is_study else None,
        profiles=profiles(subject),
        exact=exact(subject),
        if_true=if_true(subject),
        priors=priors(subject),
        pictures=pictures(subject),
        zippers=zippers(subject),
        error_parts=error_parts(subject),
        outcomes=outcomes(subject),
        readings=readings(subject),
        ademp=ademp(subject),
        methods=methods(subject),
        tables=_tables(subject),
    )


def _in_full(subject: Subject) -> int:
    """Return how many scenarios have figures, and a table of their first data set."""
    n = len(subject.scenarios)
    cells = len(subject.estimators) * sum(len(scenario.parameters) for scenario in subject.scenarios)
    return n if n <= SOME_SCENARIOS or (n <= MOST_SCENARIOS and cells <= MOST_CELLS) else SOME_SCENARIOS


def _shown(subject: Subject, scenario: Scenario, *, in_full: bool) -> Shown:
    return Shown(
        key=scenario.key,
        name=scenario.name,
        description=str(scenario.about.get("description") or ""),
        performance=performance(subject, scenario) if in_full and subject.is_study else [],
        forests=forests(subject, scenario) if in_full else [],
        paths=paths(subject, scenario) if in_full else None,
        sampler=sampler(subject, scenario) if in_full else None,
        estimates=estimates_grid(subject, scenario) if in_full else None,
        measures=measures_grid(subject, scenario, every=in_full),
    )


def _tables(subject: Subject) -> list[Grid]:
    """Return the tables that belong to no single scenario."""
    grids = (verdicts_grid, past_the_gate_grid, recovery_grid, paired_grid)
    study = [make(subject) for make in grids] if subject.is_study else []
    own = [] if subject.is_study else [fits_grid(subject), random_effects_grid(subject)]
    return [found for found in (*study, *own) if found is not None and found.rows]
