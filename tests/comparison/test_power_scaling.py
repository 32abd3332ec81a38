"""Power-scaling: ArviZ's own numbers, and a normal posterior whose powers are known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayescompare as bc
from bayescompare.comparison.power_path import power_path
from bayescompare.comparison.power_scaling import CONFLICT, NOTHING, PRIOR_DECIDES, power_scaling, why_not_scaled
from bayescompare.comparison.schema import TABLES
from bayescompare.comparison.trees import fit_tree
from bayescompare.data import Dataset
from bayescompare.engines.catalog import estimators
from bayescompare.fits import Draws, Fit, Status
from bayescompare.likelihood.problem import Problem, build_problem

az = pytest.importorskip("arviz")
CHAINS, DRAWS = 4, 2500


def drawn(problem: Problem, values: np.ndarray) -> Fit:
    """Return a fit with draws that no sampler made."""
    flat, k = values.reshape(-1, values.shape[-1]), values.shape[-1]
    stats_of = {"diverging": np.zeros(values.shape[:2], dtype=bool), "energy": np.zeros(values.shape[:2])}
    return Fit(
        estimator="nuts", layout=problem.layout, status=Status.OK, estimate=flat.mean(axis=0), se=flat.std(axis=0),
        estimand=("posterior mean",) * k, reason=("",) * k, draws=Draws(values=values, stats=stats_of),
    )  # fmt: skip


def point(fit: Fit, label: str, estimate: list[float]) -> Fit:
    k = len(estimate)
    return replace(
        fit, estimator=label, draws=None, estimate=np.array(estimate), estimand=("ML mode",) * k, reason=("",) * k
    )


# Power-scaling by ArviZ


@pytest.fixture(scope="module")
def sleep() -> tuple[Problem, Fit]:
    model = bc.Model("reaction ~ 1 + days + (1 + days | subject)", priors={"sd_subject[days]": "HalfNormal(1)"})
    problem = build_problem(model, bc.load_dataset("sleepstudy"))
    (ml,) = estimators("lbfgs-ml")[0].fit([problem], [np.random.SeedSequence(1)])
    rng = np.random.default_rng(0)
    # as the narrow prior pulls the sd of the slopes
    centre = ml.estimate - np.array([0, 0, 0, 2, 0, 0]) * ml.se
    return problem, drawn(problem, centre + 0.5 * ml.se * rng.normal(size=(CHAINS, 300, 6)))


def test_sensitivities_are_those_of_arviz_on_the_tree(sleep):
    problem, fit = sleep
    tree = fit_tree(problem, fit)
    found = power_scaling(problem, fit, tree).table
    theirs = az.psense_summary(tree, var_names=["beta", "sd_subject", "cor_subject", "sigma"], round_to=12)
    assert list(found["parameter"]) == list(theirs.index)
    assert np.allclose(found["prior"], theirs["prior"], atol=1e-11)
    assert np.allclose(found["likelihood"], theirs["likelihood"], atol=1e-11)
    words = {"✓": NOTHING, "potential prior-data conflict": CONFLICT}
    words["potential strong prior / weak likelihood"] = PRIOR_DECIDES
    assert list(found["diagnosis"]) == [words[word] for word in theirs["diagnosis"]]
    assert CONFLICT in set(found["diagnosis"])
    assert list(found.columns) == list(TABLES["power_scaling"])


def test_conflicts_are_sentences(sleep):
    problem, fit = sleep
    said = power_scaling(problem, fit, fit_tree(problem, fit)).conflicts
    assert any(one.startswith("sd_subject[days]: power-scaling sensitivity") for one in said)


def test_a_model_without_groups_has_sensitivities_too():
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    frame = pd.DataFrame({"y": 2 + x + rng.normal(size=60), "x": x})
    model = bc.Model("y ~ x", priors={"beta[x]": "Normal(0, 0.1)"})
    problem = build_problem(model, Dataset(frame=frame, name="line"))
    # near the posterior: 60 rows say 1 with sd 0.13, the prior 0 with sd 0.1
    centre, spread = np.array([2.0, 0.37, 1.1]), np.array([0.14, 0.08, 0.1])
    fit = drawn(problem, centre + spread * rng.normal(size=(CHAINS, 300, 3)))
    table = power_scaling(problem, fit, fit_tree(problem, fit)).table.set_index("parameter")
    assert table.loc["beta[x]", "diagnosis"] == CONFLICT
    assert np.all(np.isfinite(table[["prior", "likelihood"]]))


# A normal mean of known sd under a normal prior: precision n / s^2 + alpha / t^2

PRECISION, MEAN, PRIOR_MEAN, PRIOR_SD = 4.0, 1.0, 0.0, 0.5


def posterior(alpha: float) -> tuple[float, float]:
    """Return mean and sd of the posterior at a power of its prior."""
    precision = PRECISION + alpha / PRIOR_SD**2
    return (PRECISION * MEAN + alpha * PRIOR_MEAN / PRIOR_SD**2) / precision, precision**-0.5


def power_of(value: float) -> float:
    """Return the power at which the posterior mean is a value."""
    return PRECISION * (MEAN - value) / (value - PRIOR_MEAN) * PRIOR_SD**2


@pytest.fixture(scope="module")
def normal() -> tuple[Problem, Fit]:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"y": rng.normal(size=40), "g": np.repeat(list("abcdefgh"), 5)})
    priors = {"set": "flat", "beta": f"Normal({PRIOR_MEAN}, {PRIOR_SD})"}
    problem = build_problem(bc.Model("y ~ 1 + (1 | g)", priors=priors), Dataset(frame=frame, name="normal"))
    mean, sd = posterior(1.0)
    values = np.abs(rng.normal(size=(CHAINS, DRAWS, 3)))
    values[..., 0] = rng.normal(mean, sd, size=(CHAINS, DRAWS))
    return problem, drawn(problem, values)


def test_the_path_is_the_exact_posterior_at_each_power(normal):
    path = pd.DataFrame(power_path(*normal))
    beta = path[path["parameter"] == "beta[Intercept]"]
    for row in beta.iloc[::6].itertuples():
        mean, sd = posterior(row.alpha)
        assert abs(row.mean - mean) < 4 * row.mcse
        ends = stats.norm(mean, sd).ppf([0.025, 0.975])
        # error of a quantile of as many draws as the error of the mean tells; far from 1 tails are known less well
        error = 4 * row.mcse * np.sqrt(0.025 * 0.975) / stats.norm.pdf(1.96)
        if row.alpha > 0.5:
            assert np.all(np.abs(np.array([row.lower, row.upper]) - ends) < error)
    # nothing that the prior is independent of moves beyond noise
    other = path[path["parameter"] == "sigma"]
    assert np.all(np.abs(other["mean"] - other[other["alpha"] == 1]["mean"].item()) < 4 * np.sqrt(2) * other["mcse"])


def test_the_path_ends_where_the_weights_are_too_uneven(normal):
    path = pd.DataFrame(power_path(*normal))
    alphas = np.unique(path["alpha"])
    assert alphas.min() == 0.125
    assert np.all(path["pareto_k"].dropna() <= 0.7)
    problem, fit = normal
    # far from the draws: other powers of it are on the edge of them
    far = replace(problem, priors=replace(problem.priors, beta=(bc.Normal(9.0, 0.5),)))
    short = np.unique(pd.DataFrame(power_path(far, fit))["alpha"])
    assert 1.0 in short
    assert short.max() < 8
    assert short.min() > 0.125


def test_crossings_are_where_the_closed_form_has_them(normal):
    problem, fit = normal
    values = {"lbfgs-ml": 0.7, "adam-marginal": 0.3}
    points = [point(fit, label, [value, 50.0, np.nan]) for label, value in values.items()]
    found = power_scaling(problem, fit, fit_tree(problem, fit), points).crossings
    assert list(found.columns) == list(TABLES["power_crossing"])
    for label, value in values.items():
        row = found[(found["target"] == label) & (found["parameter"] == "beta[Intercept]")].iloc[0]
        assert abs(np.log2(row["alpha"]) - np.log2(power_of(value))) < 4 * row["log2_mcse"]
        assert 0 < row["log2_mcse"] < 0.2
    far = found[found["parameter"] == "sd_g[Intercept]"].iloc[0]
    assert np.isnan(far["alpha"])
    assert far["reason"].startswith("no power within [0.125, ")
    assert found[found["parameter"] == "sigma"].iloc[0]["reason"] == "there is no estimate"


def test_a_constant_prior_moves_nothing_and_says_so(normal):
    problem, fit = normal
    walled = replace(problem, priors=replace(problem.priors, beta=(bc.Uniform(-90.0, 90.0),)))
    found = power_scaling(walled, fit, fit_tree(walled, fit), [point(fit, "lbfgs-ml", [0.7, 1.0, 1.0])])
    assert set(found.crossings["reason"]) == {
        "the prior is constant over the posterior: no power of it moves the posterior"
    }
    assert set(found.table["diagnosis"]) == {NOTHING}
    assert not found.conflicts


def test_an_estimate_of_something_else_is_no_target(normal):
    problem, fit = normal
    pooled = replace(
        point(fit, "adam-pooled", [0.7, 1.0, 1.0]), estimand=("ML mode", "ML mode", "sqrt(tau^2 + sigma^2)")
    )
    found = power_scaling(problem, fit, fit_tree(problem, fit), [pooled]).crossings.set_index("parameter")
    assert found.loc["sigma", "reason"] == "it estimates sqrt(tau^2 + sigma^2)"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda values: values[:, :20], "there are fewer than 100 draws"),
        (lambda values: np.where(values > values.max() - 1e-9, np.nan, values), "some draws are not finite"),
        (lambda values: np.concatenate([values[:1] * 0 + 1, values[1:]]), "a chain did not move"),
    ],
)
def test_draws_that_cannot_be_weighted_are_left_alone(normal, change, reason):
    problem, fit = normal
    assert why_not_scaled(drawn(problem, change(fit.draws.values))) == reason
    assert why_not_scaled(fit) == ""
