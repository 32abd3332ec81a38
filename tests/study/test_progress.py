"""What a terminal shows while a study runs."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from bayescompare.cli import progress as shown
from bayescompare.cli.progress import StudyProgress
from bayescompare.study.run import run_study, work_in
from bayescompare.study.tasks import Task, plan
from bayescompare.study.work import run_task
from tests.study.runs import fast


def text_of(renderable) -> str:
    console = Console(width=140, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


def test_the_table_counts_by_estimator_and_status_and_its_errors_shrink(tmp_path):
    study, errors = fast(estimators=["lbfgs-ml", "lbfgs-reml"], replicates=40, block=5), []
    progress = StudyProgress(*work_in(study, tmp_path))
    label = study.estimators[0]

    def observe(task, part):
        progress.observe(task, part)
        if task.estimator == label:
            errors.append(progress._running[label].coverage.error)

    results = run_study(study, tmp_path, observe=observe)
    fits = results.tables["fits"]
    said = text_of(progress.shown())
    for each in study.estimators:
        own = fits[fits["estimator"] == each]
        row = next(line for line in said.splitlines() if line.startswith(each))
        assert f"{len(own)}/{len(own)}" in row
        assert row.split()[2] == str((own["status"] == "ok").sum())
    assert " ± " in said
    assert errors[-1] < 0.7 * errors[1]


def test_elsewhere_than_in_a_terminal_a_line_now_and_then_has_the_counts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shown, "_SECONDS_BETWEEN_LINES", 0.0)
    study = fast(estimators=["lbfgs-ml", "lbfgs-reml"])
    with StudyProgress(*work_in(study, tmp_path)) as progress:
        run_study(study, tmp_path, observe=progress.observe)
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "left; " in last
    assert " ok" in last


def test_tasks_that_end_out_of_order_never_count_more_fits_than_there_are(monkeypatch, capsys):
    monkeypatch.setattr(shown, "_SECONDS_BETWEEN_LINES", 0.0)
    progress = StudyProgress({"x": 1.0}, {("a", "x"): 60})
    for first in (50, 10, 40, 0, 20, 30):
        progress.announce_task(Task(scenario="a", estimator="x", first=first, count=10))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[4] for line in lines] == [f"{done}/60" for done in range(10, 70, 10)]
    assert lines[-1].endswith("about 0 s left")


def test_fits_of_a_study_that_goes_on_count_from_what_is_left(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shown, "_SECONDS_BETWEEN_LINES", 0.0)
    run_study(fast(estimators=["lbfgs-ml"], replicates=5, block=5), tmp_path)
    study = fast(estimators=["lbfgs-ml"], replicates=15, block=5)
    with StudyProgress(*work_in(study, tmp_path)) as progress:
        run_study(study, tmp_path, observe=progress.observe)
    assert "lbfgs-ml  10/10 " in capsys.readouterr().err.splitlines()[-1]


def test_damaged_fits_that_are_made_again_are_more_to_make():
    study = fast(estimators=["lbfgs-ml"], replicates=5, block=5)
    progress = StudyProgress(*work_in(study, Path("nowhere")))
    for task in 2 * plan(study):
        progress.observe(task, run_task(study, task))
    row = next(line for line in text_of(progress.shown()).splitlines() if line.startswith("lbfgs-ml"))
    assert row.split()[1] == "20/20"


def test_a_hostile_label_is_shown_as_it_is(tmp_path):
    progress = StudyProgress({"[/red]x": 1.0}, {("[bold]", "[/red]x"): 3})
    progress.announce("[bold]", "[/red]x", 1, 3)
    assert "[/red]x" in text_of(progress.shown())
