"""Faults 12, 13, 38, 39 and 41 for each kind of interval."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayescompare.data import Dataset, read_data
from bayescompare.engines.catalog import estimator
from bayescompare.engines.lbfgs import search as lbfgs_search
from bayescompare.engines.lbfgs.likelihood import natural_at
from bayescompare.engines.lbfgs.search import search_from
from bayescompare.engines.optima import judged
from bayescompare.fits import Fit, Flag
from bayescompare.intervals import IntervalRow, intervals, with_bases
from bayescompare.intervals.sandwich import cluster_robust
from bayescompare.likelihood.coordinates import covariance_root
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.predictive import draw_response
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.likelihood.products import compress
from bayescompare.likelihood.responses import with_responses
from bayescompare.model import Model
from bayescompare.seeds import generator
from tests.faults.test_lbfgs_faults import rank_one_slopes
from tests.laws.cases import CASES

# wald-t, cr0, cr2, bootstrap, averaged


def fitted_with(label: str, problem: Problem, *kinds: str, refits: int = 40) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine = estimator(label)
        fit = engine.fit([problem], [np.random.SeedSequence(3)])[0]
        return with_bases(fit, problem, engine, np.random.SeedSequence(4), kinds, refits=refits)


def rows_of(fit: Fit, kind: str) -> dict[str, IntervalRow]:
    return {row.parameter: row for row in intervals(fit, kinds=[kind]) if row.kind == kind}


def given(row: IntervalRow) -> bool:
    """Whether there is an interval; if not, it must say why."""
    missing = np.isnan([row.lower, row.upper])
    assert missing.all() == missing.any()
    assert row.reason or not missing.any()
    return not missing.any()


def singletons() -> Problem:
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(40), [3, 2] + [1] * 38)
    x = rng.normal(size=len(groups))
    y = x + rng.normal(size=40)[groups] + rng.normal(size=len(groups))
    frame = pd.DataFrame({"y": y, "x": x, "g": [f"s{k:02d}" for k in groups]})
    return build_problem(Model("y ~ x + (1 | g)"), Dataset(frame=frame, name="singletons"))


def collinear(random: str = "(1 | g)") -> Problem:
    frame = CASES["slopes"].frame()
    frame = frame.assign(twice=2 * frame["x"] + 1, same=4.0)
    return build_problem(Model(f"y ~ x + twice + same + {random}"), Dataset(frame=frame, name="collinear"))


def dyestuff2() -> Problem:
    return build_problem(Model("yield ~ 1 + (1 | batch)"), read_data("dyestuff2"))


AT_REST = "adam-pooled:epochs=600,scale=standardised,batch=64"


@pytest.mark.parametrize(
    ("label", "kind"),
    [("lbfgs-ml", "wald-t"), ("lbfgs-reml", "wald-t"), (AT_REST, "cr0"), (AT_REST, "cr2"), ("lbfgs-ml", "bootstrap"),
     ("lbfgs-reml", "bootstrap-shortest"), ("adam-marginal:steps=400", "averaged")],
)  # fmt: skip
@pytest.mark.parametrize("problem", [singletons, collinear], ids=["fault_12_singletons", "fault_13_collinear"])
def test_faults_12_and_13_have_intervals_of_what_is_estimated(problem, label, kind):
    one = problem()
    fit = fitted_with(label, one, kind)
    assert (Flag.SINGLETONS if problem is singletons else Flag.RANK_DEFICIENT) in fit.flags
    rows = rows_of(fit, kind)
    assert set(rows) <= set(one.layout.labels)
    for name in ("beta[Intercept]", "beta[x]"):
        assert given(rows[name])
        assert rows[name].lower < fit.estimate[one.layout.index(name)] < rows[name].upper


def test_fault_12_of_single_rows_cr0_and_cr2_are_hc0_and_hc2():
    """As for groups of one row each (MacKinnon and White 1985); such a model is refused, its products are not."""
    problem = singletons()
    n, x = len(problem.y), problem.x
    layout = replace(problem.layout, levels=tuple(map(str, range(n))))
    products = compress(y=problem.y, x=x, z=problem.z, groups=np.arange(n), count=n, layout=layout)
    bread = np.linalg.inv(x.T @ x)
    residual = problem.y - x @ bread @ x.T @ problem.y
    leverage = np.einsum("np,pq,nq->n", x, bread, x)
    for corrected in (False, True):
        weights = residual**2 / (1 - leverage) ** corrected
        expected = np.sqrt(np.diag(bread @ (x.T * weights) @ x @ bread))
        np.testing.assert_allclose(cluster_robust(products, corrected=corrected)[0], expected, rtol=1e-10)


@pytest.mark.parametrize(("label", "df"), [("lbfgs-ml", 30), ("lbfgs-reml", 29)])
def test_fault_38_wald_t_holds_an_sd_of_zero_and_says_so(label, df):
    fit = fitted_with(label, dyestuff2(), "wald-t")
    rows = rows_of(fit, "wald-t")
    assert list(rows) == ["beta[Intercept]"]
    assert given(rows["beta[Intercept]"])
    assert "at their boundary" in rows["beta[Intercept]"].reason
    assert fit.bases["wald-t"].df[0] == pytest.approx(df, rel=1e-4)


def test_fault_38_wald_t_with_a_correlation_at_one():
    problems = [rank_one_slopes(seed) for seed in range(12)]
    fits = [fitted_with("lbfgs-ml", problem, "wald-t") for problem in problems]
    at_one = [fit for fit in fits if fit.estimate[4] == 1.0]
    assert len(at_one) >= 3
    for fit in at_one:
        rows = rows_of(fit, "wald-t")
        assert [given(row) for row in rows.values()] == [True, True]
        assert all("at their boundary" in row.reason for row in rows.values())
        assert np.all(fit.bases["wald-t"].df[:2] > 3)


@pytest.mark.parametrize("kind", ["bootstrap", "bootstrap-shortest"])
def test_fault_38_a_bootstrap_at_a_boundary_counts_its_singular_refits(kind):
    """By ML of 6 batches the share of zeros at a group sd of zero is that of an F(5, 24) below 6/5."""
    fit = fitted_with("lbfgs-ml", dyestuff2(), kind, refits=400)
    basis, rows = fit.bases[kind], rows_of(fit, kind)
    p = stats.f.cdf(6 / 5, 5, 24)
    assert abs(basis.n_singular / 400 - p) < 3.5 * np.sqrt(p * (1 - p) / 400)
    assert rows["sd_batch[Intercept]"].lower == 0.0 < rows["sd_batch[Intercept]"].upper
    assert f"{basis.n_singular} of 400 refits are at a boundary" in rows["sigma"].reason
    assert basis.n_failed == 0


def test_fault_38_a_bootstrap_of_a_correlation_at_one():
    fit = next(
        fit
        for fit in (fitted_with("lbfgs-ml", rank_one_slopes(seed), "bootstrap") for seed in range(12))
        if fit.estimate[4] == 1.0
    )
    row = rows_of(fit, "bootstrap")["cor_g[Intercept, x]"]
    assert given(row)
    assert 0 < row.lower <= row.upper == 1.0
    assert "at a boundary" in row.reason


def test_fault_38_averaged_iterates_beside_a_boundary():
    fit = fitted_with("adam-marginal:steps=3000,lr=0.1", dyestuff2(), "averaged")
    rows = rows_of(fit, "averaged")
    assert given(rows["beta[Intercept]"])
    assert not given(rows["sd_batch[Intercept]"])
    assert "boundary" in rows["sd_batch[Intercept]"].reason


def test_fault_39_a_search_that_stops_early_has_no_degrees_of_freedom_and_its_refits_fail(monkeypatch):
    stopped = {"maxiter": 1, "maxfun": 1, "ftol": 1e-12, "gtol": 1e-7}
    monkeypatch.setattr(lbfgs_search, "_OPTIONS", stopped)
    frame = CASES["slopes"].frame()
    frame = frame.assign(y=frame["y"] + 5 * frame["x"] * (frame["g"] > "s04"))
    fit = fitted_with("lbfgs-ml", CASES["slopes"].problem(frame=frame), "wald-t", "bootstrap")
    assert Flag.NOT_STATIONARY in fit.flags
    for name, row in rows_of(fit, "wald-t").items():
        assert not given(row), name
        assert row.reason == "not at an optimum"
    for row in rows_of(fit, "bootstrap").values():
        assert not given(row)
        assert "not at an optimum" in row.reason
        assert "40 refits failed" in row.reason


@pytest.mark.parametrize(
    ("label", "kind"), [("adam-pooled:epochs=1", "cr2"), ("adam-pooled:epochs=1", "cr0"),
                        ("adam-marginal:steps=40", "averaged"), ("adam-pooled:epochs=20", "averaged")],
)  # fmt: skip
def test_fault_39_adam_away_from_its_optimum_has_neither_sandwich_nor_average(label, kind):
    fit = fitted_with(label, CASES["slopes"].problem(), kind)
    assert Flag.PREMATURE in fit.flags
    rows = rows_of(fit, kind)
    assert set(rows) >= {"beta[Intercept]", "beta[x]"}
    assert not any(given(row) for row in rows.values())
    assert {row.reason for row in rows.values()} == {"not at an optimum"}


def test_fault_41_intervals_of_a_worse_optimum_say_so():
    problem = build_problem(Model("reaction ~ 1 + days + (1 + days | subject)"), read_data("sleepstudy"))
    engine, seed = estimator("lbfgs-ml"), np.random.SeedSequence(3)
    good = engine.fit([problem], [seed])[0]
    stuck = good.estimate.copy()
    stuck[problem.layout.cor] = 1.0
    bad = replace(good, estimator="lbfgs-ml:starts=1", estimate=stuck, objective=deviance(problem, stuck))
    first, second = (
        with_bases(fit, problem, engine, seed, ["wald-t", "bootstrap"], refits=40) for fit in judged([bad, good])
    )
    for kind in ("wald-t", "bootstrap"):
        assert all("worse optimum than another fit's" in row.reason for row in rows_of(first, kind).values())
        assert not any("worse" in row.reason for row in rows_of(second, kind).values())


def test_fault_41_refits_leave_a_worse_optimum():
    """Refits search from the estimate: one that is stuck at a correlation of one does not keep them there."""
    problem = build_problem(Model("reaction ~ 1 + days + (1 + days | subject)"), read_data("sleepstudy"))
    engine, seed = estimator("lbfgs-ml"), np.random.SeedSequence(3)
    fit = engine.fit([problem], [seed])[0]
    found = with_bases(fit, problem, engine, seed, ["bootstrap"], refits=100).bases["bootstrap"]
    assert found.n_singular < 15
    elsewhere = fit.estimate.copy()
    elsewhere[problem.layout.cor] = 0.999999
    responses = draw_response(problem, np.broadcast_to(fit.estimate, (100, len(fit.estimate))), generator(seed, 0))
    root = covariance_root(elsewhere[problem.layout.sd], elsewhere[problem.layout.cor], problem.layout)
    for one, expected in zip(with_responses(problem, responses), found.values, strict=True):
        start = one.products.relative_root(root, elsewhere[-1])
        np.testing.assert_allclose(natural_at(one, search_from(one, start, reml=False)), expected, rtol=5e-3, atol=5e-3)


def test_fault_41_what_has_no_optimum_of_its_own_is_bootstrapped_all_the_same():
    """Refits that collapse are no estimates: they are counted as failed."""
    problem = CASES["intercept"].problem()
    fit = fitted_with("adam-penalised:variances=learned,epochs=30", problem, "bootstrap")
    rows = rows_of(fit, "bootstrap")
    assert set(rows) == set(problem.layout.labels)
    for row in rows.values():
        given(row)
