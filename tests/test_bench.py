"""The benchmark program: its command line and its table. Nothing is timed here."""

import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
FACTS = {
    "processor": "a processor",
    "cores": 2,
    "load": 0.5,
    "system": "Linux x86_64",
    "python": "3.13.0",
    "versions": {"numpy": "2.5.5"},
}


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("bench.rows")


def measured(rows: ModuleType) -> list:
    return [
        rows.Row(section="Speed", name="fit / other fit", ours=0.0005, theirs=0.05, wanted=10.0, note="a note"),
        rows.Row(section="Speed", name="too slow / other", ours=2.0, theirs=4.0, wanted=3.0),
        rows.Row(section="Speed", name="fit / absent", ours=0.001, wanted=3.0, note="absent is not installed"),
        rows.Row(section="Rates", name="nuts / other", ours=2000.0, theirs=20.0, unit="ESS/s", wanted=50.0),
        rows.Row(section="Start", name="cold", ours=30.0, limit=25.0),
    ]


def test_help_says_what_can_be_measured() -> None:
    command = [sys.executable, str(SCRIPTS / "bench.py"), "--help"]
    wide = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=wide).stdout
    sections = ("lbfgs", "intervals", "adam", "nuts", "study", "startup", "calibration")
    for word in ("--quick", "--only", "--json", *sections):
        assert word in shown


def test_ratio_is_how_many_times_better_ours_is(rows: ModuleType) -> None:
    ratios = [row.ratio for row in measured(rows)]
    assert ratios == [pytest.approx(100.0), pytest.approx(2.0), None, pytest.approx(100.0), None]


def test_met_is_empty_where_nothing_was_compared(rows: ModuleType) -> None:
    assert [row.met for row in measured(rows)] == [True, False, None, True, False]


def test_table_shows_every_row_and_its_note(rows: ModuleType) -> None:
    out = io.StringIO()
    rows.render(measured(rows), Console(file=out, width=160))
    shown = out.getvalue()
    for text in ("Speed", "0.5 ms", "50 ms", "100x", "10x", "yes", "no", "2,000 ESS/s", "at most 25 s", "30 s"):
        assert text in shown
    assert "fit / absent: absent is not installed" in shown


def test_machine_is_named_in_a_line(rows: ModuleType) -> None:
    assert rows.about(FACTS).startswith(
        "a processor, 2 cores, load 0.5 at the start, Linux x86_64; Python 3.13.0, numpy"
    )
    assert rows.machine().keys() == FACTS.keys()


def test_markdown_has_a_line_for_each_row(rows: ModuleType) -> None:
    lines = rows.markdown(measured(rows), FACTS).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + len(measured(rows))
    assert {line.count("|") for line in table} == {7}


def test_json_is_read_back(rows: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    rows.write_json(measured(rows), FACTS, path)
    stored = json.loads(path.read_text())
    assert stored["machine"] == FACTS
    assert stored["rows"][0]["ratio"] == pytest.approx(100.0)
    assert stored["rows"][2]["theirs"] is None
