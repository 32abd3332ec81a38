"""Profile likelihood against lme4, closed forms, the dense likelihood, and exact coverage."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

import bayescompare as bc
from bayescompare.engines.catalog import estimator
from bayescompare.errors import InputError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.intervals import KINDS, intervals, with_bases
from bayescompare.intervals.profile.basis import at_bounds, every_profile
from bayescompare.intervals.profile.curve import Profile, cutoff
from bayescompare.intervals.profile.follow import End
from bayescompare.intervals.profile.held import Scale, Shape
from bayescompare.intervals.profile.make import make_profile
from bayescompare.intervals.profile.newton import settle
from bayescompare.intervals.profile.parameter import held
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.likelihood.responses import with_responses
from bayescompare.model import Model

SEED = np.random.SeedSequence(1)
SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
LME4 = pd.read_csv(Path(__file__).parents[1] / "reference" / "data" / "lme4_profile.csv")
# Penicillin has two crossed factors
UNSUPPORTED = {"penicillin": "crossed grouping factors are not supported yet"}


@cache
def fitted(formula: str, data: str, method: str = "ml") -> tuple[Problem, Fit]:
    fits = bc.fit(formula, data, f"lbfgs-{method}", intervals=["wald"])
    return fits.problem, fits[f"lbfgs-{method}"]


def fit_frame(formula: str, frame: pd.DataFrame, method: str = "ml") -> tuple[Problem, Fit]:
    problem = build_problem(Model(formula), bc.read_data(frame))
    return problem, estimator(f"lbfgs-{method}").fit([problem], [SEED])[0]


def profile_of(problem: Problem, fit: Fit, label: str, **more) -> Profile:
    reml = fit.estimand[0] == "REML mode"
    return make_profile(problem, fit, problem.layout.index(label), reml=reml, **more)


def least_deviance(problem: Problem, fit: Fit, curve: Profile, value: float) -> float:
    """Return the deviance with the parameter at a value, searched from the nearest node."""
    function = held(problem, problem.layout.index(curve.parameter), reml=fit.estimand[0] == "REML mode")
    theta = curve.theta[np.argmin(np.abs(curve.values - value))].copy()
    z = function.point(np.where(np.isnan(theta), 0.0, theta))
    theta[problem.layout.index(curve.parameter)] = value
    z[0] = function.point(np.where(np.isnan(theta), 0.0, theta))[0]
    return settle(function, z, function.units(fit.estimate)).value


@pytest.mark.parametrize(
    ("dataset", "formula"), [tuple(row) for row in LME4[["dataset", "formula"]].drop_duplicates().to_numpy()]
)
def test_published_profile_intervals_of_lme4(dataset, formula):
    if dataset in UNSUPPORTED:
        pytest.skip(UNSUPPORTED[dataset])
    problem, fit = fitted(formula, dataset)
    rows = LME4[(LME4["dataset"] == dataset) & (LME4["formula"] == formula)].set_index("quantity")
    assert set(rows.index) == set(problem.layout.labels)
    basis = every_profile(problem, fit, estimator("lbfgs-ml"), SEED)
    for label, found in zip(problem.layout.labels, basis.bounds(0.95), strict=True):
        np.testing.assert_allclose(found, rows.loc[label, ["lower", "upper"]].to_numpy(float), rtol=5e-4)


@pytest.mark.parametrize("method", ["ml", "reml"])
@pytest.mark.parametrize("label", ["beta[days]", "sd_subject[Intercept]", "cor_subject[Intercept, days]", "sigma"])
def test_the_deviance_at_every_bound_is_the_quantile_above_the_optimum(method, label):
    if method == "reml" and label.startswith("beta"):
        pytest.skip("not defined for REML")
    problem, fit = fitted(SLEEP, "sleepstudy", method)
    curve = profile_of(problem, fit, label)
    assert curve.minimum == pytest.approx(fit.objective, abs=1e-8)
    for level in (0.1, 0.5, 0.8, 0.89, 0.95, 0.99, 0.999):
        for bound in curve.interval(level):
            if abs(bound) < 1 or not label.startswith("cor"):
                rise = least_deviance(problem, fit, curve, bound) - curve.minimum
                assert rise == pytest.approx(chi2.ppf(level, 1), abs=1e-6), (label, level)


def one_way(seed: int, groups: int = 6, rows: int = 4, sd: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rows)
    y = 2.0 + rng.normal(0, sd, groups)[group] + rng.normal(size=groups * rows)
    return pd.DataFrame({"y": y, "g": [f"g{k}" for k in group]})


def one_way_profile(frame: pd.DataFrame, sd: float, reml: bool) -> float:
    """Return the balanced one-way (restricted) deviance at a group sd, up to a constant (Searle et al. 1992, 3.8)."""
    y = frame["y"].to_numpy().reshape(frame["g"].nunique(), -1)
    groups, rows = y.shape
    within = np.sum((y - y.mean(axis=1, keepdims=True)) ** 2)
    between = rows * np.sum((y.mean(axis=1) - y.mean()) ** 2)

    def deviance(log_sigma: float) -> float:
        error = np.exp(2 * log_sigma)
        mean = error + rows * sd**2
        return groups * (rows - 1) * np.log(error) + (groups - reml) * np.log(mean) + within / error + between / mean

    return minimize_scalar(deviance, bracket=(np.log(y.std()) - 1, np.log(y.std())), tol=1e-14).fun


@pytest.mark.parametrize("method", ["ml", "reml"])
@pytest.mark.parametrize("seed", range(8))
def test_the_group_sd_of_balanced_one_way_data_has_its_closed_form(method, seed):
    frame, reml = one_way(seed, sd=0.2 * seed), method == "reml"
    problem, fit = fit_frame("y ~ 1 + (1 | g)", frame, method)
    sd = fit.estimate[1]
    least = one_way_profile(frame, sd, reml)

    def above(value: float) -> float:
        return one_way_profile(frame, value, reml) - least - chi2.ppf(0.95, 1)

    lower, upper = profile_of(problem, fit, "sd_g[Intercept]").interval(0.95)
    assert upper == pytest.approx(brentq(above, sd, sd + 20), rel=1e-5)
    expected = brentq(above, 0, sd) if sd and above(0) > 0 else 0.0
    assert lower == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_a_linear_model_has_its_closed_forms():
    problem, fit = fitted("reaction ~ 1 + days", "sleepstudy")
    (n, p), level = problem.x.shape, 0.9
    beta, rss = np.linalg.lstsq(problem.x, problem.y)[:2]
    errors = np.sqrt(rss / (n - p) * np.diag(np.linalg.inv(problem.x.T @ problem.x)))
    for k, label in enumerate(("beta[Intercept]", "beta[days]")):
        width = errors[k] * np.sqrt((n - p) * np.expm1(chi2.ppf(level, 1) / n))
        np.testing.assert_allclose(profile_of(problem, fit, label).interval(level), beta[k] + np.array([-1, 1]) * width)
    best = np.sqrt(rss[0] / n)
    for found, inside in zip(profile_of(problem, fit, "sigma").interval(level), (0.5, 2), strict=True):
        rise = n * (2 * np.log(found / best) + (best / found) ** 2 - 1)
        assert rise == pytest.approx(chi2.ppf(level, 1), abs=1e-6)
        assert (found - best) * (inside - 1) > 0


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_an_sd_of_exactly_zero_has_an_interval_from_zero(method):
    problem, fit = fitted("yield ~ 1 + (1 | batch)", "dyestuff2", method)
    curve = profile_of(problem, fit, "sd_batch[Intercept]")
    lower, upper = curve.interval(0.95)
    assert lower == 0.0
    assert upper > 0
    assert curve.ends == (End.BOUND, End.REACHED)
    assert curve.monotone
    assert curve.reasons == ("estimated at its bound 0, where chi-square with 1 df is conservative",)


def test_fixed_effects_have_intervals_where_the_group_sd_is_zero_and_leaves_zero_on_the_way():
    problem, fit = fitted("yield ~ 1 + (1 | batch)", "dyestuff2")
    curve = profile_of(problem, fit, "beta[Intercept]")
    lower, upper = curve.interval(0.95)
    assert lower < fit.estimate[0] < upper
    assert upper - fit.estimate[0] == pytest.approx(fit.estimate[0] - lower, rel=1e-6)
    sd = curve.theta[:, 1]
    assert sd[curve.best] == 0
    assert np.all(sd[[0, -1]] > 0)


def test_a_profile_that_reaches_its_bound_says_so():
    problem, fit = fitted("yield ~ 1 + (1 | batch)", "dyestuff")
    curve = profile_of(problem, fit, "sd_batch[Intercept]")
    assert curve.interval(0.97)[0] > 0
    assert curve.interval(0.99)[0] == 0.0
    assert "at its bound 0 the deviance is only 5.4 above the optimum" in curve.reasons[0]
    assert "above a level of 0.98 the lower end is there" in curve.reasons[0]


def slopes(seed: int, sds: tuple[float, ...], *, groups: int = 5, rows: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rows)
    covariates = rng.normal(size=(2, groups * rows))
    effects = rng.normal(size=(groups, 3)) * np.array([*sds, 0.0, 0.0])[:3]
    columns = np.vstack([np.ones_like(covariates[0]), covariates])
    y = 1 + covariates[0] + np.sum(columns.T * effects[group], axis=1) + rng.normal(size=groups * rows)
    return pd.DataFrame({"y": y, "x": covariates[0], "w": covariates[1], "g": [f"g{k}" for k in group]})


@cache
def singular() -> tuple[Problem, Fit]:
    problem, fit = fit_frame("y ~ x + (1 + x | g)", slopes(4, (0.8, 0.05)))
    assert abs(fit.estimate[4]) == 1
    assert Flag.BOUNDARY in fit.flags
    return problem, fit


def test_fault_38_a_correlation_of_one_has_every_profile():
    problem, fit = singular()
    basis = every_profile(problem, fit, estimator("lbfgs-ml"), SEED)
    bounds = basis.bounds(0.95)
    assert np.all(np.isfinite(bounds))
    assert np.all((bounds[:, 0] <= fit.estimate) & (fit.estimate <= bounds[:, 1]))
    assert fit.estimate[4] in bounds[4]
    assert np.all(np.abs(bounds[4]) <= 1)
    assert "estimated at its bound" in basis.reason[4]


def test_lr_stands_in_where_a_variance_parameter_is_at_its_bound_and_nowhere_else():
    for formula, data, label in (
        ("yield ~ 1 + (1 | batch)", "dyestuff2", "sd_batch[Intercept]"),
        ("y ~ x + (1 + x | g)", None, "cor_g[Intercept, x]"),
    ):
        problem, fit = fitted(formula, data) if data else singular()
        rows = [row for row in intervals(with_bases(fit, problem, estimator("lbfgs-ml"), SEED)) if row.kind == "lr"]
        assert [row.parameter for row in rows] == [label]
        curve = profile_of(problem, fit, label)
        np.testing.assert_allclose([rows[0].lower, rows[0].upper], curve.interval(0.95), rtol=1e-5)
        assert "conservative" in rows[0].reason


def test_sds_that_rounding_keeps_off_zero_are_at_their_bound():
    problem, fit = fitted("yield ~ 1 + (1 | batch)", "dyestuff2")
    near = replace(fit, estimate=np.array([*fit.estimate[:1], 1e-25, *fit.estimate[2:]]))
    basis = at_bounds(problem, near, estimator("lbfgs-ml"), SEED)
    np.testing.assert_allclose(
        basis.bounds(0.95)[1], profile_of(problem, fit, "sd_batch[Intercept]").interval(0.95), rtol=1e-5
    )


def test_there_is_no_lr_inside_and_profiles_only_when_asked_for():
    problem, fit = fitted(SLEEP, "sleepstudy")
    assert at_bounds(problem, fit, estimator("lbfgs-ml"), SEED) is None
    assert KINDS["lr"].usual
    assert not KINDS["profile"].usual
    kinds = {row.kind for row in intervals(with_bases(fit, problem, estimator("lbfgs-ml"), SEED))}
    assert "profile" not in kinds
    fits = bc.fit("yield ~ 1 + (1 | batch)", "dyestuff", "lbfgs-ml", intervals=["profile"])
    rows = intervals(fits["lbfgs-ml"], [0.95, 0.5], ["profile"])
    assert [(row.parameter, row.level) for row in rows if row.kind == "profile"] == [
        (label, level) for level in (0.95, 0.5) for label in fits.problem.layout.labels
    ]


def test_reml_says_why_fixed_effects_have_none():
    problem, fit = fitted(SLEEP, "sleepstudy", "reml")
    basis = every_profile(problem, fit, estimator("lbfgs-reml"), SEED)
    assert np.isnan(basis.bounds(0.95)[:2]).all()
    assert np.isfinite(basis.bounds(0.95)[2:]).all()
    assert ["not defined for REML" in reason for reason in basis.reason] == [True] * 2 + [False] * 4


@pytest.mark.parametrize("label", ["lbfgs-map", "adam-marginal"])
def test_other_estimators_have_none(label):
    problem, fit = fitted("yield ~ 1 + (1 | batch)", "dyestuff2")
    other = replace(fit, estimator=label, estimand=("posterior mode" if "map" in label else "ML mode",) * 3)
    assert every_profile(problem, other, estimator(label), SEED) is None
    assert at_bounds(problem, other, estimator(label), SEED) is None


@pytest.mark.parametrize("flag", [Flag.NOT_STATIONARY, Flag.WORSE_OPTIMUM])
def test_faults_39_and_41_a_fit_that_is_not_the_optimum_says_so(flag):
    problem, fit = fitted("yield ~ 1 + (1 | batch)", "dyestuff2")
    basis = every_profile(problem, replace(fit, flags=(flag,)), estimator("lbfgs-ml"), SEED)
    assert np.isnan(basis.bounds(0.95)).all()
    assert all("no profile" in reason for reason in basis.reason)
    lr = at_bounds(problem, replace(fit, flags=(flag,)), estimator("lbfgs-ml"), SEED)
    assert [bool(reason) for reason in lr.reason] == [False, True, False]


def test_a_better_optimum_found_on_the_way_is_told():
    problem, fit = fitted(SLEEP, "sleepstudy")
    # where a search from (2, 0, 2) stops: no variance between subjects
    y, x = problem.y, problem.x
    beta, rss = np.linalg.lstsq(x, y)[:2]
    sigma = np.sqrt(rss[0] / len(y))
    stop = np.array([*beta, 0.0, 0.0, 0.0, sigma])
    objective = len(y) * (np.log(2 * np.pi * sigma**2) + 1)
    false = replace(fit, estimate=stop, objective=objective)
    for label in ("sigma", "beta[days]"):
        curve = profile_of(problem, false, label)
        gain = objective - fit.objective
        assert f"not at an optimum: the deviance is {gain:.3g} lower" in curve.fault
        assert np.isnan(curve.interval(0.95)).all()


def test_the_curve_of_sleepstudy():
    fits = bc.fit(SLEEP, "sleepstudy", ["lbfgs-ml"])
    curve = bc.profile(fits, "sd_subject[days]")
    assert isinstance(curve, bc.Profile)
    assert curve.monotone
    assert curve.reasons == ()
    assert np.all(np.diff(curve.zeta) > 0)
    assert np.all(np.diff(curve.values) > 0)
    np.testing.assert_allclose(curve.zeta**2, curve.deviance - curve.minimum, atol=1e-12)
    assert curve.zeta[curve.best] == 0
    assert curve.estimate == pytest.approx(fits["lbfgs-ml"].estimate[3], rel=1e-5)
    assert curve.zeta[0] <= -np.sqrt(chi2.ppf(0.9999, 1))
    assert list(curve.frame.columns) == ["value", "zeta", "deviance", *fits.problem.layout.labels]
    assert len(curve.frame) == len(curve.values)
    copy = pickle.loads(pickle.dumps(curve))
    assert copy.interval(0.9) == curve.interval(0.9)
    basis = every_profile(fits.problem, fits["lbfgs-ml"], fits.engines[0], SEED)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(basis)).bounds(0.8), basis.bounds(0.8))


def test_a_level_beyond_the_curve_is_refused_and_a_longer_curve_can_be_asked_for():
    fits = bc.fit("yield ~ 1 + (1 | batch)", "dyestuff", ["lbfgs-ml"])
    with pytest.raises(InputError, match=r"followed to a level of 0\.9\d+, not to 0\.9999999"):
        bc.profile(fits, "sigma").interval(0.9999999)
    far = bc.profile(fits, "sigma", level=0.9999999)
    rise = least_deviance(fits.problem, fits["lbfgs-ml"], far, far.interval(0.9999999)[1]) - far.minimum
    assert rise == pytest.approx(chi2.ppf(0.9999999, 1), abs=1e-5)
    basis = every_profile(fits.problem, fits["lbfgs-ml"], fits.engines[0], SEED)
    assert np.isnan(basis.bounds(0.9999999)[2]).all()
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        bc.profile(fits, "sigma", level=95)


def test_what_cannot_be_profiled_is_refused():
    fits = bc.fit(SLEEP, "sleepstudy", ["lbfgs-ml", "lbfgs-reml", "lbfgs-map"], intervals=["wald"])
    with pytest.raises(InputError, match=r"no parameter 'sd_subject\[Days\]'. Did you mean 'sd_subject\[days\]'"):
        bc.profile(fits, "sd_subject[Days]")
    with pytest.raises(InputError, match="differ between lbfgs-ml and lbfgs-reml: choose one by estimator="):
        bc.profile(fits, "sigma")
    with pytest.raises(InputError, match=r"beta\[days\] of lbfgs-reml has no profile: not defined for REML"):
        bc.profile(fits, "beta[days]", estimator="lbfgs-reml")
    with pytest.raises(InputError, match="'lbfgs-map' is no fit by maximum likelihood"):
        bc.profile(fits, "sigma", estimator="lbfgs-map")
    with pytest.raises(InputError, match=r"'lbfgs-mll' is not among the fits. Did you mean 'lbfgs-ml'"):
        bc.profile(fits, "sigma", estimator="lbfgs-mll")
    with pytest.raises(InputError, match=r"needs the data: give what bc\.fit returned, not a Fit"):
        bc.profile(fits["lbfgs-ml"], "sigma")


def bumpy(rise: list[float]) -> Profile:
    count = len(rise)
    return Profile(
        parameter="a",
        labels=("a",),
        best=1,
        minimum=10.0,
        scale=Scale(shape=Shape.PLAIN),
        coordinate=np.arange(count, dtype=float),
        rise=np.array(rise),
        slope=np.gradient(np.array(rise)),
        bend=np.zeros(count),
        theta=np.arange(count, dtype=float)[:, None],
        bounds=(-np.inf, np.inf),
        ends=(End.REACHED, End.REACHED),
    )


def test_a_profile_that_falls_again_has_no_end_at_levels_that_it_passes_twice():
    curve = bumpy([12.0, 0.0, 3.0, 6.0, 4.5, 9.0, 12.0])
    assert not curve.monotone
    assert np.isfinite(curve.at(2.0)).all()
    assert np.isfinite(curve.at(8.0)).all()
    lower, upper = curve.at(5.0)
    assert np.isfinite(lower)
    assert np.isnan(upper)
    assert np.all(np.isfinite(bumpy([12.0, 0.0, 3.0, 6.0, 7.0, 9.0, 12.0]).at(5.0)))


def test_fault_13_dropped_columns_change_no_interval():
    frame = slopes(1, (0.8,))
    problem, fit = fit_frame("y ~ x + (1 | g)", frame)
    twice, twice_fit = fit_frame("y ~ x + x2 + (1 | g)", frame.assign(x2=2 * frame["x"]))
    assert Flag.RANK_DEFICIENT in twice_fit.flags
    expected = every_profile(problem, fit, estimator("lbfgs-ml"), SEED).bounds(0.95)
    found = every_profile(twice, twice_fit, estimator("lbfgs-ml"), SEED).bounds(0.95)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("between", [0.0, 1.0])
def test_data_that_are_fitted_exactly_have_none(between):
    frame = slopes(1, (0.0,))
    # responses that are simulated are not looked at, as those of a user are
    exact = 1 + 2 * frame["x"] + between * frame.groupby("g").ngroup() ** 2
    problem, _ = fit_frame("y ~ x + (1 | g)", frame)
    problem = next(with_responses(problem, exact.to_numpy()[None]))
    fit = estimator("lbfgs-ml").fit([problem], [SEED])[0]
    basis = every_profile(problem, fit, estimator("lbfgs-ml"), SEED)
    if between:
        assert fit.status == Status.FAILED
        assert basis is None
        return
    assert np.isnan(basis.bounds(0.95)).all()
    assert all("fits the data exactly" in reason or "not at an optimum" in reason for reason in basis.reason)


def test_fault_12_groups_of_single_rows():
    rng = np.random.default_rng(2)
    group = np.array([0, 1, 2, 3, 4, 4, 4, 5, 5, 5, 6, 7, 8, 9])
    frame = pd.DataFrame({"y": rng.normal(0, 1, 10)[group] + rng.normal(size=14), "g": [f"g{k}" for k in group]})
    problem, fit = fit_frame("y ~ 1 + (1 | g)", frame)
    assert Flag.SINGLETONS in fit.flags
    basis = every_profile(problem, fit, estimator("lbfgs-ml"), SEED)
    for curve, (lower, upper) in zip(basis.curves, basis.bounds(0.95), strict=True):
        assert lower <= curve.estimate <= upper < np.inf
        for bound in (lower, upper):
            if bound:
                rise = least_deviance(problem, fit, curve, bound) - curve.minimum
                assert rise == pytest.approx(chi2.ppf(0.95, 1), abs=1e-6)


@pytest.mark.parametrize("label", ["sd_subject[days]", "beta[days]", "sigma"])
def test_a_year_for_the_days_and_a_million_on_the_response_change_no_interval(label):
    problem, fit = fitted(SLEEP, "sleepstudy")
    frame = bc.load_dataset("sleepstudy").frame
    moved = frame.assign(days=frame["days"] + 1984, reaction=frame["reaction"] + 1e6)
    other, other_fit = fit_frame(SLEEP, moved)
    expected = profile_of(problem, fit, label).interval(0.95)
    np.testing.assert_allclose(profile_of(other, other_fit, label).interval(0.95), expected, rtol=1e-6)


def test_a_deviance_that_stays_below_a_level_has_no_end_there():
    # one group sd of two groups by REML: the deviance rises, slowly; of one group it would not
    problem, fit = fit_frame("y ~ 1 + (1 | g)", one_way(3, groups=2, rows=10), "reml")
    curve = profile_of(problem, fit, "sd_g[Intercept]")
    assert np.isfinite(curve.interval(0.95)).all()
    assert curve.interval(0.95)[1] > 5 * curve.interval(0.5)[1]


def test_an_sd_that_the_data_do_not_determine_has_no_interval():
    # two groups that a covariate tells apart: the restricted likelihood does not depend on their sd
    frame = one_way(3, groups=2, rows=10)
    problem, fit = fit_frame("y ~ 1 + z + (1 | g)", frame.assign(z=(frame["g"] == "g1") * 1.0), "reml")
    basis = every_profile(problem, fit, estimator("lbfgs-reml"), SEED)
    rows = intervals(replace(fit, bases={"profile": basis}), [0.95], ["profile"])
    row = next(row for row in rows if row.parameter == "sd_g[Intercept]" and row.kind == "profile")
    assert np.isnan([row.lower, row.upper]).all()
    assert row.reason.startswith("not identified given the fixed effects")


def test_a_search_without_the_way_to_zero_has_the_same_profile():
    problem, fit = fitted("yield ~ 1 + (1 | batch)", "dyestuff2")
    inside = estimator("lbfgs-ml:coordinates=log-sd").fit([problem], [SEED])[0]
    assert inside.estimate[1] > 0
    np.testing.assert_allclose(
        profile_of(problem, inside, "sigma").interval(0.95), profile_of(problem, fit, "sigma").interval(0.95), rtol=1e-6
    )


def test_cutoffs_are_quantiles_of_chi_square():
    for level, wider in pairwise((0.5, 0.9, 0.95, 0.9999)):
        assert cutoff(level) == pytest.approx(chi2.ppf(level, 1), rel=1e-12)
        assert cutoff(level) < cutoff(wider)
