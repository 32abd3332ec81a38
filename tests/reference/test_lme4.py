"""lme4's answers on published data; the numbers and where they are from: ``data/README.md``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from bayescompare.data import read_data
from bayescompare.engines.catalog import estimator
from bayescompare.engines.lbfgs.search import _checked, _descend, _End
from bayescompare.engines.lbfgs.spaces import Cholesky
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood import kernel
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model

TABLE = pd.read_csv(Path(__file__).with_name("data") / "lme4_lmm.csv", comment="#")
ROWS = list(TABLE.groupby(["dataset", "formula", "method"], sort=False).groups)
SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
SEED = [np.random.SeedSequence(1)]
# in one-way data of 30 rows lme4's zero is a zero: what it prints beside it is not an sd
ZERO = 1e-8


def fit_of(label: str, formula: str, data) -> Fit:
    return estimator(label).fit([problem_of(formula, data)], SEED)[0]


def problem_of(formula: str, data) -> Problem:
    return build_problem(Model(formula), read_data(data))


@cache
def fit_row(dataset: str, formula: str, method: str) -> Fit:
    return fit_of(f"lbfgs-{method.lower()}", formula, dataset)


def expected_of(dataset: str, formula: str, method: str) -> Mapping[str, float]:
    chosen = TABLE[(TABLE["dataset"] == dataset) & (TABLE["formula"] == formula) & (TABLE["method"] == method)]
    return dict(zip(chosen["quantity"], chosen["value"], strict=True))


every_row = pytest.mark.parametrize(("dataset", "formula", "method"), ROWS)


def test_the_table_has_every_model_with_one_grouping_factor():
    assert len(ROWS) == 10
    assert len(TABLE) == 78


@every_row
def test_deviance(dataset, formula, method):
    fit = fit_row(dataset, formula, method)
    assert fit.objective == pytest.approx(expected_of(dataset, formula, method)["neg2loglik"], abs=1e-6)


@every_row
def test_estimates(dataset, formula, method):
    fit, expected = fit_row(dataset, formula, method), expected_of(dataset, formula, method)
    found = dict(zip(fit.layout.labels, fit.estimate, strict=True))
    assert set(found) <= set(expected)
    for label, value in found.items():
        assert value == pytest.approx(expected[label], rel=1e-4, abs=ZERO), label


@every_row
def test_standard_errors_of_the_fixed_effects(dataset, formula, method):
    fit, expected = fit_row(dataset, formula, method), expected_of(dataset, formula, method)
    for label, value in zip(fit.layout.labels[fit.layout.beta], fit.se, strict=False):
        assert value == pytest.approx(expected[f"se({label})"], rel=1e-4), label


@every_row
def test_first_conditional_mode(dataset, formula, method):
    fit, expected = fit_row(dataset, formula, method), expected_of(dataset, formula, method)
    label = fit.layout.random_effect_labels[0]
    assert fit.random_effects.mode.ravel()[0] == pytest.approx(expected[label], rel=1e-4, abs=ZERO)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_dyestuff2_lands_on_exactly_zero_without_a_warning(method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = fit_of(f"lbfgs-{method}", "yield ~ 1 + (1 | batch)", "dyestuff2")
    assert fit.estimate[fit.layout.sd] == [0.0]
    assert fit.flags == (Flag.BOUNDARY,)
    assert fit.status is Status.OK
    assert np.all(fit.random_effects.mode == 0)
    assert np.all(fit.random_effects.sd == 0)
    # at zero the model is that of a plain sample: 30 values
    y = read_data("dyestuff2").frame["yield"].to_numpy(float)
    sigma = np.std(y, ddof=0 if method == "ml" else 1)
    np.testing.assert_allclose(fit.estimate[[0, 2]], [y.mean(), sigma], rtol=1e-9)
    assert fit.se[0] == pytest.approx(sigma / np.sqrt(30), rel=1e-9)
    assert np.isnan(fit.se[1])
    assert "boundary" in fit.reason[1]
    # the residual sd keeps its standard error: half the sd of log of a scaled chi-square's mean
    assert fit.se[2] == pytest.approx(sigma / np.sqrt(2 * (30 if method == "ml" else 29)), rel=1e-3)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_fault_65_a_million_added_to_the_response_changes_no_digit(method):
    plain = fit_row("sleepstudy", SLEEP, method.upper())
    frame = read_data("sleepstudy").frame
    moved = fit_of(f"lbfgs-{method}", SLEEP, frame.assign(reaction=frame["reaction"] + 1e6))
    assert moved.objective == pytest.approx(plain.objective, abs=1e-6)
    shift = np.zeros(6)
    shift[0] = 1e6
    np.testing.assert_allclose(moved.estimate - shift, plain.estimate, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(moved.se, plain.se, rtol=1e-5)
    np.testing.assert_allclose(moved.random_effects.mode, plain.random_effects.mode, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_fault_65_a_year_for_the_days_changes_no_digit(method):
    plain = fit_row("sleepstudy", SLEEP, method.upper())
    frame = read_data("sleepstudy").frame
    moved = fit_of(f"lbfgs-{method}", SLEEP, frame.assign(days=frame["days"] + 1984))
    assert moved.objective == pytest.approx(plain.objective, abs=1e-6)
    labels = plain.layout.labels
    shared = [labels.index(label) for label in ("beta[days]", "sd_subject[days]", "sigma")]
    np.testing.assert_allclose(moved.estimate[shared], plain.estimate[shared], rtol=1e-6)
    np.testing.assert_allclose(moved.se[shared], plain.se[shared], rtol=1e-5)
    # the intercepts are those of the year 0: the fitted lines are the same
    assert moved.estimate[0] + 1984 * moved.estimate[1] == pytest.approx(plain.estimate[0], rel=1e-8)
    lines = moved.random_effects.mode @ [1.0, 1984.0]
    np.testing.assert_allclose(lines, plain.random_effects.mode[:, 0], rtol=1e-4, atol=1e-4)
    assert Flag.BOUNDARY not in moved.flags


BEST, FALSE_STOP = 1751.939344, 1774.080315


def test_the_safeguards_leave_the_false_stop_of_sleepstudy():
    space = Cholesky(problem_of(SLEEP, "sleepstudy"), reml=False)
    d, cells = space.data, (space.rows, space.columns)

    def in_the_users_columns(entries):
        lam = np.zeros((2, 2))
        lam[cells] = entries
        value, gradient, *_ = kernel.profiled(d.t_inverse @ lam, d.r, d.c, d.within, float(d.n), False, 0.0)
        return value, (d.t_inverse.T @ gradient)[cells]

    # the trap is real: from (2, 0, 2) a line search lands on both bounds, where the gradient is zero
    bounds = [(0.0, None), (None, None), (0.0, None)]
    stop = minimize(in_the_users_columns, [2.0, 0.0, 2.0], jac=True, method="L-BFGS-B", bounds=bounds)
    assert stop.success
    assert stop.fun == pytest.approx(FALSE_STOP, abs=1e-5)
    assert np.all(stop.x[space.diagonal] == 0)
    root = np.zeros((2, 2))
    root[cells] = stop.x
    rotated = (d.t_inverse @ root)[:, 0]
    # the same covariance in the columns that are searched: rank one, the last diagonal zero
    point = np.array([*np.sign(rotated[0]) * rotated, 0.0]) / space.unit
    end = _End(point, *space(point), 1)
    assert end.value == pytest.approx(FALSE_STOP, abs=1e-5)
    assert _checked(space, end).value == pytest.approx(BEST, abs=1e-5)


@pytest.mark.parametrize("held", [[0], [2], [0, 2]])
def test_the_safeguards_leave_every_zero_of_sleepstudy(held):
    space = Cholesky(problem_of(SLEEP, "sleepstudy"), reml=False)
    start = np.array([1.0, 0.3, 1.0]) / space.unit
    start[held] = 0.0
    end = _descend(space, start, np.array(held))
    assert end.value > 1752.5
    assert _checked(space, end).value == pytest.approx(BEST, abs=1e-5)


def test_no_start_of_the_engine_ends_in_the_false_stop():
    fit = estimator("lbfgs-ml:starts=30").fit([problem_of(SLEEP, "sleepstudy")], SEED)[0]
    assert np.max(fit.info["starts_deviance"]) < 1752.5
    assert fit.objective == pytest.approx(BEST, abs=1e-6)
