"""The whole posterior by the No-U-Turn sampler (Hoffman and Gelman 2014)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import OneByOne, failed_fit, note_flags, status_of
from bayescompare.engines.deadline import Deadline, nothing_yet, timed_out
from bayescompare.engines.nuts_draws import draw_effects, moments_of_effects, natural_draws
from bayescompare.engines.nuts_gate import Gate, judge
from bayescompare.engines.nuts_sample import CannotStartError, NoDrawsError, Run, Schedule, prepare, sample
from bayescompare.engines.nuts_start import why_no_start
from bayescompare.errors import EstimatorError
from bayescompare.fits import Draws, Fit, Flag, RandomEffects, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.seeds import below, generator, seed_key

__all__ = ["Nuts"]

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


@dataclass(frozen=True, kw_only=True)
class Nuts(OneByOne):
    """NUTS on the posterior; estimates are posterior means.

    Parameters
    ----------
    chains, draws, tune
        Chains, and draws of each after ``tune`` of warm-up.
    target
        Acceptance probability aimed at; a run that does not pass the gate is repeated once with 0.95.
    parameterization
        ``marginal`` integrates the random effects out and draws them afterwards;
        ``centered`` and ``noncentered`` sample them.
    sampler
        ``nutpie``, or PyMC's own.
    effects
        Draw the random effects too. It changes nothing else, and is no part of the label.
    """

    name: ClassVar[str] = "nuts"
    engine: ClassVar[str] = "nuts"
    uses_priors: ClassVar[bool] = True

    chains: int = 4
    draws: int = 1000
    tune: int = 400
    target: float = 0.8
    parameterization: Literal["marginal", "centered", "noncentered"] = "marginal"
    sampler: Literal["nutpie", "pymc"] = "nutpie"
    effects: bool = True

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        for setting in ("chains", "draws", "tune"):
            if getattr(self, setting) < 1:
                raise EstimatorError(f"nuts: {setting} must be at least 1, not {getattr(self, setting)}.")
        if not 0 < self.target < 1:
            raise EstimatorError(f"nuts: target is a probability between 0 and 1, not {self.target}.")

    @property
    def label(self) -> str:
        """The name, and the settings that change the estimates."""
        settings = super().label.removeprefix(f"{self.name}:").split(",")
        kept = [setting for setting in settings if not setting.startswith("effects=")]
        return f"{self.name}:{','.join(kept)}" if kept and kept != [self.name] else self.name

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence, limit: float | None = None) -> Fit:
        """Fit one problem, in so many seconds; see `Engine.fit`."""
        started = time.perf_counter()
        until = self._deadline(problem, limit)
        try:
            sampled = self._sample(problem, seed, until)
        except CannotStartError as error:
            message = f"the sampler could not start: {why_no_start(problem, self.parameterization) or error}"
            return self._without_draws(problem, seed, started, message, (Flag.FAILED_INIT,))
        except NoDrawsError:
            return self._without_draws(problem, seed, started, nothing_yet(until.limit), status=Status.TIMEOUT)
        effects, moments = self._effects(sampled.run, problem, seed)
        seconds = time.perf_counter() - started
        fit = self._result(problem, sampled, effects, moments, seconds=seconds, seed_key=seed_key(seed))
        return timed_out(fit, until.limit) if until.cut else fit

    def _deadline(self, problem: Problem, limit: float | None) -> Deadline:
        """Return when to stop; the time of compiling for the first of many fits does not count."""
        if limit is not None:
            prepare(problem, self._schedule(self.target, self.tune))
        return Deadline(limit)

    def _without_draws(
        self,
        problem: Problem,
        seed: np.random.SeedSequence,
        started: float,
        message: str,
        flags: tuple[Flag, ...] = (),
        status: Status = Status.FAILED,
    ) -> Fit:
        """Return the row of a fit that has no draws."""
        return failed_fit(
            self.label,
            problem.layout,
            message,
            status,
            flags=(*note_flags(problem), *flags),
            seconds=time.perf_counter() - started,
            seed_key=seed_key(seed),
        )

    def _sample(self, problem: Problem, seed: np.random.SeedSequence, until: Deadline) -> _Sampled:
        """Sample, and once more with more care where the gate fails and a second run may pass it.

        A second run that time cuts short is dropped: the first is whole.
        """
        first = self._once(problem, below(seed, 0), self._schedule(self.target, self.tune), until)
        if until.cut or first.gate.passed or not self._worth_a_retry(first.gate) or until.passed():
            return first
        careful = self._schedule(max(self.target, _RETRY_TARGET), max(self.tune, _RETRY_TUNE))
        try:
            second = self._once(problem, below(seed, 1), careful, until)
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

    def _schedule(self, target: float, tune: int) -> Schedule:
        return Schedule(
            chains=self.chains,
            draws=self.draws,
            tune=tune,
            target=target,
            parameterization=self.parameterization,
            sampler=self.sampler,
        )

    def _once(self, problem: Problem, seed: np.random.SeedSequence, schedule: Schedule, until: Deadline) -> _Sampled:
        run = sample(problem, schedule, seed, until)
        values = natural_draws(run.unbounded, problem)
        return _Sampled(run=run, values=values, gate=judge(values, run.stats), evaluations=run.evaluations)

    def _worth_a_retry(self, gate: Gate) -> bool:
        """Whether more care could help: not where there are too few draws or chains for the gate."""
        too_short = self.chains < 2 or self.chains * self.draws < _HOPELESS
        return bool(set(gate.flags) - ({Flag.RHAT, Flag.ESS, Flag.BFMI} if too_short else set()))

    def _effects(
        self, run: Run, problem: Problem, seed: np.random.SeedSequence
    ) -> tuple[Array | None, RandomEffects | None]:
        if not self.effects or not problem.layout.q:
            return None, None
        if run.effects is not None:
            return run.effects, moments_of_effects(run.effects)
        return draw_effects(run.unbounded, problem, generator(seed, 2))

    def _result(
        self, problem: Problem, sampled: _Sampled, effects: Array | None, moments: RandomEffects | None, **facts: Any
    ) -> Fit:
        layout, values = problem.layout, sampled.values.reshape(-1, problem.layout.size)
        retried = (Flag.RETRIED,) if sampled.first_failed else ()
        flags = (*note_flags(problem), *sampled.gate.flags, *retried)
        return Fit(
            estimator=self.label,
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
