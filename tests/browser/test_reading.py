"""What stands with figures and boards, in a browser: folds open by keys and links, boards sort, their CSV is whole."""

from __future__ import annotations

import csv
from pathlib import Path

_OPEN = "document.querySelectorAll('details:not(.reading)').forEach(one => { one.open = true; })"


def test_a_fold_opens_by_a_key_and_by_the_links_to_it(opened) -> None:
    with opened("study") as one:
        fold = one.page.locator("details.reading").first
        summary = fold.locator("summary")
        assert fold.locator("dd:visible").count() == 0
        summary.press("Enter")
        assert fold.locator("dd:visible").count() == 3
        one.page.evaluate(_OPEN)
        link = one.page.locator(".plate .caption a").first
        full = one.page.locator(link.get_attribute("href"))
        assert not full.is_visible()
        link.press("Enter")
        assert full.is_visible()
        assert one.complaints == []


def test_on_paper_folds_are_read_and_supported_is_seen(opened) -> None:
    with opened("study", media="print") as one:
        flat = "[...document.querySelectorAll('.reading dd')].filter(one => one.getBoundingClientRect().height < 10)"
        assert one.page.locator(".reading dd").count() > 20
        assert one.page.evaluate(f"{flat}.length") == 0
        chip = one.page.locator(".chip").first
        assert chip.evaluate("one => getComputedStyle(one).printColorAdjust") == "exact"


def test_a_caption_is_one_line_on_a_wide_screen(opened) -> None:
    for name in ("study", "priors"):
        with opened(name) as one:
            one.page.evaluate(_OPEN)
            tall = one.page.evaluate(
                "() => [...document.querySelectorAll('.plate > figcaption :is(summary, p.caption:first-child)')]"
                ".filter(one => one.getBoundingClientRect().height > 30).map(one => one.textContent)"
            )
            assert tall == [], name


def test_boards_of_claims_sort_and_the_matrix_keeps_its_rows_together(opened, tmp_path: Path) -> None:
    with opened("study") as one:
        board = one.page.locator("table.board:has(th button)").first
        head = board.locator("th[data-sort=number]")
        for way in ("ascending", "descending"):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == way
            shown = board.evaluate("one => [...one.tBodies[0].rows].map(row => Number(row.cells[3].dataset.v))")
            known = [value for value in shown if value == value]
            assert len(known) > 1
            assert known == sorted(known, reverse=way == "descending")
        matrix = one.page.locator("#verdict-board")
        assert matrix.locator("button").count() == 0
        with one.page.expect_download() as started:
            one.page.locator("div:has(> #verdict-board) + .tools button").click()
        started.value.save_as(tmp_path / "board.csv")
        header, *rows = csv.reader((tmp_path / "board.csv").open(newline=""))
        assert len(rows) == matrix.locator("tbody tr").count()
        assert {len(row) for row in rows} == {len(header)}
        assert len({row[0] for row in rows}) == len(rows)
        assert one.complaints == []
