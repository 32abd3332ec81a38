"""Studies with priors of one's own: in workers too, told by the hash of their source, and read without them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.errors import InputError, StudyError
from bayescompare.priors import names as registered
from bayescompare.study.definition import load
from bayescompare.study.run import run_study
from bayescompare.study.store import read_results, write_results
from bayescompare.study.work import identities
from tests.priors.names import HEAD, LOMAX, names, offered, written  # noqa: F401
from tests.study.runs import assert_same, parts_in

pytestmark = pytest.mark.usefixtures("names")

TEXT = """
name = "own"
replicates = 4
seed = 3
block = 2
dispersed_starts = 0
estimators = ["lbfgs-map", "lbfgs-ml"]
priors = { sd_g = "Lomax(2, scale=3)" }

[[scenario]]
name = "drawn"
formula = "y ~ 1 + (1 | g)"
groups = 8
rows = 4
truth = { sd_g = "Lomax(5, 3)", sigma = 1 }

[[scenario]]
name = "from-prior"
formula = "y ~ 1 + (1 | g)"
groups = 8
rows = 4
truth = "prior"
"""
ROOT = Path(__file__).parents[2]
EDITED = LOMAX.replace("(self.alpha + 1)", "(self.alpha + 9)")


def study(folder, text: str = TEXT):
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def forget() -> None:
    for name in list(registered._ORIGINS):
        registered._REGISTRY.remove(name)
    registered._ORIGINS.clear()
    registered._FILES.clear()


@pytest.fixture
def own(tmp_path):
    """Give a study whose prior is loaded."""
    bc.load_priors(written(tmp_path))
    return load(study(tmp_path))


def test_another_density_is_another_study_and_the_difference_says_which(own, tmp_path):
    run_study(own, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    record = manifest["study"]["own_priors"]["Lomax"]
    assert (record["source"], record["arguments"]) == ("my_priors.py", {"alpha": None, "scale": 1.0})
    assert len(parts_in(tmp_path / "out")) == 8
    bc.load_priors(written(tmp_path, HEAD + EDITED))
    edited = load(study(tmp_path))
    assert not set(identities(own).values()) & set(identities(edited).values())
    with pytest.raises(StudyError, match=rf"own_priors\.Lomax\.sha256: {record['sha256']} -> [0-9a-f]{{64}}\n"):
        run_study(edited, tmp_path / "out")
    # the one that was loaded first is still the one that it was
    assert own.changed(replicates=4).own_priors == own.own_priors
    assert len(run_study(own, tmp_path / "out").tables["fits"]) == 16


def test_the_density_of_the_study_is_the_one_that_is_fitted(own, tmp_path):
    before = run_study(own)
    bc.load_priors(written(tmp_path, HEAD + EDITED))
    after = run_study(load(study(tmp_path)))
    # the study that was made before keeps its density
    assert_same(run_study(own), before)
    old, new = (
        found.tables["estimates"].query("estimator == 'lbfgs-map' and scenario == 'drawn'") for found in (before, after)
    )
    sds = old["parameter"] == "sd_g[Intercept]"
    assert (new["estimate"][sds].to_numpy() <= old["estimate"][sds].to_numpy()).all()
    assert new["estimate"][sds].mean() < 0.9 * old["estimate"][sds].mean()


def test_processes_are_sent_the_file(own, tmp_path):
    # in this test's own process: the class is found in what was sent alone
    from bayescompare.study.dask import _read_study, _run_remote, _sent
    from bayescompare.study.parts import decode
    from bayescompare.study.tasks import plan
    from bayescompare.study.work import run_task

    sent, task = _sent(own), plan(own)[0]
    wanted = decode(run_task(own, task).content)[0].drop_columns(["seconds"])
    forget()
    _read_study.cache_clear()
    (part,) = _run_remote(sent, [task])
    found = decode(part.content)[0].drop_columns(["seconds"])
    assert found["scenario"] == wanted["scenario"]
    assert [row["estimate"] for row in found.to_pylist()[0]["estimates"]] == [
        row["estimate"] for row in wanted.to_pylist()[0]["estimates"]
    ]


def test_a_worker_that_lacks_a_class_says_so(own, tmp_path):
    from bayescompare.study.dask import _credentials, _read_study, _sent

    text, files = _sent(own)
    forget()
    _read_study.cache_clear()
    assert _credentials((text, files))[1] == ""
    assert "The prior Lomax that the study was run with is not here: give it by" in _credentials((text, ()))[1]


SCRIPT = """
import sys
import bayescompare as bc

if __name__ == "__main__":
    bc.load_priors(sys.argv[1])
    study = bc.load_study(sys.argv[2])
    results = bc.run_study(study, sys.argv[3], workers=2)
    print((results.tables["fits"]["status"] == "ok").sum(), len(results.tables["fits"]))
"""


@pytest.mark.slow
def test_local_processes_have_the_class(own, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", "my_priors.py", "own.toml", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split()[1] == "16", done.stderr
    there = run_study(own, tmp_path / "out", announce=lambda task: pytest.fail("it was done already"))
    assert_same(there, run_study(own))


def test_reading_needs_no_class_and_fitting_again_asks_for_it(tmp_path, capsys):
    out, file = str(tmp_path / "out"), str(written(tmp_path))
    run = ["run", str(study(tmp_path)), "--out", out]
    assert main(run) == 2
    assert "There is no prior named 'Lomax'" in capsys.readouterr().err
    bc.load_priors(file)
    write_results(run_study(load(study(tmp_path)), tmp_path / "out"), tmp_path / "out")
    before = read_results(tmp_path / "out")
    forget()
    # as if it were unfinished: the tables are made anew
    (tmp_path / "out" / "about.json").unlink()
    assert main(["report", out]) == 0
    assert_same(tmp_path / "out", before)
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Lomax(alpha=2, scale=3)" in page
    assert "Lomax(alpha=5, scale=3)" in page
    assert main(["verify", out, "--refit", "0"]) == 0
    capsys.readouterr()
    needed = "give it by --priors-from my_priors.py"
    again = ["rerun", out, "--scenario", "drawn", "--replicate", "1", "--estimator", "lbfgs-map"]
    for command in (["verify", out], again):
        assert main(command) == 2
        assert needed in capsys.readouterr().err
    for command in (["verify", out], again):
        assert main([*command, "--priors-from", file]) == 0
    forget()
    edited = written(tmp_path, HEAD + EDITED)
    assert main(["verify", out, "--priors-from", str(edited)]) == 2
    assert needed in capsys.readouterr().err


def test_a_study_names_no_code(tmp_path):
    for key in ("priors_from", "own_priors"):
        with pytest.raises(StudyError, match=rf"{key}: a study names no file of code\. Give it on the command line"):
            load(study(tmp_path, f'{key} = "my_priors.py"\n' + TEXT))


def test_a_class_that_was_registered_is_told_by_its_methods(tmp_path, names):  # noqa: F811
    def session(text):
        forget()
        registered._REGISTRY.remove("Lomax")
        scope = {"__name__": "__main__"}
        exec(HEAD + text, scope)
        bc.register_prior(scope["Lomax"])
        return load(study(tmp_path))

    first, same, other = session(LOMAX), session(LOMAX), session(EDITED)
    assert identities(first) == identities(same) != identities(other)
    assert first.own_priors["Lomax"]["source"] == "the session that ran it"


def test_a_prior_of_a_package_is_told_by_its_source(tmp_path, monkeypatch):
    offered(monkeypatch, Sound="tests.priors.plugins:Sound")
    found = load(study(tmp_path, TEXT.replace("Lomax(2, scale=3)", "Sound(2)").replace("Lomax(5, 3)", "Sound(1)")))
    assert found.own_priors["Sound"]["source"] == "entry point 'tests.priors.plugins:Sound'"
    gone = bc.Study.from_dict(
        found.as_dict() | {"own_priors": {"Sound": {**found.own_priors["Sound"], "sha256": "0"}}}, trial=False
    )
    with pytest.raises(InputError, match="it came from entry point 'tests"):
        run_study(gone)


def test_numbers_that_print_alike_are_not_the_same_study(tmp_path):
    plain = TEXT.replace("Lomax(5, 3)", "HalfNormal(1)")
    texts = (plain.replace("Lomax(2, scale=3)", f"HalfNormal({value})") for value in ("0.12345678", "0.12345679"))
    one, other = (load(study(tmp_path, text)) for text in texts)
    assert not set(identities(one).values()) & set(identities(other).values())


def test_pymcs_are_named_in_a_study_and_are_no_code_of_anybodys(tmp_path):
    text = TEXT.replace("Lomax(2, scale=3)", "pm.Weibull(alpha=2, beta=3)").replace("Lomax(5, 3)", "pm.Gamma(2, 1)")
    found = load(study(tmp_path, text))
    assert found.own_priors == {}
    fits = run_study(found).tables["fits"]
    assert set(fits["status"]) <= {"ok", "flagged"}
    with pytest.raises(StudyError, match=r"priors\.sd_g: .*pm\.Weibull has no argument 'bta'\. Did you mean 'beta'"):
        load(study(tmp_path, text.replace("beta=3", "bta=3")))


@pytest.mark.slow
def test_an_installed_package_serves_every_process(tmp_path):
    package, about = tmp_path / "site" / "my_package", tmp_path / "site" / "my_package-1.0.dist-info"
    package.mkdir(parents=True)
    about.mkdir()
    (package / "__init__.py").write_text("")
    (package / "priors.py").write_text(HEAD + LOMAX)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[bayescompare.priors]\nLomax = my_package.priors:Lomax\nGone = my_package.gone:Gone\n"
    )
    study(tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        start = "import sys; from bayescompare.cli import main; sys.exit(main(sys.argv[1:]))"
        given = {"capture_output": True, "text": True, "cwd": tmp_path, "env": environment}
        return subprocess.run([sys.executable, "-c", start, *arguments], check=False, **given)

    done = command("run", "own.toml", "--workers", "2", "--out", "out")
    assert done.returncode == 0, done.stderr
    listed = " ".join(command("list", "priors").stdout.split())
    assert "Lomax (alpha, scale) Generalised Pareto" in listed
    assert "'Gone' of entry point 'my_package.gone:Gone' of my-package 1.0 cannot be used" in listed
    broken = command("fit", "dyestuff", "yield ~ 1 + (1 | batch)", "--prior", "sd_batch=Gone(1)", "--out", "no")
    assert (broken.returncode, broken.stderr.count("\n")) == (2, 1)
    assert "of my-package 1.0 cannot be used: ModuleNotFoundError: No module named 'my_package.gone'" in broken.stderr
