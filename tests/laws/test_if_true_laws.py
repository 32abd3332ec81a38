"""Data simulated from a fit have the mean and the covariance of the fitted model, on the rows of the user's data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.fitting import Fits
from bayescompare.likelihood.coordinates import covariance_root
from bayescompare.simulation import simulate
from bayescompare.study.fitted import NAME, fitted_study

N = 1000


def unbalanced() -> pd.DataFrame:
    """Return groups of 1 to 6 rows in no order, with missing values."""
    rng = np.random.default_rng(5)
    groups = np.repeat([f"g{k}" for k in range(9)], [1, 2, 3, 4, 5, 6, 6, 6, 6])
    frame = pd.DataFrame({"g": groups, "x": rng.normal(1, 2, len(groups)), "y": rng.normal(size=len(groups))})
    frame.loc[[3, 20], ["x", "y"]] = [[np.nan, 1.0], [0.0, np.nan]]
    return frame.sample(frac=1, random_state=1).reset_index(drop=True)


def at(fits: Fits, **values: float) -> Fits:
    """Return fits whose ML estimates are others."""
    fit = fits["lbfgs-ml"]
    theta = fit.estimate.copy()
    for label, value in values.items():
        theta[fit.layout.index(label)] = value
    return replace(fits, by_label={"lbfgs-ml": replace(fit, estimate=theta)})


CASES = {
    "correlated slopes, unbalanced, rows dropped": (
        "y ~ x + (1 + x | g)",
        {"beta[x]": 2.0, "sd_g[Intercept]": 1.5, "sd_g[x]": 0.8, "cor_g[Intercept, x]": -0.7, "sigma": 0.5},
    ),
    "independent slopes": ("y ~ 0 + x + (1 + x || g)", {"beta[x]": -1.0, "sd_g[Intercept]": 2.0, "sd_g[x]": 0.4}),
    "an sd of zero": ("y ~ x + (1 + x || g)", {"sd_g[Intercept]": 0.0, "sd_g[x]": 1.0, "sigma": 2.0}),
    "a response in a function": ("exp(y / 4) ~ x + (1 | g)", {"sd_g[Intercept]": 1.0, "sigma": 1.0}),
    "no groups": ("y ~ x", {"beta[x]": 3.0, "sigma": 0.3}),
}


@pytest.mark.parametrize("name", CASES)
def test_simulated_data_have_the_moments_of_the_fitted_model(name):
    formula, values = CASES[name]
    fits = at(bc.fit(formula, unbalanced(), ["lbfgs-ml"], na="drop"), **values)
    fitted = fitted_study(fits, fits.engines, truth="lbfgs-ml", replicates=N, levels=(0.95,), seed=3)
    problem, theta = fits.problem, fits["lbfgs-ml"].estimate
    scenario, column = fitted.study.named(NAME), formula.partition("~")[0].strip()
    column = column if column in "y" else "exp_y_4"
    drawn = np.array([simulate(scenario, k, 3).frame[column].to_numpy() for k in range(N)])
    layout = problem.layout
    mean = problem.x @ theta[layout.beta]
    covariance = theta[layout.sigma] ** 2 * np.eye(len(mean))
    if layout.q:
        root = covariance_root(theta[layout.sd], np.nan_to_num(theta[layout.cor]), layout)
        same = problem.groups[:, None] == problem.groups
        covariance += same * (problem.z @ root @ root.T @ problem.z.T)
    z = (drawn.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / N)
    away = drawn - mean
    found, spread = away.T @ away / N, np.outer(np.diag(covariance), np.diag(covariance))
    z = np.append(z, (found - covariance) / np.sqrt((spread + covariance**2) / N))
    # 37 means and 37 * 38 / 2 second moments: the largest of 740 is beyond 5.5 once in 36,000
    assert np.abs(z).max() < 5.5
    # what is left when the covariance is taken out is white noise: the sum of its squares is chi-squared
    white = np.linalg.solve(np.linalg.cholesky(covariance), away.T)
    assert abs(np.sum(white**2) - white.size) < 4 * np.sqrt(2 * white.size)


def test_the_rows_are_those_of_the_fit_and_not_those_that_were_dropped():
    fits = bc.fit("y ~ x + (1 + x | g)", unbalanced(), ["lbfgs-ml"], na="drop")
    study = fitted_study(fits, fits.engines, truth="lbfgs-ml", replicates=20, levels=(0.95,), seed=1).study
    again = bc.fit("y ~ x + (1 + x | g)", simulate(study.named(NAME), 7, 1).frame, ["lbfgs-ml"])
    np.testing.assert_array_equal(again.problem.x, fits.problem.x)
    np.testing.assert_array_equal(again.problem.z, fits.problem.z)
    np.testing.assert_array_equal(again.problem.groups, fits.problem.groups)
    assert again.problem.layout == fits.problem.layout
    assert not np.allclose(again.problem.y, fits.problem.y)


def test_the_mean_of_the_ml_variance_is_that_of_its_exact_law():
    groups, rows, rng = 25, 8, np.random.default_rng(7)
    effects = np.repeat(rng.normal(0, 2, groups), rows)
    data = pd.DataFrame({"y": effects + rng.normal(size=len(effects)), "g": np.repeat(np.arange(groups), rows)})
    fits = bc.fit("y ~ 1 + (1 | g)", data, ["lbfgs-ml", "lbfgs-reml"])
    found = bc.if_true(fits, replicates=300)
    tau2, sigma2 = fits["lbfgs-ml"].estimate[1:] ** 2
    between = tau2 + sigma2 / rows
    # far from zero the ML variance of the groups is SSB / (groups rows) - MSE / rows, that of REML has groups - 1
    estimates = found.results.tables["estimates"]
    for label, factor in (("lbfgs-ml", (groups - 1) / groups), ("lbfgs-reml", 1.0)):
        rows_of = estimates[(estimates["estimator"] == label) & (estimates["parameter"] == "sd_g[Intercept]")]
        squares = rows_of["estimate"].to_numpy() ** 2
        assert len(squares) == 300
        assert squares.min() > 0
        z = (squares.mean() - (factor * between - sigma2 / rows)) / (squares.std(ddof=1) / np.sqrt(300))
        assert abs(z) < 4, (label, z)
        # the sd of the ML variance by the chi-squared law, to 5 Monte Carlo standard errors
        exact = np.sqrt(2 * (factor * between) ** 2 / (groups - 1) + 2 * (sigma2 / rows) ** 2 / (groups * (rows - 1)))
        assert abs(squares.std(ddof=1) / exact - 1) < 5 / np.sqrt(2 * 300)
    # and so the difference of the two methods would have been seen
    assert between / groups > 5 * np.sqrt(2) * between / np.sqrt(groups * 300) / np.sqrt(groups)
