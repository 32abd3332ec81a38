"""Fault 45: a fit that takes longer than its limit is cut short, says so, and keeps what there was."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import nutpie
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.data import Dataset
from bayescompare.engines import deadline
from bayescompare.engines.adam import run as adam_run
from bayescompare.engines.base import NOT_THERE, Engine, OneByOne
from bayescompare.engines.catalog import estimator
from bayescompare.engines.deadline import Deadline
from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.engines.nuts import fit as nuts_fit
from bayescompare.engines.nuts import sample as nuts_sample
from bayescompare.engines.optima import judged
from bayescompare.errors import InputError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.fitting import fit_batch
from bayescompare.intervals import intervals
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
# No fit ends in the first, none is still running at the end of the second.
NOTHING, PLENTY = 1e-9, 1e9
POINTS = (
    "lbfgs-ml",
    "lbfgs-reml",
    "lbfgs-map",
    "lbfgs-ml:starts=3,coordinates=log-sd",
    "adam-marginal",
    "adam-marginal:batch=3,epochs=20",
    "adam-pooled",
)
ADAM = tuple(label for label in POINTS if label.startswith("adam"))
LBFGS = tuple(label for label in POINTS if label.startswith("lbfgs"))


def slopes(seed: int = 0) -> Problem:
    """Return eight groups of six rows with random slopes."""
    rng = np.random.default_rng(seed)
    groups, x = np.repeat(np.arange(8), 6), rng.normal(size=48)
    y = x + rng.normal(size=8)[groups] + rng.normal(size=8)[groups] * x + rng.normal(size=48)
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"s{k}" for k in groups]})
    return build_problem(Model("y ~ x + (1 + x | g)"), Dataset(frame=frame, name="slopes"))


PROBLEMS, SEEDS = [slopes(k) for k in range(3)], [np.random.SeedSequence(k) for k in range(3)]


def fits_of(label: str, limit: float | None, count: int = 1) -> list[Fit]:
    return estimator(label).fit(PROBLEMS[:count], SEEDS[:count], limit=limit)


def bits(fit: Fit) -> tuple[object, ...]:
    arrays = (fit.estimate, fit.se, fit.own_optimum, fit.path and fit.path.values, fit.draws and fit.draws.values)
    said = (fit.status, fit.flags, fit.message, fit.reason, fit.evaluations, repr((fit.objective, fit.gap_sd)))
    return *(None if a is None else a.tobytes() for a in arrays), *said


@pytest.fixture
def ticking(monkeypatch):
    """Make each look at the clock take a second, and Adam look after every ten updates."""
    seconds = itertools.count()
    monkeypatch.setattr(adam_run, "_PIECE", 10)
    monkeypatch.setattr(deadline, "monotonic", lambda: float(next(seconds)))


@pytest.mark.parametrize("label", POINTS)
def test_fault_45_a_fit_that_ends_in_time_is_the_fit_without_a_limit(label):
    free, limited = fits_of(label, None, 2), fits_of(label, PLENTY, 2)
    assert [bits(fit) for fit in limited] == [bits(fit) for fit in free]


@pytest.mark.parametrize("label", POINTS)
def test_fault_45_a_fit_cut_short_is_a_timeout_with_what_there_was(label):
    fit = fits_of(label, NOTHING)[0]
    assert fit.status is Status.TIMEOUT
    assert fit.flags[-1] is Flag.PARTIAL
    assert fit.message == "timed out after 1e-09 s; what there was is reported"
    known = [bool(what) for what in fit.estimand]
    assert np.isfinite(fit.estimate[known]).all()
    assert np.isfinite(fit.objective)
    assert np.isnan(fit.se).all()
    assert NOT_THERE in fit.reason
    assert all(np.isnan(one.lower) and one.reason for one in intervals(fit))
    assert fit.evaluations < fits_of(label, None)[0].evaluations


@pytest.mark.parametrize("label", ADAM)
def test_fault_45_adam_is_where_it_was_and_is_judged(label, ticking):
    whole, cut = fits_of(label, None)[0], fits_of(label, 4.5)[0]
    assert (cut.status, 0 < cut.evaluations < whole.evaluations) == (Status.TIMEOUT, True)
    np.testing.assert_array_equal(cut.path.values, whole.path.values[: len(cut.path.steps)])
    known = np.isfinite(cut.path.values[-1])
    np.testing.assert_allclose(cut.estimate[known], cut.path.values[-1][known], rtol=1e-6)
    assert {Flag.PREMATURE, Flag.PARTIAL} <= set(cut.flags)
    assert Flag.STEP_LIMIT not in cut.flags
    assert cut.gap_sd > whole.gap_sd
    np.testing.assert_array_equal(cut.own_optimum, whole.own_optimum)


def test_fault_45_a_stack_has_the_limit_of_all_its_fits_and_those_that_ended_are_whole(ticking):
    label = "adam-marginal:lr=0.1"
    whole = fits_of(label, None, 3)
    first, last = sorted(fit.evaluations for fit in whole)[::2]
    looks = (first + last) / 2 / 10  # a look at the clock is made each ten updates
    cut = fits_of(label, looks / 3, 3)
    assert {fit.status for fit in cut} > {Status.TIMEOUT}
    for one, other in zip(cut, whole, strict=True):
        assert (one.status is Status.TIMEOUT) == (one.evaluations < other.evaluations)
        if one.status is not Status.TIMEOUT:
            assert bits(one) == bits(other)
    assert next(fit for fit in cut if fit.status is Status.TIMEOUT).message.startswith(
        f"timed out after {looks / 3:g} s"
    )


def test_fault_45_updates_are_made_in_calls_whose_length_changes_nothing(monkeypatch, ticking):
    label = "adam-pooled:batch=16,epochs=1000"  # 3,000 updates, each 16th recorded
    whole = fits_of(label, None)[0]
    monkeypatch.setattr(adam_run, "_PIECE", 3)
    assert bits(fits_of(label, PLENTY)[0]) == bits(whole)
    cut = fits_of(label, 8.5)[0]
    assert cut.evaluations == 8 * 3
    assert list(cut.path.steps) == [0, 16, 24]


@pytest.mark.parametrize("label", LBFGS)
def test_fault_45_lbfgs_keeps_its_best_point_so_far(label):
    problem, fit = PROBLEMS[0], fits_of(label, NOTHING)[0]
    assert Flag.NOT_STATIONARY in fit.flags
    assert fit.working_se is None
    if label == "lbfgs-ml":
        assert fit.objective == pytest.approx(deviance(problem, fit.estimate), rel=1e-12)
        assert len(fit.info["starts_deviance"]) == 1
        assert fits_of(label, None)[0].objective < fit.objective


@pytest.mark.parametrize("name", ["lbfgs-ml", "lbfgs-reml", "lbfgs-map"])
def test_fault_45_starts_for_which_there_is_no_time_are_not_searched_from(name):
    four, one = fits_of(name, NOTHING)[0], fits_of(f"{name}:starts=1", NOTHING)[0]
    assert bits(four) == bits(one)


def test_fault_45_starts_that_were_left_out_make_a_fit_partial(ticking):
    """The first of the starts has come to rest: its end is an optimum, with its standard errors."""
    one, all_four = fits_of("lbfgs-ml:starts=1", None)[0], fits_of("lbfgs-ml", None)[0]
    looks = next(n for n in range(1, 200) if len(fits_of("lbfgs-ml", n + 0.5)[0].info["starts_deviance"]) == 2) - 1
    fit = fits_of("lbfgs-ml", looks + 0.5)[0]
    assert fit.status is Status.TIMEOUT
    assert len(fit.info["starts_deviance"]) == 1 < len(all_four.info["starts_deviance"])
    np.testing.assert_allclose(fit.estimate, one.estimate, rtol=1e-3, atol=1e-3)
    assert np.isfinite(fit.se).all()
    assert judged([fit])[0].gap_sd == 0.0


@pytest.mark.parametrize("limit", [NOTHING, PLENTY])
def test_fault_45_where_the_likelihood_is_finite_nowhere_a_limit_changes_the_reason_at_most(limit):
    broken = replace(
        PROBLEMS[0], products=replace(PROBLEMS[0].products, r=np.full_like(PROBLEMS[0].products.r, np.nan))
    )
    fit = LbfgsML().fit([broken], SEEDS[:1], limit=limit)[0]
    assert np.isnan(fit.estimate).all()
    if limit == NOTHING:
        assert fit.status is Status.TIMEOUT
        assert fit.message == "timed out after 1e-09 s, before there was an estimate"
    else:
        assert (fit.status, fit.message) == (Status.FAILED, "the likelihood is not finite at any start")


def test_fault_45_judging_leaves_a_timeout_a_timeout():
    cut, whole = fits_of("lbfgs-ml", NOTHING)[0], fits_of("lbfgs-ml:starts=2", None)[0]
    beside, best = judged([cut, whole])
    assert beside.status is Status.TIMEOUT
    assert beside.flags[-1] is Flag.WORSE_OPTIMUM
    assert beside.gap_sd > 0.1
    np.testing.assert_array_equal(beside.own_optimum, whole.estimate)
    assert (best.status, best.gap_deviance) == (whole.status, 0.0)


def test_fault_45_a_point_on_the_way_is_not_its_own_optimum():
    """Alone, nobody knows how far it had to go."""
    alone = judged(fits_of("lbfgs-ml", NOTHING))[0]
    assert (alone.status, alone.own_optimum) == (Status.TIMEOUT, None)
    assert np.isnan([alone.gap_deviance, alone.gap_sd]).all()


def several(fit: Fit) -> np.ndarray:
    assert fit.draws is not None
    return fit.draws.values


@pytest.fixture
def after(monkeypatch):
    """Return a function that lets nutpie's time be up when so many chains have so many draws, the warm-up's too."""

    def set_to(chains: int, draws: int) -> None:
        original = nutpie.sample

        def sample(*given, **named):
            running = original(*given, **named)

            def wait(*, timeout):
                assert timeout is not None
                while sum(batch.num_rows >= draws for batch in running.inspect().get_arrow_trace()[0]) < chains:
                    time.sleep(0.001)
                raise TimeoutError

            running.wait = wait
            return running

        monkeypatch.setattr(nutpie, "sample", sample)

    return set_to


@pytest.mark.parametrize("settings", ["chains=2,draws=60,tune=60", "sampler=pymc,chains=2,draws=30,tune=30"])
def test_fault_45_nuts_in_time_is_nuts_without_a_limit(settings):
    free, limited = fits_of(f"nuts:{settings}", None)[0], fits_of(f"nuts:{settings}", PLENTY)[0]
    assert bits(limited) == bits(free)
    assert several(free).shape[0] == 2


def test_fault_45_nuts_gives_the_draws_that_there_were(after):
    tune, label = 100, "nuts:chains=2,draws=100000,tune=100"
    whole = several(fits_of("nuts:chains=2,draws=50,tune=100", None)[0])
    after(2, tune + 50)
    fit = fits_of(label, PLENTY)[0]
    assert (fit.status, Flag.PARTIAL in fit.flags) == (Status.TIMEOUT, True)
    assert fit.message.startswith("timed out after 1e+09 s; what there was is reported")
    chains, draws, _ = several(fit).shape
    # on a busy machine one chain may be twice as far as the other, and is then kept alone
    assert 1 <= chains <= 2
    assert 50 <= draws < 100_000 - tune
    kept = [np.flatnonzero((whole == chain).all(axis=(1, 2))) for chain in several(fit)[:, :50]]
    assert np.concatenate(kept).tolist() in ([0, 1], [0], [1])
    np.testing.assert_allclose(fit.estimate, several(fit).mean(axis=(0, 1)))
    assert {stat.shape for stat in fit.draws.stats.values()} == {(chains, draws)}
    assert fit.draws.random_effects.shape[:2] == (chains, draws)


def test_fault_45_a_chain_that_was_not_begun_does_not_empty_the_others(after, monkeypatch):
    monkeypatch.setenv("BAYESCOMPARE_CORES", "1")
    after(1, 150)
    fit = fits_of("nuts:chains=3,draws=1000000,tune=100", PLENTY)[0]
    assert fit.status is Status.TIMEOUT
    assert (several(fit).shape[0], several(fit).shape[1] >= 50) == (1, True)


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ([9, 9, 9, 9], ([0, 1, 2, 3], 9)),
        ([9, 8, 9, 7], ([0, 1, 2, 3], 7)),
        ([9, 0, 9, -4], ([0, 2], 9)),
        ([2, 9, 1, 9], ([1, 3], 9)),
        ([0, 1, -3, 0], ([1], 1)),
    ],
)
def test_fault_45_chains_are_evened_so_that_most_draws_are_kept(lengths, kept):
    assert nuts_sample._evened(lengths) == kept


@pytest.mark.parametrize("sampler", ["nutpie", "pymc"])
def test_fault_45_nuts_in_its_warm_up_has_no_estimate(sampler):
    fit = fits_of(f"nuts:chains=2,tune=100000,sampler={sampler}", NOTHING)[0]
    assert fit.status is Status.TIMEOUT
    assert fit.message == "timed out after 1e-09 s, before there was an estimate"
    assert np.isnan(fit.estimate).all()
    assert (fit.draws, set(fit.reason)) == (None, {fit.message})


def test_fault_45_pymc_gives_the_draws_that_there_were(ticking):
    """With a look after each draw, one chain after another: the second chain's first draw is the last."""
    fit = fits_of("nuts:sampler=pymc,chains=2,draws=50,tune=30", 69.5)[0]
    assert (fit.status, Flag.PARTIAL in fit.flags) == (Status.TIMEOUT, True)
    whole = several(fits_of("nuts:sampler=pymc,chains=2,draws=50,tune=30", None)[0])
    np.testing.assert_array_equal(several(fit), whole[:1, : several(fit).shape[1]])
    assert several(fit).shape[:2] == (1, 40)


def test_fault_45_nothing_is_partial_after_the_last_draw(ticking):
    """The clock is looked at after every draw of two chains but the last."""
    label = "nuts:sampler=pymc,chains=2,draws=10,tune=10,target=0.9"
    assert fits_of(label, 39.5)[0].status is not Status.TIMEOUT
    assert fits_of(label, 38.5)[0].status is Status.TIMEOUT


@pytest.mark.parametrize("ends", ["cut", "empty", "never begun"])
def test_fault_45_a_second_run_of_nuts_has_the_time_that_is_left(monkeypatch, ends):
    """One that is cut short is no better than the first, which is whole."""
    runs = []

    def sample(problem, schedule, seed, until):
        if runs:
            assert 0 < until.left() < PLENTY
            until.cut = True
            if ends == "empty":
                raise nuts_sample.NoDrawsError
        runs.append(nuts_sample.sample(problem, replace(schedule, tune=50, draws=60), seed, Deadline()))
        runs[-1].stats["diverging"][0, 0] = True
        if ends == "never begun":
            until.passed = lambda: setattr(until, "cut", True) or True
        return runs[-1]

    monkeypatch.setattr(nuts_fit, "sample", sample)
    fit = fits_of("nuts:chains=2", PLENTY)[0]
    assert len(runs) == (2 if ends == "cut" else 1)
    assert fit.status is Status.TIMEOUT
    assert {Flag.DIVERGENCES, Flag.PARTIAL} <= set(fit.flags)
    assert Flag.RETRIED not in fit.flags
    assert "did not pass the convergence gate: divergences" in fit.message
    np.testing.assert_array_equal(several(fit), nuts_fit.natural_draws(runs[0].unbounded, PROBLEMS[0]))


def test_fault_45_compiling_is_not_the_first_fit_s_time(monkeypatch):
    """Of many fits the first would be the only one that times out."""
    order = []
    monkeypatch.setattr(nuts_fit, "prepare", lambda *_: order.append("compiled"))
    monkeypatch.setattr(nuts_fit, "Deadline", lambda limit: order.append("started") or Deadline(limit))
    fits_of("nuts:chains=1,draws=10,tune=10", PLENTY)
    assert order == ["compiled", "started"]


def test_fault_45_a_partial_posterior_is_compared_and_written(after, tmp_path, capsys):
    after(2, 100)
    told = ["--estimators", "lbfgs-ml,nuts:chains=2,draws=100000,tune=50", "--time-limit", "3600"]
    assert main(["fit", "sleepstudy", SLEEP, *told, "--out", str(tmp_path)]) == 1
    assert "timeout: timed out after 3600 s; what there was is reported" in capsys.readouterr().out
    assert len(list((tmp_path / "draws").glob("*.nc"))) >= 1
    fits = pd.read_parquet(tmp_path / "tables" / "fits.parquet").set_index("estimator")
    assert list(fits["status"]) == ["ok", "timeout"]


STUDY = """
name = "short"
replicates = 3
estimators = ["lbfgs-ml", "lbfgs-ml:starts=1"]
time_limit = {limit}
dispersed_starts = 0
[[scenario]]
name = "a"
formula = "y ~ x + (1 | g)"
groups = 6
rows = 4
covariates = {{ x = "normal(0, 1)" }}
truth = {{ "beta[x]" = 1, "sd_g[Intercept]" = 1, sigma = 1 }}
"""


def test_fault_45_a_study_keeps_its_time_limit(tmp_path, capsys):
    path = tmp_path / "short.toml"
    path.write_text(STUDY.format(limit="1e-9"))
    assert main(["run", str(path), "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    fits = pd.read_parquet(tmp_path / "out" / "tables" / "fits.parquet")
    assert len(fits) == 6
    assert set(fits["status"]) == {"timeout"}
    assert all("partial" in flags for flags in fits["flags"])
    assert fits["objective"].notna().all()
    estimates = pd.read_parquet(tmp_path / "out" / "tables" / "estimates.parquet")
    assert estimates["estimate"].notna().all()


@dataclass(frozen=True, kw_only=True)
class _Short(OneByOne):
    """An estimator without a limit."""

    name: ClassVar[str] = "short"
    engine: ClassVar[str] = "lbfgs"

    def fit_one(self, problem, seed):
        return LbfgsML().fit_one(problem, seed)


@dataclass(frozen=True, kw_only=True)
class _ShortBatch(Engine):
    """An estimator of whole batches without a limit."""

    name: ClassVar[str] = "short-batch"
    engine: ClassVar[str] = "lbfgs"

    def fit(self, problems, seeds, progress=None):
        return LbfgsML().fit(problems, seeds, progress)


@pytest.mark.parametrize("engine", [_Short(), _ShortBatch()])
def test_fault_45_an_engine_that_takes_no_limit_runs_to_its_end(engine):
    fits = fit_batch(PROBLEMS[:1], [engine], 1, "s", [0], limit=NOTHING)[0]
    assert fits[0].status is Status.OK


@pytest.mark.parametrize("limit", [0, -1.0, float("nan"), float("inf")])
def test_fault_45_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(InputError, match="time limit must be a number of seconds greater than 0, not"):
        bc.fit(SLEEP, "sleepstudy", "lbfgs-ml", time_limit=limit)


def test_fault_45_tables_count_a_timeout_as_failed_and_show_what_there_was():
    results = bc.compare(bc.fit(SLEEP, "sleepstudy", "adam-pooled,lbfgs-ml,lbfgs-reml", time_limit=NOTHING))
    fits, estimates = results.tables["fits"], results.tables["estimates"]
    assert set(fits["status"]) == {"timeout"}
    assert results.failed == 3
    assert estimates["estimate"].notna().any()


def test_fault_45_the_command_says_what_timed_out(tmp_path, capsys):
    told = ["--estimators", "lbfgs-ml,adam-pooled", "--time-limit", "1e-9", "--out", str(tmp_path)]
    assert main(["fit", "sleepstudy", SLEEP, *told]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    for label in ("lbfgs-ml", "adam-pooled"):
        assert f"{label}: timeout: timed out after 1e-09 s; what there was is reported" in said.out
    assert "partial (lbfgs-ml, adam-pooled): The run was cut short; what there was is reported." in said.out
    assert set(pd.read_parquet(tmp_path / "tables" / "fits.parquet")["status"]) == {"timeout"}
    assert (tmp_path / "report.html").exists()


def test_fault_45_the_command_ends_well_where_there_was_time(tmp_path, capsys):
    told = ["--estimators", "lbfgs-ml", "--time-limit", "3600", "--out", str(tmp_path)]
    assert main(["fit", "sleepstudy", SLEEP, *told]) == 0
    assert "timed out" not in capsys.readouterr().out


def test_fault_45_the_command_refuses_no_time(tmp_path, capsys):
    told = ["--estimators", "lbfgs-ml", "--time-limit", "0", "--out", str(tmp_path / "out")]
    assert main(["fit", "sleepstudy", SLEEP, *told]) == 2
    assert "greater than 0, not 0" in capsys.readouterr().err
