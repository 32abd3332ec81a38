"""FAULTS 53 and 55 from one end to the other: odd folders, and names of data that would do something elsewhere."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from rich.console import Console

from bayescompare.cli import main
from bayescompare.cli.progress import Progress, StudyProgress
from bayescompare.reporting.export.bibliography import bibliography
from bayescompare.reporting.figures.sheet import as_csv
from bayescompare.study.definition import load
from bayescompare.study.run import run_study
from tests.reporting.samples import Page, own_data
from tests.study.small import TEXT, written

ODD = "a b # % ? & 'q' \"d\" Größe 数 [red] =1+1 $HOME ~"
LEVELS = (
    "<script>alert(1)</script>",
    "[/red]",
    "=cmd()",
    r"\input{/etc/passwd}",
    "-1+cmd()",
    "a,b;\"c'",
    "</style>",
    "d",
)


def printed(words: str, before: str = "Report: ") -> Path:
    """Return the path that a command printed."""
    (line,) = [line for line in words.splitlines() if line.startswith(before)]
    return Path(line.removeprefix(before))


def test_fault_53_a_study_in_an_odd_folder_is_moved_and_goes_on(tmp_path, capsys) -> None:
    text = TEXT.partition('[[scenario]]\nname = "more"')[0].replace("replicates = 3", "replicates = 2")
    study, out, moved = str(written(tmp_path, text)), tmp_path / ODD, tmp_path / "moved" / ("x" * 250)
    assert main(["run", study, "--out", str(out)]) == 0
    assert printed(capsys.readouterr().out).is_file()
    moved.parent.mkdir()
    out.rename(moved)
    (moved / "report.html").unlink()
    assert main(["report", str(moved)]) == 0
    assert printed(capsys.readouterr().out) == moved / "report.html"
    assert Page((moved / "report.html").read_text("utf-8")).headings[0] == "A small [/red] study"
    assert main(["export", str(moved), "--out", str(moved / ODD)]) == 0
    files = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert {path.suffix for path in files} == {".csv", ".tex", ".bib"}
    assert all(path.is_file() for path in files)
    assert main(["verify", str(moved), "--refit", "1"]) == 0
    one = ["--scenario", "few", "--replicate", "1", "--estimator", "lbfgs-ml", "--data", str(moved / f"{ODD}.csv")]
    assert main(["rerun", str(moved), *one]) == 0
    assert printed(capsys.readouterr().out, "Data: ").is_file()
    assert len(run_study(load(study).changed(replicates=4), moved).tables["fits"]) == 2 * 4


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit data of such a name, with such levels, and return the folder."""
    folder = tmp_path_factory.mktemp("hostile")
    data = folder / "=cmd() [red]<b>.csv"
    with data.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["y", "x", "who"])
        rows.writerows([k * k % 7, k % 5, level] for k in range(6) for level in LEVELS)
    assert main(["fit", str(data), "y ~ x + (1 | who)", "--estimators", "lbfgs-ml", "--out", str(folder / "out")]) == 0
    return folder / "out"


def test_fault_55_levels_and_names_of_data_in_a_report(hostile) -> None:
    page = Page((hostile / "report.html").read_text("utf-8"))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == tags.count("style") == 1
    assert not {"img", "b"} & set(tags)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    for level in LEVELS:
        assert f"b_who[{level}, Intercept]" in page.text
    numbers = [unquote(address.partition(",")[2]) for address in page.attributes("href") if address.startswith("data:")]
    assert numbers
    cells = [cell for text in numbers for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-(?!inf|[\d.e+-]+$)", cell)]


def test_fault_55_levels_and_names_of_data_in_exports(hostile, capsys) -> None:
    assert main(["export", str(hostile)]) == 0
    capsys.readouterr()
    effects = (hostile / "export" / "random_effects.csv").read_text("utf-8")
    names = {row["parameter"] for row in csv.DictReader(io.StringIO(effects))}
    assert names == {f"b_who[{level}, Intercept]" for level in LEVELS}
    for path in (hostile / "export").glob("*.csv"):
        cells = [cell for row in csv.reader(path.open(newline="")) for cell in row]
        assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-(?!inf|[\d.e+-]+$)", cell)], path.name
    for path in (hostile / "export").glob("*.tex"):
        assert not re.search(r"\\(input|cmd)", path.read_text("utf-8"))


def test_fault_55_a_column_that_is_a_formula_of_a_spreadsheet_is_quoted() -> None:
    (header, *rows) = csv.reader(io.StringIO(as_csv([{"=cmd()": "@x", "y": -1.5}, {"=cmd()": "-1+cmd()", "y": 2.0}])))
    assert header == ["'=cmd()", "y"]
    assert [float(row[1]) for row in rows] == [-1.5, 2.0]
    assert [row[0] for row in rows] == ["'@x", "'-1+cmd()"]


def test_fault_55_a_version_in_a_results_file_is_no_bibtex() -> None:
    found = bibliography(own_data(versions={"bayescompare": "1}, note = {\\input{/etc/passwd}"}))
    assert r"\input{" not in found
    assert found.count("{") - found.count(r"\{") == found.count("}") - found.count(r"\}")


def test_fault_55_names_in_the_live_table() -> None:
    names = ("[/red]", "[bold]=cmd()[/bold]", "<script>")
    for kind in (Progress, StudyProgress):
        progress = kind(dict.fromkeys(names, 1.0), {("[red]scenario", name): 2 for name in names})
        console = Console(file=io.StringIO(), width=200)
        for name in names:
            progress.announce("[red]scenario", name, 1, 2)
            console.print(progress.shown())
            progress.note(name)
            console.print(progress.shown())
        shown = console.file.getvalue()
        assert all(f"[red]scenario  {name}  1/2" in shown for name in names)


def test_fault_55_what_a_users_own_prior_says_is_printed_as_it_is(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    words = "[/red] <script>alert(1)</script> =cmd()"
    Path("mine.py").write_text(f"""
from dataclasses import dataclass
import bayescompare as bc

@dataclass(frozen=True)
class Loud(bc.Prior):
    scale: float = 1.0
    support = "positive"

    def logp(self, x, xp):
        raise ValueError({words!r})

    def draw(self, rng, shape):
        return rng.exponential(self.scale, shape)
""")
    arguments = [
        "--prior",
        "sd_subject=Loud(1)",
        "--priors-from",
        "mine.py",
        "--estimators",
        "lbfgs-map",
        "--out",
        "out",
    ]
    status = main(["fit", "sleepstudy", "reaction ~ days + (1 | subject)", *arguments])
    said = capsys.readouterr()
    assert status in (1, 2)
    assert words in said.err + said.out
    if (report := Path("out/report.html")).exists():
        assert Page(report.read_text("utf-8")).text.count("<script>") > 0
