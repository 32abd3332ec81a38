"""The tree of a posterior, on disk: ArviZ works on it with no help from us."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from bayescompare.comparison import trees
from bayescompare.comparison.records import Record
from bayescompare.comparison.results import results_of
from bayescompare.comparison.trees import fit_tree
from bayescompare.data import read_data
from bayescompare.engines.catalog import estimators
from bayescompare.fits import Draws
from bayescompare.likelihood.coordinates import to_working
from bayescompare.likelihood.evaluate import group_loglik
from bayescompare.likelihood.posterior import Posterior
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model
from bayescompare.study.store import read_results, write_results
from tests.comparison.drawn import CHAINS, DRAWS, drawn_fit

az = pytest.importorskip("arviz")


@pytest.fixture(scope="module")
def sleep():
    """Return problem, point fits and a fit with draws that no sampler made."""
    return drawn_fit(labels="lbfgs-ml,lbfgs-reml,lbfgs-map")


@pytest.fixture(scope="module")
def path(sleep, tmp_path_factory):
    """Return the netCDF file of the tree, written as a study writes it."""
    problem, points, drawn = sleep
    records = [Record(study="fit", scenario="sleep", replicate=0, fit=one) for one in (*points, drawn)]
    tree = fit_tree(problem, drawn, points, seed=3)
    folder = tmp_path_factory.mktemp("out")
    write_results(results_of(records, trees={("sleep", 0): tree}, about={"kind": "fit"}), folder)
    return folder / "draws" / "sleep-0.nc"


@pytest.fixture
def tree(path):
    found = az.from_netcdf(path)
    yield found
    found.close()


def quietly(function, *args, **kwargs):
    """Call ArviZ, whose warnings about itself are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def test_groups(tree):
    expected = {
        "posterior", "sample_stats", "log_likelihood", "log_prior", "prior", "posterior_predictive",
        "observed_data", "constant_data", "lbfgs_ml", "lbfgs_reml", "lbfgs_map",
    }  # fmt: skip
    assert set(tree.children) == expected


def test_dims_and_coordinates(tree, sleep):
    posterior = tree["posterior"]
    assert posterior["beta"].dims == ("chain", "draw", "coef")
    assert posterior["sd_subject"].dims == ("chain", "draw", "subject_effect")
    assert posterior["cor_subject"].dims == ("chain", "draw", "subject_pair")
    assert posterior["b_subject"].dims == ("chain", "draw", "subject_effect", "subject")
    assert posterior["sigma"].dims == ("chain", "draw")
    assert posterior["subject"].values.tolist() == list(sleep[0].layout.levels)
    assert posterior["coef"].values.tolist() == ["Intercept", "days"]
    assert tree["posterior_predictive"]["reaction"].shape == (CHAINS, DRAWS, 180)


def test_numbers_survive_the_file(tree, sleep):
    _, points, drawn = sleep
    np.testing.assert_array_equal(tree["posterior"]["sigma"], drawn.draws.values[..., -1])
    np.testing.assert_array_equal(tree["posterior"]["b_subject"], np.swapaxes(drawn.draws.random_effects, 2, 3))
    np.testing.assert_array_equal(tree["lbfgs_reml"]["sd_subject"][0, 0], points[1].estimate[2:4])
    np.testing.assert_array_equal(tree["lbfgs_ml"]["beta_se"][0, 0], points[0].se[:2])


def test_log_likelihood_is_that_of_each_group_and_log_prior_that_of_each_variable(tree, sleep):
    problem, _, drawn = sleep
    flat = drawn.draws.values.reshape(-1, 6)
    expected = group_loglik(problem, flat).reshape(CHAINS, DRAWS, 18)
    np.testing.assert_allclose(tree["log_likelihood"]["reaction_by_subject"], expected)
    posterior = Posterior(problem, jacobian=False)
    x = np.array([to_working(theta, problem.layout, problem.products) for theta in flat[:20]])
    total = sum(
        tree["log_prior"][name].values.reshape(CHAINS * DRAWS, -1).sum(axis=1)[:20]
        for name in tree["log_prior"].data_vars
    )
    np.testing.assert_allclose(total, posterior.log_prior(x), rtol=1e-9)


def test_summary_prints_the_flat_labels(tree, sleep):
    problem, _, drawn = sleep
    table = quietly(az.summary, tree, var_names=["~b_subject"], ci_kind="eti", ci_prob=0.95, round_to=6)
    assert list(table.index) == list(problem.layout.labels)
    np.testing.assert_allclose(table["mean"].astype(float), drawn.draws.values.mean(axis=(0, 1)), atol=1e-6)


def test_leave_one_group_out(tree, sleep):
    found = quietly(az.loo, tree)
    assert found.n_data_points == 18
    # within reach of the log likelihood at the mode
    assert found.elpd == pytest.approx(-sleep[1][0].objective / 2, abs=30)


def test_sensitivity_to_prior_and_likelihood(tree, sleep):
    table = quietly(az.psense_summary, tree, var_names=["beta", "sd_subject", "cor_subject", "sigma"])
    assert list(table.index) == list(sleep[0].layout.labels)
    assert {"prior", "likelihood"} <= set(table.columns)


def test_what_is_read_back_is_what_was_written(path, sleep):
    results = read_results(path.parent.parent)
    assert list(results.trees) == [("sleep", 0)]
    assert len(results.tables["estimates"]) == 4 * 6
    assert results.tree.attrs["response"] == "reaction"
    for tree in results.trees.values():
        tree.close()


def test_a_flat_prior_leaves_out_the_group_of_prior_draws(sleep):
    _, points, drawn = sleep
    model = Model("reaction ~ 1 + days + (1 + days | subject)", priors={"beta": "Flat"})
    problem = build_problem(model, read_data("sleepstudy"))
    tree = fit_tree(problem, drawn, points)
    assert "prior" not in tree.children
    assert "posterior_predictive" in tree.children


def test_a_model_without_groups_and_one_without_correlations(sleep):
    for formula in ("reaction ~ days", "reaction ~ days + (1 | subject)", "reaction ~ days + (1 + days || subject)"):
        problem = build_problem(Model(formula), read_data("sleepstudy"))
        fit = estimators("lbfgs-ml")[0].fit([problem], [np.random.SeedSequence(1)])[0]
        values = np.abs(fit.estimate + 0.1 * np.random.default_rng(0).normal(size=(2, 30, problem.layout.size)))
        tree = fit_tree(problem, replace(fit, draws=Draws(values=values)), [fit])
        assert set(tree["posterior"].data_vars) == set(problem.layout.variables)
        table = quietly(az.summary, tree, ci_kind="eti", ci_prob=0.95)
        assert list(table.index) == list(problem.layout.labels)


def test_the_groups_of_point_estimates_are_one_draw_and_are_never_aligned_with_the_draws(tree, sleep):
    _, points, _ = sleep
    for group, point in zip(("lbfgs_ml", "lbfgs_reml", "lbfgs_map"), points, strict=True):
        names = [name for name in tree[group].data_vars if not name.endswith("_se")]
        table = quietly(az.summary, tree, group=group, var_names=names, kind="stats", round_to="none")
        np.testing.assert_array_equal(table["mean"], point.estimate)
    with pytest.raises(ValueError, match="conflicting dimension sizes"):
        tree["posterior"]["sigma"] < tree["lbfgs_ml"]["sigma"]  # noqa: B015


def test_what_arviz_leaves_out_is_a_group_under_one_name(tree, sleep):
    problem, _, _ = sleep
    name = "reaction_by_subject"
    means = [problem.y[problem.groups == j].mean() for j in range(18)]
    np.testing.assert_allclose(tree["observed_data"][name], means)
    rows = tree["posterior_predictive"]["reaction"].isel(obs=np.flatnonzero(problem.groups == 5))
    np.testing.assert_allclose(tree["posterior_predictive"][name].isel(subject=5), rows.mean("obs"))
    assert list(tree["log_likelihood"].data_vars) == [name]


def test_the_probability_integral_transform_leaves_out_a_group_and_weighs_the_draws_by_its_likelihood(tree):
    name = "reaction_by_subject"
    found = quietly(az.loo_pit, tree, var_names=name)[name]
    weights = np.exp(-tree["log_likelihood"][name])
    below = tree["posterior_predictive"][name] <= tree["observed_data"][name]
    expected = (below * weights).sum(["chain", "draw"]) / weights.sum(["chain", "draw"])
    assert found.dims == ("subject",)
    # Pareto smoothing moves the largest weights alone
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.abs(found - below.mean(["chain", "draw"])).max() > 0.05


def test_simulated_responses_of_a_large_table_keep_the_numbers_of_their_draws(sleep, monkeypatch):
    problem, points, drawn = sleep
    whole = fit_tree(problem, drawn, points)
    monkeypatch.setattr(trees, "LARGEST_PREDICTIVE", CHAINS * 180 * 50)
    thinned = fit_tree(problem, drawn, points)
    assert list(thinned["posterior_predictive"]["draw"].values) == list(range(0, DRAWS, 5))
    draws = thinned.filter(lambda group: group.sizes.get("draw") != 1)
    same = draws.sel(draw=thinned["posterior_predictive"]["draw"])
    assert same["posterior"]["sigma"].equals(whole["posterior"]["sigma"].isel(draw=slice(None, None, 5)))
    assert quietly(az.loo_pit, same, var_names="reaction_by_subject").sizes == {"subject": 18}


def test_predictive_draws_are_seeded(sleep):
    problem, points, drawn = sleep
    one, two, other = (
        fit_tree(problem, drawn, points, seed=seed)["posterior_predictive"]["reaction"] for seed in (1, 1, 2)
    )
    assert one.equals(two)
    assert not one.equals(other)


def test_a_fit_without_draws_has_no_tree(sleep):
    problem, points, _ = sleep
    with pytest.raises(ValueError, match="lbfgs-ml has no draws"):
        fit_tree(problem, points[0])
