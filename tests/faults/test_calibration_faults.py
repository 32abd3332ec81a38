"""What is wrong with a calibration is said in one sentence, before anything runs."""

import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.errors import InputError

COMMANDS = [
    (["y ~ 1 + x + (1 + x | g"], "This '(' is never closed"),
    (["calibrations"], "There is no study 'calibrations'. Did you mean 'calibration'?"),
    (["adam-maps"], 'The study adam-maps draws no truth from the prior: no scenario has truth = "prior"'),
    (["y ~ x + (1 | g)", "--priors", "flat"], "There is nothing to calibrate: no truth can be drawn from the priors"),
    (
        ["y ~ x + (1 | g)", "--priors", "bugs"],
        "of the draws of InverseGamma(alpha=0.001, beta=0.001) are zero or infinite",
    ),
    (["y ~ x + (1 | g)", "--priors", "bambo"], "There is no set of priors named 'bambo'. Did you mean 'bambi'?"),
    (
        ["y ~ x + (1 | g)", "--prior", "sd_h=HalfNormal(1)"],
        "no parameter 'sd_h' to set a prior on. Did you mean 'sd_g'?",
    ),
    (["y ~ x + (1 | g)", "--prior", "sd_g=Normal(0, 1)"], "a standard deviation needs a positive one"),
    (["y ~ x + (1 | g)", "--prior", "beta=Flat()"], "priors.beta: the truth is drawn from it: Flat() is improper"),
    (["y ~ x + (1 | g)", "--replicates", "5"], "A calibration needs at least 20 replicates, better 1,000, not 5"),
    (
        ["y ~ x + (1 | g)", "--covariate", "x=norml(0, 1)"],
        "There is no covariate distribution 'norml'. Did you mean 'normal'?",
    ),
    (["y ~ x + (1 | g)", "--covariate", "normal(0, 1)"], "--covariate 'normal(0, 1)' cannot be read"),
    (["y ~ x + (1 | g)", "--nominal", "1"], "--nominal '1' cannot be read; write a mean and an sd"),
    (["y ~ x + (1 | g)", "--nominal", "0,-1"], "the sd greater than 0"),
    (["y ~ x + (1 | g)", "--nominal", "nan,1"], "the mean must be finite"),
    (["y ~ x + (1 | g)", "--estimators", "nutz"], "There is no estimator 'nutz'. Did you mean 'nuts'?"),
    (["y ~ x + (1 | g)", "--intervals", "walt"], "There is no kind of interval 'walt'. Did you mean 'wald"),
    (["calibration", "--groups", "4"], "groups goes with a formula; a study has its own"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), COMMANDS, ids=[f"{one[0]} {' '.join(one[1:])}" for one, _ in COMMANDS]
)
def test_a_fault_is_one_message_and_status_2(arguments, message, tmp_path, capsys):
    assert main(["calibrate", *arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_results_without_a_drawn_truth_have_no_calibration(tmp_path):
    with pytest.raises(InputError, match="no results in"):
        bc.calibration(tmp_path)


def test_names_are_escaped_in_the_report(tmp_path):
    text = """
name = "hostile"
title = "<script>alert(1)</script>"
replicates = 20
estimators = ["lbfgs-ml"]
dispersed_starts = 0
[[scenario]]
name = "one"
description = "<b>bold</b>"
formula = "y ~ `a <i>` + (1 | g)"
groups = 8
rows = 3
covariates = { "a <i>" = "normal(0, 1)" }
truth = "prior"
"""
    path = tmp_path / "hostile.toml"
    path.write_text(text, "utf-8")
    status = main(["calibrate", str(path), "--out", str(tmp_path / "out"), "--workers", "1"])
    assert status == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    section = page[page.index('<section id="calibration">') : page.index('<section id="answer">')]
    assert "<i>" not in section
    assert "&lt;i&gt;" in section
