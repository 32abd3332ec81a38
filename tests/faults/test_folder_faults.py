"""Fits and studies in one folder: neither replaces the tables and the report of the other."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.cli.calibrate_command import calibrate
from bayescompare.cli.fit_command import fit
from bayescompare.cli.study_commands import run
from bayescompare.errors import InputError

FIT = ["fit", "dyestuff", "yield ~ 1 + (1 | batch)", "--estimators", "lbfgs-ml"]
CALIBRATE = ["calibrate", "y ~ 1 + (1 | g)", "--estimators", "lbfgs-ml", "--replicates", "20", "--workers", "1"]
STUDY = """
name = "tiny"
replicates = 2
estimators = ["lbfgs-ml"]
[[scenario]]
name = "a"
formula = "y ~ 1 + (1 | g)"
groups = 8
rows = 4
truth = { "sd_g[Intercept]" = 1, sigma = 1 }
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(STUDY)
    return tmp_path


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


RUN = ["run", "tiny.toml", "--workers", "1"]
OTHER = "tables and report this {} would replace. Choose another folder with --out."


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (RUN, FIT, "both holds a study, whose " + OTHER.format("fit")),
        (CALIBRATE, FIT, "both holds a study, whose " + OTHER.format("fit")),
        (FIT, RUN, "both holds a fit, whose " + OTHER.format("study")),
        (FIT, [*RUN, "--target-mcse", "bias=0.1"], "both holds a fit, whose " + OTHER.format("study")),
        (FIT, CALIBRATE, "both holds a fit, whose " + OTHER.format("study")),
        (RUN, CALIBRATE, "both holds another study"),
        (CALIBRATE, RUN, "both holds another study"),
    ],
)
def test_fault_68_a_folder_that_holds_something_else_is_refused_and_stays_as_it_is(
    here, capsys, first, second, message
):
    assert main([*first, "--out", "both"]) == 0
    before = content(here / "both")
    capsys.readouterr()
    assert main([*second, "--out", "both"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"Error: {message}")
    assert said.out == ""
    assert content(here / "both") == before


def test_fault_68_a_study_that_has_begun_is_one_before_it_has_results(here, capsys):
    assert main([*RUN, "--out", "both"]) == 0
    (here / "both" / "about.json").unlink()
    assert main([*FIT, "--out", "both"]) == 2
    assert "both holds a study" in capsys.readouterr().err


def test_a_fit_replaces_a_fit_and_a_study_goes_on(here):
    for _ in range(2):
        assert main([*FIT, "--out", "fit"]) == 0
        assert main([*RUN, "--out", "study"]) == 0
    (here / "fit" / "about.json").write_text("{half of it")
    assert main([*FIT, "--out", "fit"]) == 0


def test_fault_68_python_refuses_it_too(here):
    results = bc.compare(bc.fit(FIT[2], "dyestuff", ["lbfgs-ml"]))
    bc.write_results(results, "fit")
    study = bc.load_study("tiny.toml")
    with pytest.raises(InputError, match="fit holds a fit"):
        bc.run_study(study, "fit")
    there = bc.run_study(study, "study")
    with pytest.raises(InputError, match="study holds a study"):
        bc.write_results(results, "study")
    with pytest.raises(InputError, match="fit holds a fit"):
        bc.write_results(there, "fit")


def test_fits_studies_and_calibrations_have_folders_of_their_own():
    folders = {
        command.__name__: inspect.signature(command).parameters["out"].default for command in (fit, run, calibrate)
    }
    assert folders == {"fit": Path("out-fit"), "run": Path("out"), "calibrate": Path("out-calibration")}
