"""Level weights with a Gaussian penalty: Henderson's equations, and a joint density without a maximum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from bayescompare.engines.adam.joint import joint_deviance, resting
from bayescompare.engines.adam.levels import LevelRows
from bayescompare.engines.adam.penalised import AdamPenalised
from bayescompare.engines.catalog import estimator
from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.errors import EstimatorError
from bayescompare.fits import Flag, Status
from bayescompare.likelihood.dense import covariance
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem
from bayescompare.model import Model
from tests.engines.level_cases import (
    assert_gradient,
    indicators,
    loss_and_gradient,
    problem_of,
    seeds,
    simulated,
)

GIVEN = {"variances": "given", "sds": "1.5;0.4", "cors": "0.3", "sigma": 0.8}


def mixed_model_equations(problem: Problem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve Henderson's equations as they are written, for fixed effects and effects ``(J, q)``."""
    layout = problem.layout
    s = covariance(theta[layout.sd], theta[layout.cor], layout)
    design = np.hstack([problem.x, indicators(problem)])
    left = design.T @ design / theta[-1] ** 2
    left[layout.p :, layout.p :] += np.kron(np.eye(len(layout.levels)), np.linalg.inv(s))
    solution = np.linalg.solve(left, design.T @ problem.y / theta[-1] ** 2)
    return solution[: layout.p], solution[layout.p :].reshape(-1, layout.q)


def as_rows(problem: Problem) -> LevelRows:
    """Return all rows of a problem with their levels."""
    return LevelRows.of(problem, problem, len(problem.y))


@pytest.mark.parametrize("settings", [{}, GIVEN, {"variances": "learned"}])
@pytest.mark.parametrize("batched", [False, True])
def test_the_gradient_is_that_of_differences(settings, batched):
    batch = np.array([[3, 0, 7, 7, -1], [60, 61, 2, 1, 5]]) if batched else None
    assert_gradient(AdamPenalised(**settings), [simulated(1), simulated(2, rows=90)], batch)


@pytest.mark.parametrize("scale", ["raw", "standardised"])
@pytest.mark.parametrize("settings", [GIVEN, {"variances": "learned"}])
def test_a_minibatch_estimates_the_gradient_without_bias(settings, scale):
    """The mean over the minibatches of an epoch is the gradient on all rows, penalty and all."""
    problem, rng = simulated(3, rows=75), np.random.default_rng(0)
    engine = AdamPenalised(**settings, scale=scale, batch=25)
    member = engine.member(problem)
    data = engine.data([member.train], [member.unit])
    x = engine.start(member, rng)[None] + 0.3 * rng.normal(size=(1, len(engine.start(member, rng))))
    loss, gradient = loss_and_gradient(engine.objective(member), x, data, None)
    parts = [loss_and_gradient(engine.objective(member), x, data, rows[None]) for rows in engine.epoch(member, rng)()]
    assert len(parts) == 3
    np.testing.assert_allclose(np.mean([part[0] for part in parts], axis=0), loss, rtol=1e-12)
    np.testing.assert_allclose(np.mean([part[1] for part in parts], axis=0), gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", ["raw", "standardised"])
def test_the_joint_loss_is_the_joint_density(scale):
    problem, rng = simulated(4), np.random.default_rng(1)
    engine = AdamPenalised(variances="learned", scale=scale)
    member, layout = engine.member(problem), problem.layout
    x = engine.start(member, rng)[None] + 0.3 * rng.normal(size=(1, 2 + 24 + 4))
    data = engine.data([member.train], [member.unit])
    theta, effects = engine._natural(member, x)[0], engine.coefficients(member, x)[1][0]
    s = covariance(theta[layout.sd], theta[layout.cor], layout)
    mean = problem.x @ theta[layout.beta] + np.sum(problem.z * effects[problem.groups], axis=1)
    expected = -2 * (norm.logpdf(problem.y, mean, theta[-1]).sum() + multivariate_normal.logpdf(effects, None, s).sum())
    assert loss_and_gradient(engine.objective(member), x, data, None)[0][0] == pytest.approx(expected, rel=1e-10)
    assert joint_deviance(as_rows(problem), theta, effects) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("settings", [{}, GIVEN])
def test_the_optimum_solves_the_mixed_model_equations(settings):
    problem = simulated(5, noise=1.3)
    layout, engine = problem.layout, AdamPenalised(**settings)
    fit = engine.fit([problem], seeds(1))[0]
    theta = LbfgsML().fit([problem], seeds(1))[0].estimate if not settings else engine._given(layout)
    beta, effects = mixed_model_equations(problem, theta)
    np.testing.assert_allclose(fit.own_optimum[layout.beta], beta, rtol=1e-9)
    np.testing.assert_allclose(fit.estimate[layout.beta], beta, rtol=1e-5)
    np.testing.assert_allclose(fit.random_effects.mode, effects, atol=1e-4)
    s = covariance(theta[layout.sd], theta[layout.cor], layout)
    design = indicators(problem)
    v = design @ np.kron(np.eye(12), s) @ design.T + theta[-1] ** 2 * np.eye(75)
    np.testing.assert_allclose(
        fit.se[layout.beta] ** 2, np.diag(np.linalg.inv(problem.x.T @ np.linalg.solve(v, problem.x)))
    )
    error = problem.y - problem.x @ beta - design @ effects.ravel()
    least = error @ error / theta[-1] ** 2 + np.einsum("ja,ab,jb->", effects, np.linalg.inv(s), effects)
    assert fit.objective == pytest.approx(least, rel=1e-8)
    assert fit.gap_deviance < 1e-6
    assert fit.gap_sd < 1e-4
    assert fit.status is Status.OK
    assert np.isnan(fit.estimate[layout.p :]).all()
    source = "given" if settings else "ML"
    assert fit.estimand == (f"GLS at the {source} variances",) * 2 + ("",) * 4
    assert fit.reason[-1] == f"fixed at the {source} value: not estimated"
    assert list(fit.info["fixed_variances"].values()) == list(theta[2:])


def test_at_the_ml_variances_it_is_maximum_likelihood_with_its_conditional_modes():
    problem = simulated(6)
    ml, fit = LbfgsML().fit([problem], seeds(1))[0], AdamPenalised().fit([problem], seeds(1))[0]
    np.testing.assert_allclose(fit.own_optimum[:2], ml.estimate[:2], rtol=1e-6)
    np.testing.assert_allclose(fit.se[:2], ml.se[:2], rtol=1e-6)
    modes = conditional_effects(problem, ml.estimate)
    np.testing.assert_allclose(fit.random_effects.mode, modes.mode, atol=1e-4)
    np.testing.assert_allclose(fit.random_effects.sd, modes.sd, rtol=1e-6)


def test_a_gap_is_the_difference_of_the_losses():
    problem = simulated(7)
    short, long = (AdamPenalised(**GIVEN, steps=steps).fit([problem], seeds(1))[0] for steps in (100, None))
    assert short.gap_deviance == pytest.approx(short.objective - long.objective, rel=1e-6)
    assert Flag.PREMATURE in AdamPenalised(**GIVEN, steps=5).fit([problem], seeds(1))[0].flags
    assert short.grad_norm > long.grad_norm


@pytest.mark.parametrize(
    ("sds", "cors"), [("1.5;0", "0"), ("0;0", "0"), ("1;0.5", "1"), ("1;1e-9", "0.5"), ("2;0.5", "-1")]
)
def test_singular_variances_leave_the_effects_where_they_reach(sds, cors):
    problem = simulated(8)
    engine = AdamPenalised(variances="given", sds=sds, cors=cors, sigma=1.0)
    fit = engine.fit([problem], seeds(1))[0]
    theta = engine._given(problem.layout)
    theta[:2] = fit.own_optimum[:2]
    modes = conditional_effects(problem, theta).mode
    np.testing.assert_allclose(fit.random_effects.mode, modes, atol=1e-4)
    assert fit.gap_deviance < 1e-6
    assert fit.status is Status.OK


def test_ml_variances_at_the_boundary_are_no_obstacle():
    fits = AdamPenalised().fit([simulated(seed, levels=6, rows=30, sd=(0.1, 0.05)) for seed in range(12)], seeds(12))
    at_boundary = [fit for fit in fits if {0.0, 1.0, -1.0} & set(fit.info["fixed_variances"].values())]
    assert len(at_boundary) > 3
    assert {fit.status for fit in fits} == {Status.OK}
    assert max(fit.gap_sd for fit in fits) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"variances": "learned"}])
def test_a_replicate_does_not_depend_on_its_neighbours(settings):
    problems = [simulated(r, rows=rows, noise=0.6) for r, rows in enumerate((60, 75, 110, 75))]
    early = {"patience": 2, "restore_best": True, "validation_split": 0.2, "epochs": 60, "batch": 16, "lr": 0.03}
    for more in ({"epochs": 200}, early):
        engine = AdamPenalised(**settings, **more)
        together = engine.fit(problems, seeds(4))
        for r, problem in enumerate(problems):
            alone = engine.fit([problem], seeds(4)[r : r + 1])[0]
            np.testing.assert_allclose(together[r].estimate, alone.estimate, rtol=1e-9)
            modes = [fit.random_effects.mode for fit in (together[r], alone)]
            np.testing.assert_allclose(*modes, rtol=1e-8, atol=1e-12)
            assert (together[r].flags, together[r].evaluations) == (alone.flags, alone.evaluations)
    assert len({fit.evaluations for fit in together}) > 1


def test_levels_that_only_held_out_rows_have_are_predicted_by_zero():
    g = np.repeat(np.arange(10), 6)
    rng = np.random.default_rng(4)
    columns = np.column_stack([np.ones(60), rng.normal(size=60)])
    problem = problem_of(rng.normal(size=10)[g] + rng.normal(size=60), columns, columns[:, :1], g)
    given = {"variances": "given", "sds": "0.9", "sigma": 1.0}
    fit = AdamPenalised(**given, validation_split=0.2, patience=3000).fit([problem], seeds(1))[0]
    np.testing.assert_allclose(fit.random_effects.mode[8:], 0, atol=1e-6)
    np.testing.assert_allclose(fit.random_effects.sd[8:], 0.9)
    train = problem_of(problem.y[:48], columns[:48], columns[:48, :1], g[:48])
    beta, effects = mixed_model_equations(train, np.array([0, 0, 0.9, 1.0]))
    np.testing.assert_allclose(fit.own_optimum[:2], beta, rtol=1e-9)
    np.testing.assert_allclose(fit.random_effects.mode[:8], effects, atol=1e-4)


def one_way(spread: float, rows: int, levels: int = 20) -> LevelRows:
    """Return balanced levels whose ML variance is so many times ``sigma^2 / n``, ``sigma`` one."""
    rng = np.random.default_rng(0)
    g, one = np.repeat(np.arange(levels), rows), np.ones((levels * rows, 1))
    means, noise = rng.normal(size=levels), rng.normal(size=(levels, rows))
    means, noise = means - means.mean(), noise - noise.mean(axis=1, keepdims=True)
    noise *= np.sqrt(levels * (rows - 1) / np.sum(noise**2))
    means *= np.sqrt((spread + 1) / rows / np.mean(means**2))
    return as_rows(problem_of(means[g] + noise.ravel(), one, one, g))


@pytest.mark.parametrize("rows", [2, 5, 10, 40])
def test_a_local_mode_exists_above_three_sigma_squared_over_n(rows):
    """Exactly, with sigma at its joint mode too: ML variance above (3 - 4 / n^2) sigma^2 / n."""
    edge = 3 - 4 / rows**2
    for spread, exists in ((1.005 * edge, True), (0.995 * edge, False), (5 * edge, True), (0.5, False)):
        problem = one_way(spread, rows)
        ml = LbfgsML().fit([problem], seeds(1))[0].estimate
        assert ml[1] ** 2 * rows / ml[2] ** 2 == pytest.approx(spread, rel=1e-5)
        found = resting(problem, ml).theta
        assert (found is not None) == exists
        if found is None:
            continue
        _, tau, sigma = found
        s = np.sqrt(np.mean([problem.y[problem.groups == j].mean() ** 2 for j in range(20)]))
        assert tau == pytest.approx((s + np.sqrt(s**2 - 4 * sigma**2 / rows)) / 2, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_local_mode_is_a_minimum_of_the_joint_deviance(seed):
    problem = as_rows(simulated(seed, levels=20, rows=200, sd=(2.0, 1.0)))
    mode = resting(problem, LbfgsML().fit([problem], seeds(1))[0].estimate).theta
    effects = conditional_effects(problem, mode).mode
    least, rng = joint_deviance(problem, mode, effects), np.random.default_rng(seed)
    for _ in range(200):
        size = 10.0 ** rng.uniform(-4, -1.5)
        near = mode + size * rng.normal(size=6) * np.where(np.arange(6) == 4, 0.2, 1.0)
        assert joint_deviance(problem, near, effects + size * rng.normal(size=effects.shape)) > least
    gone = mode.copy()
    gone[2:4] = 1e-40
    assert joint_deviance(problem, gone, np.zeros_like(effects)) < least - 1000


def planted(seed: int, sd: float) -> Problem:
    """Return 50 groups of 10 rows with random intercepts."""
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(50), 10), rng.normal(size=500)
    columns = np.column_stack([np.ones(500), x])
    return problem_of(2 * x + sd * rng.normal(size=50)[g] + rng.normal(size=500), columns, columns[:, :1], g)


def test_learned_variances_with_a_small_sd_are_degenerate():
    fits = estimator("adam-penalised:variances=learned").fit([planted(seed, 0.4) for seed in range(12)], seeds(12))
    fallen = [fit for fit in fits if Flag.DEGENERATE in fit.flags]
    assert len(fallen) >= 11
    for fit in fallen:
        assert fit.status is Status.FLAGGED
        assert Flag.LOCAL_MODE not in fit.flags
        assert np.isnan([fit.gap_deviance, fit.gap_sd]).all()
        assert np.isnan(fit.se).all()
        assert fit.own_optimum is None
        assert fit.estimate[2] < 0.25
        assert fit.message.startswith("The joint density has")


def test_learned_variances_with_a_large_sd_rest_in_a_local_mode():
    problems = [planted(seed, 1.0) for seed in range(12)]
    fits = estimator("adam-penalised:variances=learned").fit(problems, seeds(12))
    assert sum(Flag.LOCAL_MODE in fit.flags for fit in fits) == 12
    for fit, problem in zip(fits, problems, strict=True):
        assert fit.status is Status.FLAGGED
        assert not {Flag.DEGENERATE, Flag.NOT_STATIONARY, Flag.PREMATURE} & set(fit.flags)
        assert np.isnan([fit.gap_deviance, fit.gap_sd]).all()
        np.testing.assert_allclose(fit.estimate, fit.own_optimum, rtol=1e-3, atol=1e-3)
        assert fit.estimand == ("joint mode (no maximum exists)",) * 4
        ml = LbfgsML().fit([problem], seeds(1))[0].estimate
        assert fit.own_optimum[2] < ml[2]
        assert fit.own_optimum[3] < ml[3]


def test_a_run_cut_before_it_rests_says_so():
    fit = estimator("adam-penalised:variances=learned,steps=30").fit([planted(0, 1.0)], seeds(1))[0]
    assert {Flag.LOCAL_MODE, Flag.NOT_STATIONARY} <= set(fit.flags)
    assert fit.diagnostics["local_mode_sd"] > 0.1


def test_a_wild_rate_diverges():
    for settings in ({}, {"variances": "learned"}):
        fit = AdamPenalised(**settings, optimizer="SGD", lr=1e9).fit([simulated(9)], seeds(1))[0]
        assert Flag.DIVERGED in fit.flags
        assert Flag.LOCAL_MODE not in fit.flags


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sds": "1;2"}, "sds has a meaning with variances=given only"),
        ({"sigma": 1.0, "variances": "learned"}, "sigma has a meaning with variances=given only"),
        ({"variances": "given", "sds": "1;2"}, "variances=given needs sds, one a random effect, and sigma"),
        ({"variances": "given", "sds": "1;x", "sigma": 1.0}, "sds='1;x' is not numbers with ';' between them"),
        ({"variances": "given", "sds": "1;nan", "sigma": 1.0}, "is not numbers"),
        ({"variances": "given", "sds": "1;-1", "sigma": 1.0}, "sds are zero or more"),
        ({"variances": "given", "sds": "1;1", "sigma": 0.0}, "sigma must be a positive number"),
    ],
)
def test_impossible_settings_are_refused(settings, said):
    with pytest.raises(EstimatorError, match=said):
        AdamPenalised(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sds": "1"}, r"sds='1' has 1 of the 2 numbers that the model asks for \(Intercept; x\)"),
        ({"sds": "1;1", "cors": "0.1;0.2"}, r"cors='0.1;0.2' has 2 of the 1 numbers .* \(Intercept, x\)"),
        ({"sds": "1;1", "cors": "1.5"}, "no random effects have the correlations"),
    ],
)
def test_variances_that_do_not_fit_the_model_are_refused(settings, said):
    with pytest.raises(EstimatorError, match=said):
        AdamPenalised(variances="given", sigma=1.0, **settings).fit([simulated(1)], seeds(1))


def test_a_label_gives_the_variances():
    engine = estimator("adam-penalised:variances=given,sds=1.5;0.4,cors=0.3,sigma=0.8")
    assert engine == AdamPenalised(**GIVEN)
    assert engine.label == "adam-penalised:variances=given,sds=1.5;0.4,cors=0.3,sigma=0.8"


def test_a_model_without_groups_is_not_for_it():
    assert "no grouping factor" in AdamPenalised().supports(Model("y ~ 1 + x"))
    assert AdamPenalised().supports(Model("y ~ 1 + x + (1 | g)")) is None
