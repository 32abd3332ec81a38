"""Adam's own intervals: Wald at its optimum, `averaged` around its last iterates, and neither elsewhere."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit, Flag, Path
from bayescompare.intervals import KINDS, intervals, with_bases
from bayescompare.intervals.averaged import averaged, batch_means_error
from bayescompare.intervals.wald import Wald
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.wald import curvature
from tests.laws.cases import CASES
from tests.reference.test_oneway_exact import CELLS, MEAN, make_problem, simulated

SEED = np.random.SeedSequence(5)
MARGINAL = estimator("adam-marginal:steps=400")
POOLED = estimator("adam-pooled:epochs=400,scale=standardised")


def optimum(problem: Problem, engine: Engine) -> Fit:
    """Return a fit, which this engine brings to its optimum."""
    return engine.fit([problem], [SEED])[0]


def with_path(fit: Fit, noise: np.ndarray) -> Fit:
    """Return a fit whose path is its own optimum plus noise ``(T, k)``, after a first half far away."""
    assert fit.own_optimum is not None
    values = np.concatenate([fit.own_optimum + 5 * np.ones_like(noise[:-1]), fit.own_optimum + noise])
    path = Path(steps=np.arange(len(values)), values=values, loss=np.zeros(len(values)))
    return replace(fit, path=path)


def made(problem: Problem, fit: Fit, engine: Engine) -> Wald:
    basis = averaged(problem, fit, engine, SEED)
    assert basis is not None
    return basis


@pytest.fixture(scope="module")
def marginal() -> tuple[Problem, Fit]:
    problem = CASES["slopes"].problem()
    return problem, optimum(problem, MARGINAL)


@pytest.fixture(scope="module")
def pooled() -> tuple[Problem, Fit]:
    problem = CASES["slopes"].problem()
    return problem, optimum(problem, POOLED)


def test_a_path_at_rest_has_the_wald_interval_of_its_optimum(marginal):
    problem, fit = marginal
    still = made(problem, with_path(fit, np.zeros((100, 6))), MARGINAL)
    np.testing.assert_allclose(still.fit.estimate, fit.own_optimum, rtol=1e-10)
    np.testing.assert_allclose(still.fit.se, curvature(problem, fit.own_optimum, reml=False).se, rtol=1e-6)
    assert set(still.reason) == {""}


def test_noise_of_the_iterates_widens_it_by_the_error_of_their_mean(marginal):
    problem, fit = marginal
    draws = np.random.default_rng(1).normal(size=(196, 6))
    draws -= draws.mean(axis=0)
    noise = draws * 0.5 * fit.se * np.array([1, 1, 0, 0, 0, 0])
    found = made(problem, with_path(fit, noise), MARGINAL)
    batches = noise.reshape(14, 14, 6).mean(axis=1)
    error = batches.std(axis=0, ddof=1) / np.sqrt(14)
    at = curvature(problem, found.fit.estimate, reml=False).se
    np.testing.assert_allclose(found.fit.se, np.sqrt(at**2 + error**2), rtol=1e-6)
    assert found.fit.se[0] > at[0]


def test_the_error_of_a_mean_of_correlated_draws():
    """AR(1) with 0.8: variance of the mean (1 + rho) / (1 - rho) / T; batches see most of it."""
    rng, rho, length = np.random.default_rng(0), 0.8, 10_000
    z = rng.normal(size=(length, 40)) * np.sqrt(1 - rho**2)
    for t in range(1, length):
        z[t] += rho * z[t - 1]
    exact = np.sqrt((1 + rho) / (1 - rho) / length)
    found = np.sqrt(np.mean(batch_means_error(z) ** 2))
    assert found == pytest.approx(exact, rel=0.1)
    assert batch_means_error(np.ones((50, 2))).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("away", [0.05, 0.15])
def test_it_is_there_only_beside_the_own_optimum(marginal, away):
    problem, fit = marginal
    shift = np.zeros((100, 6))
    shift[:, 1] = away * fit.se[1]
    found = made(problem, with_path(fit, shift), MARGINAL)
    assert np.isfinite(found.bounds(0.9)).all() == (away < MARGINAL.premature)
    assert set(found.reason) == {"" if away < MARGINAL.premature else "not at an optimum"}


def test_the_margin_is_that_of_the_estimator(marginal):
    problem, fit = marginal
    shift = np.zeros((100, 6))
    shift[:, 1] = 0.15 * fit.se[1]
    generous = replace(MARGINAL, premature=0.2)
    assert np.isfinite(made(problem, with_path(fit, shift), generous).bounds(0.9)).all()


def test_a_path_that_was_lost_has_none(marginal):
    problem, fit = marginal
    lost = np.zeros((100, 6))
    lost[50] = np.nan
    assert set(made(problem, with_path(fit, lost), MARGINAL).reason) == {"not at an optimum"}
    assert set(made(problem, with_path(fit, np.zeros((10, 6))), MARGINAL).reason) == {
        "the path is too short to average"
    }
    unknown = replace(with_path(fit, np.zeros((100, 6))), own_optimum=None)
    assert set(made(problem, unknown, MARGINAL).reason) == {"no optimum of the objective is known"}


def test_at_a_boundary_the_sd_has_none_and_the_fixed_effects_keep_theirs():
    rng = np.random.default_rng(8)
    y = rng.normal(size=(7, 4))
    problem = make_problem(y - y.mean(axis=1, keepdims=True) + 0.01 * rng.normal(size=(7, 1)))
    fit = optimum(problem, MARGINAL)
    assert fit.own_optimum[1] == 0
    noise = np.zeros((100, 3))
    noise[:, 1] = 1e-4
    found = made(problem, with_path(fit, noise), MARGINAL)
    bounds = found.bounds(0.9)
    assert np.isfinite(bounds[[0, 2]]).all()
    assert np.isnan(bounds[1]).all()
    assert found.reason == ("", "the optimum is at its boundary: no Wald standard error", "")
    noise[:, 1] = 0.3
    assert set(made(problem, with_path(fit, noise), MARGINAL).reason) == {"not at an optimum"}


def test_of_a_posterior_mode_the_curvature_is_that_of_the_posterior():
    problem = CASES["intercept"].problem({"sd_g": "HalfNormal(0.5)"})
    engine = estimator("adam-marginal:map,steps=400")
    fit = optimum(problem, engine)
    found = made(problem, with_path(fit, np.zeros((64, 3))), engine)
    np.testing.assert_allclose(found.fit.se, fit.se, rtol=2e-2)
    assert np.abs(found.fit.se[1] / curvature(problem, fit.own_optimum, reml=False).se[1] - 1) > 0.02


def test_pooled_noise_and_nominal_errors(pooled):
    problem, fit = pooled
    layout, (n, p) = problem.layout, problem.x.shape
    noise = np.zeros((100, 6))
    noise[:, 0] = 0.05 * np.random.default_rng(2).normal(size=100)
    found = made(problem, with_path(fit, noise), POOLED)
    beta = found.fit.estimate[layout.beta]
    rss = np.sum((problem.y - problem.x @ beta) ** 2)
    assert found.fit.estimate[layout.sigma] ** 2 == pytest.approx(rss / (n - p), rel=1e-12)
    nominal = np.sqrt(rss / (n - p) * np.diag(np.linalg.inv(problem.x.T @ problem.x)))
    expected = np.hypot(nominal, batch_means_error(noise)[layout.beta])
    np.testing.assert_allclose(found.fit.se[layout.beta], expected, rtol=1e-8)
    assert found.fit.se[layout.sigma] == pytest.approx(np.sqrt(rss / (n - p)) / np.sqrt(2 * (n - p)), rel=1e-8)
    fit = replace(fit, bases={"averaged": found})
    rows = [row for row in intervals(fit, kinds=["averaged"]) if row.kind == "averaged"]
    assert [row.parameter for row in rows] == ["beta[Intercept]", "beta[x]", "sigma"]


@pytest.mark.parametrize("label", ["adam-pooled", "adam-pooled:epochs=2", "adam-pooled:epochs=400,scale=standardised"])
def test_sigma_of_a_squared_error_is_by_its_degrees_of_freedom(label):
    problem = CASES["intercept, predictor"].problem()
    fit, (n, p) = estimator(label).fit([problem], [SEED])[0], problem.x.shape
    rss = np.sum((problem.y - problem.x @ fit.estimate[problem.layout.beta]) ** 2)
    assert fit.estimate[-1] ** 2 == pytest.approx(rss / (n - p), rel=1e-6)


def test_wald_is_of_the_hessian_where_the_run_has_arrived_and_of_nothing_elsewhere(marginal):
    problem, there = marginal
    away = optimum(problem, estimator("adam-marginal:steps=30"))
    assert there.gap_sd < 0.1 < away.gap_sd
    np.testing.assert_allclose(there.se, curvature(problem, there.estimate, reml=False).se, rtol=1e-8)
    rows = intervals(away)
    assert {row.reason for row in rows} == {"not at an optimum"}
    assert np.isnan([row.lower for row in rows]).all()


def test_it_is_made_where_it_is_asked_for_and_travels(marginal):
    problem, fit = marginal
    assert not KINDS["averaged"].usual
    assert "averaged" not in with_bases(fit, problem, MARGINAL, SEED).bases
    basis = with_bases(fit, problem, MARGINAL, SEED, ["averaged"]).bases["averaged"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(basis)).bounds(0.9), basis.bounds(0.9))
    assert basis.fit.path is None


@pytest.mark.parametrize("label", ["lbfgs-ml", "adam-embedding:epochs=3"])
def test_others_have_none(label):
    problem, engine = CASES["slopes"].problem(), estimator(label)
    fit = engine.fit([problem], [SEED])[0]
    assert averaged(problem, fit, engine, SEED) is None


def test_an_average_may_be_at_the_optimum_where_the_last_iterate_is_not():
    """Minibatches at a constant rate: of 60 fits more have an averaged interval than a Wald one, and it covers."""
    problems = [make_problem(y) for y in simulated(CELLS[3], 60, seed=6)]
    engine = estimator("adam-marginal:batch=2,epochs=400,lr=0.03")
    fits = engine.fit(problems, [np.random.SeedSequence(k) for k in range(60)])
    found = [made(problem, fit, engine) for problem, fit in zip(problems, fits, strict=True)]
    there = np.array([np.isfinite(one.bounds(0.95)[0, 0]) for one in found])
    assert there.mean() > 0.9 > np.mean([np.isfinite(fit.se[0]) for fit in fits])
    assert any(Flag.PREMATURE in fit.flags for fit in fits)
    covered = [low <= MEAN <= high for low, high in (one.bounds(0.95)[0] for one in found)]
    p = CELLS[3]["ML"]["coverage_wald_z_mean"]
    assert abs(np.mean(np.array(covered)[there]) - p) < 3.5 * np.sqrt(p * (1 - p) / there.sum())
