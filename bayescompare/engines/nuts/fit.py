"""One fit by NUTS: sample, judge, sample once more with more care, draw the random effects."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import failed_fit, note_flags, status_of
from bayescompare.engines.deadline import Deadline, nothing_yet, timed_out
from bayescompare.engines.nuts.draws import draw_effects, moments_of_effects, natural_draws
from bayescompare.engines.nuts.gate import Gate, judge
from bayescompare.engines.nuts.sample import CannotStartError, NoDrawsError, Run, Schedule, prepare, sample
from bayescompare.engines.nuts.start import why_no_start
from bayescompare.fits import Draws, Fit, Flag, RandomEffects, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.seeds import below, generator, seed_key

if TYPE_CHECKING:
    from bayescompare.engines.nuts.engine import Nuts

__all__ = ["fit_one"]

Array = npt.NDArray[np.float64]

#: Settings of the second run, after one that did not pass the gate.
_RETRY_TARGET = 0.95
_RETRY_TUNE = 1000
#: Below this many draws in all no run can pass, and a second one is no help.
_HOPELESS = 400


@dataclass(frozen=True, kw_only=True)
class _Sampled:
    """Draws in the sampler's coordinates and natural units, their gate, and what went before."""

    run: Run
    values: Array
    gate: Gate
    first_failed: tuple[Flag, ...] = ()
    evaluations: int


def fit_one(settings: Nuts, problem: Problem, seed: np.random.SeedSequence, limit: float | None = None) -> Fit:
    """Fit one problem, in so many seconds; see `Engine.fit`."""
    started = time.perf_counter()
    until = _deadline(settings, problem, limit)
    try:
        sampled = _sample(settings, problem, seed, until)
    except CannotStartError as error:
        message = f"the sampler could not start: {why_no_start(problem, settings.parameterization) or error}"
        return _without_draws(settings, problem, seed, started, message, (Flag.FAILED_INIT,))
    except NoDrawsError:
        return _without_draws(settings, problem, seed, started, nothing_yet(until.limit), status=Status.TIMEOUT)
    effects, moments = _effects(settings, sampled.run, problem, seed)
    seconds = time.perf_counter() - started
    fit = _result(settings, problem, sampled, effects, moments, seconds=seconds, seed_key=seed_key(seed))
    return timed_out(fit, until.limit) if until.cut else fit


def _deadline(settings: Nuts, problem: Problem, limit: float | None) -> Deadline:
    """Return when to stop; the time of compiling for the first of many fits does not count."""
    if limit is not None:
        prepare(problem, _schedule(settings, settings.target, settings.tune))
    return Deadline(limit)


def _without_draws(
    settings: Nuts,
    problem: Problem,
    seed: np.random.SeedSequence,
    started: float,
    message: str,
    flags: tuple[Flag, ...] = (),
    status: Status = Status.FAILED,
) -> Fit:
    """Return the row of a fit that has no draws."""
    return failed_fit(
        settings.label,
        problem.layout,
        message,
        status,
        flags=(*note_flags(problem), *flags),
        seconds=time.perf_counter() - started,
        seed_key=seed_key(seed),
    )


def _sample(settings: Nuts, problem: Problem, seed: np.random.SeedSequence, until: Deadline) -> _Sampled:
    """Sample, and once more with more care where the gate fails and a second run may pass it.

    A second run that time cuts short is dropped: the first is whole.
    """
    first = _once(settings, problem, below(seed, 0), _schedule(settings, settings.target, settings.tune), until)
    if until.cut or first.gate.passed or not _worth_a_retry(settings, first.gate) or until.passed():
        return first
    careful = _schedule(settings, max(settings.target, _RETRY_TARGET), max(settings.tune, _RETRY_TUNE))
    try:
        second = _once(settings, problem, below(seed, 1), careful, until)
    except (CannotStartError, NoDrawsError):
        return first
    if until.cut:
        return first
    return _Sampled(
        run=second.run,
        values=second.values,
        gate=second.gate,
        first_failed=first.gate.flags,
        evaluations=first.evaluations + second.evaluations,
    )


def _schedule(settings: Nuts, target: float, tune: int) -> Schedule:
    return Schedule(
        chains=settings.chains,
        draws=settings.draws,
        tune=tune,
        target=target,
        parameterization=settings.parameterization,
        sampler=settings.sampler,
    )


def _once(
    settings: Nuts, problem: Problem, seed: np.random.SeedSequence, schedule: Schedule, until: Deadline
) -> _Sampled:
    run = sample(problem, schedule, seed, until)
    values = natural_draws(run.unbounded, problem)
    return _Sampled(run=run, values=values, gate=judge(values, run.stats), evaluations=run.evaluations)


def _worth_a_retry(settings: Nuts, gate: Gate) -> bool:
    """Whether more care could help: not where there are too few draws or chains for the gate."""
    too_short = settings.chains < 2 or settings.chains * settings.draws < _HOPELESS
    return bool(set(gate.flags) - ({Flag.RHAT, Flag.ESS, Flag.BFMI} if too_short else set()))


def _effects(
    settings: Nuts, run: Run, problem: Problem, seed: np.random.SeedSequence
) -> tuple[Array | None, RandomEffects | None]:
    if not settings.effects or not problem.layout.q:
        return None, None
    if run.effects is not None:
        return run.effects, moments_of_effects(run.effects)
    return draw_effects(run.unbounded, problem, generator(seed, 2))


def _result(
    settings: Nuts,
    problem: Problem,
    sampled: _Sampled,
    effects: Array | None,
    moments: RandomEffects | None,
    **facts: Any,
) -> Fit:
    layout, values = problem.layout, sampled.values.reshape(-1, problem.layout.size)
    retried = (Flag.RETRIED,) if sampled.first_failed else ()
    flags = (*note_flags(problem), *sampled.gate.flags, *retried)
    return Fit(
        estimator=settings.label,
        layout=layout,
        status=status_of(flags),
        flags=flags,
        message=_message(sampled),
        estimate=values.mean(axis=0),
        se=values.std(axis=0, ddof=1) if len(values) > 1 else np.full(layout.size, np.nan),
        estimand=("posterior mean",) * layout.size,
        reason=("",) * layout.size,
        evaluations=sampled.evaluations,
        random_effects=moments,
        draws=Draws(values=sampled.values, stats=sampled.run.stats, random_effects=effects),
        diagnostics=sampled.gate.diagnostics,
        info={"first_run_failed": tuple(str(flag) for flag in sampled.first_failed)},
        **facts,
    )


def _message(sampled: _Sampled) -> str:
    """Say in a sentence what failed, and in which run."""
    now = ", ".join(sampled.gate.flags)
    if not sampled.first_failed:
        return f"did not pass the convergence gate: {now}" if now else ""
    before = ", ".join(sampled.first_failed)
    return f"first run failed on {before}; second run {f'on {now}' if now else 'passed'}"
