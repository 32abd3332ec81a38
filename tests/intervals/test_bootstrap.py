"""Parametric bootstrap: its refits, what it says of them, and its law in the one-way model."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats

import bayescompare as bc
from bayescompare.cli import fit_command
from bayescompare.data import read_data
from bayescompare.engines.base import Engine, Progress, failed_fit
from bayescompare.engines.catalog import estimator
from bayescompare.errors import InputError, StudyError
from bayescompare.fits import Draws, Fit, Flag, Status
from bayescompare.intervals import KINDS, REFITS, intervals, with_bases
from bayescompare.intervals.bootstrap import Bootstrap, percentile
from bayescompare.intervals.refits import refits_of
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.likelihood.responses import with_responses
from bayescompare.model import Model
from bayescompare.priors import default_priors
from bayescompare.study.run import run_study
from bayescompare.study.work import identities
from tests.laws.cases import CASES
from tests.reference.test_oneway_exact import CELLS, MEAN, make_problem, simulated
from tests.study import mocks  # noqa: F401
from tests.study.runs import fast

SEED = np.random.SeedSequence(9)
KIND = ["bootstrap", "bootstrap-shortest"]


def sleepstudy() -> Problem:
    return build_problem(Model("reaction ~ 1 + days + (1 + days | subject)"), read_data("sleepstudy"))


def fitted(problem: Problem, engine: Engine) -> Fit:
    return engine.fit([problem], [SEED])[0]


def made(problem: Problem, label: str, refits: int = 60, seed: np.random.SeedSequence = SEED) -> Fit:
    engine = estimator(label)
    return with_bases(fitted(problem, engine), problem, engine, seed, KIND, refits=refits)


@dataclass(frozen=True, kw_only=True)
class Scripted(Engine):
    """Says what it was asked, and fits the mean and the sd of the response; some refits go wrong."""

    name: ClassVar[str] = "scripted"
    engine: ClassVar[str] = "lbfgs"
    uses_priors: ClassVar[bool] = True
    fail: tuple[int, ...] = ()
    flag: tuple[tuple[int, Flag], ...] = ()
    undefined: tuple[int, ...] = ()

    def fit(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[np.random.SeedSequence],
        progress: Progress | None = None,
        limit: float | None = None,
    ) -> list[Fit]:
        ASKED.append((self, list(problems), list(seeds)))
        return [self.one(k, problem) for k, problem in enumerate(problems)]

    def one(self, k: int, problem: Problem) -> Fit:
        layout, several = problem.layout, k in self.undefined
        if k in self.fail:
            return failed_fit(self.label, layout, "scripted")
        estimate = np.array([problem.y.mean(), problem.y.mean(), 1.0, 1.0, np.nan if several else 0.3, problem.y.std()])
        flags = tuple(flag for at, flag in self.flag if at == k)
        return Fit(
            estimator=self.label,
            layout=layout,
            status=Status.FLAGGED if flags else Status.OK,
            flags=flags,
            estimate=estimate,
            se=np.ones(6),
            estimand=("",) * 6,
            reason=("",) * 6,
        )


ASKED: list[tuple[Engine, list[Problem], list[np.random.SeedSequence]]] = []


@pytest.fixture(autouse=True)
def _nothing_asked():
    ASKED.clear()


def scripted(engine: Scripted, refits: int = 60) -> Bootstrap:
    problem = CASES["slopes"].problem()
    fit = replace(Scripted().one(0, problem), flags=())
    basis = percentile(problem, fit, engine, SEED, refits=refits)
    assert basis is not None
    return basis


def test_it_is_made_where_it_is_asked_for():
    assert not any(KINDS[name].usual for name in KIND)
    problem, engine = sleepstudy(), estimator("lbfgs-ml")
    assert "bootstrap" not in with_bases(fitted(problem, engine), problem, engine, SEED).bases
    assert set(made(problem, "lbfgs-ml").bases) == set(KIND)


def test_refits_depend_on_the_seed_alone():
    problem = sleepstudy()
    one, same = (made(problem, "lbfgs-ml").bases["bootstrap"].values for _ in range(2))
    np.testing.assert_array_equal(one, same)
    other = made(problem, "lbfgs-ml", seed=np.random.SeedSequence(10)).bases["bootstrap"].values
    assert not np.any(one == other)


def test_both_kinds_are_of_the_same_refits():
    fit = made(sleepstudy(), "lbfgs-ml")
    both = fit.bases["bootstrap"], fit.bases["bootstrap-shortest"]
    assert both[0].values is both[1].values
    problem, engine = sleepstudy(), estimator("lbfgs-ml")
    alone = with_bases(fitted(problem, engine), problem, engine, SEED, ["bootstrap-shortest"], refits=60)
    np.testing.assert_array_equal(alone.bases["bootstrap-shortest"].bounds(0.8), both[1].bounds(0.8))
    assert set(alone.bases) == {"bootstrap-shortest"}


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_bounds_are_quantiles_or_the_shortest_that_hold_the_level(level):
    fit = made(sleepstudy(), "lbfgs-reml", refits=400)
    values = fit.bases["bootstrap"].values
    known = [column[~np.isnan(column)] for column in values.T]
    tails, shortest = (fit.bases[kind].bounds(level) for kind in KIND)
    expected = [np.quantile(column, [(1 - level) / 2, (1 + level) / 2]) for column in known]
    np.testing.assert_allclose(tails, expected, atol=0.03 * np.std(values[:, 0]))
    for column, (low, high), widest in zip(known, shortest, np.diff(tails).ravel(), strict=True):
        assert np.mean((low <= column) & (column <= high)) == pytest.approx(level, abs=0.01)
        assert high - low <= widest * 1.02


def test_rows_and_pickles():
    fit = made(sleepstudy(), "lbfgs-ml")
    again = pickle.loads(pickle.dumps(fit.bases["bootstrap"]))
    np.testing.assert_array_equal(again.bounds(0.9), fit.bases["bootstrap"].bounds(0.9))
    rows = [row for row in intervals(fit, [0.9, 0.5], KIND) if row.kind == "bootstrap"]
    assert [row.parameter for row in rows] == [*fit.layout.labels] * 2
    for row, (low, high) in zip(rows, fit.bases["bootstrap"].bounds(0.9), strict=False):
        assert (row.lower, row.upper) == (low, high)


@pytest.mark.parametrize("case", ["slopes", "unbalanced", "no grouping factor", "three effects and one"])
@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml"])
def test_a_search_from_the_estimate_ends_where_dispersed_searches_end(case, label):
    """Refits start where the responses come from: the same optima as from everywhere, or one refit in 30 at most."""
    problem, engine = CASES[case].problem(), estimator(label)
    fit = fitted(problem, engine)
    found = refits_of(problem, fit, engine, SEED, 30)
    seen: list[Problem] = []
    refits_of(problem, fit, Recorded(seen=seen), SEED, 30)
    full = engine.fit(seen, [SEED] * 30)
    far = [not np.allclose(a, b.estimate, rtol=2e-3, atol=2e-3, equal_nan=True)
           for a, b in zip(found.values, full, strict=True)]  # fmt: skip
    assert sum(far) <= 1
    same = [b for b, other in zip(full, far, strict=True) if not other]
    np.testing.assert_array_equal(found.singular[np.invert(far)], [Flag.BOUNDARY in fit.flags for fit in same])


@dataclass(frozen=True, kw_only=True)
class Recorded(Engine):
    """Keeps the problems that it is given."""

    name: ClassVar[str] = "recorded"
    engine: ClassVar[str] = "lbfgs"
    seen: list[Problem]

    def fit(self, problems, seeds, progress=None, limit=None):
        self.seen.extend(problems)
        return [failed_fit("recorded", problem.layout, "") for problem in problems]


def test_the_same_estimator_refits_all_in_one_batch_with_seeds_of_their_own():
    engine = Scripted()
    scripted(engine, 50)
    ((asked, problems, seeds),) = ASKED
    assert asked is engine
    assert len(problems) == 50
    assert len({seed.generate_state(1)[0] for seed in seeds}) == 50
    assert len({problem.y[0] for problem in problems}) == 50


def test_rows_columns_and_groups_stay_and_default_priors_follow_the_response():
    """A default prior scales with the data, so it is a part of the estimator; a prior of the model's own stays."""
    problem = CASES["slopes"].problem({"sigma": "HalfNormal(0.3)"})
    percentile(problem, Scripted().one(0, problem), Scripted(), SEED, refits=40)
    ((_, problems, _),) = ASKED
    for one in problems[:3]:
        assert one.x is problem.x
        assert one.groups is problem.groups
        own = default_priors(one.layout, one.y, one.x, one.z)
        assert repr(one.priors.sd) == repr(own.sd) != repr(problem.priors.sd)
        assert repr(one.priors.sigma) == repr(problem.priors.sigma)


def test_responses_have_the_moments_of_the_fit():
    problem, engine = CASES["slopes"].problem(), estimator("lbfgs-ml")
    fit = fitted(problem, engine)
    seen: list[Problem] = []
    refits_of(problem, fit, Recorded(seen=seen), SEED, 4000)
    y = np.array([one.y for one in seen])
    layout, theta = problem.layout, fit.estimate
    sd, rho = theta[layout.sd], theta[layout.cor][0]
    s = np.array([[sd[0] ** 2, rho * sd[0] * sd[1]], [rho * sd[0] * sd[1], sd[1] ** 2]])
    same = problem.groups[:, None] == problem.groups
    v = same * (problem.z @ s @ problem.z.T) + theta[layout.sigma] ** 2 * np.eye(len(problem.y))
    z = (y.mean(axis=0) - problem.x @ theta[layout.beta]) / np.sqrt(np.diag(v) / 4000)
    assert np.abs(z).max() < 4.5
    error = np.sqrt((np.outer(np.diag(v), np.diag(v)) + v**2) / 4000)
    assert np.abs((np.cov(y.T) - v) / error).max() < 5


def test_failed_and_singular_refits_are_counted_and_told():
    engine = Scripted(fail=(3, 7), flag=((5, Flag.DIVERGED), (6, Flag.BOUNDARY), (8, Flag.BOUNDARY)))
    found = scripted(engine)
    assert (found.n, found.n_failed, found.n_singular) == (60, 3, 2)
    assert found.values.shape == (57, 6)
    assert set(found.reason) == {"3 of 60 refits failed; 2 of 60 refits are at a boundary"}
    assert np.isfinite(found.bounds(0.95)).all()
    assert set(scripted(Scripted()).reason) == {""}


@pytest.mark.parametrize(("failed", "given"), [(30, True), (31, False)])
def test_where_more_than_half_of_the_refits_fail_there_is_no_interval(failed, given):
    found = scripted(Scripted(fail=tuple(range(failed))))
    assert np.isfinite(found.bounds(0.95)).all() == given
    assert np.isnan(found.bounds(0.95)).all() != given
    assert set(found.reason) == {f"{failed} of 60 refits failed"}


def test_an_interval_of_what_is_not_always_defined_is_of_the_refits_that_have_it():
    found = scripted(Scripted(undefined=tuple(range(20)), fail=(50,)))
    assert found.reason[4] == "1 of 60 refits failed; 39 of 60 refits have a number"
    assert found.reason[0] == "1 of 60 refits failed"
    np.testing.assert_array_equal(found.bounds(0.9)[4], [0.3, 0.3])
    never = scripted(Scripted(undefined=tuple(range(60))))
    assert np.isnan(never.bounds(0.9)[4]).all()
    assert never.reason[4] == "0 of 60 refits have a number"


def test_what_the_fit_does_not_estimate_has_no_interval_and_its_own_reason():
    problem = CASES["slopes"].problem()
    fit = Scripted().one(0, problem)
    estimate, reason = fit.estimate.copy(), ("", "", "", "", "not estimated", "")
    estimate[4] = np.nan
    found = percentile(problem, replace(fit, estimate=estimate, reason=reason), Scripted(), SEED, refits=40)
    assert np.isnan(found.bounds(0.9)[4]).all()
    assert found.reason == reason


def test_an_estimate_that_is_not_at_an_optimum_is_named():
    problem = CASES["slopes"].problem()
    fit = replace(Scripted().one(0, problem), flags=(Flag.PREMATURE,))
    found = percentile(problem, fit, Scripted(), SEED, refits=40)
    assert set(found.reason) == {"simulated from an estimate that is not at an optimum"}


@pytest.mark.parametrize("sigma", [np.nan, 0.0])
def test_without_a_residual_sd_nothing_is_simulated(sigma):
    problem = CASES["slopes"].problem()
    fit = Scripted().one(0, problem)
    found = percentile(problem, replace(fit, estimate=np.append(fit.estimate[:-1], sigma)), Scripted(), SEED)
    assert set(found.reason) == {"no residual sd to simulate from"}
    assert np.isnan(found.bounds(0.9)).all()
    assert found.bounds(0.9).shape == (6, 2)
    assert not ASKED


def test_a_fit_that_diverged_is_not_simulated_from():
    problem = CASES["slopes"].problem()
    fit = replace(Scripted().one(0, problem), flags=(Flag.DIVERGED,))
    assert "diverged" in percentile(problem, fit, Scripted(), SEED).reason[0]
    assert not ASKED


def test_fits_of_a_distribution_have_none():
    problem = CASES["slopes"].problem()
    fit = Scripted().one(0, problem)
    drawn = replace(fit, draws=Draws(values=np.zeros((1, 4, 6))))
    engine = Scripted()
    for one in (drawn, replace(fit, variational=np.zeros((4, 6)))):
        assert with_bases(one, problem, engine, SEED, KIND).bases == {}


def test_a_map_estimate_and_a_plain_search_are_refitted_by_themselves():
    problem = CASES["intercept"].problem()
    for label in ("lbfgs-map", "lbfgs-ml:coordinates=log-sd,starts=1"):
        found = made(problem, label, refits=40).bases["bootstrap"]
        assert (found.n, found.n_failed) == (40, 0)
        assert np.isfinite(found.bounds(0.9)).all()


@pytest.mark.parametrize("label", ["adam-pooled:batch=16,epochs=3", "adam-marginal:steps=20"])
def test_adam_is_refitted_by_itself_from_where_it_stopped(label):
    """Stopped early, its refits are as far from their optima as it was: the interval is of that estimator."""
    problem = CASES["intercept, predictor"].problem()
    fit = made(problem, label, refits=40)
    found = fit.bases["bootstrap"]
    assert Flag.PREMATURE in fit.flags
    assert (found.n, found.n_failed) == (40, 0)
    low, high = found.bounds(0.95)[1]
    assert low < high
    assert "not at an optimum" in found.reason[0]
    pooled = label.startswith("adam-pooled")
    assert np.isnan(found.bounds(0.95)[problem.layout.sd]).all() == pooled
    rows = {row.parameter: row for row in intervals(fit, kinds=KIND) if row.kind == "bootstrap"}
    assert ("ignored" in rows["sd_g[Intercept]"].reason) == pooled


def test_progress_is_told():
    said: list[tuple[str, int, int]] = []
    bc.fit("y ~ 1 + (1 | g)", CASES["intercept"].frame(), "lbfgs-ml", intervals=["bootstrap"], refits=100,
           announce=lambda *what: said.append(what))  # fmt: skip
    assert ("lbfgs-ml: bootstrap", 50, 100) in said


def test_the_number_of_refits_is_an_argument_an_option_and_a_key():
    fits = bc.fit("y ~ 1 + (1 | g)", CASES["intercept"].frame(), "lbfgs-ml", intervals=["bootstrap"], refits=50)
    assert fits["lbfgs-ml"].bases["bootstrap"].n == 50
    defaults = fit_command.fit.__defaults__
    assert REFITS in defaults
    assert fast().refits == REFITS
    with pytest.raises(InputError, match=r"at least 40 refits, better 1,000, not 3\."):
        bc.fit("y ~ 1 + (1 | g)", CASES["intercept"].frame(), "lbfgs-ml", refits=3)
    with pytest.raises(StudyError, match="refits: must be a whole number of at least 40, not 3"):
        fast(refits=3)


def test_a_study_s_parts_depend_on_the_refits_where_it_has_a_bootstrap():
    with_bootstrap = [identities(fast(refits=n, intervals=["bootstrap"])) for n in (100, 200)]
    assert all(with_bootstrap[0][cell] != with_bootstrap[1][cell] for cell in with_bootstrap[0])
    assert identities(fast(refits=100)) == identities(fast(refits=200))


def test_blocks_of_a_study_are_of_no_account_to_its_bootstrap():
    asked = {"intervals": ["bootstrap"], "refits": 40, "replicates": 3, "estimators": ["lbfgs-ml"]}
    found = [run_study(fast(block=block, **asked)).tables["intervals"] for block in (1, 3)]
    keys = ["scenario", "replicate", "parameter"]
    one, other = (table[table["kind"] == "bootstrap"].sort_values(keys, ignore_index=True) for table in found)
    assert len(one) == 2 * 3 * 4
    np.testing.assert_array_equal(one[["lower", "upper"]], other[["lower", "upper"]])


def one_way_law(theta: np.ndarray, groups: int, rows: int, lost: int, draws: int) -> np.ndarray:
    """Return the group sd that (RE)ML finds in data from ``theta``, by the law of the mean squares."""
    rng, n = np.random.default_rng(1), groups * rows
    between = (theta[2] ** 2 + rows * theta[1] ** 2) * rng.chisquare(groups - 1, draws)
    within = theta[2] ** 2 * rng.chisquare(n - groups, draws)
    return np.sqrt(np.maximum(between / (groups - lost) - within / (n - groups), 0) / rows)


@pytest.mark.parametrize(("label", "lost"), [("lbfgs-ml", 0), ("lbfgs-reml", 1)])
def test_refits_follow_the_exact_law_of_the_one_way_model(label, lost):
    """Of the mean: normal with the Wald variance. Of the group sd: that of the mean squares, with its zeros."""
    problem = make_problem(simulated(CELLS[1], 3)[2])
    fit = made(problem, label, refits=1000)
    values = fit.bases["bootstrap"].values
    scale = np.sqrt((fit.estimate[1] ** 2 + fit.estimate[2] ** 2 / 5) / 10)
    assert stats.kstest(values[:, 0], stats.norm(fit.estimate[0], scale).cdf).pvalue > 1e-3
    exact = one_way_law(fit.estimate, 10, 5, lost, 200_000)
    assert stats.ks_2samp(values[:, 1], exact).pvalue > 1e-3
    p = np.mean(exact == 0)
    assert abs(np.mean(values[:, 1] == 0) - p) < 3.5 * np.sqrt(p * (1 - p) / 1000)
    assert fit.bases["bootstrap"].n_singular == np.sum(values[:, 1] == 0)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ML", "REML"])
def test_coverage_of_the_mean_is_that_of_wald(method):
    """Percentiles of the mean are those of a normal with the Wald variance, so that they cover as ``wald`` does."""
    cell, covered, replicates = CELLS[3], 0, 400
    for y in simulated(cell, replicates, seed=5):
        low, high = made(make_problem(y), f"lbfgs-{method.lower()}", refits=400).bases["bootstrap"].bounds(0.95)[0]
        covered += low <= MEAN <= high
    p = cell[method]["coverage_wald_z_mean"]
    assert abs(covered / replicates - p) < 3.5 * np.sqrt(p * (1 - p) / replicates) + 0.005


def test_a_response_of_another_length_is_refused():
    problem = CASES["intercept"].problem()
    with pytest.raises(ValueError, match=r"operands|mismatch|shape"):
        list(with_responses(problem, np.zeros((2, 5))))
