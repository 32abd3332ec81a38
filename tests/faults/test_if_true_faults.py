"""What a user and a folder can do to ``fit --if-true``: one sentence each, and nothing of a foreign simulation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.errors import StoreError, StudyError
from bayescompare.reporting.render import page
from bayescompare.study.if_true import completed
from bayescompare.study.manifest import Manifest

SLEEP = "reaction ~ 1 + days + (1 | subject)"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fit(*more: str, data: str = "sleepstudy", formula: str = SLEEP, estimators: str = "lbfgs-ml,lbfgs-reml") -> int:
    return main(["fit", data, formula, "--estimators", estimators, "--out", "out", *more])


WRONG = [
    (["--if-true", "0"], "--if-true: A simulation from a fit needs 10 to 100,000 data sets, better 200, not 0."),
    (["--if-true", "-5"], "not -5."),
    (["--if-true", "1000000000"], "not 1000000000."),
    (["--if-true", "20", "--if-true-truth", "nuts"], "'nuts' is not among the estimators of the fit"),
    (["--if-true", "20", "--if-true-estimators", "nuts"], "'nuts' is to fit simulated data but does not fit your own"),
    (["--if-true", "20", "--if-true-estimators", "adam"], "There is no estimator 'adam'."),
    (["--if-true-truth", "lbfgs-ml"], "--if-true-truth would be ignored: give --if-true as well"),
    (["--workers", "2"], "--workers would be ignored"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_a_value_that_cannot_be_meant_is_one_sentence_before_anything_runs(here, capsys, options, said):
    assert fit(*options) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert not (here / "out").exists()


@pytest.mark.parametrize("text", ["1e9", "many", ""])
def test_what_is_no_whole_number_is_a_usage_error(here, capsys, text):
    assert fit("--if-true", text) == 2
    assert "--if-true" in capsys.readouterr().err


def test_the_command_says_the_answer_and_goes_on_where_it_was_interrupted(here, capsys, monkeypatch):
    def stopped(self, task, part):
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr("bayescompare.cli.progress.StudyProgress.observe", stopped)
        assert fit("--if-true", "30") == 130
    assert "25 of 60 fits are done. Give the same command again to go on." in capsys.readouterr().err
    # the fit is there, and its report takes up what is done
    assert 'id="if-true"' not in (here / "out/report.html").read_text("utf-8")
    assert main(["report", "out"]) == 0
    assert "The study is not finished: 25 of 60 fits are done." in capsys.readouterr().out
    assert "So far 0 of 30 data sets" in (here / "out/report.html").read_text("utf-8")
    assert fit("--if-true", "30") == 0
    shown = capsys.readouterr()
    assert "If the fit were the truth: 30 data sets by lbfgs-ml, lbfgs-reml; goes on." in shown.err
    assert "If the lbfgs-ml fit were the truth, " in shown.out
    report = (here / "out/report.html").read_text("utf-8")
    assert "30 data sets simulated from the lbfgs-ml fit" in report
    (here / "out/report.html").unlink()
    assert main(["report", "out"]) == 0
    assert (here / "out/report.html").read_text("utf-8") == report
    # the simulation is a study with a report of its own
    own = (here / "out/if-true/report.html").read_text("utf-8")
    assert "If the lbfgs-ml fit of reaction in sleepstudy were the truth" in own
    assert "Rows, groups and predictors are those of sleepstudy in every data set" in own
    # another fit is told of the simulation there, and written without a section
    assert fit("--if-true", "10", data="dyestuff", formula="yield ~ 1 + (1 | batch)") == 2
    assert "holds another simulation, of other data, another fit or other settings; remove" in capsys.readouterr().err
    other = (here / "out/report.html").read_text("utf-8")
    assert "yield in dyestuff" in other
    assert 'id="if-true"' not in other


def asked(fits: bc.Fits, found: bc.IfTrue) -> bc.Results:
    """Return the results of a fit whose simulation is not known to be done."""
    results = bc.compare(fits)
    return replace(results, about={**results.about, "if_true": {**found.about, "done": 0}})


def test_a_manifest_that_was_tampered_with_is_no_code_and_no_truth(here):
    fits = bc.fit(SLEEP, "sleepstudy", ["lbfgs-ml"])
    results = asked(fits, bc.if_true(fits, "if-true", replicates=10))
    content = json.loads(Path("if-true/manifest.json").read_text("utf-8"))
    column = content["study"]["scenario"][0]["data"]["columns"]["days"]
    column["values"] = ["__import__('os').system('touch owned')"] * 180
    Path("if-true/manifest.json").write_text(json.dumps(content))
    with pytest.raises(StoreError, match="does not match its hash"):
        completed(results, here)
    # with a hash that matches it is another simulation, and is left alone
    Manifest(study=content["study"]).write(here / "if-true")
    assert completed(results, here) == (results, f"{here / 'if-true'} holds a simulation from another fit")
    content["study"]["scenario"][0]["data"] = {"call": "os.system"}
    Manifest(study=content["study"]).write(here / "if-true")
    with pytest.raises(StudyError, match=r"scenario\[0\]\.data: data need source, rows and columns"):
        completed(results, here)
    assert not list(here.rglob("owned"))


def test_names_from_a_file_are_text_in_both_reports():
    frame = pd.DataFrame({"x'y": np.arange(48) % 6, "r": np.arange(48) * 7 % 11 + 0.5, "g<script>": np.arange(48) // 6})
    data = bc.Dataset(frame=frame.assign(**{"g<script>": "<b>" + frame["g<script>"].astype(str)}), name="<i>d")
    fits = bc.fit("r ~ `x'y` + (1 | `g<script>`)", data, ["lbfgs-ml"])
    found = bc.if_true(fits, replicates=10)
    for text in (page(bc.compare(fits, if_true=found)), page(found.results)):
        assert "<i>d" not in text
        assert "g<script>" not in text
        assert "g&lt;script&gt;" in text
