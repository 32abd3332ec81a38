"""FAULTS 42 to 44: draws that must not be believed are flagged, and a sampler that cannot start says why."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from bayescompare.engines.nuts import fit as nuts_fit
from bayescompare.engines.nuts.engine import Nuts
from bayescompare.engines.nuts.gate import judge
from bayescompare.engines.nuts.sample import CannotStartError, Run
from bayescompare.errors import PriorError
from bayescompare.fits import Flag, Status
from bayescompare.priors import Prior
from tests.engines.nuts_cases import dyestuff, seed, simulated


def good_run(chains: int = 4, draws: int = 1000, k: int = 3) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    shape = (chains, draws)
    stats = {
        "diverging": np.zeros(shape, dtype=bool),
        "energy": rng.normal(size=shape),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
        "n_steps": np.full(shape, 3),
    }
    return rng.normal(size=(*shape, k)), stats


def test_good_draws_pass() -> None:
    gate = judge(*good_run())
    assert gate.passed
    assert gate.diagnostics["rhat_max"] < 1.01


def test_fault_42_divergences() -> None:
    values, stats = good_run()
    stats["diverging"][2, 7] = True
    gate = judge(values, stats)
    assert gate.flags == (Flag.DIVERGENCES,)
    assert gate.diagnostics["divergences"] == 1


def test_fault_42_rhat() -> None:
    values, stats = good_run()
    values[0] += 0.5
    assert Flag.RHAT in judge(values, stats).flags


def test_fault_42_rhat_of_a_scale() -> None:
    values, stats = good_run()
    values[0] *= 3  # the means agree: only the folded ranks see it
    assert Flag.RHAT in judge(values, stats).flags


def test_fault_42_ess() -> None:
    values, stats = good_run()
    values = np.repeat(values[:, :80], 12, axis=1)
    assert Flag.ESS in judge(values, {name: stat[:, :960] for name, stat in stats.items()}).flags


def test_fault_42_bfmi() -> None:
    values, stats = good_run()
    stats["energy"][1] = np.cumsum(stats["energy"][1])
    assert judge(values, stats).flags == (Flag.BFMI,)


def test_fault_42_treedepth() -> None:
    values, stats = good_run()
    stats["reached_max_treedepth"][0, :10] = True
    gate = judge(values, stats)
    assert gate.flags == (Flag.TREEDEPTH,)
    assert gate.diagnostics["treedepth"] == 10 / 4000


def test_fault_42_retried_once_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    schedules = []

    def sampler(problem: Any, schedule: Any, *_: Any) -> Run:
        schedules.append(schedule)
        values, stats = good_run(k=problem.layout.size)
        stats["diverging"][0, 0] = len(schedules) == 1
        return Run(unbounded=values, stats=stats, effects=None)

    monkeypatch.setattr(nuts_fit, "sample", sampler)
    fit = Nuts(effects=False).fit([simulated(1)], [seed(1)])[0]
    assert [(schedule.target, schedule.tune) for schedule in schedules] == [(0.8, 400), (0.95, 1000)]
    assert fit.flags == (Flag.RETRIED,)
    assert fit.status == Status.OK
    assert fit.info["first_run_failed"] == ("divergences",)
    assert fit.message == "first run failed on divergences; second run passed"
    assert fit.evaluations == 2 * 4000 * 3


def test_fault_42_what_still_fails_stays_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    def sampler(problem: Any, schedule: Any, *_: Any) -> Run:
        values, stats = good_run(k=problem.layout.size)
        stats["diverging"][0, 0] = True
        return Run(unbounded=values, stats=stats, effects=None)

    monkeypatch.setattr(nuts_fit, "sample", sampler)
    fit = Nuts(effects=False).fit([simulated(1)], [seed(1)])[0]
    assert fit.status == Status.FLAGGED
    assert fit.flags == (Flag.DIVERGENCES, Flag.RETRIED)
    assert np.all(np.isfinite(fit.estimate))
    assert fit.draws is not None


def test_fault_43_one_stuck_chain() -> None:
    values, stats = good_run()
    values[1] = values[1, 0]
    assert Flag.STUCK in judge(values, stats).flags


def test_fault_43_constant_draws() -> None:
    values, stats = good_run()
    values[:] = 1.0
    stats["energy"][:] = 1.0
    assert {Flag.STUCK, Flag.RHAT, Flag.ESS, Flag.BFMI} <= set(judge(values, stats).flags)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_fault_43_draws_that_are_no_numbers(value: float) -> None:
    values, stats = good_run()
    values[0, 0, 0] = value
    assert {Flag.NOT_FINITE, Flag.RHAT, Flag.ESS} <= set(judge(values, stats).flags)


def test_fault_43_one_chain() -> None:
    fit = Nuts(chains=1, draws=600).fit([simulated(1)], [seed(1)])[0]
    assert fit.status == Status.FLAGGED
    assert Flag.RHAT in fit.flags
    assert math.isnan(fit.diagnostics["rhat_max"])
    assert fit.draws.random_effects.shape == (1, 600, 20, 2)


def test_fault_43_three_draws() -> None:
    fit = Nuts(draws=3, tune=100).fit([simulated(1)], [seed(1)])[0]
    assert fit.status == Status.FLAGGED
    assert {Flag.RHAT, Flag.ESS, Flag.BFMI} <= set(fit.flags)


def test_fault_43_one_draw() -> None:
    fit = Nuts(chains=1, draws=1, tune=50).fit([simulated(1)], [seed(1)])[0]
    assert fit.status == Status.FLAGGED
    assert np.all(np.isnan(fit.se))


@dataclass(frozen=True, repr=False)
class Beyond(Prior):
    """Allows only values that the data rule out, and cannot be drawn from to find one."""

    lower: float = 1e9
    support: ClassVar = "positive"

    def logp(self, x: Any, xp: Any) -> Any:
        return xp.where(x > self.lower, -x, -np.inf)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        raise PriorError("Beyond() cannot be drawn from.")


@dataclass(frozen=True, repr=False)
class WithMath(Prior):
    """A half-normal whose author used ``math`` on a field."""

    scale: float = 50.0
    support: ClassVar = "positive"

    def logp(self, x: Any, xp: Any) -> Any:
        return -0.5 * xp.square(x / self.scale) - math.log(self.scale)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return np.abs(rng.normal(0, self.scale, shape))


@dataclass(frozen=True, repr=False)
class MathOnValue(WithMath):
    """A prior whose author used ``math`` on the value."""

    def logp(self, x: Any, xp: Any) -> Any:
        return -math.exp(x)


def test_fault_44_failed_init_names_the_variable() -> None:
    fit = Nuts().fit([dyestuff(sd_batch=Beyond())], [seed(1)])[0]
    assert fit.status == Status.FAILED
    assert fit.flags == (Flag.FAILED_INIT,)
    assert "sd_batch[Intercept]" in fit.message
    assert "Beyond(1e+09)" in fit.message
    assert np.all(np.isnan(fit.estimate))


def test_fault_44_others_in_the_batch_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    original = nuts_fit.sample

    def fails_once(problem: Any, schedule: Any, its_seed: np.random.SeedSequence, until: Any) -> Run:
        if its_seed.spawn_key[0] == 1:
            raise CannotStartError("no luck")
        return original(problem, schedule, its_seed, until)

    monkeypatch.setattr(nuts_fit, "sample", fails_once)
    fits = Nuts(draws=50, tune=100).fit([simulated(1), simulated(2)], [seed(1), seed(2)])
    assert [fit.status == Status.FAILED for fit in fits] == [True, False]
    assert "no luck" in fits[0].message


def test_fault_33_a_prior_that_uses_math_on_its_fields_is_built_in() -> None:
    fit = Nuts(draws=500).fit([dyestuff(sd_batch=WithMath(50.0))], [seed(1)])[0]
    assert fit.estimate[1] == pytest.approx(44, abs=6)


def test_fault_33_a_prior_that_uses_math_on_its_value_is_named() -> None:
    with pytest.raises(PriorError, match=r"MathOnValue.*functions of xp"):
        Nuts().fit([dyestuff(sd_batch=MathOnValue())], [seed(1)])


@pytest.mark.slow
def test_fault_49_an_interrupt_stops_the_sampler(tmp_path):
    code = "import sys; from bayescompare.cli import main; print('ready', flush=True); sys.exit(main(sys.argv[1:]))"
    formula, endless = "yield ~ 1 + (1 | batch)", "nuts:draws=2000000"
    arguments = ["fit", "dyestuff", formula, "--estimators", endless, "--out", str(tmp_path / "out")]
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True) as process:
        time.sleep(25)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()
