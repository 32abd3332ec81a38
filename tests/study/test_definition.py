"""A study is checked as a whole before anything runs."""

import importlib.util
import json
import pickle
import time
from importlib.resources import files
from pathlib import Path

import pytest

from bayescompare.errors import StudyError
from bayescompare.study.definition import DEFAULT_STUDY, Study, available, load
from bayescompare.study.keys import CONTRAST, SCENARIO, STUDY
from bayescompare.study.work import identities

_spec = importlib.util.spec_from_file_location("small_study", Path(__file__).with_name("small.py"))
study = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(study)


def refused(tmp_path, old: str, new: str) -> str:
    assert old in study.TEXT
    with pytest.raises(StudyError) as caught:
        load(study.written(tmp_path, study.TEXT.replace(old, new)))
    return str(caught.value)


def test_changed_values_are_checked_again(tmp_path):
    chosen = study.small(tmp_path)
    assert chosen.changed(replicates=7).replicates == 7
    assert chosen.replicates == 3
    assert chosen.changed(replicates=10**9).replicates == 10**9
    with pytest.raises(
        StudyError, match="The study small has 1 fault:\n  replicates: must be a whole number of at least 1"
    ):
        chosen.changed(replicates=0)


def test_a_fault_of_the_last_scenario_is_found_before_the_first_runs(tmp_path):
    message = refused(tmp_path, 'rows = "poisson(5)"\ncovariates = { x = "normal(0, 1)" }', "rows = 5")
    assert "scenario[1]: there is no column 'x'" in message


def test_faults_of_two_scenarios_come_together(tmp_path):
    message = refused(tmp_path, '"sd_g[Intercept]" = 1', '"sd_g[Intercep]" = 1')
    assert "scenario[0].truth.sd_g[Intercep]: " in message
    assert "scenario[1].truth.sd_g[Intercep]: " in message
    assert "Did you mean 'sd_g[Intercept]'?" in message


def test_a_prior_on_no_parameter_is_found_at_once(tmp_path):
    message = refused(tmp_path, "seed = 3", 'seed = 3\npriors = { sd_h = "HalfNormal(1)" }')
    assert "no parameter 'sd_h' to set a prior on. Did you mean 'sd_g'?" in message


@pytest.mark.parametrize(
    ("old", "new", "hint"), [("seed", "sede", "'seed'"), ("rows = 4", "row = 4\nrows = 4", "'rows'")]
)
def test_an_unknown_key_is_compared_with_those_of_its_table(tmp_path, old, new, hint):
    assert f"there is no such key. Did you mean {hint}?" in refused(tmp_path, old, new)


DRAWN = """
priors = { beta = "Normal(0, 1)", sd_g = "HalfNormal(1)", sigma = "HalfNormal(1)" }
level = [0.5, 0.95]
intervals = ["wald", "eti"]
time_limit = 60
block = 7
"""


def text_of(**changes: str) -> str:
    text = study.TEXT.replace("seed = 3", "seed = 3" + DRAWN)
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return text


def test_every_key_comes_back(tmp_path):
    chosen = load(study.written(tmp_path, text_of()))
    plain = chosen.as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert Study.from_dict(plain) == chosen
    assert (chosen.levels, chosen.level, chosen.intervals) == ((0.5, 0.95), 0.5, ("wald", "eti"))
    assert (chosen.time_limit, chosen.block) == (60.0, 7)
    assert plain["dispersed_starts"] == 10
    assert plain["scenario"][0]["imbalance"] == 0
    assert pickle.loads(pickle.dumps(chosen)) == chosen


def test_labels_are_normalised_and_keys_sorted(tmp_path):
    written = text_of(a=('"lbfgs-ml"', '"lbfgs-ml: coordinates=log-sd, starts=1"'))
    chosen = load(study.written(tmp_path, written))
    assert chosen.estimators[0] == "lbfgs-ml:starts=1,coordinates=log-sd"
    other = study.TEXT.replace(
        'covariates = { x = "normal(0, 1)" }', 'covariates = { x = "normal(0, 1)", a = "normal" }'
    )
    assert list(load(study.written(tmp_path, other)).scenario[0].covariates) == ["a", "x"]


def test_a_scenario_without_lists_keeps_its_name(tmp_path):
    assert [(one.name, one.base, dict(one.factors)) for one in study.small(tmp_path).scenarios()] == [
        ("few", "few", {}),
        ("more", "more", {}),
    ]
    assert study.small(tmp_path).named("more").groups == 12
    with pytest.raises(StudyError, match=r"no scenario 'mor'\. Did you mean 'more'"):
        study.small(tmp_path).named("mor")


def test_differences_are_a_line_a_path(tmp_path):
    one = study.small(tmp_path)
    assert one.difference(one.changed()) == []
    assert one.difference(one.changed(replicates=200, level=0.9, time_limit=3)) == [
        "replicates: 3 -> 200",
        "time_limit: None -> 3.0",
        "level: [0.95] -> [0.9]",
    ]
    assert one.difference(one.changed(estimators=["lbfgs-ml", "nuts"])) == [
        "estimators[lbfgs-reml]: listed -> not given",
        "estimators[nuts]: not given -> listed",
    ]
    tables = one.as_dict()["scenario"]
    tables[1]["truth"]["sigma"] = 2
    tables[1]["rows"] = [5, 6]
    assert one.difference(one.changed(scenario=tables)) == [
        "scenario[more].rows: poisson(5) -> [5, 6]",
        "scenario[more].truth.sigma: 1.0 -> 2.0",
    ]
    assert one.difference(one.changed(scenario=one.as_dict()["scenario"][::-1])) == ["scenario: another order"]
    assert one.difference(one.changed(estimators=["lbfgs-reml", "lbfgs-ml"])) == ["estimators: another order"]
    gone = one.difference(one.changed(scenario=tables[:1]))
    assert "scenario[more].groups: 12 -> not given" in gone


PRIOR = ('truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }', 'truth = "prior"')


def test_truths_from_the_prior_have_priors_that_are_frozen(tmp_path):
    chosen = load(study.written(tmp_path, text_of(a=PRIOR)))
    assert {one.truth for one in chosen.scenario} == {"prior"}
    assert Study.from_dict(chosen.as_dict()) == chosen
    partly = load(study.written(tmp_path, text_of(a=PRIOR, b=(', sigma = "HalfNormal(1)"', ""))))
    assert repr(partly.scenario[0].priors["sigma"]) == "HalfStudentT(nu=4, sigma=1)"
    scaled = partly.changed(nominal={"sd": 20})
    assert scaled.nominal == {"mean": 0.0, "sd": 20.0}
    assert repr(scaled.scenario[0].priors["sigma"]) == "HalfStudentT(nu=4, sigma=20)"
    assert identities(scaled) != identities(partly)
    with pytest.raises(StudyError) as caught:
        load(study.written(tmp_path, text_of(a=PRIOR, b=('beta = "Normal(0, 1)"', 'beta = "Flat()"'))))
    assert "priors.beta: the truth is drawn from it: Flat() is improper and cannot be drawn from" in str(caught.value)


def test_sets_of_priors_may_be_a_factor_and_those_that_cannot_be_drawn_are_no_fault(tmp_path):
    tables = study.small(tmp_path).as_dict()["scenario"][:1]
    tables[0] |= {"truth": "prior", "priors": ["default", "bambi", "flat"]}
    chosen = study.small(tmp_path, scenario=tables)
    assert [one.name for one in chosen.scenario] == ["few-priors_default", "few-priors_bambi", "few-priors_flat"]
    assert [one.factors["priors"] for one in chosen.scenario] == ["default", "bambi", "flat"]
    assert [one.as_dict()["prior_set"] for one in chosen.scenario] == ["default", "bambi", "flat"]
    assert Study.from_dict(chosen.as_dict()) == chosen
    with pytest.raises(
        StudyError, match=r"scenario\[0\].priors\[1\]: There is no set of priors named 'bambo'. Did you mean"
    ):
        study.small(tmp_path, scenario=[tables[0] | {"priors": ["default", "bambo"]}])
    with pytest.raises(StudyError, match=r"nominal.sd: must be a number greater than 0, not 0"):
        study.small(tmp_path, nominal={"sd": 0})


def test_a_contrast_may_name_scenarios_of_a_grid(tmp_path):
    pair = '[[contrast]]\nname = "size"\nworse = "few-rows_4"\nbase = "few-rows_9"\n'
    text = study.TEXT.replace("rows = 4", "rows = [4, 9]") + pair
    (contrast,) = load(study.written(tmp_path, text)).contrasts()
    assert (contrast.worse, contrast.base) == ("few-rows_4", "few-rows_9")


def test_checking_the_default_study_takes_half_a_second():
    load(DEFAULT_STUDY)
    started = time.perf_counter()
    load(DEFAULT_STUDY)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("name", sorted(available()))
def test_bundled_studies_explain_each_of_their_keys(name):
    chosen = load(name)
    assert chosen.name == name
    assert chosen.title
    text = (files("bayescompare.study") / "studies" / f"{name}.toml").read_text("utf-8")
    assert text.count("\n#") >= 3
    assert Study.from_dict(chosen.as_dict()) == chosen


def test_the_guide_names_every_key():
    guide = Path(__file__).parents[2].joinpath("docs", "studies.md").read_text("utf-8")
    for key in {*STUDY, *SCENARIO, *CONTRAST}:
        assert f"`{key}`" in guide


def test_a_setting_that_a_label_leaves_out_is_kept(tmp_path):
    chosen = study.small(tmp_path, estimators=["nuts:draws=500,effects=false"])
    (again,) = Study.from_dict(chosen.as_dict()).engines()
    assert again.effects is False
    assert again.label == "nuts:draws=500"
    with pytest.raises(StudyError, match=r"estimators\[1\]: 'nuts' is listed twice"):
        study.small(tmp_path, estimators=["nuts", "nuts:effects=false"])
