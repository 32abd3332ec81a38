"""L-BFGS-B: never worse than dispersed starts, the mode of the posterior, and each fit by itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.optimize import minimize

import bayescompare as bc
from bayescompare.data import read_data
from bayescompare.engines.catalog import estimator
from bayescompare.engines.lbfgs.likelihood import LbfgsML, LbfgsREML
from bayescompare.engines.optima import judged, marginal_ml, working_distance
from bayescompare.engines.surface import explore
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood import dense, kernel
from bayescompare.likelihood.coordinates import (
    correlation_matrix,
    correlations,
    from_working,
    natural_working,
    to_working,
)
from bayescompare.likelihood.evaluate import deviance, profiled_deviance
from bayescompare.likelihood.posterior import Posterior
from bayescompare.likelihood.problem import Problem, build_problem, problem_from_frame
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame
from bayescompare.priors import numpy_namespace
from tests.laws.cases import CASES, numerical_gradient

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
SEED = [np.random.SeedSequence(1)]
FLAT = {"beta": "Flat", "sd_g": "Flat", "cor_g": "Flat", "sigma": "Flat"}
#: (sds of intercept and slope, correlation) in residual sds, from strong to nothing.
STRENGTHS = (((1.0, 0.7), 0.6), ((0.1, 0.05), 0.0), ((0.3, 1e-4), 0.0), ((0.5, 0.5), 0.95))


def random_slopes(seed: int, sds: tuple[float, float], cor: float, groups: int = 18, rows: int = 10) -> Problem:
    """Return a problem with correlated intercepts and slopes."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(groups), rows)
    x = np.column_stack([np.ones(groups * rows), rng.normal(size=groups * rows)])
    covariance = np.outer(sds, sds) * [[1, cor], [cor, 1]]
    effects = rng.multivariate_normal([0, 0], covariance, groups)
    y = x @ [0.0, 2.0] + np.sum(x * effects[index], axis=1) + rng.normal(size=groups * rows)
    frame = ModelFrame(
        response="y",
        y=y,
        X=x,
        coefs=("Intercept", "x"),
        Z=x.copy(),
        blocks=(("Intercept", "x"),),
        factor="g",
        levels=tuple(map(str, range(groups))),
        groups=index,
    )
    return problem_from_frame(frame, Model("y ~ x + (1 + x | g)"))


def datasets(count: int) -> Iterator[Problem]:
    """Yield data sets of every strength in turn."""
    for seed, (sds, cor) in zip(range(count), itertools.cycle(STRENGTHS), strict=False):
        yield random_slopes(seed, sds, cor)


def fit_of(label: str, problem: Problem, seed: int = 1) -> Fit:
    return estimator(label).fit([problem], [np.random.SeedSequence(seed)])[0]


def best_of_dispersed(problem: Problem, seed: int, starts: int = 10) -> float:
    """Return the lowest deviance from starts, and in coordinates, of its own.

    Plain BFGS over the lower triangle of a relative factor in the columns as they are.
    """
    rng, d, cells = np.random.default_rng(seed), problem.products, np.tril_indices(2)

    def objective(x):
        root = np.zeros((2, 2))
        root[cells] = x
        value, gradient, *_ = kernel.profiled(d.t_inverse @ root, d.r, d.c, d.within, float(d.n), False, 0.0)
        return value, (d.t_inverse.T @ gradient)[cells]

    options = {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 1000}
    points = rng.normal(size=(starts, 3))
    return min(minimize(objective, point, jac=True, method="L-BFGS-B", options=options).fun for point in points)


def shortfalls(count: int) -> list[float]:
    return [
        fit_of("lbfgs-ml", problem, seed).objective - best_of_dispersed(problem, 10**6 + seed)
        for seed, problem in enumerate(datasets(count))
    ]


def test_never_worse_than_the_best_of_ten_dispersed_starts():
    assert max(shortfalls(100)) <= 1e-6


@pytest.mark.slow
def test_never_worse_than_the_best_of_ten_dispersed_starts_in_a_thousand_data_sets():
    assert max(shortfalls(1000)) <= 1e-6


def test_weak_effects_are_at_zero_sometimes_and_strong_ones_never():
    at_zero = [Flag.BOUNDARY in fit_of("lbfgs-ml", problem).flags for problem in datasets(80)]
    assert not any(at_zero[::4])
    assert any(at_zero[1::4])


@pytest.mark.parametrize("name", ["four effects", "one effect and three", "fewer rows than effects", "far scales"])
def test_more_starts_find_nothing_better(name):
    problem = CASES[name].problem()
    for label in ("lbfgs-ml", "lbfgs-reml"):
        few, many = fit_of(label, problem), fit_of(f"{label}:starts=25", problem, 2)
        assert few.objective - many.objective <= 1e-6


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_zero_at_the_optimum(name):
    problem, layout = CASES[name].problem(), CASES[name].problem().layout
    for engine in (LbfgsML(), LbfgsREML()):
        fit = engine.fit([problem], SEED)[0]
        assert Flag.NOT_STATIONARY not in fit.flags
        assert np.all(np.isfinite(fit.estimate[layout.sd]))
        best = profiled_deviance(problem, fit.estimate, reml=engine.reml)
        # an intercept's sd of 1e6, correlated with the slopes, does not hold the digits of a sigma of 1
        digits = 1e-6 if name == "offset 1e6, no fixed effects" else 1e-9
        assert fit.objective == pytest.approx(best, rel=digits)
        if not engine.reml:
            assert fit.objective == pytest.approx(deviance(problem, fit.estimate), rel=digits)


def test_a_linear_model_is_least_squares():
    problem = CASES["no grouping factor"].problem()
    fit = fit_of("lbfgs-reml", problem)
    beta, residual, *_ = np.linalg.lstsq(problem.x, problem.y, rcond=None)
    freedom = len(problem.y) - problem.layout.p
    np.testing.assert_allclose(fit.estimate, [*beta, np.sqrt(residual[0] / freedom)], rtol=1e-9)
    expected = np.sqrt(residual[0] / freedom * np.diag(np.linalg.inv(problem.x.T @ problem.x)))
    np.testing.assert_allclose(fit.se[:-1], expected, rtol=1e-9)
    assert fit.random_effects is None
    assert Flag.NO_GROUPING in fit.flags


# Settings and batches


def test_the_plain_form_says_so_in_its_label():
    assert LbfgsML(starts=1, coordinates="log-sd").label == "lbfgs-ml:starts=1,coordinates=log-sd"
    fit = fit_of("lbfgs-ml:coordinates=log-sd,starts=1", random_slopes(0, *STRENGTHS[0]))
    assert fit.estimator == "lbfgs-ml:starts=1,coordinates=log-sd"
    assert len(fit.info["starts_deviance"]) == 1


def test_the_plain_form_agrees_where_there_is_no_zero():
    problem = random_slopes(0, *STRENGTHS[0])
    plain, safe = fit_of("lbfgs-ml:starts=1,coordinates=log-sd", problem), fit_of("lbfgs-ml", problem)
    assert plain.objective == pytest.approx(safe.objective, abs=1e-6)
    np.testing.assert_allclose(plain.estimate, safe.estimate, rtol=1e-3)


def test_the_plain_form_cannot_reach_zero():
    problem = build_problem(Model("yield ~ 1 + (1 | batch)"), read_data("dyestuff2"))
    assert fit_of("lbfgs-ml", problem).estimate[1] == 0
    assert fit_of("lbfgs-ml:starts=1,coordinates=log-sd", problem).estimate[1] > 0


@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml", "lbfgs-map", "lbfgs-ml:starts=1,coordinates=log-sd"])
def test_a_fit_has_the_same_bits_alone_and_among_others(label):
    problems = list(datasets(3))
    seeds = [np.random.SeedSequence(k) for k in range(3)]
    together = estimator(label).fit(problems, seeds)
    backwards = estimator(label).fit(problems[::-1], seeds[::-1])[::-1]
    for problem, seed, one, other in zip(problems, seeds, together, backwards, strict=True):
        alone = estimator(label).fit([problem], [seed])[0]
        for fit in (one, other):
            assert np.array_equal(fit.estimate, alone.estimate, equal_nan=True)
            assert np.array_equal(fit.se, alone.se, equal_nan=True)
            assert (fit.objective, fit.flags, fit.evaluations) == (alone.objective, alone.flags, alone.evaluations)


def test_progress_counts_the_fits():
    seen: list[tuple[int, int]] = []
    LbfgsML(starts=1).fit(list(datasets(3)), SEED * 3, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


# Standard errors


def working_hessian(problem: Problem, fit: Fit, reml: bool) -> np.ndarray:
    """Return the Hessian of the profiled deviance by second differences of its value alone."""
    layout, data = problem.layout, problem.products
    at = to_working(fit.estimate, layout, data)

    def value(w):
        return profiled_deviance(problem, from_working(np.append(at[layout.beta], w), layout, data), reml=reml)

    w, size = at[layout.p :], layout.size - layout.p
    rows = [numerical_gradient(lambda v, k=k: numerical_gradient(value, v, 5e-3)[k], w, 5e-3) for k in range(size)]
    return np.array(rows)


@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
@pytest.mark.parametrize("seed", [0, 4])
def test_standard_errors_are_those_of_the_curvature(reml, seed):
    problem = random_slopes(seed, *STRENGTHS[0])
    layout = problem.layout
    fit = fit_of("lbfgs-reml" if reml else "lbfgs-ml", problem)
    covariance = 2 * np.linalg.inv(working_hessian(problem, fit, reml))
    sd, sigma, cor = fit.estimate[layout.sd], fit.estimate[-1], fit.estimate[layout.cor]
    to_natural = np.concatenate([sd, 1 - cor**2, [sigma]])
    np.testing.assert_allclose(fit.se[layout.p :], to_natural * np.sqrt(np.diag(covariance)), rtol=1e-4)
    np.testing.assert_allclose(fit.working_se[layout.p :], np.sqrt(np.diag(covariance)), rtol=1e-4)
    s = dense.covariance(sd, cor, layout)
    v = dense.marginal_covariance(problem.z, problem.groups, len(layout.levels), s, sigma)
    np.testing.assert_allclose(fit.se[layout.beta], np.sqrt(np.diag(dense.gls(problem.y, problem.x, v)[1])), rtol=1e-8)


def test_standard_errors_of_the_correlations_of_four_effects_by_the_delta_method():
    problem = CASES["four effects"].problem()
    layout, starts = problem.layout, problem.products.starts
    z = np.random.default_rng(0).normal(size=layout.m)

    def one(k):
        return numerical_gradient(lambda at: correlations(np.tanh(at), layout, starts)[k], z, 1e-3)

    expected = [one(k) for k in range(layout.m)]
    found = kernel.correlation_jacobian(np.tanh(z), starts, layout.q)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml"])
def test_a_singular_correlation_matrix_leaves_the_other_standard_errors(label):
    fit = fit_of(label, CASES["four effects"].problem())
    layout = fit.layout
    assert np.linalg.eigvalsh(correlation_matrix(fit.estimate[layout.cor], layout))[0] < 1e-10
    assert Flag.BOUNDARY in fit.flags
    assert np.all(np.isfinite(fit.se[layout.beta]))
    assert np.isfinite(fit.se[-1])
    assert np.all(np.isnan(fit.se[layout.cor]))
    assert all("boundary" in reason for reason in fit.reason[layout.cor])


# The posterior mode


@pytest.mark.parametrize("seed", range(4))
def test_map_with_flat_priors_is_maximum_likelihood(seed):
    problem = random_slopes(seed, *STRENGTHS[0])
    flat = problem_with(problem, FLAT)
    mode, ml = fit_of("lbfgs-map", flat), fit_of("lbfgs-ml", problem)
    np.testing.assert_allclose(mode.estimate, ml.estimate, rtol=1e-4, atol=1e-5)
    # the density of LKJ(1) is a constant that the deviance lacks
    assert mode.objective == pytest.approx(ml.objective + 2 * np.log(2), abs=1e-5)
    np.testing.assert_allclose(mode.se[2:], ml.se[2:], rtol=2e-2)


def problem_with(problem: Problem, priors: dict[str, str]) -> Problem:
    """Return the same data under other priors."""
    frame = ModelFrame(
        response="y",
        y=problem.y,
        X=problem.x,
        coefs=problem.layout.coefs,
        Z=problem.z,
        blocks=problem.layout.blocks,
        factor=problem.layout.factor,
        levels=problem.layout.levels,
        groups=problem.groups,
    )
    return problem_from_frame(frame, Model(problem.model.formula, priors=priors))


def dense_log_posterior(problem: Problem, theta: np.ndarray) -> float:
    """Return the log density by (beta, sds, correlations, sigma), from the dense normal and the priors' formulas."""
    layout, priors = problem.layout, problem.priors
    sd, cor, sigma = theta[layout.sd], theta[layout.cor], theta[-1]
    if np.any(sd <= 0) or sigma <= 0 or np.any(np.abs(cor) >= 1):
        return -np.inf
    factor = np.linalg.cholesky(np.eye(layout.q) + (cor[0] * (1 - np.eye(2)) if layout.m else 0))
    s = dense.covariance(sd, cor, layout)
    v = dense.marginal_covariance(problem.z, problem.groups, len(layout.levels), s, sigma)
    prior = priors.logp(theta[layout.beta], sd, factor, sigma, numpy_namespace())
    return dense.loglik(problem.y, problem.x, theta[layout.beta], v) + float(prior)


@pytest.mark.parametrize(
    "priors",
    [
        {},
        {"sd_g": "HalfNormal(0.2)", "cor_g": "LKJ(4)", "beta[x]": "Normal(0, 0.3)", "sigma": "HalfCauchy(0.1)"},
        {"sd_g": "InverseGamma(3, 2)", "sigma": "InverseGamma(10, 3)"},
    ],
    ids=["defaults", "informative", "inverse gamma"],
)
def test_map_is_the_maximum_of_the_dense_log_posterior(priors):
    problem = problem_with(random_slopes(3, (0.8, 0.5), 0.3, groups=8, rows=5), priors)
    mode = fit_of("lbfgs-map", problem)
    found = minimize(
        lambda theta: -dense_log_posterior(problem, theta),
        mode.estimate + np.array([0.05, -0.05, 0.05, 0.05, -0.1, 0.05]),
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 6000, "maxfev": 6000},
    )
    assert mode.objective == pytest.approx(2 * found.fun, abs=1e-7)
    np.testing.assert_allclose(mode.estimate, found.x, rtol=1e-4, atol=1e-5)
    assert set(mode.estimand) == {"posterior mode"}


def test_unconstrained_coordinates_move_the_mode_by_the_jacobian():
    problem = problem_with(random_slopes(3, (0.8, 0.5), 0.3, groups=8, rows=5), {})
    natural = fit_of("lbfgs-map", problem)
    moved = fit_of("lbfgs-map:coordinates=unconstrained", problem)
    layout = problem.layout
    # the Jacobian of log sd grows with the sd
    assert np.all(moved.estimate[layout.sd] > natural.estimate[layout.sd])
    assert moved.estimate[-1] > natural.estimate[-1]

    def in_working_coordinates(x):
        theta = np.concatenate([x[:2], np.exp(x[2:4]), [np.tanh(x[4])], [np.exp(x[5])]])
        jacobian = x[2] + x[3] + x[5] + np.log1p(-(theta[4] ** 2))
        return -dense_log_posterior(problem, theta) - jacobian

    at = moved.estimate
    start = np.concatenate([at[:2], np.log(at[2:4]), np.arctanh(at[4:5]), np.log(at[5:])])
    options = {"xatol": 1e-7, "fatol": 1e-11, "maxiter": 6000, "maxfev": 6000}
    found = minimize(in_working_coordinates, start + 0.05, method="Nelder-Mead", options=options)
    np.testing.assert_allclose(start, found.x, atol=2e-4)
    assert moved.objective == pytest.approx(2 * found.fun, abs=1e-7)


def dyestuff2(**priors: str) -> Problem:
    return build_problem(Model("yield ~ 1 + (1 | batch)", priors=priors), read_data("dyestuff2"))


def test_map_lands_on_zero_where_the_priors_allow_it():
    fit = fit_of("lbfgs-map", dyestuff2())
    assert fit.estimate[1] == 0
    assert fit.flags == (Flag.BOUNDARY,)
    assert fit.status is Status.OK
    assert np.isnan(fit.se[1])
    assert "boundary" in fit.reason[1]
    assert np.all(np.isfinite(fit.se[[0, 2]]))


def test_map_with_an_inverse_gamma_prior_stays_inside():
    fit = fit_of("lbfgs-map", dyestuff2(sd_batch="InverseGamma(0.01, 0.01)"))
    assert 0 < fit.estimate[1] < 1
    assert not fit.flags
    grid = np.exp(np.linspace(np.log(fit.estimate[1]) - 1, np.log(fit.estimate[1]) + 1, 21))
    problem = dyestuff2(sd_batch="InverseGamma(0.01, 0.01)")

    def value(sd):
        theta = fit.estimate.copy()
        theta[1] = sd
        return dense_log_posterior(problem, theta)

    assert max(map(value, grid)) <= value(fit.estimate[1]) + 1e-8


def test_posterior_objects_agree_with_what_the_engine_reports():
    problem = random_slopes(5, *STRENGTHS[0])
    fit = fit_of("lbfgs-map", problem)
    x = to_working(fit.estimate, problem.layout, problem.products)
    value, gradient = Posterior(problem, jacobian=False)(x)
    assert value == pytest.approx(fit.objective, abs=1e-9)
    assert np.max(np.abs(gradient)) < 1e-3


# Judging fits by the best of them


def test_a_fit_in_a_worse_optimum_says_so():
    problem = random_slopes(0, *STRENGTHS[0])
    good = fit_of("lbfgs-ml", problem)
    shifted = good.estimate.copy()
    shifted[problem.layout.sd] *= 3
    worse = replace(good, estimator="lbfgs-ml:starts=1", estimate=shifted, objective=deviance(problem, shifted))
    reml = fit_of("lbfgs-reml", problem)
    one, two, three = judged([good, worse, reml])
    assert (one.gap_deviance, one.gap_sd) == (0.0, 0.0)
    assert two.gap_deviance == pytest.approx(worse.objective - good.objective)
    assert Flag.WORSE_OPTIMUM in two.flags
    assert two.status is Status.FLAGGED
    expected = np.log(3) / good.working_se[problem.layout.sd]
    assert two.gap_sd == pytest.approx(np.max(expected))
    # REML is judged by its own objective
    assert (three.gap_deviance, three.gap_sd) == (0.0, 0.0)
    np.testing.assert_array_equal(two.own_optimum, good.estimate)


def test_the_safeguarded_fit_stands_for_the_marginal_optimum():
    assert marginal_ml(["adam-marginal", "lbfgs-ml:starts=1", "lbfgs-ml", "lbfgs-reml"]) == 2
    assert marginal_ml(["adam-marginal", "lbfgs-ml:starts=1"]) is None


def on_the_working_scale(fit, theta):
    return natural_working(theta, fit.layout), natural_working(fit.estimate, fit.layout)


def test_parameters_at_their_boundary_have_no_distance():
    problem = dyestuff2()
    fit = fit_of("lbfgs-ml", problem)
    moved = fit.estimate.copy()
    moved[1] = 0.5
    assert working_distance(*on_the_working_scale(fit, moved), fit.working_se) == 0.0
    moved[0] += 2 * fit.se[0]
    assert working_distance(*on_the_working_scale(fit, moved), fit.working_se) == pytest.approx(2.0)


# The surface


def test_the_surface_of_random_slopes_has_one_optimum():
    for seed, problem in enumerate(datasets(8)):
        surface = explore(problem, starts=6, rng=np.random.default_rng(seed))
        assert surface.starts == 6
        assert surface.distinct == 1
        assert surface.deviance_range < 1e-6


@dataclass(frozen=True)
class NearZeroOrNot(bc.Prior):
    """Half a narrow and half a wide half-normal distribution."""

    small: float
    large: float
    support = "positive"

    def logp(self, x, xp):
        narrow, wide = (-xp.log(scale) - 0.5 * xp.square(x / scale) for scale in (self.small, self.large))
        return 0.5 * math.log(2 / math.pi) - math.log(2) + xp.logaddexp(narrow, wide)

    def draw(self, rng, shape):
        return np.abs(rng.normal(0, np.where(rng.uniform(size=shape) < 0.5, self.small, self.large)))


@pytest.mark.parametrize("small", [1.0, 0.001])
def test_the_mode_is_found_in_a_spike_at_zero(small):
    # the likelihood has its maximum at 37, and dispersed starts come nowhere near the spike
    prior = NearZeroOrNot(small, 50.0)
    model = bc.Model("yield ~ 1 + (1 | batch)", priors={"sd_batch": prior, "sigma": bc.Flat(), "beta": bc.Flat()})
    fit = bc.fit(model, "dyestuff", "lbfgs-map")["lbfgs-map"]
    assert fit.estimate[1] == 0
    assert Flag.BOUNDARY in fit.flags
    # the likelihood of no differences between batches is that of one normal sample
    y = bc.load_dataset("dyestuff").frame["yield"].to_numpy(dtype=float)
    likeliest = len(y) * (1 + math.log(2 * math.pi * np.var(y)))
    assert fit.objective == pytest.approx(likeliest - 2 * float(prior.logp(0.0, numpy_namespace())), rel=1e-9)
