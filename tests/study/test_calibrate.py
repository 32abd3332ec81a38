"""Calibration of a model from its formula to the report, by an estimator that takes no time."""

import re

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.study.calibrate import ESTIMATORS, calibration_study
from bayescompare.study.cases import cases
from bayescompare.study.definition import load
from bayescompare.study.store import read_results

FORMULA = "y ~ 1 + x + (1 | school)"
SMALL = {"groups": 8, "rows": 4, "replicates": 24, "estimators": ["lbfgs-ml"]}


def test_a_formula_becomes_a_study():
    study = calibration_study("y ~ 1 + x + z + (1 + x | g)", covariates={"z": "bernoulli(0.3)"})
    (scenario,) = study.scenario
    assert (study.replicates, scenario.groups, scenario.rows, scenario.truth) == (1000, 50, 10, "prior")
    assert {name: str(one) for name, one in scenario.covariates.items()} == {
        "x": "normal(0, 1) by row",
        "z": "bernoulli(0.3) by row",
    }
    assert tuple(study.estimators) == tuple(one.replace("false", "False") for one in ESTIMATORS)
    assert study.dispersed_starts == 0


def test_a_model_brings_its_priors_and_sets_are_a_factor():
    model = bc.Model(FORMULA, priors={"set": "bambi", "sd_school": "HalfNormal(2)"})
    (one,) = calibration_study(model, groups=5, rows=3).scenario
    assert repr(one.priors["sd_school[Intercept]"]) == "HalfNormal(2)"
    assert one.priors["set"] == "bambi"
    several = calibration_study(FORMULA, sets=["default", "bambi"], nominal=(10.0, 4.0)).scenario
    assert [scenario.factors["priors"] for scenario in several] == ["default", "bambi"]
    assert all(repr(scenario.priors["sigma"]) == "HalfStudentT(nu=4, sigma=4)" for scenario in several)


def test_a_study_keeps_what_it_says_but_for_what_is_changed():
    study = calibration_study("calibration", replicates=40, estimators=["lbfgs-ml"])
    assert study.difference(load("calibration").changed(replicates=40, estimators=["lbfgs-ml"])) == []
    assert {one.factors["priors"] for one in study.scenario} == {"default", "bambi"}


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    return bc.calibrate(FORMULA, folder, sets=["default", "flat"], seed=3, **SMALL), folder


def test_each_fit_has_the_priors_that_its_truth_was_drawn_from(calibrated):
    results, _ = calibrated
    priors = results.about["priors"]["model-priors_default"]
    assert priors["sd_school[Intercept]"] == "HalfNormal(2.5)"
    rows = results.tables["calibration"]
    truth = rows[(rows["parameter"] == "sd_school[Intercept]") & (rows["kind"] == "wald")]["truth"]
    estimates = results.tables["estimates"]
    same = estimates[(estimates["parameter"] == "sd_school[Intercept]") & estimates["truth"].notna()]["truth"]
    np.testing.assert_array_equal(np.sort(truth), np.sort(same))
    assert truth.nunique() == 24


def test_data_sets_are_fitted_with_the_frozen_priors_and_not_with_their_own():
    study = calibration_study(FORMULA, groups=8, rows=4, sets=["default", "bambi"])
    for scenario in study.scenarios():
        numbers = {key: one for key, one in scenario.priors.items() if key != "set"}
        assert len(numbers) == 4
        for case in cases(study, scenario, [0, 1, 7]):
            assert case.problem.priors.labels() == numbers


def test_sets_that_cannot_be_drawn_are_rows_and_the_others_run(calibrated):
    results, _ = calibrated
    fits = results.tables["fits"]
    assert fits.groupby("scenario")["status"].agg(set).to_dict() == {
        "model-priors_default": {"ok"} if set(fits["status"]) == {"ok", "not_applicable"} else {"ok", "flagged"},
        "model-priors_flat": {"not_applicable"},
    }
    flat = results.calibration.query("scenario == 'model-priors_flat'")
    assert list(flat["verdict"]) == ["not applicable"]
    assert "Flat() is improper and cannot be drawn from" in flat["what"].iloc[0]
    assert (flat["n_used"].iloc[0], flat["n_total"].iloc[0]) == (0, 24)


def test_a_finished_folder_tells_the_same(calibrated):
    results, folder = calibrated
    pd.testing.assert_frame_equal(bc.calibration(folder), bc.calibration(results))
    wald = results.calibration.set_index(["parameter", "kind"]).loc[("beta[x]", "wald")]
    rows = results.tables["calibration"].query("parameter == 'beta[x]' and kind == 'wald'")
    assert wald["coverage_95"] == np.mean(rows["covered_from"] <= 0.95)
    assert wald["n_used"] == 24


def test_more_replicates_go_on_where_it_was(calibrated, tmp_path):
    results, _ = calibrated
    more = bc.calibrate(FORMULA, tmp_path, sets=["default", "flat"], seed=3, **SMALL | {"replicates": 30})
    before, after = (one.tables["calibration"].drop(columns="study") for one in (results, more))
    pd.testing.assert_frame_equal(
        before.reset_index(drop=True), after[after["replicate"] < 24].reset_index(drop=True), check_exact=True
    )


def test_the_command_prints_verdicts_and_writes_a_report(tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--replicates", "24", "--groups", "8", "--rows", "4", "--estimators", "lbfgs-ml,lbfgs-reml"]
    command = ["calibrate", "y ~ 1 + x + (1 | g)", *options, "--priors", "default", "--priors", "bugs"]
    assert main([*command, "--covariate", "x=uniform(0, 2)", "--out", str(out), "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    for words in ("Calibration, model-priors_default", "beta[x]", "wald", "24/24", "width [95 %]", "Holm"):
        assert words in printed
    assert "not applicable: lbfgs-ml, lbfgs-reml: no truth can be drawn from the priors (set 'bugs')" in " ".join(
        printed.split()
    )
    page = (out / "report.html").read_text("utf-8")
    assert page.index('<section id="calibration">') < page.index('<section id="answer">')
    assert "Distribution function less the diagonal of sigma" in page
    assert len(re.findall(r"z-scores over contraction of", page)) >= 4
    assert {"calibration", "calibration_verdicts"} <= {path.stem for path in (out / "tables").iterdir()}
    assert read_results(out).calibration["estimator"].nunique() == 2


def test_a_dry_run_prints_the_frozen_priors(tmp_path, capsys):
    command = ["calibrate", "y ~ 1 + (1 | g)", "--replicates", "20", "--groups", "8", "--rows", "3"]
    options = ["--nominal", "5,2", "--estimators", "lbfgs-ml", "--dry-run", "--out", str(tmp_path / "none")]
    assert main([*command, *options]) == 0
    printed = capsys.readouterr().out
    assert "Priors of model: set default, for a response of mean 5 and sd 2" in printed
    assert "HalfStudentT(nu=4, sigma=2)" in printed
    assert not (tmp_path / "none").exists()
