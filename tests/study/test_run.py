"""The same seed gives the same tables, whatever else runs."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from bayescompare.study.run import run_study
from bayescompare.study.tasks import plan

_spec = importlib.util.spec_from_file_location("small_study", Path(__file__).with_name("small.py"))
study = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(study)

_KEY = ["scenario", "replicate", "estimator", "parameter"]


def estimates(results) -> pd.DataFrame:
    return results.tables["estimates"].set_index(_KEY)[["estimate", "se", "truth"]].sort_index()


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    return study.small(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def results(chosen):
    return run_study(chosen)


def test_every_fit_has_its_rows(results):
    fits = results.tables["fits"]
    assert len(fits) == 2 * 3 * 2
    assert not fits.duplicated(["scenario", "replicate", "estimator"]).any()
    assert results.failed == 0
    assert results.about["title"] == "A small [/red] study"


def test_the_same_seed_gives_the_same_tables_and_another_does_not(chosen, results):
    again = run_study(chosen)
    for name, table in results.tables.items():
        pd.testing.assert_frame_equal(
            table.drop(columns="seconds", errors="ignore"), again.tables[name].drop(columns="seconds", errors="ignore")
        )
    other = run_study(chosen.changed(seed=4))
    assert (estimates(other)["estimate"] != estimates(results)["estimate"]).all()


def test_results_do_not_depend_on_the_other_estimators(chosen, results):
    alone = estimates(run_study(chosen.changed(estimators=("lbfgs-reml",))))
    together = estimates(results).query("estimator == 'lbfgs-reml'")
    pd.testing.assert_frame_equal(alone, together)


def test_results_do_not_depend_on_the_number_of_replicates(chosen, results):
    fewer = estimates(run_study(chosen.changed(replicates=2)))
    pd.testing.assert_frame_equal(fewer, estimates(results).query("replicate < 2"))


def test_results_do_not_depend_on_the_other_scenarios(chosen, results):
    alone = run_study(chosen.changed(scenario=chosen.as_dict()["scenario"][1:]))
    pd.testing.assert_frame_equal(estimates(alone), estimates(results).query("scenario == 'more'"))


def test_progress_is_announced_to_the_end(chosen):
    heard = []
    run_study(chosen, announce=heard.append)
    assert sorted(heard, key=str) == sorted(plan(chosen), key=str)
