"""FAULTS 50, 53 and 55 in reports: disks that refuse, odd paths, hostile names."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bayescompare.errors import StoreError
from bayescompare.layout import Layout
from bayescompare.reporting import report
from bayescompare.reporting.render import page
from tests.reporting.samples import Page, grid_study, only_failures, own_data, study

HOSTILE = "<script>alert(1)</script>"
NAMES = (
    HOSTILE,
    '"><img src=x onerror=alert(1)>',
    "</style><b>",
    "$\\frac{1$ & 'q' {{ 7*7 }} {% raw",
    "]]><!-- -->",
    "a\u202eb",
)


def test_fault_55_names_are_escaped_everywhere() -> None:
    layout = Layout(coefs=NAMES[:2], factor="g", blocks=(NAMES[2:4],), levels=("1", *NAMES[4:]))
    texts = dict(zip(("title", "description", "dataset", "response", "study"), NAMES, strict=False))
    results = own_data(
        layout=layout,
        scenario=HOSTILE,
        **texts,
        versions=dict.fromkeys(NAMES, HOSTILE),
        machine=dict.fromkeys(NAMES, HOSTILE),
        notes=[{"flag": name, "message": name} for name in NAMES],
        scenarios=[{"name": HOSTILE, "formula": f"{HOSTILE} ~ 1", "covariates": dict.fromkeys(NAMES, HOSTILE)}],
        priors={HOSTILE: {f"beta[{NAMES[1]}]": HOSTILE}},
        estimators=[{"label": "nuts", "what": HOSTILE}],
    )
    found = Page(page(results))
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
    results = grid_study({HOSTILE: NAMES[:2], NAMES[3]: (0.3, NAMES[2])}, replicates=2, base=NAMES[4])
    for about in results.about["scenarios"]:
        about |= {
            "truth": {NAMES[1]: HOSTILE, "sigma": NAMES[2]},
            "covariates": {NAMES[2]: HOSTILE},
            "description": HOSTILE,
            "rows": HOSTILE,
        }
    results.tables["fits"]["status"], results.tables["fits"]["message"] = "failed", NAMES[1]
    found = Page(page(results))
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
