"""Reports of a study that still runs, was killed, or is finished while its report is made."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bayescompare.cli import main
from bayescompare.study.definition import Study
from bayescompare.study.run import results_in, run_study, started
from bayescompare.study.so_far import finished, write_so_far
from bayescompare.study.store import read_results, write_results
from tests.reporting.samples import Page
from tests.study import mocks
from tests.study.runs import parts_in, processes, until, written

TEXT = """
name = "slow"
replicates = 40
seed = 11
block = 2
dispersed_starts = 0
estimators = ["lbfgs-ml", "mock-noise:rest=0.4"]

[[scenario]]
name = "small"
formula = "y ~ x + (1 | g)"
groups = 6
rows = 4
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }
"""
FITS = 80
assert mocks  # registers the estimator in this process


def fits_in(folder: Path) -> int:
    """Return how many fits the names of the parts say."""
    return sum(int(path.name.split(".")[0].split("-")[1]) for path in parts_in(folder))


def counts(folder: Path) -> tuple[int, int]:
    """Return the fits that a report says it rests on, and those that its table of outcomes counts."""
    page = Page((folder / "report.html").read_text("utf-8"))
    (stated,) = re.findall(r"not finished: (\d+) of 80 fits are done, of 1 of 1 scenarios", page.text)
    rows = [row for row in page.tables["outcomes"] if row]
    return int(stated), sum(int(cell[0]) for row in rows for cell in row[1:4])


def stopped_after(folder: Path, tasks: int, **changes: object) -> Study:
    """Run the study until so many tasks are done, and return it."""
    study, left = Study.from_dict(tomllib.loads(TEXT) | {"estimators": ["lbfgs-ml", "mock-noise"]} | changes), [tasks]

    def one(_: object) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    with pytest.raises(BaseException, match=r"Interrupted|^$"):
        run_study(study, folder, announce=one)
    return study


def test_reports_of_a_study_that_runs_hold_what_is_on_disk(tmp_path, capsys) -> None:
    out = tmp_path / "out"
    with processes(tmp_path) as programs:
        driver = programs.command("run", written(tmp_path, TEXT), "--out", out, "--workers", "1")
        until(lambda: fits_in(out) > 4 or driver.poll() is not None)
        seen = []
        for _ in range(2):
            before = fits_in(out)
            assert main(["report", str(out)]) == 0
            after = fits_in(out)
            assert f"{counts(out)[0]} of 80 fits are done" in capsys.readouterr().out
            assert before <= counts(out)[0] == counts(out)[1] <= after
            assert not (out / "about.json").exists()
            seen.append(counts(out)[0])
        assert driver.poll() is None, "the study was too short for this test"
        assert seen[0] < seen[-1] < FITS
        driver.kill()
        driver.wait()
    # nobody is at it: the tables are written too, of what there is
    (damaged, *_), left = parts_in(out), fits_in(out)
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert main(["report", str(out)]) == 0
    lost = int(damaged.name.split(".")[0].split("-")[1])
    assert counts(out) == (left - lost, left - lost)
    assert len(read_results(out).tables["fits"]) == left - lost


def test_a_study_of_which_nothing_is_done_has_a_report(tmp_path, capsys) -> None:
    study = Study.from_dict(tomllib.loads(TEXT))
    with started(study, tmp_path / "out"):
        pass
    assert main(["report", str(tmp_path / "out")]) == 0
    assert "0 of 80 fits are done" in capsys.readouterr().out
    assert "0 of 80 fits are done, of 0 of 1 scenarios" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert main(["export", str(tmp_path / "out")]) == 0


def test_a_study_that_is_finished_while_its_report_is_made_has_the_report_of_the_whole(tmp_path, monkeypatch) -> None:
    from bayescompare import reporting

    out, write = tmp_path / "out", reporting.report
    study = stopped_after(out, 5)

    def slow(results, path):
        if not finished(out):
            write_results(run_study(study, out), out)
        return write(results, path)

    monkeypatch.setattr(reporting, "report", slow)
    assert main(["report", str(out)]) == 0
    assert "not finished" not in (out / "report.html").read_text("utf-8")
    assert len(read_results(out).tables["fits"]) == FITS


def test_tables_so_far_do_not_take_the_place_of_the_whole_or_disturb_a_driver(tmp_path) -> None:
    out = tmp_path / "out"
    study = stopped_after(out, 5)
    early, unfinished = results_in(out)
    assert unfinished == "10 of 80 fits are done"
    with started(study, out):
        assert not write_so_far(early, out)
        assert not (out / "about.json").exists()
    write_results(run_study(study, out), out)
    assert not write_so_far(early, out)
    assert len(read_results(out).tables["fits"]) == FITS


@pytest.mark.slow
def test_two_reports_at_once_are_both_whole(tmp_path) -> None:
    out = tmp_path / "out"
    stopped_after(out, 5)
    with processes(tmp_path) as programs:
        both = [programs.command("report", out) for _ in range(2)]
        assert [one.wait(120) for one in both] == [0, 0]
    assert counts(out) == (10, 10)
    assert len(read_results(out).tables["fits"]) == 10
    assert [path.name for path in out.iterdir() if path.suffix == ".tmp"] == []
