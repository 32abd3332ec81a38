"""`cr0` and `cr2`: the textbook's dense formulas, numbers by hand, and what pooling does to coverage."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayescompare.data import Dataset, read_data
from bayescompare.engines.adam.pooled import AdamPooled
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit, Flag, Status
from bayescompare.intervals import KINDS, intervals, with_bases
from bayescompare.intervals.sandwich import cluster_robust, cr0, cr2
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.likelihood.responses import products_of, with_responses
from bayescompare.model import Model
from tests.laws.cases import CASES

SEED = np.random.SeedSequence(2)
POOLED = AdamPooled()


def least_squares(problem: Problem, label: str = "adam-pooled") -> Fit:
    """Return the fit that a pooled run to its end would be."""
    layout, (n, p) = problem.layout, problem.x.shape
    beta, *_ = np.linalg.lstsq(problem.x, problem.y)
    sigma2 = np.sum((problem.y - problem.x @ beta) ** 2) / (n - p)
    estimate, se = np.full(layout.size, np.nan), np.full(layout.size, np.nan)
    estimate[layout.beta], estimate[layout.sigma] = beta, np.sqrt(sigma2)
    se[layout.beta] = np.sqrt(sigma2 * np.diag(np.linalg.inv(problem.x.T @ problem.x)))
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.OK,
        estimate=estimate,
        se=se,
        estimand=("least squares",) * layout.size,
        reason=("",) * layout.size,
    )


def dense(problem: Problem, *, corrected: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return standard errors and degrees of freedom by Pustejovsky and Tipton (2018), with matrices of n rows."""
    x, y, n = problem.x, problem.y, len(problem.y)
    bread = np.linalg.inv(x.T @ x)
    left = np.eye(n) - x @ bread @ x.T
    residual, meat, p = left @ y, 0.0, x.shape[1]
    vectors = [[] for _ in range(p)]
    for j in range(problem.groups.max() + 1):
        own = np.flatnonzero(problem.groups == j)
        adjust = np.eye(len(own))
        if corrected:
            values, axes = np.linalg.eigh(left[np.ix_(own, own)])
            inverse = np.where(values > 1e-8, 1 / np.sqrt(np.clip(values, 1e-8, None)), 0)
            adjust = axes * inverse @ axes.T
        score = x[own].T @ adjust @ residual[own]
        meat = meat + np.outer(score, score)
        for k in range(p):
            vectors[k].append(left[own].T @ adjust @ x[own] @ bread[k])
    df = []
    for each in vectors:
        b = np.array(each) @ np.array(each).T
        df.append(np.trace(b) ** 2 / np.sum(b**2))
    return np.sqrt(np.diag(bread @ meat @ bread)), np.array(df)


SAME = [name for name, case in CASES.items() if case.formula.count("x") and "| g" in case.formula]


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("case", SAME)
def test_standard_errors_and_degrees_of_freedom_are_those_of_the_dense_formulas(case, corrected):
    problem = CASES[case].problem()
    if not problem.layout.p:
        return
    se, df = cluster_robust(problem.products, corrected=corrected)
    units = np.sqrt(np.mean(problem.x**2, axis=0))
    centre = problem.y.mean() if "Intercept" in problem.layout.coefs else 0.0
    expected = dense(replace(problem, x=problem.x / units, y=problem.y - centre), corrected=corrected)
    tolerance = 1e-5 if "year" in case else 1e-7
    np.testing.assert_allclose(se * units, expected[0], rtol=tolerance)
    np.testing.assert_allclose(df, expected[1] if corrected else np.inf, rtol=tolerance)


def one_way(sizes: list[int], slope: bool = False, seed: int = 0) -> Problem:
    """Return groups whose covariate ``x`` is 1 in the first three and 0 in the others."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = rng.normal(size=len(sizes))[groups] + rng.normal(size=len(groups))
    frame = pd.DataFrame({"y": y, "x": (groups < 3).astype(float), "g": [f"s{k}" for k in groups]})
    formula = "y ~ x + (1 | g)" if slope else "y ~ 1 + (1 | g)"
    return build_problem(Model(formula), Dataset(frame=frame, name="one way"))


def test_cr2_of_a_balanced_mean_is_the_t_interval_of_the_group_means():
    problem = one_way([4] * 7)
    means = problem.y.reshape(7, 4).mean(axis=1)
    found = cr2(problem, least_squares(problem), POOLED, SEED)
    assert found.df[0] == pytest.approx(6)
    half = stats.t.ppf(0.95, 6) * means.std(ddof=1) / np.sqrt(7)
    np.testing.assert_allclose(found.bounds(0.9)[0], means.mean() + np.array([-half, half]), rtol=1e-10)


def test_cr0_of_a_balanced_mean_divides_by_the_groups_and_has_a_normal_quantile():
    problem = one_way([4] * 7)
    means = problem.y.reshape(7, 4).mean(axis=1)
    half = stats.norm.ppf(0.95) * means.std(ddof=0) / np.sqrt(7)
    found = cr0(problem, least_squares(problem), POOLED, SEED).bounds(0.9)[0]
    np.testing.assert_allclose(found, means.mean() + np.array([-half, half]), rtol=1e-10)


def test_cr2_of_a_difference_of_groups_by_hand():
    """Three groups against five of four rows: variances of the two sets of means, degrees of freedom as Welch's."""
    problem = one_way([4] * 8, slope=True)
    means = problem.y.reshape(8, 4).mean(axis=1)
    se, df = cluster_robust(problem.products, corrected=True)
    parts = [(means[:3].var(ddof=1), 3), (means[3:].var(ddof=1), 5)]
    assert se[1] == pytest.approx(np.sqrt(sum(v / k for v, k in parts)))
    assert df[1] == pytest.approx((1 / 3 + 1 / 5) ** 2 / (1 / (9 * 2) + 1 / (25 * 4)))


def test_reference_values_of_statsmodels():
    """OLS of reaction on days, ``cov_type="cluster"`` by subject, ``use_correction=False`` (statsmodels 0.15.0)."""
    problem = build_problem(Model("reaction ~ days + (1 | subject)"), read_data("sleepstudy"))
    se, _ = cluster_robust(problem.products, corrected=False)
    np.testing.assert_allclose(se, [6.6322768070245175, 1.502236782313428], rtol=1e-10)


def test_cr2_is_unbiased_where_rows_are_independent():
    """Over the columns: the trace of the quadratic form is that of ``(X'X)^-1``; exactly, whatever the design."""
    problem = CASES["unbalanced"].problem()
    rng = np.random.default_rng(3)
    y = problem.x @ [2.0, 1.0] + rng.normal(size=(2000, len(problem.y)))
    variances = np.array([cluster_robust(one, corrected=True)[0] ** 2 for one in products_of(problem, y)])
    expected = np.diag(np.linalg.inv(problem.x.T @ problem.x))
    z = (variances.mean(axis=0) - expected) / (variances.std(axis=0) / np.sqrt(len(y)))
    assert np.abs(z).max() < 3.5


def test_units_origins_and_the_order_of_rows_do_not_matter():
    case = CASES["unbalanced"]
    frame = case.frame()
    se, df = cluster_robust(case.problem().products, corrected=True)
    moved = frame.assign(y=1e3 * frame["y"] + 1e6, x=frame["x"] / 7).sample(frac=1, random_state=1)
    other, df_other = cluster_robust(case.problem(frame=moved).products, corrected=True)
    np.testing.assert_allclose(other, 1e3 * se * [1, 7], rtol=1e-6)
    np.testing.assert_allclose(df_other, df, rtol=1e-8)


def test_a_coefficient_that_single_groups_determine_has_none_and_says_why():
    frame = CASES["intercept"].frame()
    frame["x"] = np.where(frame["g"] == "s00", frame["x"], 0.0)
    frame["d"] = (frame["g"] == "s00").astype(float)
    problem = CASES["intercept"].problem()
    problem = build_problem(Model("y ~ d + x + (1 | g)"), Dataset(frame=frame, name="alone"))
    for maker in (cr0, cr2):
        found = maker(problem, least_squares(problem), POOLED, SEED)
        bounds = found.bounds(0.9)
        assert np.isfinite(bounds[0]).all()
        assert np.isnan(bounds[2]).all()
        assert found.reason[0] == ""
        assert "single groups" in found.reason[2]


def test_rows_are_of_the_fixed_effects_alone():
    problem = CASES["slopes"].problem()
    fit = with_bases(least_squares(problem), problem, POOLED, SEED)
    assert KINDS["cr0"].usual
    assert KINDS["cr2"].usual
    for kind in ("cr0", "cr2"):
        rows = [row for row in intervals(fit, [0.8, 0.95]) if row.kind == kind]
        assert [row.parameter for row in rows] == ["beta[Intercept]", "beta[x]"] * 2
        assert all(row.lower < row.upper and row.reason == "" for row in rows)
        again = pickle.loads(pickle.dumps(fit.bases[kind]))
        np.testing.assert_array_equal(again.bounds(0.7), fit.bases[kind].bounds(0.7))


def test_away_from_its_optimum_there_is_none():
    problem = CASES["slopes"].problem()
    fit = estimator("adam-pooled:epochs=1").fit([problem], [SEED])[0]
    assert Flag.PREMATURE in fit.flags
    fit = with_bases(fit, problem, estimator("adam-pooled:epochs=1"), SEED)
    rows = [row for row in intervals(fit) if row.kind in ("cr0", "cr2")]
    assert [row.reason for row in rows] == ["not at an optimum"] * 4


def test_a_run_of_adam_at_its_optimum_has_them_around_its_own_estimate():
    problem, engine = CASES["slopes"].problem(), estimator("adam-pooled:epochs=400,scale=standardised,batch=36")
    fit = engine.fit([problem], [SEED])[0]
    assert np.isfinite(fit.se[:2]).all()
    found = with_bases(fit, problem, engine, SEED).bases["cr2"]
    np.testing.assert_allclose(found.bounds(0.9)[:2].mean(axis=1), fit.estimate[:2], rtol=1e-12)
    np.testing.assert_allclose(found.se[:2], dense(problem, corrected=True)[0], rtol=1e-7)


def test_of_a_run_that_holds_rows_out_they_are_of_those_it_was_trained_on():
    problem = CASES["slopes"].problem()
    engine = replace(POOLED, validation_split=0.25, patience=5)
    train, _ = engine.split(problem)
    found = cr2(problem, least_squares(train), engine, SEED)
    np.testing.assert_allclose(found.se[:2], dense(train, corrected=True)[0], rtol=1e-7)


@pytest.mark.parametrize("label", ["adam-pooled", "lbfgs-ml", "lbfgs-reml"])
def test_without_groups_there_is_nothing_to_cluster_by(label):
    problem = CASES["no grouping factor"].problem()
    fit = with_bases(least_squares(problem, label), problem, estimator(label), SEED, ["cr2"])
    rows = [row for row in intervals(fit, kinds=["cr2"]) if row.kind == "cr2"]
    assert [row.reason for row in rows] == ["no groups: nothing to cluster by"] * 3


@pytest.mark.parametrize("label", ["lbfgs-ml", "adam-marginal", "adam-embedding"])
def test_others_have_none(label):
    problem = CASES["slopes"].problem()
    assert cr2(problem, least_squares(problem), estimator(label), SEED) is None


def test_fixed_effects_of_none():
    problem = CASES["no fixed effects"].problem()
    assert cr0(problem, least_squares(problem), POOLED, SEED) is None


def test_pooling_fails_to_cover_and_cr2_covers():
    """Groups four times as variable as rows: nominal intervals of the intercept miss, of a group's covariate too."""
    rng, replicates, level = np.random.default_rng(12), 1000, 0.95
    groups = np.repeat(np.arange(12), 6)
    x = rng.normal(size=12)[groups]
    frame = pd.DataFrame({"y": rng.normal(size=72), "x": x, "g": [f"s{k:02d}" for k in groups]})
    problem = build_problem(Model("y ~ x + (1 | g)"), Dataset(frame=frame, name="pooled"))
    effects = 2 * rng.normal(size=(replicates, 12))
    y = 1 + effects[:, groups] + rng.normal(size=(replicates, 72))
    covered = {"wald": np.zeros(2), "cr0": np.zeros(2), "cr2": np.zeros(2)}
    for one in with_responses(problem, y):
        fit = with_bases(least_squares(one), one, POOLED, SEED)
        for kind, found in covered.items():
            rows = [row for row in intervals(fit, [level]) if row.kind == kind][:2]
            found += [row.lower <= truth <= row.upper for row, truth in zip(rows, (1.0, 0.0), strict=True)]
    share = {kind: found / replicates for kind, found in covered.items()}
    error = np.sqrt(level * (1 - level) / replicates)
    assert (share["wald"] < 0.75).all()
    assert (share["cr0"] < share["cr2"]).all()
    assert (np.abs(share["cr2"] - level) < 3.5 * error).all(), share
