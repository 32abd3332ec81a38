"""What a user, a file or a disk can do to the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from bayescompare import fitting
from bayescompare.cli import main
from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.errors import StoreError
from bayescompare.study.files import write_bytes

SLEEP = "reaction ~ 1 + days + (1 | subject)"
STUDY = """
name = "tiny"
title = "[/red] [bold]<script>alert(1)"
replicates = 2
estimators = ["lbfgs-ml"]
[[scenario]]
name = "a"
formula = "y ~ x + (1 | g)"
groups = 8
rows = 4
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fit(data: str = "sleepstudy", formula: str = SLEEP, *more: str) -> int:
    return main(["fit", data, formula, "--estimators", "lbfgs-ml", "--out", "out", *more])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("replicates = 2", "replicates = 0", "replicates: must be a whole number of at least 1, not 0"),
        ("replicates = 2", "replicates = two", "is not TOML"),
        ("replicates = 2", "replicates = 2\nsead = 3", "sead: there is no such key. Did you mean 'seed'?"),
        ('name = "a"', 'name = "../../x"', "scenario[0].name: The scenario name '../../x' is refused"),
    ],
)
def test_faults_34_35_54_a_wrong_study_is_one_message(here, capsys, old, new, expected):
    (here / "tiny.toml").write_text(STUDY.replace(old, new))
    assert main(["run", "tiny.toml", "--out", "out"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("Error: tiny.toml ")
    assert expected in said.err
    assert said.out == ""
    assert not (here / "out").exists()


def test_fault_34_no_replicates_on_the_command_line(here, capsys):
    (here / "tiny.toml").write_text(STUDY)
    assert main(["run", "tiny.toml", "--replicates", "0"]) == 2
    assert "replicates" in capsys.readouterr().err


def test_fault_50_a_folder_that_cannot_be_made(here, capsys):
    (here / "out").write_text("a file")
    assert fit() == 3
    assert "Cannot make the folder out" in capsys.readouterr().err


@pytest.mark.parametrize("full", ["parquet", "nc", "json"])
def test_fault_50_a_full_disk_leaves_no_half_of_a_file(here, capsys, monkeypatch, full):
    def replace(self, target):
        if str(target).endswith(full):
            raise OSError(28, "No space left on device")
        return os.replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    if full == "nc":
        with pytest.raises(StoreError, match=r"Cannot write .*a\.nc: No space left .* bytes free"):
            write_bytes(here / "a.nc", b"half")
    else:
        assert fit() == 3
        assert "No space left on device. There are" in capsys.readouterr().err
        assert not (here / "out" / "about.json").exists()
    assert not list(here.rglob("*.tmp"))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_fault_50_posterior_draws_on_a_full_disk_do_not_crash_the_process(here):
    code = """
import resource, signal, sys, pathlib
import numpy as np, xarray as xr
from bayescompare.errors import StoreError
from bayescompare.study.files import write_bytes
from bayescompare.study.trees import netcdf
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
values = np.random.default_rng(1).normal(size=(4, 20_000))
tree = xr.DataTree.from_dict({"/posterior": xr.Dataset({"a": (("chain", "draw"), values)})})
try:
    write_bytes(pathlib.Path("draws.nc"), netcdf(tree))
except StoreError as error:
    print("refused:", error)
"""
    told = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=here, env=told)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("refused: Cannot write draws.nc: File too large")
    assert list(here.iterdir()) == []


def test_fault_55_markup_in_names_is_printed_as_it_is(here, capsys):
    (here / "tiny.toml").write_text(STUDY)
    assert main(["run", "tiny.toml", "--out", "study"]) == 0
    assert capsys.readouterr().out.startswith("[/red] [bold]<script>alert(1)")
    assert "<script>alert(1)" not in (here / "study" / "report.html").read_text("utf-8")
    (here / "[bold]a.csv").write_text(
        "y,g,x\n" + "".join(f"{k * k % 7},[/red]{k % 4},[red]{k % 2}\n" for k in range(24))
    )
    assert fit("[bold]a.csv", "y ~ x + (1 | g)") == 0
    said = capsys.readouterr().out
    assert "y in [bold]a" in said


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os').system('touch hacked') ~ (1 | subject)",
        "reaction ~ exec('x') + (1 | subject)",
        "reaction ~ I(open('hacked', 'w')) + (1 | subject)",
        "reaction ~ days.__class__ + (1 | subject)",
        "reaction ~ (lambda: 0)() + (1 | subject)",
        "reaction ~ days + (1 | subject); import os",
    ],
)
def test_fault_56_a_hostile_formula_runs_nothing(here, capsys, formula):
    assert fit("sleepstudy", formula) == 2
    assert capsys.readouterr().err.startswith("Error: ")
    assert list(here.iterdir()) == []


def test_fault_60_another_backend_of_keras_stops_adam_alone(here):
    code = "import sys; from bayescompare.cli import main; sys.exit(main(sys.argv[1:]))"
    told = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = ["fit", "sleepstudy", SLEEP, "--estimators", "adam-pooled,lbfgs-ml", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, cwd=here, env=told
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "adam-pooled: not applicable: " in done.stdout
    assert "KERAS_BACKEND is 'jax'" in done.stdout
    assert "251.41" in done.stdout


def test_fault_61_linear_algebra_has_one_thread_while_it_fits(monkeypatch):
    seen = []

    def fit_one(self, problem, seed):
        seen.extend(info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas")
        return original(self, problem, seed)

    original = LbfgsML.fit_one
    monkeypatch.setattr(LbfgsML, "fit_one", fit_one)
    with threadpool_limits(2, "blas"):
        fitting.fit(SLEEP, "sleepstudy", ["lbfgs-ml"])
    assert seen
    assert set(seen) == {1}


@pytest.mark.parametrize(
    "options",
    [
        ["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"],
        ["--replicates", "5", "--target-mcse", "coverage=0.1"],
        ["--dry-run", "--fork", "elsewhere"],
    ],
)
def test_options_of_which_one_would_be_ignored_are_refused(here, capsys, options):
    (here / "tiny.toml").write_text(STUDY)
    assert main(["run", "tiny.toml", "--out", "out", *options]) == 2
    assert "not both: one would be ignored" in capsys.readouterr().err
    assert not (here / "out").exists()


def test_a_formula_before_the_data_is_answered_with_the_command_as_it_should_be(here, capsys):
    assert main(["fit", SLEEP, "my data.csv"]) == 2
    said = capsys.readouterr().err
    assert f"The data come first, then the formula: bayescompare fit 'my data.csv' '{SLEEP}'" in said


def test_a_workbook_is_to_be_saved_as_csv(here, capsys):
    (here / "mine.xlsx").write_bytes(b"PK")
    assert main(["fit", "mine.xlsx", SLEEP]) == 2
    assert "is a workbook; save its sheet as CSV" in capsys.readouterr().err
