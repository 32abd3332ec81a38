"""Boundaries, early stops, worse optima, rank deficiency and offsets, as L-BFGS-B answers them."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayescompare.data import Dataset, read_data
from bayescompare.engines.catalog import estimator
from bayescompare.engines.lbfgs import map as lbfgs_map
from bayescompare.engines.lbfgs import search as lbfgs_search
from bayescompare.engines.optima import judged
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.intervals import intervals
from bayescompare.likelihood import dense
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from tests.laws.cases import CASES

POINTS = ("lbfgs-ml", "lbfgs-reml", "lbfgs-map", "lbfgs-ml:starts=1,coordinates=log-sd")


def fit_of(label: str, problem: Problem) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return estimator(label).fit([problem], [np.random.SeedSequence(3)])[0]


def rank_one_slopes(seed: int = 0) -> Problem:
    """Return data whose intercepts and slopes are the same numbers: a correlation of one."""
    rng = np.random.default_rng(seed)
    groups, x = np.repeat(np.arange(12), 8), rng.normal(size=96)
    effects = rng.normal(size=12)
    y = effects[groups] * (1 + 0.7 * x) + 0.5 * rng.normal(size=96)
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"s{k:02d}" for k in groups]})
    return build_problem(Model("y ~ x + (1 + x | g)"), Dataset(frame=frame, name="rank one"))


@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml", "lbfgs-map"])
def test_fault_38_a_variance_of_zero(label):
    problem = build_problem(Model("yield ~ 1 + (1 | batch)"), read_data("dyestuff2"))
    fit = fit_of(label, problem)
    assert fit.estimate[1] == 0.0
    assert (fit.status, fit.flags) == (Status.OK, (Flag.BOUNDARY,))
    assert fit.reason == ("", "at its boundary: no Wald standard error", "")
    mean, sd, sigma = intervals(fit)
    assert np.isnan([sd.lower, sd.upper]).all()
    assert "boundary" in sd.reason
    assert mean.lower < fit.estimate[0] < mean.upper
    assert sigma.lower < fit.estimate[2] < sigma.upper


def test_fault_38_a_correlation_at_one():
    found = [fit_of("lbfgs-ml", rank_one_slopes(seed)) for seed in range(12)]
    at_one = [fit for fit in found if fit.estimate[4] == 1.0]
    assert len(at_one) >= 3
    for fit in at_one:
        assert Flag.BOUNDARY in fit.flags
        assert np.isnan(fit.se[4])
        assert "boundary" in fit.reason[4]
        assert np.all(np.isfinite(fit.se[[0, 1, 2, 3, 5]]))
        assert np.all(np.isfinite(fit.random_effects.mode))
    for fit in found:
        if fit.estimate[4] < 1:
            assert np.isfinite(fit.se[4])


def test_fault_38_a_slope_sd_of_zero_has_no_correlation():
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(20):
        groups, x = np.repeat(np.arange(10), 6), rng.normal(size=60)
        y = rng.normal(size=10)[groups] + rng.normal(size=60)
        frame = pd.DataFrame({"y": y, "x": x, "g": [f"s{k}" for k in groups]})
        fit = fit_of("lbfgs-ml", build_problem(Model("y ~ x + (1 + x || g)"), Dataset(frame=frame, name="weak")))
        assert np.all(np.isfinite(fit.se[fit.layout.beta]))
        if fit.estimate[3] == 0:
            seen += 1
            assert Flag.BOUNDARY in fit.flags
            assert np.isnan(fit.se[3])
            assert "boundary" in fit.reason[3]
            assert np.all(fit.random_effects.mode[:, 1] == 0)
    assert seen >= 3


@pytest.mark.parametrize("label", POINTS)
def test_fault_39_an_optimizer_that_stops_early_says_so(label, monkeypatch):
    stopped = {"maxiter": 1, "maxfun": 1, "ftol": 1e-12, "gtol": 1e-7}
    monkeypatch.setattr(lbfgs_search, "_OPTIONS", stopped)
    monkeypatch.setattr(lbfgs_map, "_OPTIONS", stopped)
    frame = CASES["slopes"].frame()
    frame = frame.assign(y=frame["y"] + 5 * frame["x"] * (frame["g"] > "s04"))
    fit = fit_of(label, CASES["slopes"].problem(frame=frame))
    assert Flag.NOT_STATIONARY in fit.flags
    assert fit.status is Status.FLAGGED
    assert "EXCEEDS LIMIT" in fit.message.upper() or "REACHED LIMIT" in fit.message.upper()


def test_fault_39_a_false_zero_is_left():
    # dispersed starts, and the check of every zero: tests/reference/test_lme4.py has the real one
    problem = build_problem(Model("reaction ~ 1 + days + (1 + days | subject)"), read_data("sleepstudy"))
    fit = fit_of("lbfgs-ml", problem)
    assert len(fit.info["starts_deviance"]) == 4
    assert Flag.BOUNDARY not in fit.flags


@pytest.mark.parametrize("label", POINTS)
def test_fault_39_a_likelihood_that_is_never_finite_is_a_failed_fit(label):
    problem = CASES["slopes"].problem()
    broken = replace(problem.products, r=problem.products.r * np.nan, c=problem.products.c * np.nan)
    fit = estimator(label).fit([replace(problem, products=broken)], [np.random.SeedSequence(0)])[0]
    assert fit.status is Status.FAILED
    assert "not finite at any start" in fit.message
    assert np.all(np.isnan(fit.estimate))
    assert set(fit.reason) == {fit.message}


@pytest.mark.parametrize("label", ["lbfgs-ml:starts=0", "lbfgs-map:starts=-1"])
def test_fault_39_no_start_is_refused(label):
    with pytest.raises(EstimatorError, match="starts must be at least 1"):
        estimator(label)


def test_fault_41_of_two_optima_the_worse_one_says_so():
    problem = build_problem(Model("reaction ~ 1 + days + (1 + days | subject)"), read_data("sleepstudy"))
    good = fit_of("lbfgs-ml", problem)
    stuck = good.estimate.copy()
    stuck[problem.layout.cor] = 1.0
    bad = replace(good, estimator="lbfgs-ml:starts=1", estimate=stuck, objective=deviance(problem, stuck))
    assert bad.objective - good.objective > 2
    first, second = judged([bad, good])
    assert Flag.WORSE_OPTIMUM in first.flags
    assert first.status is Status.FLAGGED
    assert first.gap_deviance == pytest.approx(bad.objective - good.objective)
    assert Flag.WORSE_OPTIMUM not in second.flags
    assert second.gap_deviance == 0


@pytest.mark.parametrize("label", POINTS)
def test_fault_13_collinear_columns_are_dropped_for_every_engine_alike(label):
    frame = CASES["slopes"].frame()
    frame = frame.assign(twice=2 * frame["x"] + 1, same=4.0)
    problem = build_problem(Model("y ~ x + twice + same + (1 | g)"), Dataset(frame=frame, name="collinear"))
    fit = fit_of(label, problem)
    assert problem.layout.coefs == ("Intercept", "x")
    assert Flag.RANK_DEFICIENT in fit.flags
    assert fit.status is Status.FLAGGED
    plain = fit_of(label, build_problem(Model("y ~ x + (1 | g)"), Dataset(frame=frame, name="plain")))
    np.testing.assert_allclose(fit.estimate, plain.estimate, rtol=1e-6)


@pytest.mark.parametrize("label", POINTS)
@pytest.mark.parametrize(
    ("column", "offset"), [("y", 1e6), ("y", 1.7e9), ("x", 2000.0), ("x", 1e6)], ids=["million", "stamp", "year", "far"]
)
def test_fault_65_offsets_cost_no_digits(label, column, offset):
    # random intercepts only: there the offset of a predictor moves the intercept and nothing else
    case = CASES["intercept, predictor"]
    flat = {"beta": "Flat", "sd_g": "HalfNormal(2)", "sigma": "HalfNormal(2)"}
    here = fit_of(label, case.problem(flat))
    frame = case.frame()
    there = fit_of(label, case.problem(flat, frame=frame.assign(**{column: frame[column] + offset})))
    # what the data themselves lose when the offset is added
    lost = 1e-16 * offset * 1e3
    assert there.objective == pytest.approx(here.objective, abs=1e-6 + 1e2 * lost)
    np.testing.assert_allclose(there.estimate[1:], here.estimate[1:], rtol=1e-5 + lost)
    np.testing.assert_allclose(there.se[1:], here.se[1:], rtol=1e-3 + lost)
    np.testing.assert_allclose(there.random_effects.mode, here.random_effects.mode, atol=1e-5 + lost)


def test_fault_65_the_textbook_form_loses_what_the_products_keep():
    case = CASES["offset 1e6"]
    problem = case.problem()
    plain = replace(case, offset=0.0).problem()
    theta = fit_of("lbfgs-ml", plain).estimate
    there = theta.copy()
    there[0] += 1e6
    s = dense.covariance(theta[plain.layout.sd], theta[plain.layout.cor], plain.layout)
    v = dense.marginal_covariance(plain.z, plain.groups, len(plain.layout.levels), s, theta[-1])
    exact = -2 * dense.loglik(plain.y, plain.x, theta[plain.layout.beta], v)
    assert deviance(problem, there) == pytest.approx(exact, rel=1e-8)
