"""How large a report is: of a hundred scenarios with all estimators of the default study, at most ten megabytes."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path

import pytest

from bayescompare.reporting import evidence
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject
from bayescompare.reporting.tables import measures_grid
from bayescompare.study.store import read_results
from tests.reporting.samples import study

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def many_scenarios(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("bench.reports").many_scenarios


def test_a_study_made_larger_has_the_rows_of_a_study_of_that_size(many_scenarios) -> None:
    small = study(3)
    small.about["priors"] = {"easy": {}, "hard": {}}
    small.about["replicates"] = 3
    large = many_scenarios(small, scenarios=5, replicates=7)
    fits = large.tables["fits"]
    labels = small.tables["fits"]["estimator"].nunique()
    assert len(fits) == len(fits.drop_duplicates(["scenario", "replicate", "estimator"])) == 5 * 7 * labels
    assert list(fits["scenario"].unique()) == ["000-easy", "001-hard", "002-easy", "003-hard", "004-easy"]
    assert set(large.trees) == {(name, 0) for name in fits["scenario"].unique()}


@pytest.mark.slow
@pytest.mark.parametrize("scenarios", [9, 24, 100])
def test_the_report_of_a_large_study_is_ten_megabytes_at_most(many_scenarios, default_study, scenarios: int) -> None:
    large = many_scenarios(read_results(default_study), scenarios=scenarios, replicates=20)
    assert len(large.tables["fits"]) == scenarios * 9 * 20
    assert len(page(large).encode()) < 10_000_000


def test_the_picture_of_a_claim_has_the_largest_of_many_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    results = study(3, tuple(f"s{k}" for k in range(5)))
    monkeypatch.setattr(evidence, "MOST_LANES", 2)
    values = results.verdicts[results.verdicts["claim"] == 3].groupby(["aspect", "objective"], sort=False)["value"]
    drawings = list(evidence.verdict_figures(Subject(results), 3))
    shown = [[float(row["estimand"]) for row in csv.DictReader(one.numbers.splitlines())] for one in drawings]
    largest = [sorted(group.nlargest(2)) for _, group in values]
    assert [sorted(each) for each in shown] == [pytest.approx(each, rel=1e-4) for each in largest]
    assert all("the 2 largest of 5" in one.alt for one in drawings)


def test_of_many_scenarios_the_tables_have_one_kind_of_interval_and_say_which() -> None:
    results = study(3, ("hard",))
    subject = Subject(results)
    full, brief = (measures_grid(subject, subject.scenarios[0], every=every) for every in (True, False))
    assert "coverage, wald 95 %" in [column.title for column in full.columns]
    titles = [column.title for column in brief.columns]
    assert [title for title in titles if title.startswith("coverage")] == ["coverage, 95 %"]
    kinds = {row[1].text: row[titles.index("intervals")].text for row in brief.rows}
    assert (kinds["nuts"], kinds["lbfgs-ml"]) == ("eti", "wald")
    rows = results.measures.query("measure == 'coverage' and kind in ('eti', 'wald')")
    shown = [float(row[titles.index("coverage, 95 %")].exact or "nan") for row in brief.rows]
    assert sorted(value for value in shown if value == value) == pytest.approx(sorted(rows["value"].dropna()))
