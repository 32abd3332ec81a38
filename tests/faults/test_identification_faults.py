"""Faults 11 and 70: what the data do not determine has a reason and no number; what they determine is fitted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import chdtri

import bayescompare as bc
from bayescompare.comparison.contours import contour_table
from bayescompare.dataset import Dataset
from bayescompare.errors import InputError, ModelError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.intervals import intervals
from bayescompare.intervals.profile.api import profile
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model

DATA = Path(__file__).parent / "data"
FLAT = {
    "site_fixed_and_random": "y ~ site + (1 | site)",
    "site_covariates": "y ~ alt + rain + soil + (1 | site)",
    "numeric_categories": "y ~ C(s)*x + (1 + x | s)",
}
KINDS = ["wald", "wald-t", "lr", "profile", "bootstrap"]


def fits_of(name: str, labels: str = "lbfgs-ml,lbfgs-reml", **more: object) -> bc.Fits:
    return bc.fit(FLAT[name], DATA / f"{name}.csv", labels, **more)


def problem_of(formula: str, **columns: object) -> Problem:
    return build_problem(Model(formula), Dataset(frame=pd.DataFrame(columns), name="data"))


def unknown(fit: Fit) -> list[str]:
    return [label for label, value in zip(fit.layout.labels, fit.estimate, strict=True) if np.isnan(value)]


@pytest.mark.parametrize("name", FLAT)
def test_fault_70_reml_has_no_estimate_and_the_reason(name):
    fit = fits_of(name)["lbfgs-reml"]
    layout = fit.layout
    assert unknown(fit) == [*layout.labels[layout.sd], *layout.labels[layout.cor]]
    for k in (*range(layout.sd.start, layout.sd.stop), *range(layout.cor.start, layout.cor.stop)):
        assert fit.reason[k].startswith("not identified given the fixed effects")
    assert Flag.NOT_IDENTIFIED in fit.flags
    assert fit.status == Status.FLAGGED
    assert fit.random_effects is None


@pytest.mark.parametrize("name", FLAT)
def test_fault_70_ml_is_at_zero_with_the_flag_and_the_reason(name):
    fit = fits_of(name)["lbfgs-ml"]
    np.testing.assert_array_equal(fit.estimate[fit.layout.sd], 0.0)
    assert np.isnan(fit.estimate[fit.layout.cor]).all()
    assert {Flag.BOUNDARY, Flag.NOT_IDENTIFIED} <= set(fit.flags)
    assert fit.reason[fit.layout.sd.start].startswith("not identified given the fixed effects")


@pytest.mark.parametrize("name", FLAT)
def test_fault_70_what_is_identified_is_that_of_least_squares(name):
    fits = fits_of(name)
    problem = fits.problem
    n, p = problem.x.shape
    rss = np.linalg.lstsq(problem.x, problem.y, rcond=None)[1][0]
    assert fits["lbfgs-ml"].estimate[-1] == pytest.approx(np.sqrt(rss / n), rel=1e-6)
    assert fits["lbfgs-reml"].estimate[-1] == pytest.approx(np.sqrt(rss / (n - p)), rel=1e-6)
    assert fits["lbfgs-reml"].se[-1] == pytest.approx(fits["lbfgs-reml"].estimate[-1] / np.sqrt(2 * (n - p)), rel=1e-4)
    np.testing.assert_allclose(
        fits["lbfgs-reml"].estimate[:p], np.linalg.lstsq(problem.x, problem.y, rcond=None)[0], rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize("name", FLAT)
def test_fault_70_no_interval_of_what_is_not_identified_or_depends_on_it(name):
    for fit in fits_of(name, intervals=KINDS, refits=40).values():
        rows = intervals(fit, kinds=KINDS)
        without = [row for row in rows if row.parameter != "sigma"]
        assert without
        assert all(np.isnan([row.lower, row.upper]).all() and row.reason for row in without)


def test_fault_70_the_profile_of_sigma_is_that_of_least_squares():
    fits = fits_of("numeric_categories", intervals=["profile"])
    problem, fit = fits.problem, fits["lbfgs-reml"]
    freedom = problem.x.shape[0] - problem.x.shape[1]
    best = fit.estimate[-1]

    def rise(sigma: float) -> float:
        return freedom * (2 * np.log(sigma / best) + (best / sigma) ** 2 - 1) - chdtri(1, 0.05)

    row = next(row for row in intervals(fit, kinds=["profile"]) if row.parameter == "sigma")
    assert row.lower == pytest.approx(brentq(rise, best / 3, best), rel=1e-4)
    assert row.upper == pytest.approx(brentq(rise, best, best * 3), rel=1e-4)


def test_fault_70_profiles_and_contours_of_it_are_not_made():
    fits = fits_of("site_covariates")
    with pytest.raises(InputError, match="not identified given the fixed effects"):
        profile(fits, "sd_site[Intercept]", estimator="lbfgs-ml")
    assert contour_table(fits.problem, ("sd_site[Intercept]", "sigma")).empty


@pytest.mark.parametrize("label", ["lbfgs-map", "quadrature", "adam-marginal:epochs=50", "adam-penalised:epochs=50",
                                   "nuts:draws=100,tune=100"])  # fmt: skip
def test_fault_70_every_estimator_is_flagged(label):
    fit = fits_of("site_covariates", label)[label]
    assert Flag.NOT_IDENTIFIED in fit.flags
    assert fit.status == Status.FLAGGED


def test_fault_70_only_the_part_that_is_not_identified_is_left_out():
    rng = np.random.default_rng(0)
    g, x, z = np.arange(60) // 6, rng.normal(size=60), rng.normal(size=60)
    b = rng.normal(size=(10, 2))
    frame = pd.DataFrame({"y": x + b[g, 0] + b[g, 1] * x + rng.normal(size=60), "x": x, "z": z, "g": g})
    apart = bc.fit("y ~ C(g) + x + (1 | g) + (0 + x | g)", frame, "lbfgs-reml")["lbfgs-reml"]
    together = bc.fit("y ~ C(g) + x + (1 + x | g)", frame, "lbfgs-reml")["lbfgs-reml"]
    assert unknown(apart) == ["sd_g[Intercept]"]
    # the fixed effects of the groups move with the covariance of intercept and slope
    assert {"sd_g[Intercept]", "cor_g[Intercept, x]", "beta[Intercept]"} <= set(unknown(together))
    for label in ("beta[x]", "sd_g[x]", "sigma"):
        here, there = apart.layout.index(label), together.layout.index(label)
        assert together.estimate[there] == pytest.approx(apart.estimate[here], rel=1e-5)
        assert together.se[there] == pytest.approx(apart.se[here], rel=1e-4)
        assert np.isfinite(apart.se[here])


def test_a_slope_of_two_values_that_are_of_groups_is_not_identified_by_any_likelihood():
    rng = np.random.default_rng(1)
    g = np.arange(60) // 6
    frame = pd.DataFrame({"y": rng.normal(size=10)[g] + rng.normal(size=60), "t": (g % 2) * 1.0, "g": g})
    for fit in bc.fit("y ~ t + (t | g)", frame, "lbfgs-ml,lbfgs-reml").values():
        assert unknown(fit) == ["sd_g[t]", "cor_g[Intercept, t]"]
        assert fit.reason[fit.layout.sd.start + 1] == "not identified: the likelihood is the same at all values"
        assert np.isfinite(fit.se[: fit.layout.sd.start + 1]).all()


def test_fault_11_as_many_random_effects_as_rows_are_fitted_where_they_are_identified():
    fits = bc.fit("y ~ x + (1 + x | g)", DATA / "few_rows_identifiable.csv", "lbfgs-ml,lbfgs-reml")
    assert {fit.status for fit in fits.values()} == {Status.OK}
    np.testing.assert_allclose(fits["lbfgs-ml"].estimate[2:], [1.020, 1.016, -0.132, 0.293], atol=6e-4)


ROW = {"y": np.random.default_rng(4).normal(size=36), "row": range(36), "half": np.arange(36) // 2}


@pytest.mark.parametrize("formula", ["y ~ (1 | row)", "y ~ half + (1 | row)", "y ~ (1 | half) + (0 + row | half)"])
def test_fault_11_effects_that_cannot_be_told_from_the_residuals(formula):
    if "half)" in formula:
        problem_of(formula, **ROW)
        return
    with pytest.raises(ModelError, match=r"36 rows, 36 random effects \(Intercept for each of 36 levels of 'row'\)"):
        problem_of(formula, **ROW)


def test_fault_11_two_rows_a_group_with_the_same_two_predictors():
    columns = ROW | {"x": np.arange(36) % 2}
    with pytest.raises(
        ModelError, match=r"36 rows, 36 random effects \(Intercept, x for each of 18 levels of 'half'\)"
    ):
        problem_of("y ~ x + (x | half)", **columns)
