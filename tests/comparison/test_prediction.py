"""Errors in predicting known and new groups: by hand, and against new rows that are simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bayescompare.comparison.prediction import moments, prediction_errors
from bayescompare.fits import Fit, RandomEffects, Status
from bayescompare.layout import Layout

SLOPES = Layout(coefs=("Intercept", "x"), factor="g", blocks=(("Intercept", "x"),), levels=("1", "2", "3"))
LINEAR = Layout(coefs=("Intercept", "x"))
#: beta, sds, correlation, sigma.
TRUTH = np.array([1.0, 2.0, 2.0, 0.5, 0.6, 1.0])


def fit(estimate, effects=None, layout=SLOPES) -> Fit:
    estimate = np.asarray(estimate, dtype=float)
    found = None if effects is None else RandomEffects(mode=np.asarray(effects), sd=np.ones_like(effects))
    return Fit(
        estimator="mock", layout=layout, status=Status.OK, estimate=estimate, se=np.ones(layout.size),
        estimand=("",) * layout.size, reason=("",) * layout.size, random_effects=found,
    )  # fmt: skip


def test_by_hand():
    # x = -1 and 1: M of (1, x) is the identity
    second = moments(np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([[1.0, -1.0], [1.0, 1.0]]))
    effects = np.zeros((3, 2))
    found = np.array([[3.0, 0.0], [0.0, 0.0], [0.0, -3.0]])
    known, new = prediction_errors(fit([1.3, 2.4, 2, 0.5, 0.6, 1], found), TRUTH, effects, second)
    # group by group: (0.3 + 3)^2 + 0.4^2, 0.3^2 + 0.4^2, 0.3^2 + (0.4 - 3)^2
    assert known == pytest.approx(np.sqrt((11.05 + 0.25 + 6.85) / 3))
    # 0.3^2 + 0.4^2, and the variances of intercepts and slopes
    assert new == pytest.approx(np.sqrt(0.25 + 4 + 0.25))


def test_a_perfect_fit_errs_in_new_groups_by_their_spread_alone():
    second = moments(np.ones((5, 2)), np.ones((5, 2)))
    effects = np.arange(6.0).reshape(3, 2)
    known, new = prediction_errors(fit(TRUTH, effects), TRUTH, effects, second)
    assert known == 0
    # the variance of intercept and slope at x = 1: 4 + 0.25 + 2 * 0.6 * 2 * 0.5
    assert new == pytest.approx(np.sqrt(5.45))


def test_a_fit_that_ignores_the_groups_predicts_zero():
    second = moments(np.eye(2), np.eye(2))
    effects = np.array([[1.0, -1.0], [2.0, 0.0], [0.0, 4.0]])
    pooled = fit([1, 2, np.nan, np.nan, np.nan, 3])
    known, _ = prediction_errors(pooled, TRUTH, effects, second)
    assert known == pytest.approx(np.sqrt(np.mean([1.0, 2.0, 8.0])))


def test_what_is_not_known_is_no_number():
    second = moments(np.eye(2), np.eye(2))
    effects = np.zeros((3, 2))
    known, new = prediction_errors(fit(TRUTH), TRUTH, effects, second)
    assert np.isnan(known)
    assert np.isfinite(new)
    failed = fit(np.full(6, np.nan))
    assert np.isnan(prediction_errors(failed, TRUTH, effects, second)).all()
    assert np.isnan(prediction_errors(fit(TRUTH, effects), TRUTH, effects, np.eye(3))).all()
    lost = fit([np.inf, 2, 2, 0.5, 0.6, 1], effects)
    assert not np.isfinite(prediction_errors(lost, TRUTH, effects, second)).any()


def test_without_groups_known_and_new_are_one():
    second = moments(np.eye(2), np.empty((2, 0)))
    known, new = prediction_errors(fit([1.5, 2, 1], layout=LINEAR), np.array([1.0, 2.0, 1.0]), None, second)
    assert known == new == pytest.approx(np.sqrt(0.125))


@pytest.mark.parametrize("seed", range(3))
def test_the_formula_is_the_mean_over_new_rows_that_are_simulated(seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(40), rng.normal(0.5, 1, 40)])
    one = fit(TRUTH + rng.normal(0, 0.3, 6) * [1, 1, 0, 0, 0, 0], rng.normal(size=(3, 2)))
    effects = one.random_effects.mode + rng.normal(0, 0.4, (3, 2))
    formula = prediction_errors(one, TRUTH, effects, moments(x, x))
    n = 200_000
    rows = x[rng.integers(40, size=n)]
    group = rng.integers(3, size=n)
    truth, found = TRUTH[:2], one.estimate[:2]
    covariance = np.array([[4.0, 0.6], [0.6, 0.25]])
    drawn = rng.multivariate_normal(np.zeros(2), covariance, size=n)
    known = np.sum(rows * (found + one.random_effects.mode[group] - truth - effects[group]), axis=1) ** 2
    new = np.sum(rows * (found - truth - drawn), axis=1) ** 2
    for value, squares in zip(formula, (known, new), strict=True):
        assert abs(value**2 - squares.mean()) < 4 * squares.std() / np.sqrt(n)
    # a planted error of this size would be seen
    assert abs((formula[1] + 0.05) ** 2 - new.mean()) > 4 * new.std() / np.sqrt(n)


def test_predictions_do_not_depend_on_how_sds_are_estimated():
    second, effects = moments(np.eye(2), np.eye(2)), np.zeros((3, 2))
    one = fit(TRUTH, effects)
    other = replace(one, estimate=TRUTH * [1, 1, 3, 3, 0, 2])
    assert prediction_errors(one, TRUTH, effects, second) == prediction_errors(other, TRUTH, effects, second)
