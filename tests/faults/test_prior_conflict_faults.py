"""FAULTS 32: priors that exclude what the data say are flagged, also where power-scaling sees nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.comparison.api import compare
from bayescompare.data import Dataset
from bayescompare.datasets import available
from bayescompare.engines.catalog import estimators
from bayescompare.engines.conflict import conflicts, likeliest
from bayescompare.engines.nuts.engine import Nuts
from bayescompare.fits import FLAG_SENTENCES, Draws, Fit, Flag, Status
from bayescompare.fitting import Fits, fit_batch
from bayescompare.likelihood.problem import Problem, build_problem

WALLED = {"sd_g": "Uniform(0, 1)"}


def frame(groups: int = 20, sd: float = 5.0, rows: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(groups), rows)
    effect = rng.normal(size=groups)
    effect = sd * (effect - effect.mean()) / effect.std()
    return pd.DataFrame({"y": 1.0 + effect[g] + rng.normal(size=len(g)), "g": [f"g{j}" for j in g]})


def problem(priors: dict[str, str] | str, **design: float) -> Problem:
    return build_problem(bc.Model("y ~ 1 + (1 | g)", priors=priors), Dataset(frame=frame(**design), name="walls"))


def fit_one(of: Problem, label: str) -> Fit:
    return fit_batch([of], estimators(label), 1, "fit", [0])[0][0]


def with_draws(of: Problem, column: np.ndarray) -> Fit:
    """Return a fit whose sd has the given draws."""
    values = np.tile(np.array([1.0, 0.0, 1.0]), (1, len(column), 1))
    values[0, :, 1] = column
    return Fit(
        estimator="nuts", layout=of.layout, status=Status.OK, estimate=values[0].mean(axis=0), se=values[0].std(axis=0),
        estimand=("posterior mean",) * 3, reason=("",) * 3, draws=Draws(values=values),
    )  # fmt: skip


def test_fault_32_a_mode_pressed_against_a_wall_is_found_and_flagged():
    fit = fit_one(problem(WALLED), "lbfgs-map")
    assert fit.status == Status.FLAGGED
    assert Flag.PRIOR_CONFLICT in fit.flags
    assert Flag.NOT_STATIONARY not in fit.flags
    assert 0.9999 < fit.estimate[1] < 1.0
    assert "sd_g[Intercept]: the ML estimate 5" in fit.message
    assert "lies in a tail of Uniform(lower=0, upper=1) of probability under 0.00003" in fit.message
    assert "the estimate is at the wall of Uniform(lower=0, upper=1) at 1" in fit.message
    assert np.all(np.isfinite(fit.estimate))


def test_fault_32_nuts_samples_beside_a_wall_and_is_flagged():
    of = problem(WALLED)
    fit = fit_one(of, "nuts:draws=300,tune=300")
    assert fit.status == Status.FLAGGED
    assert Flag.PRIOR_CONFLICT in fit.flags
    assert Flag.FAILED_INIT not in fit.flags
    sd = fit.draws.values[..., 1]
    assert np.all((sd > 0) & (sd <= 1))
    # the log likelihood rises so steeply that nearly all is at the wall
    assert sd.mean() > 0.9
    assert "of the posterior is piled up at the wall of Uniform(lower=0, upper=1) at 1" in fit.message
    assert FLAG_SENTENCES[Flag.PRIOR_CONFLICT].startswith("Prior and data disagree")


def test_fault_32_power_scaling_sees_nothing_of_a_wall_and_the_report_says_both():
    of = problem(WALLED)
    rng = np.random.default_rng(0)
    piled = with_draws(of, 1 - 0.03 * rng.exponential(size=800).clip(max=20))
    values = piled.draws.values + np.array([0.2, 0, 0.1]) * rng.normal(size=piled.draws.values.shape)
    stats = {"diverging": np.zeros((1, 800), dtype=bool), "energy": rng.normal(size=(1, 800))}
    fit = replace(piled, draws=Draws(values=np.abs(values), stats=stats))
    ml = likeliest(of)
    assert list(conflicts(of, fit, ml)) == ["sd_g[Intercept]"]
    results = compare(Fits(by_label={"nuts": fit}, engines=(Nuts(),), problem=of, seed=1))
    scaling = results.tables["power_scaling"].set_index("parameter")
    assert scaling.loc["sd_g[Intercept]", "diagnosis"] == "nothing"
    assert scaling.loc["sd_g[Intercept]", "tail"] == 0.0


def test_fault_32_a_wall_that_two_errors_reach_over_is_seen_by_what_is_piled_up():
    # four groups: the ML estimate of 1.6 is hardly known
    of = problem(WALLED, groups=4, sd=1.6)
    assert not conflicts(of, with_draws(of, np.linspace(0.01, 0.99, 500)), likeliest(of))
    piled = 1 - np.random.default_rng(1).exponential(0.1, size=500).clip(max=0.99)
    (said,) = conflicts(of, with_draws(of, piled), likeliest(of)).values()
    assert "piled up at the wall" in said


def test_fault_32_what_has_room_on_all_sides_is_not_flagged():
    of = problem({"sd_g": "Uniform(0, 100)"})
    draws = np.random.default_rng(1).normal(5, 0.8, 500)
    assert not conflicts(of, with_draws(of, draws), likeliest(of))
    # an sd of zero is no wall
    near_zero = np.abs(np.random.default_rng(1).normal(0, 0.1, 500))
    assert not conflicts(of, with_draws(of, near_zero), None)


@pytest.mark.parametrize(
    ("key", "prior", "label"),
    [
        ("beta", "Normal(60, 2)", "beta[Intercept]"),
        ("sd_g", "HalfNormal(0.3)", "sd_g[Intercept]"),
        ("sigma", "HalfNormal(0.1)", "sigma"),
        ("sigma", "Uniform(3, 9)", "sigma"),
        ("sigma", "Gamma(400, 100)", "sigma"),
    ],
)
def test_fault_32_an_estimate_in_the_tail_of_any_prior(key, prior, label):
    of = problem({key: prior})
    fit = fit_one(of, "lbfgs-map")
    assert Flag.PRIOR_CONFLICT in fit.flags
    assert f"{label}: the ML estimate" in fit.message


def test_fault_32_estimators_without_priors_are_not_flagged():
    assert Flag.PRIOR_CONFLICT not in fit_one(problem(WALLED), "lbfgs-ml").flags


@pytest.mark.parametrize("name", available())
@pytest.mark.parametrize("priors", ["default", "bambi", "gelman-2006-half-cauchy", "flat"])
def test_fault_32_usual_priors_of_published_data_are_not_flagged(name, priors):
    model = bc.Model(available()[name].formula, priors=priors)
    of = build_problem(model, bc.load_dataset(name))
    nothing = with_no_draws(of)
    assert not conflicts(of, nothing, likeliest(of))


def with_no_draws(of: Problem) -> Fit:
    k = of.layout.size
    return Fit(
        estimator="lbfgs-map", layout=of.layout, status=Status.OK, estimate=np.full(k, np.nan), se=np.full(k, np.nan),
        estimand=("posterior mode",) * k, reason=("",) * k,
    )  # fmt: skip


def test_fault_32_power_scaling_flags_the_posterior_of_a_comparison():
    # a prior and data of the same weight that are six sds apart
    of = problem({"beta": "Normal(9, 1)"})
    rng = np.random.default_rng(2)
    ml = likeliest(of)
    centre = np.array([(1.0 / ml.se[0] ** 2 + 9.0) / (1 / ml.se[0] ** 2 + 1), ml.estimate[1], ml.estimate[2]])
    values = np.abs(
        centre + np.array([(1 / ml.se[0] ** 2 + 1) ** -0.5, ml.se[1], ml.se[2]]) * rng.normal(size=(4, 400, 3))
    )
    fit = replace(with_draws(of, values[0, :, 1]), estimate=centre, draws=Draws(
        values=values, stats={"diverging": np.zeros((4, 400), dtype=bool), "energy": rng.normal(size=(4, 400))}
    ))  # fmt: skip
    results = compare(Fits(by_label={"nuts": fit}, engines=(Nuts(),), problem=of, seed=1))
    row = results.tables["fits"].iloc[0]
    assert "prior_conflict" in list(row["flags"])
    assert row["status"] == "flagged"
    assert "beta[Intercept]: power-scaling sensitivity" in row["message"]
