"""The command line: what it prints, what it writes, how it ends."""

import subprocess
import sys

import pandas as pd
import pytest
from typer.main import get_command

from bayescompare import fitting
from bayescompare.cli import main
from bayescompare.cli.app import app

SLEEP = "reaction ~ 1 + days + (1 | subject)"
STUDY = """
name = "tiny"
title = "Tiny"
replicates = 2
estimators = ["lbfgs-ml", "lbfgs-reml"]
[[scenario]]
name = "a"
formula = "y ~ x + (1 | g)"
groups = 8
rows = 4
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }
"""
_HEAVY = "import sys; heavy = ('tensorflow', 'keras', 'pymc', 'nutpie', 'pandas', 'scipy'); "


def test_help_and_import_load_nothing_heavy():
    code = _HEAVY + "import bayescompare; from bayescompare.cli import main; status = main(['--help']); "
    code += "print('loaded', [name for name in heavy if name in sys.modules]); sys.exit(status)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith("Usage: bayescompare")
    assert done.stdout.endswith("loaded []\n")


@pytest.mark.parametrize("what", ["estimators", "priors", "prior-sets", "families", "studies", "datasets"])
def test_list(what, capsys):
    wanted = {"estimators": "lbfgs-ml", "priors": "HalfNormal", "families": "gaussian", "studies": "adam-random"}
    wanted |= {"prior-sets": "gelman-2006-half-cauchy"}
    assert main(["list", what]) == 0
    assert wanted.get(what, "sleepstudy") in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("bayescompare ")


def test_fit_prints_a_table_and_the_report_that_it_wrote(tmp_path, capsys):
    out = tmp_path / "out ä"
    told = [
        "--estimators",
        "lbfgs-ml:starts=1,coordinates=log-sd,lbfgs-reml",
        "--level",
        "0.95,0.89",
        "--out",
        str(out),
    ]
    assert main(["fit", "sleepstudy", SLEEP, *told]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("reaction in sleepstudy")
    assert " ".join(lines[1].split()) == "parameter estimator estimate 2.5 % 97.5 % 5.5 % 94.5 % note"
    assert lines[2].split()[:3] == ["beta[Intercept]", "lbfgs-ml:starts=1,coordinates=log-sd", "251.41"]
    assert lines[3].split()[:2] == ["lbfgs-reml", "251.41"]
    assert lines[-1] == f"Report: {out / 'report.html'}"
    assert (out / "report.html").stat().st_size > 10_000
    assert set(pd.read_parquet(out / "tables" / "intervals.parquet")["level"]) == {0.95, 0.89}


def test_the_table_fits_eighty_columns_and_cuts_no_name(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    formula = "reaction ~ days + (1 + days | subject)"
    assert main(["fit", "sleepstudy", formula, "--estimators", "lbfgs-ml,lbfgs-reml", "--out", str(tmp_path)]) == 0
    table = capsys.readouterr().out.partition("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table


def test_flags_are_said_in_words(tmp_path, capsys):
    assert (
        main(["fit", "dyestuff2", "yield ~ 1 + (1 | batch)", "--estimators", "lbfgs-ml", "--out", str(tmp_path)]) == 0
    )
    said = capsys.readouterr().out
    assert "boundary (lbfgs-ml): A standard deviation is zero" in said
    assert "at its boundary: no Wald standard error" in said


def test_dropped_rows_are_counted(tmp_path, capsys):
    path = tmp_path / "gaps.csv"
    path.write_text("y,g\n1,a\n2,a\n,a\n4,b\n5,b\n3,c\n9,c\n")
    told = ["fit", str(path), "y ~ 1 + (1 | g)", "--estimators", "lbfgs-ml", "--out", str(tmp_path / "out")]
    assert main(told) == 2
    assert "missing in y (1)" in capsys.readouterr().err
    assert main([*told, "--na", "drop"]) == 0
    assert "rows_dropped: " in capsys.readouterr().out


def test_run_prints_verdicts_and_report_writes_again(tmp_path, capsys):
    path, out = tmp_path / "tiny.toml", tmp_path / "out"
    path.write_text(STUDY)
    assert main(["run", str(path), "--out", str(out), "--replicates", "3", "--seed", "5"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Tiny")
    assert "L-BFGS-B on the marginal likelihood" in said
    assert "not tested" in said
    assert f"Report: {out / 'report.html'}" in said
    assert len(pd.read_parquet(out / "tables" / "fits.parquet")) == 3 * 2
    (out / "report.html").unlink()
    assert main(["report", str(out)]) == 0
    assert capsys.readouterr().out == f"Report: {out / 'report.html'}\n"
    assert (out / "report.html").exists()
    assert main(["report", str(out), "--out", str(tmp_path / "mine.html")]) == 0
    assert main(["report", str(out), "--out", str(tmp_path)]) == 0
    (page,) = {path.read_bytes() for path in (out / "report.html", tmp_path / "mine.html", tmp_path / "report.html")}
    assert b"Tiny" in page


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["fit", "sleepstudy"], "Missing argument"),
        (["fit", "sleepstudy", SLEEP, "--seed", "-1"], "Invalid value for '--seed'"),
        (["list", "bogus"], "'bogus' is not one of"),
        (["fit", "sleepstudy", SLEEP, "--level", "abc"], "--level 'abc' cannot be read"),
        (["fit", "sleepstudy", SLEEP, "--level", "95"], "must lie between 0 and 1"),
        (["fit", "sleepstudy", SLEEP, "--level", "nan"], "must lie between 0 and 1"),
        (["fit", "sleepstudy", SLEEP, "--level", "0.9,0.90"], "names a level twice"),
        (["fit", "sleepstudy", SLEEP, "--prior", "sigma=Flat()", "--prior", "sigma=HalfNormal(2)"], "two priors"),
        (["fit", "sleepstudy", SLEEP, "--priors", "bamby"], "Did you mean 'bambi'?"),
        (["fit", "sleepstudy", SLEEP, "--prior", "sd_subjct=HalfNormal(5)"], "Did you mean 'sd_subject'?"),
        (["fit", "sleepstudy", SLEEP, "--estimators", "lbfg"], "Did you mean 'lbfgs-ml'?"),
        (["fit", "sleepstudy", SLEEP, "--family", "gausian"], "Did you mean 'gaussian'?"),
        (["fit", "sleepstudy", "reaction ~ dayz + (1 | subject)"], "no column 'dayz'"),
        (["fit", "missing.csv", SLEEP], "There is no file missing.csv"),
        (["run", "nope"], "There is no study 'nope'"),
        (["report", "nowhere"], "There are no results in nowhere"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_message_and_leaves_nothing(arguments, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "fit" and "--estimators" not in arguments:
        arguments = [*arguments, "--estimators", "lbfgs-ml"]
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert said.err.count("Error: ") == 1
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_fit_ends_with_130_and_one_sentence(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "fit_batch", interrupted)
    out = tmp_path / "out"
    assert main(["fit", "sleepstudy", SLEEP, "--estimators", "lbfgs-ml", "--out", str(out)]) == 130
    said = capsys.readouterr()
    assert said.err.startswith("Interrupted: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not out.exists()


def test_a_prior_that_an_estimator_does_not_use_is_named(tmp_path, capsys):
    told = ["fit", "sleepstudy", SLEEP, "--estimators", "lbfgs-ml,lbfgs-map", "--out", str(tmp_path)]
    assert main([*told, "--prior", "sigma=HalfNormal(50)"]) == 0
    assert "prior not used: lbfgs-ml\n" in capsys.readouterr().out
    assert main([*told, "--priors", "brms", "--prior", "sd_subject=PCPrior(9, 0.05)"]) == 0
    assert "prior not used: lbfgs-ml\n" in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "HalfStudentT(nu=3, sigma=59.3)" in page
    assert "PCPrior(u=9, alpha=0.05)" in page
    assert main(told) == 0
    assert "prior not used" not in capsys.readouterr().out


def test_a_response_with_two_values_is_noted_once_in_terminal_and_report(tmp_path, capsys):
    path, out = tmp_path / "binary.csv", tmp_path / "out"
    path.write_text("y,g\n" + "".join(f"{k * k % 7 % 2},{k % 6}\n" for k in range(60)))
    fits = ["--estimators", "lbfgs-ml,lbfgs-reml", "--out", str(out)]
    assert main(["fit", str(path), "y ~ 1 + (1 | g)", *fits]) == 0
    note = "The response y has only two values, 0 and 1, and is fitted as Gaussian"
    assert capsys.readouterr().out.count(note) == 1
    assert (out / "report.html").read_text("utf-8").count(note) == 1
    assert "flagged" not in set(pd.read_parquet(out / "tables" / "fits.parquet")["status"]) - {"flagged", "ok"}


def test_options_with_commas_add_up_when_they_are_given_again(tmp_path):
    told = ["fit", "sleepstudy", SLEEP, "--estimators", "lbfgs-ml:starts=1,coordinates=log-sd", "--out", str(tmp_path)]
    told += ["--estimators", "lbfgs-reml", "--level", "0.95", "--level", "0.8", "--intervals", "wald"]
    told += ["--intervals", "profile", "--contours", "sd_subject[Intercept]", "--contours", "sigma"]
    assert main(told) == 0
    found = pd.read_parquet(tmp_path / "tables" / "intervals.parquet")
    assert set(found["estimator"]) == {"lbfgs-ml:starts=1,coordinates=log-sd", "lbfgs-reml"}
    assert set(found["level"]) == {0.95, 0.8}
    assert set(found["kind"]) == {"wald", "profile"}


def test_formats_and_sets_of_priors_add_up_with_commas_and_again(tmp_path, capsys):
    fits = ["fit", "sleepstudy", SLEEP, "--estimators", "lbfgs-ml", "--out", str(tmp_path / "out")]
    assert main(fits) == 0
    for told in (["--format", "csv,latex"], ["--format", "csv", "--format", "latex"]):
        assert main(["export", str(tmp_path / "out"), "--out", str(tmp_path / told[1]), *told]) == 0
        assert {one.suffix for one in (tmp_path / told[1]).rglob("*") if one.is_file()} == {".csv", ".tex"}
    told = ["calibrate", "y ~ 1 + (1 | g)", "--estimators", "lbfgs-map", "--estimators", "lbfgs-ml", "--dry-run"]
    told += ["--groups", "5", "--rows", "4", "--replicates", "20", "--out", str(tmp_path / "c")]
    capsys.readouterr()
    assert main([*told, "--priors", "brms,bambi"]) == 0
    one = capsys.readouterr().out
    assert main([*told, "--priors", "brms", "--priors", "bambi"]) == 0
    for said in (one, capsys.readouterr().out):
        assert "set brms" in said
        assert "set bambi" in said
        assert "lbfgs-map" in said
        assert "lbfgs-ml" in said


def _options():
    """Yield every option of every command with whether its values add up."""
    for name, command in get_command(app).commands.items():
        for option in command.params:
            if option.param_type_name == "option" and not option.is_flag:
                yield pytest.param(name, option.opts[0], option.multiple, id=f"{name} {option.opts[0]}")


@pytest.mark.parametrize(("command", "option", "adds_up"), [*_options()])
def test_an_option_of_one_value_is_refused_when_it_is_given_again(command, option, adds_up, capsys):
    words = {"fit": ["d", "y ~ x"], "priors": ["y ~ x", "d"], "calibrate": ["y ~ x"], "report": ["d"]}
    words |= {"verify": ["d"], "rerun": ["d"], "export": ["d"]}
    # a message by our own hand, or by Typer where the value is none of the option's
    status = main([command, *words.get(command, []), option, "1", option, "1"])
    refused = f"Error: {option} is given 2 times but has one value; give it once.\n" in capsys.readouterr().err
    assert status == 2 or adds_up
    assert refused is not adds_up
