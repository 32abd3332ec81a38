"""`wald-t`: degrees of freedom by hand, by lmerTest's definition in lmerTest's coordinates, and exact coverage."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bayescompare.data import read_data
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit, Flag
from bayescompare.intervals import KINDS, intervals, with_bases
from bayescompare.intervals.satterthwaite import _variances, degrees_of_freedom
from bayescompare.intervals.student import Student
from bayescompare.likelihood import dense
from bayescompare.likelihood.coordinates import from_working, to_working
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from tests.laws.cases import CASES, points
from tests.reference.test_oneway_exact import CELLS, MEAN, make_problem, simulated

SEED = np.random.SeedSequence(4)


def made(problem: Problem, label: str) -> Fit:
    engine = estimator(label)
    return with_bases(engine.fit([problem], [SEED])[0], problem, engine, SEED, ["wald", "wald-t"])


def basis(problem: Problem, label: str) -> Student:
    return made(problem, label).bases["wald-t"]


def sleepstudy() -> Problem:
    return build_problem(Model("reaction ~ 1 + days + (1 + days | subject)"), read_data("sleepstudy"))


def test_sleepstudy_has_17_degrees_of_freedom_by_reml():
    np.testing.assert_allclose(basis(sleepstudy(), "lbfgs-reml").df[:2], 17.0, atol=5e-3)


def test_it_is_made_beside_every_fit_without_asking():
    assert KINDS["wald-t"].usual
    problem, engine = sleepstudy(), estimator("lbfgs-ml")
    assert "wald-t" in with_bases(engine.fit([problem], [SEED])[0], problem, engine, SEED).bases


def test_bounds_are_estimate_and_t_quantile_times_standard_error():
    fit = made(sleepstudy(), "lbfgs-reml")
    rows = [row for row in intervals(fit, [0.95, 0.5]) if row.kind == "wald-t"]
    assert [row.parameter for row in rows] == ["beta[Intercept]", "beta[days]"] * 2
    for k, row in enumerate(rows):
        width = stats.t.ppf((1 + row.level) / 2, fit.bases["wald-t"].df[k % 2]) * fit.se[k % 2]
        np.testing.assert_allclose([row.lower, row.upper], fit.estimate[k % 2] + np.array([-width, width]), rtol=1e-10)
        assert row.reason == ""


def test_it_goes_between_processes():
    one = basis(sleepstudy(), "lbfgs-ml")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(one)).bounds(0.9), one.bounds(0.9))


def balanced(between: float, groups: int = 7, rows: int = 4) -> Problem:
    rng = np.random.default_rng(8)
    y = rng.normal(size=(groups, rows))
    y -= y.mean(axis=1, keepdims=True)
    means = rng.normal(size=groups)
    return make_problem(y + between * (means - means.mean())[:, None])


@pytest.mark.parametrize(("label", "inside", "at_zero"), [("lbfgs-reml", 7 - 1, 28 - 1), ("lbfgs-ml", 7, 28)])
def test_the_mean_of_a_balanced_one_way_layout_by_hand(label, inside, at_zero):
    """v = E(MSB) / n: REML has MSB with J - 1 degrees of freedom, ML divides by J; without groups those of all rows."""
    found = basis(balanced(between=2.0), label)
    assert found.df[0] == pytest.approx(inside, rel=1e-4)
    assert found.reason == ("", "", "")
    found = basis(balanced(between=0.0), label)
    assert found.df[0] == pytest.approx(at_zero, rel=1e-4)
    assert "at their boundary" in found.reason[0]
    assert found.reason[1:] == ("", "")
    assert np.isnan(found.df[1:]).all()


def dense_deviance(problem: Problem, variance_parameters: np.ndarray, reml: bool) -> tuple[float, np.ndarray]:
    """Return the profiled deviance, and the variances of the fixed effects, at entries of Lambda and sigma."""
    layout, n = problem.layout, len(problem.y)
    factor, k = np.zeros((layout.q, layout.q)), 0
    for block in layout.block_slices:
        for column in range(block.start, block.stop):
            for row in range(column, block.stop):
                factor[row, column] = variance_parameters[k]
                k += 1
    sigma2 = variance_parameters[-1] ** 2
    same = problem.groups[:, None] == problem.groups
    v = sigma2 * (np.eye(n) + same * (problem.z @ factor @ factor.T @ problem.z.T))
    solved = np.linalg.solve(v, np.column_stack([problem.x, problem.y]))
    information = problem.x.T @ solved[:, :-1]
    beta = np.linalg.solve(information, problem.x.T @ solved[:, -1])
    rest = problem.y - problem.x @ beta
    value = n * np.log(2 * np.pi) + np.linalg.slogdet(v)[1] + rest @ np.linalg.solve(v, rest)
    return value + reml * np.linalg.slogdet(information)[1], np.diag(np.linalg.inv(information))


def by_definition(problem: Problem, theta: np.ndarray, reml: bool) -> np.ndarray:
    """Return the degrees of freedom by differences in lmerTest's coordinates: relative Cholesky factor and sigma."""
    layout, sigma = problem.layout, theta[problem.layout.sigma]
    correlation = np.eye(layout.q)
    for value, (i, j) in zip(theta[layout.cor], layout.pairs, strict=True):
        correlation[i, j] = correlation[j, i] = value
    sd = theta[layout.sd]
    at = []
    for block in layout.block_slices:
        factor = np.linalg.cholesky(np.outer(sd[block], sd[block]) * correlation[block, block]) / sigma
        at += [factor[row, column] for column in range(len(factor)) for row in range(column, len(factor))]
    at = np.array([*at, sigma])
    steps = np.diag(1e-3 * np.maximum(np.abs(at), 0.05))
    size = len(at)
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            values = [a * b * dense_deviance(problem, at + a * steps[i] + b * steps[j], reml)[0] for a, b in signs]
            hessian[i, j] = sum(values) / (4 * steps[i, i] * steps[j, j])
    up, down = (np.array([dense_deviance(problem, at + s * step, reml)[1] for step in steps]) for s in (1, -1))
    gradient = (up - down) / (2 * np.diag(steps)[:, None])
    covariance = 2 * np.linalg.inv(hessian)
    return 2 * dense_deviance(problem, at, reml)[1] ** 2 / np.einsum("ik,ij,jk->k", gradient, covariance, gradient)


@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml"])
@pytest.mark.parametrize(
    "case", ["intercept, predictor", "slopes", "uncorrelated", "slope alone", "year", "sleepstudy"]
)
def test_degrees_of_freedom_are_those_of_lmertest_s_definition(case, label):
    problem = sleepstudy() if case == "sleepstudy" else CASES[case].problem()
    fit = made(problem, label)
    assert Flag.BOUNDARY not in fit.flags
    expected = by_definition(problem, fit.estimate, label == "lbfgs-reml")
    np.testing.assert_allclose(fit.bases["wald-t"].df[problem.layout.beta], expected, rtol=2e-3)


def dense_variances(problem: Problem, theta: np.ndarray) -> np.ndarray:
    """Return the variances of the fixed effects by generalized least squares."""
    layout = problem.layout
    s = dense.covariance(theta[layout.sd], theta[layout.cor], layout)
    v = dense.marginal_covariance(problem.z, problem.groups, len(layout.levels), s, theta[-1])
    return np.diag(np.linalg.inv(problem.x.T @ np.linalg.solve(v, problem.x)))


@pytest.mark.parametrize("case", ["slopes", "uncorrelated", "three effects and one", "four effects", "unbalanced"])
def test_slopes_of_the_variances_are_those_of_the_dense_formula(case):
    problem = CASES[case].problem()
    layout, data = problem.layout, problem.products
    for theta in points(problem):
        x = to_working(theta, layout, data)
        found, slopes = _variances(problem, theta)
        np.testing.assert_allclose(found, dense_variances(problem, theta), rtol=1e-8)
        for k in range(layout.size - layout.p):
            step = 1e-5 * (np.arange(layout.size) == layout.p + k)
            up, down = (dense_variances(problem, from_working(x + sign * step, layout, data)) for sign in (1, -1))
            np.testing.assert_allclose(slopes[:, k], (up - down) / 2e-5, rtol=1e-5, atol=1e-7 * found.max())


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if " 0 +" not in case.formula])
def test_every_model_has_finite_degrees_of_freedom_or_a_reason(case):
    problem = CASES[case].problem()
    found = basis(problem, "lbfgs-reml")
    p = problem.layout.p
    for df, why in zip(found.df[:p], found.reason[:p], strict=True):
        assert why if np.isnan(df) else 1 < df < 10 * len(problem.y)


def test_degrees_of_freedom_do_not_depend_on_units_and_origins():
    """Neither of the response's unit, nor of the predictor's: those of the slope also not of its origin."""
    one, other = (CASES[name].problem() for name in ("slopes", "large units"))
    df = [basis(problem, "lbfgs-reml").df[:2] for problem in (one, other)]
    np.testing.assert_allclose(df[0], df[1], rtol=1e-4)
    frame = CASES["slopes"].frame()
    scaled = CASES["slopes"].problem(frame=frame.assign(y=1e4 * frame["y"]))
    np.testing.assert_allclose(basis(scaled, "lbfgs-reml").df[:2], df[0], rtol=1e-4)


@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml"])
def test_a_linear_model_has_the_exact_t_interval(label):
    problem = CASES["no grouping factor"].problem()
    found = basis(problem, label)
    n, p = problem.x.shape
    beta, rss, *_ = np.linalg.lstsq(problem.x, problem.y)
    se = np.sqrt(rss[0] / (n - p) * np.diag(np.linalg.inv(problem.x.T @ problem.x)))
    width = stats.t.ppf(0.95, n - p) * se
    np.testing.assert_array_equal(found.df[:p], n - p)
    np.testing.assert_allclose(found.bounds(0.9)[:p], np.column_stack([beta - width, beta + width]), rtol=1e-8)


@pytest.mark.parametrize("label", ["lbfgs-map", "lbfgs-ml"])
def test_other_fits_have_none(label):
    problem = CASES["slopes"].problem() if label == "lbfgs-map" else CASES["no fixed effects"].problem()
    assert "wald-t" not in made(problem, label).bases


def test_a_fit_that_is_not_stationary_has_none_and_says_why():
    problem, engine = sleepstudy(), estimator("lbfgs-ml")
    fit = engine.fit([problem], [SEED])[0]
    stopped = with_bases(replace(fit, flags=(Flag.NOT_STATIONARY,)), problem, engine, SEED)
    rows = [row for row in intervals(stopped) if row.kind == "wald-t"]
    assert [row.reason for row in rows] == ["not at an optimum"] * 2
    assert all(np.isnan([row.lower, row.upper]).all() for row in rows)


def law(cell: dict, method: str, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z, the estimated over the true variance of the mean, and the degrees of freedom, by their exact laws."""
    rng, groups, rows = np.random.default_rng(6), cell["groups"], cell["per_group"]
    true, n, lost = cell["var_residual"] + rows * cell["var_group"], groups * rows, method == "REML"
    between = true * rng.chisquare(groups - 1, draws)
    within = cell["var_residual"] * rng.chisquare(n - groups, draws)
    inside = between / (groups - lost) > within / (n - groups)
    variance = np.where(inside, between / (groups - lost), (between + within) / (n - lost))
    return rng.normal(size=draws), variance / true, np.where(inside, groups - lost, n - lost)


every_cell = pytest.mark.parametrize("index", range(len(CELLS)))
every_method = pytest.mark.parametrize("method", ["ML", "REML"])


@every_cell
@every_method
def test_the_exact_coverage_is_that_of_these_degrees_of_freedom(index, method):
    """At the boundary too: the published law holds the group sd at zero there, as `degrees_of_freedom` does."""
    draws = 200_000
    z, ratio, df = law(CELLS[index], method, draws)
    exact = CELLS[index][method]
    for found, p in (
        (np.abs(z) < stats.norm.ppf(0.975) * np.sqrt(ratio), exact["coverage_wald_z_mean"]),
        (np.abs(z) < stats.t.ppf(0.975, df) * np.sqrt(ratio), exact["coverage_satterthwaite_mean"]),
    ):
        assert abs(found.mean() - p) < 4 * np.sqrt(p * (1 - p) / draws)


def check_coverage(index: int, method: str, replicates: int) -> None:
    cell, label = CELLS[index], f"lbfgs-{method.lower()}"
    exact, covered = cell[method], {"wald": 0, "wald-t": 0}
    for y in simulated(cell, replicates, seed=33):
        for row in intervals(made(make_problem(y), label)):
            covered[row.kind] += row.parameter == "beta[Intercept]" and row.lower <= MEAN <= row.upper
    for kind, p in {"wald": exact["coverage_wald_z_mean"], "wald-t": exact["coverage_satterthwaite_mean"]}.items():
        assert abs(covered[kind] / replicates - p) < 3.5 * np.sqrt(p * (1 - p) / replicates), (kind, covered, p)


@every_method
def test_coverage_follows_its_exact_law(method):
    check_coverage(0, method, 200)


@pytest.mark.slow
@every_cell
@every_method
def test_coverage_follows_its_exact_law_in_2000_replicates(index, method):
    check_coverage(index, method, 2000)


@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml"])
def test_the_degrees_of_freedom_do_not_ask_for_a_fit(label):
    problem = sleepstudy()
    fit = made(problem, label)
    df, held = degrees_of_freedom(problem, fit.estimate, reml=label == "lbfgs-reml")
    assert not held
    np.testing.assert_array_equal(df, fit.bases["wald-t"].df[:2])
