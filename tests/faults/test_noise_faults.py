"""Fault 69: next to no residual noise, or none. Right, or flagged, or an error; never a wrong number without a word."""

import numpy as np
import pandas as pd
import pytest

from bayescompare.dataset import Dataset
from bayescompare.engines.catalog import estimator
from bayescompare.errors import ModelError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood import kernel
from bayescompare.likelihood.noise import residual_sd
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model

SEED = np.random.SeedSequence(1)
INTERCEPTS, SLOPES = "y ~ x + (1 | g)", "y ~ x + (1 + x | g)"
J, ROWS = 30, 10


def made(sigma: float, formula: str = SLOPES, weak: tuple[bool, bool] = (False, False), rows: int = ROWS):
    """Return 30 groups with sds of about one, those that are weak of about sigma."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(J), rows)
    x = rng.normal(size=len(g))
    b = rng.normal(size=(J, 2)) @ np.array([[1.0, 0.0], [0.3, 1.0]]) * np.where(weak, sigma, 1.0)
    y = 10 + 10 * x + b[g, 0] + sigma * rng.normal(size=len(g)) + (b[g, 1] * x if formula == SLOPES else 0)
    return pd.DataFrame({"y": y, "x": x, "g": g})


def fit_of(label: str, formula: str, frame: pd.DataFrame) -> Fit:
    problem = build_problem(Model(formula), Dataset(frame=frame, name="data"))
    return estimator(label).fit([problem], [SEED])[0]


def least_squares(frame: pd.DataFrame, formula: str, *, reml: bool) -> np.ndarray:
    """Return what the estimates tend to as sigma goes to zero: moments of each group's own least squares."""
    groups = [part for _, part in frame.groupby("g")]
    if formula == INTERCEPTS:
        within = frame[["y", "x"]] - frame.groupby("g")[["y", "x"]].transform("mean")
        slope = within.x @ within.y / (within.x @ within.x)
        own = np.array([(part.y - slope * part.x).mean() for part in groups])
        return np.array([own.mean(), slope, own.std(ddof=int(reml))])
    own = np.array([np.polyfit(part.x, part.y, 1)[::-1] for part in groups])
    return np.array([*own.mean(axis=0), *own.std(axis=0, ddof=int(reml)), np.corrcoef(own.T)[0, 1]])


@pytest.mark.parametrize("sigma", [1e-3, 1e-5, 1e-6, 3e-7, 1e-7, 1e-8, 1e-9])
@pytest.mark.parametrize("formula", [INTERCEPTS, SLOPES])
@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml"])
def test_fault_69_the_estimates_tend_to_those_of_each_group(label, formula, sigma):
    frame = made(sigma, formula)
    fit, expected = fit_of(label, formula, frame), least_squares(frame, formula, reml=label == "lbfgs-reml")
    assert fit.status == Status.OK
    off = np.abs(fit.estimate[: len(expected)] - expected) / np.maximum(fit.se[: len(expected)], 1e-12)
    assert off.max() < 0.02
    assert fit.estimate[-1] == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("sigma", [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9])
@pytest.mark.parametrize("weak", [(True, False), (False, True)], ids=["weak intercepts", "weak slopes"])
@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml", "lbfgs-map"])
def test_fault_69_one_effect_beside_the_noise_is_right_or_flagged(label, weak, sigma):
    fit, scaled = fit_of(label, SLOPES, made(sigma, weak=weak)), fit_of(label, SLOPES, made(1e-3, weak=weak))
    if fit.status != Status.OK:
        return
    small = np.array([1.0, 1.0, *np.where(weak, sigma / 1e-3, 1.0), 1.0, sigma / 1e-3])
    errors = scaled.se * small
    assert np.max(np.abs(fit.estimate - scaled.estimate * small)[2:] / errors[2:]) < 0.1
    np.testing.assert_allclose(fit.se[2:], errors[2:], rtol=0.1)


def test_fault_69_weak_effects_are_fitted_down_to_a_millionth():
    for weak in [(True, False), (False, True)]:
        for label in ("lbfgs-ml", "lbfgs-reml"):
            assert fit_of(label, SLOPES, made(1e-6, weak=weak)).status == Status.OK


@pytest.mark.parametrize("sigma", [0.0, 1e-16, 1e-12])
@pytest.mark.parametrize("formula", [INTERCEPTS, SLOPES])
def test_fault_69_data_without_noise_are_an_error(formula, sigma):
    with pytest.raises(ModelError, match=r"residuals of 'y' are zero to rounding once each level of 'g' has its own"):
        build_problem(Model(formula), Dataset(frame=made(sigma, formula), name="data"))


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "y ~ 0 + (1 | g)", "y ~ x + (1 | g)", "y ~ x + C(g)"])
def test_fault_69_whole_numbers_without_noise_are_an_error(formula):
    frame = made(0.0).assign(y=lambda one: 2.0 * (one.g % 7))
    with pytest.raises(ModelError, match="no residual noise to estimate"):
        build_problem(Model(formula), Dataset(frame=frame, name="data"))


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_noise_left_is_that_of_least_squares_with_an_effect_of_each_group(offset):
    frame = made(0.3).assign(y=lambda one: one.y + offset)
    data = build_problem(Model(SLOPES), Dataset(frame=frame, name="data")).products
    each = [np.polyfit(part.x, part.y, 1, full=True)[1][0] for _, part in frame.groupby("g")]
    assert residual_sd(data) == pytest.approx(np.sqrt(sum(each) / (J * (ROWS - 2))), rel=1e-6)


def test_the_noise_left_counts_rows_of_groups_whose_columns_depend_on_each_other():
    frame = made(0.3).assign(x=lambda one: one.g % 5)
    data = build_problem(Model("y ~ x + (1 + x | g)"), Dataset(frame=frame, name="data")).products
    within = frame.y - frame.groupby("g").y.transform("mean")
    assert residual_sd(data) == pytest.approx(np.sqrt(within @ within / (J * (ROWS - 1))), rel=1e-9)


def test_graded_rows_have_the_deviance_of_exact_arithmetic():
    from fractions import Fraction

    rng = np.random.default_rng(5)
    lam = np.array([[0.4, 0.0], [3e7, 0.7]])
    r, c = np.triu(rng.normal(size=(4, 2, 2))), rng.normal(size=(4, 2, 2))
    exact = [[Fraction(0)] * 2 for _ in range(2)]
    determinant = Fraction(1)
    for r_j, c_j in zip(r, c, strict=True):
        p = [[sum(Fraction(r_j[a, k]) * Fraction(lam[k, b]) for k in range(2)) for b in range(2)] for a in range(2)]
        b = [[sum(p[i][k] * p[j][k] for k in range(2)) + (i == j) for j in range(2)] for i in range(2)]
        det = b[0][0] * b[1][1] - b[0][1] ** 2
        inverse = [[b[1][1] / det, -b[0][1] / det], [-b[0][1] / det, b[0][0] / det]]
        determinant *= det
        for i in range(2):
            for j in range(2):
                exact[i][j] += sum(
                    Fraction(c_j[k, i]) * inverse[k][m] * Fraction(c_j[m, j]) for k in range(2) for m in range(2)
                )
    log_det, h = kernel.sums(lam, r, c, np.zeros((2, 2)))
    assert log_det == pytest.approx(float(np.log(float(determinant))), rel=1e-12)
    np.testing.assert_allclose(h, np.array(exact, dtype=float), rtol=1e-6)


@pytest.mark.parametrize("label", ["lbfgs-ml", "lbfgs-reml", "lbfgs-map"])
def test_a_residual_sd_at_zero_is_flagged_where_the_likelihood_is_finite_there(label):
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(60), 2)
    x, b = rng.normal(size=120), rng.normal(size=(60, 2))
    frame = pd.DataFrame({"y": 1 + 2 * x + b[g, 0] + b[g, 1] * x + 0.03 * rng.normal(size=120), "x": x, "g": g})
    fit = fit_of(label, SLOPES, frame)
    assert Flag.BOUNDARY in fit.flags
    assert fit.estimate[-1] < 1e-3
    if label != "lbfgs-map":
        assert fit.reason[-1] == "at its boundary: no Wald standard error"
        assert np.isfinite(fit.se[:-1]).all()


@pytest.mark.parametrize("formula", [INTERCEPTS, SLOPES])
def test_fault_69_nuts_is_right_or_flagged(formula):
    frame = made(1e-6, formula)
    fit, expected = fit_of("nuts:draws=500", formula, frame), least_squares(frame, formula, reml=True)
    if fit.status == Status.OK:
        assert np.max(np.abs(fit.estimate[:2] - expected[:2]) / fit.se[:2]) < 0.2
        assert fit.estimate[-1] == pytest.approx(1e-6, rel=0.1)
