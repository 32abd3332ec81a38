"""Simulation-based calibration of NUTS: inside the bands as it is, outside with each planted fault; simuk as oracle."""

from dataclasses import replace

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.engines.catalog import estimator
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model
from bayescompare.simulation import Truth, simulate
from bayescompare.simulation.blank import blank
from bayescompare.simulation.draw import answered
from bayescompare.study import cases
from bayescompare.study.calibrate import calibration_study
from bayescompare.study.definition import Study

NUTS = ["nuts:draws=500,effects=false"]
SLOPES = "y ~ 1 + x + (1 + x | g)"

pytestmark = pytest.mark.slow


def ranked(results):
    """Return the verdicts that rest on ranks, of all fits."""
    found = results.calibration
    return found[(found["kind"] == "eti") & (found["reading"] == "all")]


def assert_inside(results, fits):
    found = ranked(results)
    assert found["n_total"].sum() > 0
    # Holm's rule allows for all quantities of all scenarios
    assert (found["p_adjusted"] > 0.05).all(), found[["scenario", "parameter", "p_value", "p_adjusted", "what"]]
    assert (found["n_used"] == found["n_total"]).all()
    assert len(results.tables["fits"]) == fits


def test_a_thousand_posteriors_of_random_slopes_are_calibrated():
    results = bc.calibrate(SLOPES, estimators=NUTS, replicates=1000, seed=20)
    assert_inside(results, 1000)
    assert set(ranked(results)["verdict"]) == {"calibrated"}
    assert set(ranked(results)["parameter"]) >= {"icc_g", "log_likelihood", "cor_g[Intercept, x]"}


def test_three_models_under_two_sets_of_priors_are_calibrated():
    results = bc.calibrate("calibration", estimators=NUTS, replicates=300, seed=21)
    assert_inside(results, 1800)


@pytest.fixture
def small() -> Study:
    """Few groups, so that the priors matter."""
    return calibration_study(
        SLOPES, groups=8, rows=5, estimators=NUTS, replicates=200, priors={"cor_g": "LKJ(1)"}, seed=22
    )


def wrong(results) -> set[str]:
    """Return the quantities of which a fault is seen."""
    found = ranked(results)
    return set(found.loc[found["verdict"] == "not calibrated", "parameter"])


def simulated_with(change, monkeypatch):
    """Simulate from truths that are not those that are kept."""

    def planted(scenario, replicate, seed):
        kept = simulate(scenario, replicate, seed).truth
        sheet = blank(scenario, replicate, seed)
        made = answered(sheet, change(kept.theta.copy(), sheet.layout), scenario, replicate, seed)
        return replace(made, truth=Truth(theta=kept.theta, effects=made.truth.effects))

    monkeypatch.setattr(cases, "simulate", planted)
    monkeypatch.setattr(cases, "_KEPT", cases._Kept())


def test_the_small_design_itself_is_calibrated(small):
    assert wrong(bc.run_study(small)) == set()


def test_doubled_sds_are_caught(small, monkeypatch):
    def doubled(theta, layout):
        theta[layout.sd] *= 2
        return theta

    simulated_with(doubled, monkeypatch)
    found = wrong(bc.run_study(small))
    assert {"sd_g[Intercept]", "sd_g[x]", "icc_g"} <= found


def test_a_correlation_of_the_other_sign_is_caught(small, monkeypatch):
    def flipped(theta, layout):
        theta[layout.cor] *= -1
        return theta

    simulated_with(flipped, monkeypatch)
    assert {"cor_g[Intercept, x]", "log_likelihood"} & wrong(bc.run_study(small))


def test_a_swapped_prior_is_caught(small, monkeypatch):
    def swapped(study, scenario):
        return Model(scenario.formula, priors={**scenario.priors, "sd_g[x]": "HalfNormal(0.3)"})

    monkeypatch.setattr(Study, "model", swapped)
    monkeypatch.setattr(cases, "_KEPT", cases._Kept())
    assert "sd_g[x]" in wrong(bc.run_study(small))


def test_ranks_are_those_of_simuk():
    simuk = pytest.importorskip("simuk", reason="simuk is of the extra dev")
    import pymc as pm

    count, formula = 6, "y ~ 1 + x + (1 | g)"
    study = calibration_study(formula, groups=10, rows=6, estimators=NUTS, replicates=20, seed=23)
    (scenario,) = study.scenario
    sheet = blank(scenario, 0, study.seed)
    x, group, laws = sheet.x[:, 1], sheet.groups, scenario.priors
    with pm.Model() as model:
        data = pm.Data("data", np.zeros(len(x)))
        intercept = pm.Normal("intercept", laws["beta[Intercept]"].mu, laws["beta[Intercept]"].sigma)
        slope = pm.Normal("slope", 0, laws["beta[x]"].sigma)
        sd = pm.HalfNormal("sd", laws["sd_g[Intercept]"].sigma)
        sigma = pm.HalfStudentT("sigma", nu=4, sigma=laws["sigma"].sigma)
        b = pm.Normal("b", 0, 1, shape=10)
        pm.Normal("y", intercept + slope * x + sd * b[group], sigma, observed=data)
    sampling = {"draws": 1000, "tune": 1000, "chains": 2, "cores": 1, "target_accept": 0.95}
    oracle = simuk.SBC(model, num_simulations=count, sample_kwargs=sampling, seed=5, progress_bar=False)
    kept = []
    observe = oracle._get_posterior_samples
    oracle._get_posterior_samples = lambda made: (kept.append(made["y"]), observe(made))[1]
    oracle.run_simulations()
    engine = estimator("nuts")
    for k, y in enumerate(kept):
        frame = simulate(scenario, 0, study.seed).frame.assign(y=y)
        problem = build_problem(Model(formula, priors=dict(laws)), bc.Dataset(frame=frame, name="simuk"))
        (fit,) = engine.fit([problem], [np.random.SeedSequence(k)])
        ours = fit.draws.values.reshape(-1, fit.layout.size)
        for name, place in (("intercept", 0), ("slope", 1), ("sd", 2), ("sigma", 3)):
            truth = float(oracle.ref_params[name].isel(sample=k))
            theirs = float(oracle.simulations["prior_sbc"][name].values[0, k]) / 2000
            pit = np.mean(ours[:, place] < truth)
            # both are shares of draws, of which the correlated ones of simuk's count for a fifth
            error = np.sqrt(max(pit * (1 - pit), 0.01) * (1 / 400 + 1 / 2000))
            assert abs(pit - theirs) < 4 * error, (k, name, pit, theirs)
