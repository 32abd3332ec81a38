"""A study is checked as a whole before anything runs."""

import importlib.util
from pathlib import Path

import pytest

from bayescompare.errors import StudyError
from bayescompare.study.definition import load

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
