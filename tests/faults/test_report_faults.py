"""FAULTS 50, 53 and 55 in reports: disks that refuse, odd paths, hostile names."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bayescompare.errors import StoreError
from bayescompare.reporting import report
from bayescompare.reporting.render import page
from tests.reporting.hostile import HOSTILE, NAMES, hostile_fit, hostile_grid
from tests.reporting.samples import Page, only_failures, study


def test_fault_55_names_are_escaped_everywhere() -> None:
    found = Page(page(hostile_fit()))
    tags = [tag for tag, _ in found.tags]
    assert tags.count("script") == 1
    assert tags.count("style") == 1
    assert not {"img", "b"} & set(tags)
    assert not [attribute for _, attrs in found.tags for attribute in attrs if attribute.startswith("on")]
    for name in NAMES:
        assert name in "".join(found.texts), name
    assert found.headings[0] == HOSTILE


def test_fault_55_names_of_scenarios_and_estimators_in_studies() -> None:
    found = Page(page(study(2, scenarios=(HOSTILE,), title=HOSTILE)))
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert f"Measures: {HOSTILE}" in found.text


def test_fault_55_factors_settings_and_truths_of_a_grid() -> None:
    found = Page(page(hostile_grid()))
    tags = [tag for tag, _ in found.tags]
    assert tags.count("script") == 1
    assert not {"img", "b"} & set(tags)
    assert not [attribute for _, attrs in found.tags for attribute in attrs if attribute.startswith("on")]
    assert f"{HOSTILE} {NAMES[1]}, {NAMES[3]} 0.3" in found.text
    assert f"Grid of {HOSTILE} ({NAMES[0]}, {NAMES[1]})" in found.text.replace("Full factorial grid", "Grid")


def test_fault_55_messages_of_failures_are_escaped() -> None:
    results = only_failures()
    results.tables["fits"]["message"] = HOSTILE
    found = Page(page(results))
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert HOSTILE in found.text


@pytest.mark.parametrize("folder", ["with spaces", "Größe 数据 ß", "d" * 200, "per%20cent & #hash"])
def test_fault_53_paths_with_spaces_unicode_and_length(tmp_path: Path, folder: str) -> None:
    target = tmp_path / folder / "ré port.html"
    assert report(only_failures(), target) == target
    assert target.stat().st_size > 9_000


def test_fault_50_an_unwritable_path_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(StoreError, match=r"file.report\.html.*bytes.*Choose a folder"):
        report(only_failures(), tmp_path / "file" / "report.html")


def test_fault_50_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StoreError, match=r"report\.html"):
        report(only_failures(), tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_fault_50_a_full_disk_leaves_the_old_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("the old one")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        report(only_failures(), target)
    assert target.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
