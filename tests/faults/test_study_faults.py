"""Studies with wrong names, sizes and values: every fault is named, with its place."""

from __future__ import annotations

import copy
import tomllib

import pytest

from bayescompare.design import check_name
from bayescompare.errors import NameRefusedError, StudyError
from bayescompare.study.definition import DEFAULT_STUDY, Study, available, load

GOOD = """
name = "small"
replicates = 3
seed = 1
estimators = ["lbfgs-ml", "lbfgs-reml"]

[[scenario]]
name = "a"
formula = "y ~ x + (1 | g)"
groups = 8
rows = 4
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }
"""


def message_of(tmp_path, text: str) -> str:
    path = tmp_path / "study.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(StudyError) as caught:
        load(path)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def second_scenario(name: str) -> str:
    return GOOD + GOOD[GOOD.index("[[scenario]]") :].replace('name = "a"', f'name = "{name}"')


def test_the_good_study_loads(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(second_scenario("b"), "utf-8")
    study = load(path)
    assert [scenario.name for scenario in study.scenarios()] == ["a", "b"]
    assert [engine.label for engine in study.engines()] == ["lbfgs-ml", "lbfgs-reml"]


REFUSED = [
    "../../x", "..", ".", "", "CON", "con", "nul.txt", "COM1", "lpt9.log", "-rf", "a/b", "a\\b", "a\nb", "a\n", "a\0b",
    "x" * 65, "x" * 300, ".hidden", "a b", "ä", "a:b", "a*",
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED, ids=repr)
def test_fault_54_names_that_are_no_file_names(name):
    with pytest.raises(NameRefusedError) as caught:
        check_name(name, "study")
    assert "use 1 to 64 letters, digits" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["a", "0", "adam-random-effects", "x" * 64, "CONTROL", "a..b", "A_1.2-3"])
def test_fault_54_names_that_are_fine(name):
    assert check_name(name, "study") == name


@pytest.mark.parametrize("name", ["../x", "CON", "a/b", ""])
def test_fault_54_names_in_a_study_are_refused_with_their_place(tmp_path, name):
    assert "name: The study name" in message_of(tmp_path, changed('name = "small"', f'name = "{name}"'))
    assert "The scenario name" in message_of(tmp_path, changed('name = "a"', f'name = "{name}"'))


def test_fault_34_scenarios_of_one_name(tmp_path):
    assert "the scenario 'a' is there twice" in message_of(tmp_path, second_scenario("a"))


@pytest.mark.parametrize("replicates", [0, -1, 1_000_000_000])
def test_fault_34_no_replicates_and_too_many(tmp_path, replicates):
    message = message_of(tmp_path, changed("replicates = 3", f"replicates = {replicates}"))
    assert "replicates: Input should be" in message


def test_fault_34_no_scenario_and_no_estimator(tmp_path):
    nothing = GOOD[: GOOD.index("[[scenario]]")]
    assert "scenario: Field required" in message_of(tmp_path, nothing)
    assert "there is no scenario" in message_of(tmp_path, "scenario = []\n" + nothing)
    message = message_of(tmp_path, changed('estimators = ["lbfgs-ml", "lbfgs-reml"]', "estimators = []"))
    assert "no estimator is listed" in message


def test_fault_34_an_estimator_twice_whatever_the_order_of_its_settings(tmp_path):
    twice = '["lbfgs-ml:starts=1,coordinates=log-sd", "lbfgs-ml:coordinates=log-sd,starts=1"]'
    message = message_of(tmp_path, changed('["lbfgs-ml", "lbfgs-reml"]', twice))
    assert "lbfgs-ml:starts=1,coordinates=log-sd is listed twice" in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("replicates = 3", "replicates = ", "is not TOML"),
        ("seed = 1", "seed = 1\nseed = 2", "is not TOML"),
        ("seed = 1", "sede = 1", "sede: Extra inputs are not permitted"),
        ("seed = 1", "seed = -1", "seed: Input should be greater than or equal to 0"),
        ("seed = 1", 'seed = "one"', "seed: Input should be a valid integer"),
        ("seed = 1", "level = nan", "level: Input should be"),
        ("seed = 1", "level = 1.5", "level: Input should be less than 1"),
        ("groups = 8", "group = 8", "scenario.0.group: Extra inputs are not permitted"),
        ("groups = 8", "groups = 1", "scenario.0: A design needs at least 2 groups"),
        ("rows = 4", 'rows = "many"', "rows = 'many' cannot be read"),
        ("rows = 4", "rows = [1, 2]", "rows gives 2 sizes for 8 groups"),
        ("normal(0, 1)", "norml(0, 1)", "scenario.0.covariates.x: There is no covariate distribution 'norml'"),
        ('"lbfgs-reml"', '"lbfgs-rml"', "estimators: There is no estimator 'lbfgs-rml'. Did you mean 'lbfgs-reml'?"),
        ("seed = 1", 'priors = { sd_g = "HalfNrmal(1)" }', "Did you mean 'HalfNormal'?"),
    ],
)
def test_fault_35_each_fault_has_its_place(tmp_path, old, new, expected):
    assert expected in message_of(tmp_path, changed(old, new))


def test_fault_35_a_truth_that_is_not_a_number(tmp_path):
    assert "scenario.0.truth.sigma" in message_of(tmp_path, changed("sigma = 1 }", 'sigma = "big" }'))


def test_fault_35_all_faults_at_once(tmp_path):
    text = changed("replicates = 3", "replicates = 0").replace("seed = 1", "seed = -4\nthing = 1")
    text = text.replace('"lbfgs-reml"', '"lbfgs-rml"').replace("normal(0, 1)", "normal(0, -1)")
    message = message_of(tmp_path, text)
    assert "has 5 faults" in message
    for place in ("replicates:", "seed:", "thing:", "estimators:", "scenario.0.covariates.x:"):
        assert place in message


def test_fault_35_a_contrast_of_a_scenario_that_is_not_there(tmp_path):
    message = message_of(tmp_path, GOOD + '[[contrast]]\nname = "size"\nworse = "b"\nbase = "a"\n')
    assert "contrast 'size': there is no scenario 'b'" in message


def test_fault_35_a_file_that_is_none(tmp_path):
    with pytest.raises(StudyError, match=r"Cannot read the study .*missing\.toml: No such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(StudyError, match="Did you mean 'adam-random-effects'"):
        load("adam-random-efects")
    path = tmp_path / "latin.toml"
    path.write_bytes('name = "größe"'.encode("latin-1"))
    with pytest.raises(StudyError, match=r"not UTF-8 text \(byte 10\)"):
        load(path)


def test_the_default_study_is_available_and_keeps_its_contrasts():
    assert DEFAULT_STUDY in available()
    study = load(DEFAULT_STUDY)
    assert {one.worse for one in study.contrasts()} | {one.base for one in study.contrasts()} <= {
        one.name for one in study.scenarios()
    }


def test_fault_35_a_study_is_frozen():
    study = Study.model_validate(tomllib.loads(GOOD))
    with pytest.raises(ValueError, match="frozen"):
        study.replicates = 5
    assert copy.copy(study).replicates == 3
