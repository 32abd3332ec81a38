"""The same seed gives the same tables, whatever else runs."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from bayescompare.comparison.schema import TIMES
from bayescompare.errors import StudyError
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
            table.drop(columns=[*TIMES], errors="ignore"), again.tables[name].drop(columns=[*TIMES], errors="ignore")
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


# Going on


def tasks_of(chosen, folder):
    heard = []
    results = run_study(chosen, folder, announce=heard.append)
    return {(task.scenario, task.estimator, k) for task in heard for k in task.replicates}, results


def test_only_what_is_new_is_run(chosen, tmp_path):
    first, _ = tasks_of(chosen, tmp_path)
    assert len(first) == 2 * 3 * 3
    assert tasks_of(chosen, tmp_path)[0] == set()
    more, _ = tasks_of(chosen.changed(replicates=5), tmp_path)
    assert {k for _, _, k in more} == {3, 4}
    table = chosen.as_dict()["scenario"]
    third = {**table[0], "name": "third", "groups": 9}
    wider = chosen.changed(
        replicates=5, estimators=["lbfgs-ml", "lbfgs-reml", "lbfgs-ml:starts=1"], scenario=[*table, third]
    )
    new, results = tasks_of(wider.changed(title="another", block=2), tmp_path)
    assert new == {(s, "lbfgs-ml:starts=1", k) for s in ("few", "more") for k in range(5)} | {
        ("third", label, k) for label in (*wider.estimators, "surface") for k in range(5)
    }
    whole = run_study(wider)
    for name in ("estimates", "intervals", "optima"):
        pd.testing.assert_frame_equal(results.tables[name], whole.tables[name])


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"seed": 4}, "seed: 3 -> 4"),
        ({"replicates": 2}, "replicates: 3 -> 2"),
        ({"level": 0.9}, "level: "),
        ({"priors": {"sigma": "HalfNormal(3)"}}, "priors.sigma: not given -> HalfNormal"),
        ({"estimators": ["lbfgs-ml"]}, "estimators"),
        ({"dispersed_starts": 3}, "dispersed_starts: 10 -> 3"),
    ],
)
def test_fault_36_a_changed_study_is_refused_with_what_differs(chosen, tmp_path, changes, shown):
    run_study(chosen, tmp_path)
    with pytest.raises(StudyError, match="holds another study; this one differs in:") as refused:
        run_study(chosen.changed(**changes), tmp_path)
    assert shown in str(refused.value)
    assert f"--fork {tmp_path}" in str(refused.value)
