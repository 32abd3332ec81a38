"""Studies with wrong names, sizes and values: every fault is named, with its place."""

from __future__ import annotations

import copy
import time
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
    assert "scenario[1].name: the scenario 'a' is there twice" in message_of(tmp_path, second_scenario("a"))


def test_fault_34_a_scenario_with_the_name_of_one_of_a_grid(tmp_path):
    text = second_scenario("a-rows_4").replace("rows = 4", "rows = [4, 5]", 1)
    assert "scenario[1]: two scenarios of the grid have the name 'a-rows_4'" in message_of(tmp_path, text)


@pytest.mark.parametrize("replicates", ["0", "-1", "2.5", "3.0", "true", "'3'", "nan"])
def test_fault_34_replicates_that_are_no_number_of_them(tmp_path, replicates):
    message = message_of(tmp_path, changed("replicates = 3", f"replicates = {replicates}"))
    assert "replicates: must be a whole number of at least 1, not " in message


def test_fault_34_many_replicates_are_a_question_of_cost(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(changed("replicates = 3", "replicates = 1_000_000_000"), "utf-8")
    assert load(path).replicates == 10**9


def test_fault_34_a_huge_grid_is_counted_before_it_is_made(tmp_path):
    rows = ", ".join(map(str, range(1, 1001)))
    grid = changed("rows = 4", f"rows = [{rows}]\nimbalance = [{', '.join(str(k / 100) for k in range(101))}]")
    started = time.perf_counter()
    message = message_of(tmp_path, grid)
    assert "scenario: there are 101,000 scenarios (a 101,000); at most 10,000 are run" in message
    assert "groups[" not in message
    long = changed("groups = 8", f"groups = [{', '.join(map(str, range(2, 20002)))}]")
    assert "scenario[0].groups: is a list of 20,000 values; at most 10,000" in message_of(tmp_path, long)
    assert time.perf_counter() - started < 5


def test_fault_34_no_scenario_and_no_estimator(tmp_path):
    nothing = GOOD[: GOOD.index("[[scenario]]")]
    assert "scenario: is missing" in message_of(tmp_path, nothing)
    assert "scenario: there must be at least one [[scenario]]" in message_of(tmp_path, "scenario = []\n" + nothing)
    message = message_of(tmp_path, changed('estimators = ["lbfgs-ml", "lbfgs-reml"]', "estimators = []"))
    assert "estimators: must be a list of estimators, not an empty one" in message


def test_fault_34_an_estimator_twice_whatever_the_order_of_its_settings(tmp_path):
    twice = '["lbfgs-ml:starts=1,coordinates=log-sd", "lbfgs-ml:coordinates=log-sd,starts=1"]'
    message = message_of(tmp_path, changed('["lbfgs-ml", "lbfgs-reml"]', twice))
    assert "estimators[1]: 'lbfgs-ml:starts=1,coordinates=log-sd' is listed twice" in message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("replicates = 3", "replicates = ", "is not TOML: line 3, column 14: Invalid value.\n  replicates ="),
        (
            "seed = 1",
            "seed = 1\nseed = 2",
            "line 5, column 9: Cannot overwrite a value: the key or table is there twice",
        ),
        ("sigma = 1 }", "sigma = 1, sigma = 2 }", "Duplicate inline table key 'sigma'"),
        ("sigma = 1 }", "sigma = 1", "line 13, column"),
        ("seed = 1", "sede = 1", "sede: there is no such key. Did you mean 'seed'?"),
        ("seed = 1", "seed = -1", "seed: must be a whole number of at least 0, not -1"),
        ("seed = 1", "seed = 1.0", "seed: must be a whole number of at least 0, not 1.0"),
        ("seed = 1", 'seed = "one"', "seed: must be a whole number of at least 0, not 'one'"),
        ("seed = 1", "level = nan", "level: must be a finite number, not nan"),
        ("seed = 1", "level = 1.5", "level: must lie between 0 and 1, not at 1.5"),
        ("seed = 1", "level = [0.9, 1]", "level[1]: must lie between 0 and 1, not at 1"),
        ("seed = 1", "level = [0.9, 0.90]", "level[1]: 0.9 is listed twice"),
        ("seed = 1", 'intervals = ["wold"]', "intervals[0]: there is no kind of interval 'wold'. Did you mean 'wald'?"),
        ("seed = 1", "intervals = []", "intervals: must be a list of kinds of intervals, not an empty one"),
        ("seed = 1", "time_limit = 0", "time_limit: must be a number of seconds greater than 0, not 0"),
        ("seed = 1", "time_limit = inf", "time_limit: must be a finite number, not inf"),
        ("seed = 1", "block = 0", "block: must be a whole number of at least 1, not 0"),
        ("seed = 1", "dispersed_starts = -1", "dispersed_starts: must be a whole number of at least 0, not -1"),
        ("seed = 1", "title = 3", "title: must be text, not 3"),
        ("seed = 1", "contrast = 3", "contrast: must be tables, [[contrast]]"),
        ("groups = 8", "group = 8", "scenario[0].group: there is no such key. Did you mean 'groups'?"),
        ("groups = 8", "", "scenario[0].groups: is missing"),
        ("groups = 8", "groups = 1", "scenario[0].groups: must be a whole number of at least 2, not 1"),
        ("groups = 8", "groups = []", "scenario[0].groups: must be a list of whole numbers, not an empty one"),
        ("groups = 8", "groups = [8, 9, 8]", "scenario[0].groups[2]: 8 is listed twice"),
        ("groups = 8", "groups = 8\nfixed_design = 1", "scenario[0].fixed_design: must be true or false, not 1"),
        ("rows = 4", 'rows = "many"', "scenario[0].rows: 'many' cannot be read; give a whole number, or 'poisson(8)'"),
        ("rows = 4", 'rows = "poisson(nan)"', "scenario[0].rows: 'poisson(nan)' cannot be read"),
        ("rows = 4", 'rows = [4, "poisson(0.5)"]', "scenario[0].rows[1]: every group needs at least one row"),
        ("rows = 4", "rows = 4\nimbalance = 1.5", "scenario[0].imbalance: must lie between 0 and 1, not at 1.5"),
        (
            "rows = 4",
            'rows = "poisson(4)"\nimbalance = [0, 0.5]',
            "scenario[0].imbalance: goes with whole numbers of rows",
        ),
        ("rows = 4", "rows = 4\nsizes = [2, 2]", "scenario[0].rows: leave it out where sizes gives the rows"),
        ("groups = 8\nrows = 4", "sizes = [4]", "scenario[0].sizes: must be the rows of each of at least 2 groups"),
        (
            "groups = 8\nrows = 4",
            "sizes = [[4, 4], [4, 0]]",
            "scenario[0].sizes[1]: must be a whole number of at least 1",
        ),
        ("rows = 4", "rows = 1", "scenario[0]: 8 rows, 8 random effects"),
        ("normal(0, 1)", "norml(0, 1)", "scenario[0].covariates.x: There is no covariate distribution 'norml'"),
        ('"normal(0, 1)"', '["normal(0, 1)", 3]', "scenario[0].covariates.x[1]: must be text, not 3"),
        ("y ~ x", "y ~ x +", "scenario[0].formula: "),
        ("y ~ x", "log(y) ~ x", "scenario[0]: the response that is simulated is one column, such as y, not 'log(y)'"),
        ("(1 | g)", "(1 | g:h)", "scenario[0]: the groups that are simulated are one column, such as g, not g:h"),
        ("x = ", "g = ", "scenario[0]: there is no column 'x'"),
        ('"lbfgs-reml"', '"lbfgs-rml"', "estimators[1]: There is no estimator 'lbfgs-rml'. Did you mean 'lbfgs-reml'?"),
        (
            "seed = 1",
            'priors = { sd_g = "HalfNrmal(1)" }',
            "priors.sd_g: There is no prior named 'HalfNrmal'. Did you mean",
        ),
        ("seed = 1", 'priors = { sd_h = "HalfNormal(1)" }', "priors.sd_h: The model has no parameter 'sd_h'"),
        ("sigma = 1 }", 'sigma = "big" }', "scenario[0].truth.sigma: There is no prior named 'big'"),
        ("sigma = 1 }", "sigma = inf }", "scenario[0].truth.sigma: must be a finite number, not inf"),
        ("sigma = 1 }", "sigma = [1, 0] }", "scenario[0].truth.sigma: the true sigma must be greater than 0, not 0"),
        ("sigma = 1 }", 'sigma = "Normal(0, 1)" }', "scenario[0].truth.sigma: Normal(mu=0, sigma=1) has real values"),
        (", sigma = 1 }", "}", "scenario[0].truth: the truth of sigma is missing"),
        (
            "sigma = 1 }",
            "sigm = 1 }",
            "scenario[0].truth.sigm: the model has no parameter 'sigm'. Did you mean 'sigma'?",
        ),
        ("sigma = 1 }", "sigma = 1e308 }", "scenario[0]: "),
        ('sd_g[Intercept]" = 1', 'sd_g[Intercept]" = "Flat()"', "Flat() is improper and cannot be drawn from"),
    ],
)
def test_fault_35_each_fault_has_its_place(tmp_path, old, new, expected):
    assert expected in message_of(tmp_path, changed(old, new))


def test_fault_35_all_faults_at_once_whatever_their_layer(tmp_path):
    text = changed("replicates = 3", "replicates = 0").replace("seed = 1", "seed = -4\nthing = 1")
    text = text.replace('"lbfgs-reml"', '"lbfgs-rml"').replace("normal(0, 1)", "normal(0, -1)")
    other = second_scenario("b")[len(GOOD) :].replace("rows = 4", "rows = 1").replace("sigma = 1", "sigm = [1, 2]")
    pair = '[[contrast]]\nname = "k"\nworse = "b"\nbase = "c"\n'
    priors = 'priors = { sd_h = "HalfNormal(1)", sigma = "HalfNrmal(1)" }\n'
    message = message_of(tmp_path, priors + text + other + pair)
    places = (
        "replicates", "seed", "thing", "estimators[1]", "priors.sigma", "priors.sd_h", "scenario[0].covariates.x",
        "scenario[1]", "scenario[1].truth.sigm", "scenario[1].truth", "contrast[0].base", "contrast[0].worse",
    )  # fmt: skip
    assert f"has {len(places)} faults" in message
    for place in places:
        assert f"\n  {place}: " in message


def test_fault_35_a_fault_of_a_whole_grid_is_said_once(tmp_path):
    message = message_of(tmp_path, changed("rows = 4", "rows = [4, 5, 6]").replace("sigma = 1", "sigm = 1"))
    assert message.count("the model has no parameter 'sigm'") == 1
    assert "(in 'a-rows_4' and 2 more)" in message


CONTRAST = '[[contrast]]\nname = "size"\nworse = "{}"\nbase = "a"\n'


def test_fault_35_a_contrast_of_a_scenario_that_is_not_there(tmp_path):
    message = message_of(tmp_path, GOOD + CONTRAST.format("b"))
    assert "contrast[0].worse: there is no scenario 'b'. There are a" in message


def test_fault_35_a_contrast_of_a_grid_lists_its_scenarios(tmp_path):
    message = message_of(tmp_path, changed("rows = 4", "rows = [4, 5]") + CONTRAST.format("a-rows_5"))
    assert "contrast[0].base: 'a' is a grid of 2 scenarios; name one of a-rows_4, a-rows_5." in message


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


def test_fault_35_a_study_is_frozen_and_checked_however_it_is_made():
    study = Study(**tomllib.loads(GOOD))
    with pytest.raises(AttributeError, match="replicates"):
        study.replicates = 5
    assert copy.copy(study) == study
    with pytest.raises(StudyError, match="The study has 1 fault:\n  sede: there is no such key"):
        Study(**tomllib.loads(GOOD), sede=1)
