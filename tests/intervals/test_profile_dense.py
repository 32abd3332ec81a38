"""Profiles against the dense likelihood: its value at their points, and its constrained minima by brute force."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime, minimize

import bayescompare as bc
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit
from bayescompare.intervals.profile.follow import centre, follow
from bayescompare.intervals.profile.make import make_profile
from bayescompare.intervals.profile.parameter import held
from bayescompare.likelihood import dense
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model

SEED = np.random.SeedSequence(1)
MODELS = {
    "intercept": "y ~ x + (1 | g)",
    "slope": "y ~ x + (1 + x | g)",
    "apart": "y ~ x + (1 + x || g)",
    "three": "y ~ 1 + (1 + x + w | g)",
}


def frame(seed: int, sds: tuple[float, float, float], groups: int, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rows)
    columns = np.column_stack([np.ones(groups * rows), rng.normal(size=(groups * rows, 2))])
    effects = rng.normal(size=(groups, 3)) * sds
    y = 1 + columns[:, 1] + np.sum(columns * effects[group], axis=1) + rng.normal(size=groups * rows)
    return pd.DataFrame({"y": y, "x": columns[:, 1], "w": columns[:, 2], "g": [f"g{k}" for k in group]})


@cache
def fitted(model: str, method: str, seed: int, sds: tuple[float, float, float]) -> tuple[Problem, Fit]:
    rows = 6 if model == "three" else 4
    problem = build_problem(Model(MODELS[model]), bc.read_data(frame(seed, sds, 5, rows)))
    return problem, estimator(f"lbfgs-{method}").fit([problem], [SEED])[0]


def dense_deviance(problem: Problem, theta: np.ndarray, *, reml: bool) -> float:
    layout = problem.layout
    s = dense.covariance(theta[layout.sd], np.nan_to_num(theta[layout.cor]), layout)
    v = dense.marginal_covariance(problem.z, problem.groups, len(layout.levels), s, theta[layout.sigma])
    if reml:
        return -2 * dense.restricted_loglik(problem.y, problem.x, v)
    return -2 * dense.loglik(problem.y, problem.x, theta[layout.beta], v)


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("method", ["ml", "reml"])
def test_the_deviance_at_every_node_is_the_dense_one(model, method):
    problem, fit = fitted(model, method, 1, (0.8, 0.5, 0.05))
    reml = method == "reml"
    for k in range(problem.layout.p if reml else 0, problem.layout.size):
        curve = make_profile(problem, fit, k, reml=reml)
        some = np.unique(np.linspace(0, len(curve.values) - 1, 7).astype(int))
        expected = [dense_deviance(problem, theta, reml=reml) for theta in curve.theta[some]]
        np.testing.assert_allclose(curve.deviance[some], expected, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("method", ["ml", "reml"])
def test_gradients_are_those_of_the_deviance(model, method):
    problem, _ = fitted(model, method, 1, (0.8, 0.5, 0.05))
    rng = np.random.default_rng(2)
    for k in range(problem.layout.p if method == "reml" else 0, problem.layout.size):
        function = held(problem, k, reml=method == "reml")
        layout = problem.layout
        start = np.array([*rng.normal(size=layout.p), *[0.7] * layout.q, *[0.2] * layout.m, 1.1])
        z = function.point(start) + rng.normal(0, 0.1, len(function.point(start)))
        assert function.point(start)[0] == pytest.approx(function.point(function.natural(function.point(start)))[0])
        numeric = approx_fprime(z, lambda at, function=function: function(at)[0], 1e-7)
        np.testing.assert_allclose(function(z)[1], numeric, rtol=1e-4, atol=2e-5)


def test_points_and_natural_parameters_are_inverse():
    problem, _ = fitted("three", "ml", 1, (0.8, 0.5, 0.05))
    layout = problem.layout
    theta = np.array([0.3, 0.7, 0.4, 1.2, 0.5, -0.3, 0.2, 0.9])
    for k in range(layout.size):
        function = held(problem, k, reml=False)
        found = function.natural(function.point(theta))
        assert found[k] == pytest.approx(theta[k], rel=1e-10)
        np.testing.assert_allclose(found[layout.cor], theta[layout.cor], rtol=1e-10)
        # of the parameters that are not held some are relative to a sigma at its best
        np.testing.assert_allclose(found[layout.sd] / found[-1], theta[layout.sd] / theta[-1], rtol=1e-10)


class BruteForce:
    """The least dense deviance with one parameter held, by many searches over sds, angles and log sigma.

    Sds may be zero; the correlations are those of a factor whose rows are unit vectors given by angles, the two held
    effects first.
    """

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        self.problem, self.position, self.reml, layout = problem, position, reml, problem.layout
        pair = layout.pairs[position - layout.cor.start] if layout.cor.start <= position < layout.cor.stop else ()
        self.order = [*pair, *(k for k in range(layout.q) if k not in pair)]
        self.angles, self.held_angle = layout.q * (layout.q - 1) // 2 if layout.m else 0, bool(pair)

    def theta(self, free: np.ndarray, value: float) -> np.ndarray:
        layout, q = self.problem.layout, self.problem.layout.q
        theta = np.zeros(layout.size)
        theta[layout.sd], theta[layout.sigma] = np.abs(free[:q]), np.exp(free[-1])
        angles, factor, position = free[q : q + self.angles].copy(), np.eye(q), 0
        if self.held_angle:
            angles[0] = np.arcsin(value)
        for i in range(1, q if self.angles else 0):
            left = 1.0
            for j in range(i):
                factor[i, j], left = left * np.sin(angles[position]), left * np.cos(angles[position])
                position += 1
            factor[i, i] = left
        matrix = np.empty((q, q))
        matrix[np.ix_(self.order, self.order)] = factor @ factor.T
        theta[layout.cor] = [matrix[i, j] for i, j in layout.pairs]
        theta[self.position] = value
        return theta

    def value(self, free: np.ndarray, value: float) -> float:
        problem, layout = self.problem, self.problem.layout
        theta = self.theta(free, value)
        s = dense.covariance(theta[layout.sd], theta[layout.cor], layout)
        v = dense.marginal_covariance(problem.z, problem.groups, len(layout.levels), s, theta[layout.sigma])
        if self.reml:
            return -2 * dense.restricted_loglik(problem.y, problem.x, v)
        y, x, beta = problem.y, problem.x, np.zeros(0)
        if self.position < layout.p:
            y, x = y - x[:, self.position] * value, np.delete(x, self.position, axis=1)
        beta = dense.gls(y, x, v)[0] if x.shape[1] else np.zeros(0)
        return -2 * dense.loglik(y, x, beta, v)

    def least(self, value: float, starts: list[np.ndarray]) -> float:
        bounds = [(0, 30)] * self.problem.layout.q + [(None, None)] * self.angles + [(-3, 3)]
        options = {"maxiter": 100, "ftol": 1e-11, "gtol": 1e-6}
        return min(
            minimize(self.value, start, (value,), method="L-BFGS-B", bounds=bounds, options=options).fun
            for start in starts
        )

    def starts(self, count: int) -> list[np.ndarray]:
        rng, q = np.random.default_rng(self.position), self.problem.layout.q
        found = [
            np.concatenate([np.exp(rng.normal(-1, 1, q)), rng.uniform(-1.3, 1.3, self.angles), rng.normal(0, 0.3, 1)])
            for _ in range(count)
        ]
        # one effect is left out of the second start
        found[1][0 if q == 1 else q - 1] = 0.0
        return found


def check_constrained_minima(problem: Problem, fit: Fit, position: int, *, reml: bool, nodes: int, starts: int) -> None:
    curve = make_profile(problem, fit, position, reml=reml)
    brute = BruteForce(problem, position, reml)
    chosen = np.unique(np.linspace(0, len(curve.values) - 1, nodes + 2).astype(int))
    for k in chosen[1:-1]:
        least = brute.least(curve.values[k], brute.starts(starts))
        assert curve.deviance[k] < least + 1e-6, (curve.parameter, curve.values[k], least)


# among these: sds that come to rest at zero on the way and correlations at one
CASES = [
    ("slope", "ml", 4, (0.8, 0.05, 0.0)),
    ("slope", "reml", 11, (0.5, 0.6, 0.0)),
    ("apart", "ml", 3, (0.05, 0.6, 0.0)),
]


@pytest.mark.parametrize(("model", "method", "seed", "sds"), CASES)
def test_no_search_by_brute_force_is_lower(model, method, seed, sds):
    problem, fit = fitted(model, method, seed, sds)
    for position in range(problem.layout.p if method == "reml" else 0, problem.layout.size):
        check_constrained_minima(problem, fit, position, reml=method == "reml", nodes=2, starts=2)


@pytest.mark.parametrize("pair", [0, 1, 2])
def test_every_correlation_of_three_effects_has_its_constrained_minimum(pair):
    problem, fit = fitted("three", "ml", 2, (0.8, 0.6, 0.7))
    check_constrained_minima(problem, fit, problem.layout.cor.start + pair, reml=False, nodes=2, starts=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("method", ["ml", "reml"])
@pytest.mark.parametrize("model", list(MODELS))
def test_no_search_by_brute_force_is_lower_in_many_data_sets(model, method, seed):
    sds = tuple(np.where(np.random.default_rng(seed).random(3) < 0.5, 0.05, 0.7))
    problem, fit = fitted(model, method, 100 + seed, sds)
    for position in range(problem.layout.p if method == "reml" else 0, problem.layout.size):
        check_constrained_minima(problem, fit, position, reml=method == "reml", nodes=3, starts=6)


def nine_rows(seed: int) -> pd.DataFrame:
    """Return nine rows, six effects: sigma may become small, with the effects taking it all."""
    rng = np.random.default_rng(0)
    group, x = np.repeat(np.arange(3), 3), rng.normal(size=9)
    rng.normal(size=9)
    effects = rng.normal(size=(3, 3)) * [0.2, 1.0, 0.0]
    y = effects[group, 0] + effects[group, 1] * x + rng.normal(size=9)
    return pd.DataFrame({"y": np.random.default_rng(seed).permutation(y), "x": x, "g": [f"g{k}" for k in group]})


def fit_frame(data: pd.DataFrame, formula: str = MODELS["slope"], method: str = "ml") -> tuple[Problem, Fit]:
    problem = build_problem(Model(formula), bc.read_data(data))
    return problem, estimator(f"lbfgs-{method}").fit([problem], [SEED])[0]


def test_a_fall_of_the_deviance_in_real_data_is_told():
    problem, fit = fit_frame(nine_rows(24))
    curve = make_profile(problem, fit, problem.layout.sigma, reml=False)
    assert not curve.monotone
    assert "the profile is not monotone: the deviance falls again beyond" in curve.reasons[0]
    above = curve.rise[curve.best :]
    hump = int(np.flatnonzero(np.diff(above) < -1e-8)[0])
    dip = np.min(above[hump:])
    assert dip < above[hump] - 1e-4
    lower, upper = curve.at((above[hump] + dip) / 2)
    assert np.isfinite(lower)
    assert np.isnan(upper)
    assert np.isfinite(curve.interval(0.95)).all()


def test_a_profile_without_a_fall_says_nothing_of_one():
    problem, fit = fit_frame(nine_rows(5))
    curve = make_profile(problem, fit, problem.layout.sigma, reml=False)
    assert curve.monotone
    assert curve.reasons == ()


@pytest.mark.parametrize(("seed", "label"), [(2, "beta[x]"), (3, "sd_g[Intercept]"), (15, "sd_g[Intercept]")])
def test_a_lower_way_is_found_by_a_search_that_begins_elsewhere(seed, label):
    problem, fit = fit_frame(nine_rows(seed))
    check_constrained_minima(problem, fit, problem.layout.labels.index(label), reml=False, nodes=4, starts=5)


@pytest.mark.parametrize("seed", [2, 24, 26])
def test_ways_that_cross_are_told_apart(seed):
    problem, fit = fit_frame(nine_rows(seed))
    curve = make_profile(problem, fit, problem.layout.sigma, reml=False)
    check_constrained_minima(problem, fit, problem.layout.sigma, reml=False, nodes=3, starts=5)
    # without a jump: what lies between two nodes is what their derivatives allow
    width, change = np.diff(curve.coordinate), np.abs(np.diff(curve.rise))
    steepest = np.maximum(np.abs(curve.slope[:-1]), np.abs(curve.slope[1:]))
    most = np.maximum(np.abs(curve.bend[:-1]), np.abs(curve.bend[1:]))
    assert np.all(change <= width * steepest + width**2 * most + 1e-3)


@pytest.mark.parametrize("method", ["ml", "reml"])
@pytest.mark.parametrize("seed", [101, 104])
def test_a_correlation_is_never_worse_than_no_effect(method, seed):
    # where one of two effects has an sd of zero their correlation may be anything
    problem, fit = fitted("slope", method, seed, (0.7, 0.7, 0.05) if seed == 101 else (0.05, 0.7, 0.7))
    data = pd.DataFrame({"y": problem.y, "x": problem.x[:, 1], "g": [f"g{k}" for k in problem.groups]})
    least = [fit_frame(data, f"y ~ x + ({term} | g)", method)[1].objective for term in ("1", "0 + x")]
    curve = make_profile(problem, fit, problem.layout.cor.start, reml=method == "reml")
    assert np.all(curve.deviance <= min(least) + 1e-6)
    assert np.any(curve.deviance > min(least) - 1e-6)


def test_others_come_to_rest_at_their_bounds_on_the_way():
    problem, fit = fitted("slope", "ml", 4, (0.8, 0.05, 0.0))
    at_one = [
        np.abs(make_profile(problem, fit, k, reml=False).theta[:, problem.layout.cor]) > 1 - 1e-9
        for k in range(problem.layout.size)
        if k != problem.layout.cor.start
    ]
    assert sum(int(found.sum()) for found in at_one) > 50


def test_a_profile_is_followed_alike_from_a_poor_start():
    problem, fit = fitted("slope", "reml", 11, (0.5, 0.6, 0.0))
    position = problem.layout.sigma
    function = held(problem, position, reml=True)
    aside = fit.estimate * np.where(np.arange(problem.layout.size) == position, 1.1, 0.9)
    start = centre(function, aside)
    assert start.value == pytest.approx(fit.objective, abs=1e-8)
    side = follow(function, start, 1, 3.84)
    assert side.nodes[-1].value - start.value >= 3.84
    curve = make_profile(problem, replace(fit, estimate=aside), position, reml=True)
    expected = make_profile(problem, fit, position, reml=True)
    np.testing.assert_allclose(curve.interval(0.95), expected.interval(0.95), rtol=1e-6)
