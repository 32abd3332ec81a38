"""Laws of the Gaussian marginal likelihood over the table of cases."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from bayescompare.layout import Layout
from bayescompare.likelihood import dense, kernel
from bayescompare.likelihood.coordinates import (
    correlation_matrix,
    correlations,
    covariance_root,
    from_working,
    natural_from_root,
    partials_from_correlations,
    roots_of_draws,
    to_working,
)
from bayescompare.likelihood.evaluate import (
    conditional_effects,
    deviance,
    draw_effects,
    group_loglik,
    profiled_deviance,
)
from bayescompare.likelihood.log_prior import log_priors
from bayescompare.likelihood.posterior import Posterior
from bayescompare.likelihood.problem import Problem
from tests.laws.cases import CASES, PRIORS, dense_covariance, numerical_gradient, points, priors_for

every_case = pytest.mark.parametrize("name", CASES)
every_prior = pytest.mark.parametrize("priors", PRIORS)


@cache
def problem_of(name: str) -> Problem:
    return CASES[name].problem()


@cache
def points_of(name: str) -> list:
    return points(problem_of(name))


def working(problem: Problem, x: np.ndarray) -> tuple[float, np.ndarray]:
    d = problem.products
    return kernel.working(x, problem.layout.p, d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n))


def working_profiled(problem: Problem, w: np.ndarray, reml: bool) -> tuple[float, np.ndarray]:
    d = problem.products
    return kernel.working_profiled(w, d.starts, d.t_inverse, d.r, d.c, d.within, float(d.n), reml)


def dense_profiled(problem: Problem, theta: np.ndarray, reml: bool) -> float:
    v = dense_covariance(problem, theta)
    if problem.layout.p == 0:
        return -2 * dense.loglik(problem.y, problem.x, np.zeros(0), v)
    if reml:
        return -2 * dense.restricted_loglik(problem.y, problem.x, v)
    return -2 * dense.loglik(problem.y, problem.x, dense.gls(problem.y, problem.x, v)[0], v)


@every_case
def test_deviance_is_that_of_the_dense_normal(name):
    problem = problem_of(name)
    for theta in points_of(name):
        v = dense_covariance(problem, theta)
        reference = -2 * dense.loglik(problem.y, problem.x, theta[problem.layout.beta], v)
        x = to_working(theta, problem.layout, problem.products)
        assert deviance(problem, theta) == pytest.approx(reference, rel=1e-9)
        assert working(problem, x)[0] == pytest.approx(reference, rel=1e-9)


@every_case
@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
def test_profiled_deviance_is_the_dense_one_at_its_best_beta(name, reml):
    problem = problem_of(name)
    constant = problem.products.log_det_x if reml else 0.0
    for theta in points_of(name):
        reference = dense_profiled(problem, theta, reml)
        w = to_working(theta, problem.layout, problem.products)[problem.layout.p :]
        assert profiled_deviance(problem, theta, reml=reml) == pytest.approx(reference, rel=1e-9)
        assert working_profiled(problem, w, reml)[0] + constant == pytest.approx(reference, rel=1e-9)


@every_case
def test_profiling_out_beta_and_sigma_minimises_over_them(name):
    problem, layout = problem_of(name), problem_of(name).layout
    d = problem.products
    for reml in (False, True):
        theta = points_of(name)[0]
        root = covariance_root(theta[layout.sd], theta[layout.cor], layout)
        lam = d.relative_root(root, theta[layout.sigma])
        value, _, slope, delta, sigma, _ = kernel.profiled(lam, d.r, d.c, d.within, float(d.n), reml, 0.0)
        assert abs(slope) < 1e-8 * abs(value) + 1e-8
        for factor in (0.99, 1.01):
            assert kernel.profiled(lam, d.r, d.c, d.within, float(d.n), reml, factor * sigma)[0] > value
        if layout.p and not reml:
            best = np.concatenate([d.beta(delta), theta[layout.sd] * sigma / theta[-1], theta[layout.cor], [sigma]])
            assert deviance(problem, best) == pytest.approx(value, rel=1e-9)


@every_case
def test_gradient_in_working_coordinates_is_that_of_finite_differences(name):
    problem = problem_of(name)
    units = np.ones(problem.layout.size)
    units[problem.layout.beta] = problem.products.scale
    for theta in points_of(name):
        x = to_working(theta, problem.layout, problem.products)
        value, gradient = working(problem, x)
        numerical = numerical_gradient(lambda at: working(problem, at)[0], x, 1e-3 * units)
        np.testing.assert_allclose(gradient * units, numerical * units, rtol=1e-6, atol=1e-7 * (1 + abs(value)))


@every_case
@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
def test_gradient_of_the_profiled_deviance_is_that_of_finite_differences(name, reml):
    problem = problem_of(name)
    for theta in points_of(name):
        w = to_working(theta, problem.layout, problem.products)[problem.layout.p :]
        value, gradient = working_profiled(problem, w, reml)
        numerical = numerical_gradient(lambda at: working_profiled(problem, at, reml)[0], w, 1e-3)
        np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-7 * (1 + abs(value)))


@every_case
@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
def test_gradient_by_the_entries_of_the_relative_factor_is_that_of_finite_differences(name, reml):
    problem = problem_of(name)
    d, blocks = problem.products, problem.layout.block_slices
    cells = [(i, j) for b in blocks for i in range(b.start, b.stop) for j in range(b.start, i + 1)]
    rows, columns = (np.array([cell[k] for cell in cells], dtype=np.intp) for k in (0, 1))
    point = np.random.default_rng(3).normal(size=len(cells)) + (rows == columns)

    def at(entries):
        return kernel.profiled_entries(entries, rows, columns, d.r, d.c, d.within, float(d.n), reml)

    value, gradient = at(point)
    numerical = numerical_gradient(lambda entries: at(entries)[0], point, 1e-3)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-7 * (1 + abs(value)))


@every_case
def test_conditional_modes_and_sds_are_the_dense_ones(name):
    problem, layout = problem_of(name), problem_of(name).layout
    if not layout.q:
        assert conditional_effects(problem, points_of(name)[0]) is None
        return
    size = np.sqrt(np.mean(problem.z**2, axis=0))
    for theta in points_of(name):
        s = dense.covariance(theta[layout.sd], theta[layout.cor], layout)
        mean, covariance = dense.random_effects(
            problem.y, problem.x, problem.z, problem.groups, len(layout.levels), theta[layout.beta], s, theta[-1]
        )
        found = conditional_effects(problem, theta)
        sds = np.sqrt(np.diag(covariance)).reshape(mean.shape)
        unit = np.max(np.abs(mean * size))
        np.testing.assert_allclose(found.mode * size, mean * size, rtol=1e-6, atol=1e-9 * unit)
        np.testing.assert_allclose(found.sd, sds, rtol=1e-6)


@every_case
def test_log_likelihoods_of_the_groups_sum_to_that_of_the_data(name):
    problem = problem_of(name)
    if not problem.layout.q:
        return
    values = np.array(points_of(name))
    each = group_loglik(problem, values)
    assert each.shape == (len(values), len(problem.layout.levels))
    np.testing.assert_allclose(each.sum(axis=1), [-deviance(problem, theta) / 2 for theta in values], rtol=1e-9)


@every_case
def test_log_likelihood_of_a_group_is_the_dense_one_of_its_rows(name):
    problem, layout = problem_of(name), problem_of(name).layout
    if not layout.q:
        return
    for theta, each in zip(points_of(name), group_loglik(problem, np.array(points_of(name))), strict=True):
        v = dense_covariance(problem, theta)
        for j, value in enumerate(each):
            rows = np.flatnonzero(problem.groups == j)
            reference = dense.loglik(problem.y[rows], problem.x[rows], theta[layout.beta], v[np.ix_(rows, rows)])
            assert value == pytest.approx(reference, rel=1e-8, abs=1e-8)


# Invariances: what is done to the data is done to the parameters, and the deviance stays.


@every_case
@pytest.mark.parametrize("shift", [3.0, 1e6])
def test_shifting_the_response_shifts_the_intercept(name, shift):
    problem = problem_of(name)
    if "Intercept" not in problem.layout.coefs:
        return
    frame = CASES[name].frame()
    moved = CASES[name].problem(frame=frame.assign(y=frame["y"] + shift))
    place = problem.layout.coefs.index("Intercept")
    for theta in points_of(name):
        there = theta.copy()
        there[place] += shift
        for reml in (False, True):
            here = profiled_deviance(problem, theta, reml=reml)
            assert profiled_deviance(moved, there, reml=reml) == pytest.approx(here, rel=1e-9)
        # the response has lost digits in the shift, and the far point magnifies them
        assert deviance(moved, there) == pytest.approx(deviance(problem, theta), rel=1e-7)


@pytest.mark.parametrize("shift", [1.0, -40.0, 2000.0])
@pytest.mark.parametrize("name", ["slopes", "large units", "fewer rows than effects", "four effects"])
def test_shifting_a_predictor_with_correlated_slopes_leaves_the_deviance(name, shift):
    case, problem, layout = CASES[name], problem_of(name), problem_of(name).layout
    shift = shift * case.unit
    frame = case.frame()
    moved = case.problem(frame=frame.assign(x=frame["x"] + shift))
    back = np.eye(layout.q)
    back[0, layout.effects.index("x")] = -shift
    for theta in points_of(name):
        root = back @ covariance_root(theta[layout.sd], theta[layout.cor], layout)
        there = theta.copy()
        there[0] -= shift * theta[layout.coefs.index("x")]
        there[layout.sd], there[layout.cor] = natural_from_root(root, layout)
        # the sds and correlation of a far origin cannot say the covariance to more digits
        lost = 1e-15 * (1 + (shift / case.unit) ** 2)
        assert deviance(moved, there) == pytest.approx(deviance(problem, theta), rel=1e-9 + 1e2 * lost)


@every_case
def test_order_of_the_rows_does_not_matter(name):
    frame = CASES[name].frame()
    shuffled = CASES[name].problem(frame=frame.sample(frac=1, random_state=5))
    for theta in points_of(name):
        assert deviance(shuffled, theta) == pytest.approx(deviance(problem_of(name), theta), rel=1e-10)
    if problem_of(name).layout.q:
        theta = points_of(name)[0]
        here, there = (conditional_effects(one, theta) for one in (problem_of(name), shuffled))
        np.testing.assert_allclose(there.mode, here.mode, rtol=1e-7, atol=1e-7 * np.abs(here.mode).max())


@every_case
def test_names_of_the_groups_do_not_matter(name):
    problem = problem_of(name)
    if not problem.layout.q:
        return
    frame = CASES[name].frame()
    other = {level: f"t{len(problem.layout.levels) - k:02d}" for k, level in enumerate(problem.layout.levels)}
    renamed = CASES[name].problem(frame=frame.assign(g=frame["g"].map(other)))
    for theta in points_of(name):
        assert deviance(renamed, theta) == pytest.approx(deviance(problem, theta), rel=1e-10)
        here, there = (conditional_effects(one, theta) for one in (problem, renamed))
        np.testing.assert_allclose(there.mode[::-1], here.mode, rtol=1e-7, atol=1e-7 * np.abs(here.mode).max())


@every_case
@pytest.mark.parametrize("factor", [1e-5, 7.0, 1e8])
def test_scaling_the_response_adds_n_log_of_the_square(name, factor):
    problem, layout = problem_of(name), problem_of(name).layout
    frame = CASES[name].frame()
    scaled = CASES[name].problem(frame=frame.assign(y=frame["y"] * factor))
    n = len(problem.y)
    for theta in points_of(name):
        there = theta * factor
        there[layout.cor] = theta[layout.cor]
        for reml, rows in ((False, n), (True, n - layout.p)):
            expected = profiled_deviance(problem, theta, reml=reml) + rows * np.log(factor**2)
            assert profiled_deviance(scaled, there, reml=reml) == pytest.approx(expected, rel=1e-9, abs=1e-7)


def test_products_do_not_grow_with_the_rows():
    case = CASES["slopes"]
    frame = case.frame()
    few = case.problem().products
    many = case.problem(frame=pd.concat([frame] * 50, ignore_index=True)).products
    assert (few.n, many.n) == (36, 1800)
    for name in ("r", "c", "w", "within", "rows", "rx", "t"):
        assert getattr(few, name).shape == getattr(many, name).shape


# Digits


@pytest.mark.parametrize("offset", [2.0**20, 2.0**32])
def test_an_offset_that_the_response_can_hold_costs_no_digit(offset):
    frame = CASES["slopes"].frame()
    # in 2048ths, so that nothing is lost in the sum
    frame = frame.assign(y=np.round(frame["y"] * 2048) / 2048)
    here, there = (CASES["slopes"].problem(frame=frame.assign(y=frame["y"] + add)) for add in (0.0, offset))
    theta = points_of("slopes")[0]
    for reml in (False, True):
        expected = profiled_deviance(here, theta, reml=reml)
        assert profiled_deviance(there, theta, reml=reml) == pytest.approx(expected, rel=1e-12)


def test_groups_that_are_very_far_apart_cost_no_digit():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(6), 10)
    x, noise = np.round(rng.normal(size=(2, 60)) * 2048) / 2048
    far = np.round(rng.normal(size=6) * 2**10) * 2.0**16
    frame = pd.DataFrame({"y": far[groups] + 2 * x + noise, "x": x, "g": [f"s{k}" for k in groups]})
    problem = CASES["intercept, predictor"].problem(frame=frame)
    data = problem.products
    lam = data.relative_root(np.array([[np.std(far)]]), 1.0)
    _, _, _, delta, sigma, _ = kernel.profiled(lam, data.r, data.c, data.within, float(data.n), True, 0.0)
    # groups that far apart are fixed effects: the regression within groups
    within = x - np.array([x[groups == j].mean() for j in range(6)])[groups]
    inside = (2 * x + noise) - np.array([(2 * x + noise)[groups == j].mean() for j in range(6)])[groups]
    slope = within @ inside / (within @ within)
    rest = np.sum((inside - slope * within) ** 2)
    assert data.beta(delta)[1] == pytest.approx(slope, rel=1e-8)
    # a chi-square of 5 from the groups, each within a part in 10^14 of its variance, is all there is beside it
    spread = np.sum((far - far.mean()) ** 2) / np.var(far)
    assert sigma**2 == pytest.approx((rest + spread) / 58, rel=1e-6)


# Coordinates


def test_pairs_go_row_by_row_of_the_lower_triangle_block_after_block():
    layout = problem_of("four effects").layout
    assert layout.pairs == ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert layout.pair_names[1:4] == ("Intercept, z", "x, z", "Intercept, w")
    assert problem_of("one effect and three").layout.pairs == ((1, 2), (1, 3), (2, 3))
    assert problem_of("uncorrelated").layout.pairs == ()


@pytest.mark.parametrize("name", [name for name in CASES if problem_of(name).layout.m])
def test_partial_correlations_give_a_correlation_factor_and_come_back(name):
    layout, starts = problem_of(name).layout, problem_of(name).products.starts
    rng = np.random.default_rng(1)
    for _ in range(5):
        partials = np.tanh(1.2 * rng.normal(size=layout.m))
        factor = kernel.correlation_factor(partials, starts, layout.q)
        matrix = factor @ factor.T
        assert np.all(factor == np.tril(factor))
        np.testing.assert_allclose(np.diag(matrix), 1.0, rtol=1e-14)
        cor = correlations(partials, layout, starts)
        np.testing.assert_allclose(correlation_matrix(cor, layout), matrix, atol=1e-14)
        np.testing.assert_allclose(partials_from_correlations(cor, layout), partials, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(partials[0], cor[0])


@pytest.mark.parametrize("name", ["slopes", "one effect and three", "four effects"])
def test_vjp_of_the_correlation_factor_is_that_of_finite_differences(name):
    layout, starts = problem_of(name).layout, problem_of(name).products.starts
    rng = np.random.default_rng(2)
    z, weights = 0.7 * rng.normal(size=layout.m), rng.normal(size=(layout.q, layout.q))

    def total(at):
        return float(np.sum(weights * kernel.correlation_factor(np.tanh(at), starts, layout.q)))

    found = kernel.correlation_factor_vjp(np.tanh(z), starts, weights)
    np.testing.assert_allclose(found, numerical_gradient(total, z, 1e-3), rtol=1e-8, atol=1e-10)


@every_case
def test_natural_parameters_come_back_from_working_coordinates(name):
    problem, layout = problem_of(name), problem_of(name).layout
    for theta in points_of(name):
        back = from_working(to_working(theta, layout, problem.products), layout, problem.products)
        scale = np.abs(theta)
        scale[layout.beta] += np.max(np.abs(theta[layout.beta]), initial=0.0) * 1e-3
        np.testing.assert_allclose(back / scale, theta / scale, rtol=1e-9, atol=1e-9)


@every_case
def test_roots_give_the_covariance_and_the_sds_back(name):
    layout = problem_of(name).layout
    values = np.array(points_of(name))
    for theta, root in zip(values, roots_of_draws(values, layout), strict=True):
        sd = theta[layout.sd]
        expected = dense.covariance(sd, theta[layout.cor], layout)
        unit = np.outer(sd, sd)
        for one in (root, covariance_root(sd, theta[layout.cor], layout)):
            np.testing.assert_allclose(one @ one.T / unit, expected / unit, atol=1e-12)
            back = natural_from_root(one, layout)
            np.testing.assert_allclose(back[0], sd, rtol=1e-12)
            np.testing.assert_allclose(back[1], theta[layout.cor], rtol=1e-8, atol=1e-10)


def test_singular_correlations_have_a_root():
    rng = np.random.default_rng(8)
    for _ in range(300):
        effects = int(rng.integers(2, 7))
        directions = rng.normal(size=(effects, rng.integers(1, effects + 1))) + 1e-9
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        expected = directions @ directions.T
        layout = Layout(coefs=(), factor="g", blocks=(tuple("abcdefg"[:effects]),))
        cor = np.array([expected[i, j] for i, j in layout.pairs])
        root = covariance_root(np.ones(effects), cor, layout)
        assert np.all(root == np.tril(root))
        np.testing.assert_allclose(root @ root.T, expected, atol=1e-9)


def test_points_at_the_boundary_have_a_deviance():
    problem, layout = problem_of("slopes"), problem_of("slopes").layout
    theta = points_of("slopes")[0]
    for change in ({2: 0.0, 4: np.nan}, {4: 1.0}, {4: -1.0}, {2: 0.0, 3: 0.0, 4: np.nan}):
        at = theta.copy()
        at[list(change)] = list(change.values())
        v = dense_covariance(problem, np.nan_to_num(at))
        reference = -2 * dense.loglik(problem.y, problem.x, at[layout.beta], v)
        assert deviance(problem, at) == pytest.approx(reference, rel=1e-9)


# The posterior density


@every_prior
@every_case
def test_posterior_is_the_likelihood_times_the_priors_and_its_gradient_follows(name, priors):
    problem = CASES[name].problem(priors_for(CASES[name], priors))
    layout, posterior = problem.layout, Posterior(problem, jacobian=False)
    unit = np.ones(layout.size)
    unit[layout.beta] = problem.products.scale
    for theta in points_of(name)[:2]:
        x = to_working(theta, layout, problem.products)
        log_prior = sum(float(np.sum(found)) for found in log_priors(problem, theta).values())
        value, gradient = posterior(x)
        assert value == pytest.approx(deviance(problem, theta) - 2 * log_prior, rel=1e-8)
        numerical = numerical_gradient(lambda at: posterior(at)[0], x, 1e-3 * unit)
        np.testing.assert_allclose(gradient * unit, numerical * unit, rtol=1e-5, atol=1e-6 * (1 + abs(value)))


@every_case
def test_jacobian_is_the_determinant_of_the_map_from_working_coordinates(name):
    # a prior far from the data would swamp the digits of the Jacobian
    problem, layout = CASES[name].problem(priors_for(CASES[name], "flat")), problem_of(name).layout
    for theta in points_of(name)[:2]:
        x = to_working(theta, layout, problem.products)
        without, added = (Posterior(problem, jacobian=flag).log_prior(x[None])[0] for flag in (False, True))

        def scaled(w, x=x, layout=layout, problem=problem):
            there = from_working(np.concatenate([x[layout.beta], w]), layout, problem.products)
            return there[layout.p :]

        rest = x[layout.p :]
        columns = [numerical_gradient(lambda w, k=k: scaled(w)[k], rest, 1e-3) for k in range(len(rest))]
        expected = np.linalg.slogdet(np.array(columns))[1]
        assert added - without == pytest.approx(expected, rel=1e-7, abs=1e-7)
        assert Posterior(problem, jacobian=True)(x)[0] == pytest.approx(
            Posterior(problem, jacobian=False)(x)[0] - 2 * expected, rel=1e-7
        )


@pytest.mark.parametrize("name", ["slopes", "fewer rows than effects", "one effect and three"])
def test_draws_of_the_random_effects_have_their_conditional_moments(name):
    problem = problem_of(name)
    theta, size = points_of(name)[0], 4000
    draws = draw_effects(problem, np.tile(theta, (size, 1)), np.random.default_rng(4))
    expected = conditional_effects(problem, theta)
    z = (draws.mean(axis=0) - expected.mode) / (expected.sd / np.sqrt(size))
    assert np.abs(z).max() < 4.5
    ratio = (draws.var(axis=0, ddof=1) / expected.sd**2 - 1) / np.sqrt(2 / size)
    assert np.abs(ratio).max() < 4.5
    layout = problem.layout
    s = dense.covariance(theta[layout.sd], theta[layout.cor], layout)
    _, covariance = dense.random_effects(
        problem.y, problem.x, problem.z, problem.groups, len(layout.levels), theta[layout.beta], s, theta[-1]
    )
    q = layout.q
    for j in range(3):
        block = covariance[j * q : (j + 1) * q, j * q : (j + 1) * q]
        spread = np.sqrt(np.outer(np.diag(block), np.diag(block)) + block**2) / np.sqrt(size)
        assert np.abs((np.cov(draws[:, j].T) - block) / spread).max() < 4.5
