"""The picture and the tables of the parts of the errors, and of what tells that a fit stopped short."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from bayescompare.comparison.detectors import ALL_ADAM, ANY
from bayescompare.comparison.results import Results
from bayescompare.reporting import error_parts
from bayescompare.reporting.detection import detector_grids
from bayescompare.reporting.figures.series import Dot
from bayescompare.reporting.figures.stacked import FILLS, Bar, Stack, stacked_panel
from bayescompare.reporting.formats import MINUS
from bayescompare.reporting.palette import INKS, looks
from bayescompare.reporting.subject import Subject
from tests.reporting.samples import Page, grid_study

LOOKS = looks(["adam-marginal", "lbfgs-reml", "nuts"])
NAN = float("nan")


def dot(value: float, half: float = 0.1, used: int = 4, total: int = 4, reason: str = "") -> Dot:
    return Dot(value=value, lower=value - half, upper=value + half, used=used, total=total, reason=reason, where="easy")


def bar(label: str = "adam-marginal", total: Dot | None = None, local: bool = False, **values: float) -> Bar:
    names = {"optimizer": "optimizer and stopping", "prior": "prior and loss"}
    parts = {names.get(name, name): dot(value) for name, value in values.items()}
    return Bar(look=LOOKS[label], parts=parts, total=total or dot(sum(values.values())), local=local)


def panel(*bars: Bar) -> ET.Element:
    return ET.fromstring(stacked_panel("key", "sigma", [Stack(heading="easy", bars=bars)], "mean error").svg)


def horizontally(path: ET.Element) -> tuple[float, float]:
    """Return the left and the right end of a path, in pixels."""
    found = [float(x) for x in re.findall(r"(-?[\d.]+) -?[\d.]+", path.attrib["d"])]
    return min(found), max(found)


def pieces(svg: ET.Element, colour: str = "vermillion") -> dict[str, tuple[float, float]]:
    """Return how a piece is filled -> its ends, in pixels from zero."""
    zero = next(horizontally(one)[0] for one in svg.iter("path") if "stroke-dasharray" in one.attrib)
    found = {}
    for one in svg.iter("path"):
        if one.attrib.get("d", "").endswith("z") and len(re.findall(r"[\d.]+", one.attrib["d"])) == 8:
            share = one.attrib.get("opacity") or one.attrib.get("fill-opacity")
            kind = "filled" if not share else "tinted"
            if one.attrib.get("fill") == "var(--paper)" and one.attrib.get("stroke") == f"var(--{colour})":
                kind = "outlined"
            elif one.attrib.get("fill") != f"var(--{colour})":
                continue
            left, right = horizontally(one)
            found[kind] = (left - zero, right - zero)
    return found


def test_positive_parts_are_stacked_to_the_right_and_negative_to_the_left() -> None:
    found = pieces(panel(bar(optimizer=0.4, objective=-0.2, sampling=0.1)))
    unit = found["filled"][1] / 0.4
    assert unit > 50
    assert found["filled"] == pytest.approx((0.0, 0.4 * unit), abs=0.2)
    assert found["tinted"] == pytest.approx((-0.2 * unit, 0.0), abs=0.2)
    # the third part begins where the first ends
    assert found["outlined"] == pytest.approx((0.4 * unit, 0.5 * unit), abs=0.2)


def test_three_negative_parts_are_stacked_in_their_order() -> None:
    found = pieces(panel(bar(optimizer=-0.4, objective=-0.2, sampling=-0.1)))
    unit = -found["filled"][0] / 0.4
    ends = [found[name][0] / unit for name in ("filled", "tinted", "outlined")]
    assert ends == pytest.approx([-0.4, -0.6, -0.7], abs=0.01)


def test_a_part_that_is_zero_has_no_piece() -> None:
    assert set(pieces(panel(bar(optimizer=0.0, objective=1e-12, sampling=0.3)))) == {"outlined"}


def test_every_part_has_its_interval_at_its_end() -> None:
    svg = panel(bar(optimizer=0.4, objective=-0.2, sampling=0.1))
    unit = pieces(svg)["filled"][1] / 0.4
    lines = [one for one in svg.iter("path") if one.attrib.get("stroke") == "var(--ink)" and "z" not in one.attrib["d"]]
    whiskers = next(one for one in lines if "stroke-dasharray" not in one.attrib)
    zero = next(horizontally(one)[0] for one in lines if "stroke-dasharray" in one.attrib)
    ends = [float(x) - zero for x in re.findall(r"(-?[\d.]+) -?[\d.]+", whiskers.attrib["d"])]
    assert np.array(ends) / unit == pytest.approx([0.3, 0.5, -0.3, -0.1, 0.4, 0.6], abs=0.01)


def test_the_total_is_marked_at_the_sum() -> None:
    svg = panel(bar(optimizer=0.4, objective=-0.2, sampling=0.1))
    unit = pieces(svg)["filled"][1] / 0.4
    zero = next(horizontally(one)[0] for one in svg.iter("path") if "stroke-dasharray" in one.attrib)
    places = [float(one.attrib["x"]) - zero for one in svg.iter("use") if "x" in one.attrib]
    assert any(abs(place / unit - 0.3) < 0.01 for place in places)


def test_a_posterior_has_two_parts() -> None:
    found = pieces(panel(bar("nuts", prior=0.4, sampling=-0.2)), "ink")
    assert set(found) == {"tinted", "outlined"}
    assert FILLS["prior and loss"] == FILLS["objective"]


def test_what_a_bar_does_not_show_is_written() -> None:
    missing = dot(NAN, NAN, used=0, reason="its own optimum is not known")
    far = [bar(optimizer=-60.0, sampling=0.1), *(bar("lbfgs-reml", objective=0.1, sampling=0.1) for _ in range(9))]
    fewer = bar("nuts", dot(0.3, used=3), prior=0.2, sampling=0.1)
    text = " ".join("".join(one.itertext()) for one in panel(*far, bar(total=missing), fewer).iter("text"))
    for words in ("n/a: its own optimum is not known", f"◂ {MINUS}60", "3/4", "adam-marginal", "lbfgs-reml", "easy"):
        assert words in text
    assert "mean error, n = 0/4 to 4/4" in text


def test_a_local_mode_has_a_hollow_marker() -> None:
    def hollow(local: bool) -> bool:
        svg = stacked_panel("k", "x", [Stack(heading="s", bars=[bar(objective=0.4, local=local)])], "mean error").svg
        return any("var(--paper)" in part for part in re.findall(r"<use[^>]*>", svg))

    assert hollow(True)
    assert not hollow(False)


def test_the_picture_in_words() -> None:
    bars = [bar(optimizer=0.4, objective=-0.2, sampling=0.1), bar("lbfgs-reml", objective=0.3, sampling=0.1)]
    alt = stacked_panel("k", "sigma", [Stack(heading="easy", bars=bars)], "mean error").alt
    assert alt.startswith("Stacked bars of the mean error of sigma in parts, 1 scenarios.")
    assert "Largest optimizer and stopping: 0.400 [0.300, 0.500] of adam-marginal in easy." in alt
    assert "Largest objective: 0.300" in alt
    nothing = bar(total=dot(NAN, NAN, used=0), optimizer=NAN, sampling=NAN)
    assert "There is no number." in stacked_panel("k", "x", [Stack(heading="s", bars=[nothing])], "mean error").alt


def test_colours_are_those_of_the_page() -> None:
    svg = stacked_panel("k", "x", [Stack(heading="s", bars=[bar(optimizer=0.4, sampling=0.1)])], "mean error").svg
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()
    assert "nan" not in svg
    assert set(re.findall(r"var\(--(\w+)\)", svg)) <= {"vermillion", *INKS}


@pytest.fixture(scope="module")
def results(small_study: Results) -> Results:
    return small_study


@pytest.fixture(scope="module")
def study_page(small_study_html: str) -> Page:
    return Page(small_study_html)


def exact(cell: tuple[str, str]) -> float:
    return float(cell[0]) if cell[0] else NAN


def test_the_table_holds_the_parts(study_page: Page, results: Results) -> None:
    means = results.decomposition.means
    means = means[means["unit"] == "response"].set_index(["scenario", "parameter", "estimator", "part"])["value"]
    printed = [row for row in study_page.tables["error-parts"] if row]
    assert len(printed) == means.index.droplevel("part").nunique()
    row = next(r for r in printed if r[0][1] == "hard" and r[1][1] == "beta[x]" and r[2][1].strip() == "lbfgs-reml")
    for name, cell in zip(("optimizer and stopping", "objective", "sampling", "total"), (3, 4, 6, 7), strict=True):
        assert exact(row[cell]) == pytest.approx(means["hard", "beta[x]", "lbfgs-reml", name], rel=1e-9)
    assert row[5] == ("", "")
    assert row[8][1] == "3/3"
    assert exact(row[3]) + exact(row[4]) + exact(row[6]) == pytest.approx(exact(row[7]))


def test_the_squares_add_up_on_the_page(study_page: Page) -> None:
    for row in (row for row in study_page.tables["squared-parts"] if row):
        assert sum(exact(cell) for cell in row[3:-2] if cell[0]) == pytest.approx(exact(row[-2]), abs=1e-8)


def test_the_page_says_how_to_read_it(study_page: Page) -> None:
    assert "Where the errors come from" in study_page.headings
    for words in ("Estimate less the best known optimum of its own objective.", "stacked to the right", "95 %"):
        assert words in study_page.text
    assert "the own optimum is a local mode" not in study_page.text
    figures = [alt for alt in study_page.attributes("aria-label") if alt.startswith("Stacked bars of the mean error")]
    assert len(figures) == 6


def test_a_small_number_of_scenarios_is_shown_and_named() -> None:
    results = grid_study({"groups": tuple(range(8))})
    found = error_parts.error_parts(Subject(results))
    assert found is not None
    assert "Of 8 scenarios these are the 6 with the largest parts other than sampling: groups" in found.shown
    assert len({row[0].text for row in found.means.rows}) == error_parts.MOST_SCENARIOS
    assert sum(len(one.svg) for one in found.drawings) < 150_000
    means = results.decomposition.means
    parts = means[(means["unit"] == "typical ML standard error") & ~means["part"].isin(["sampling", "total"])]
    largest = parts.loc[parts["value"].abs().idxmax(), "scenario"].rpartition("_")[2]
    assert f"groups {largest}" in {row[0].text for row in found.means.rows}


def test_local_modes_are_counted(results: Results) -> None:
    fits = results.tables["fits"]
    flags = [[*flags, "local_mode"] if label == "adam-pooled" else flags
             for flags, label in zip(fits["flags"], fits["estimator"], strict=True)]  # fmt: skip
    made = Results(tables={**results.tables, "fits": fits.assign(flags=flags)}, about=results.about)
    found = error_parts.error_parts(Subject(made))
    assert found is not None
    assert found.local
    assert found.means.columns[-1].title == "own optimum is a local mode"
    assert {row[-1].text for row in found.means.rows if row[2].text == "adam-pooled"} == {"3"}


def test_own_data_and_studies_without_a_reference_have_none(results: Results, own_html: str) -> None:
    found = Page(own_html)
    assert "Where the errors come from" not in found.headings
    assert "detectors" not in found.tables
    bare: dict[str, Any] = {**results.tables, "optimum": results.tables["optimum"].iloc[:0]}
    assert error_parts.error_parts(Subject(Results(tables=bare, about=results.about))) is None


def test_detectors_are_those_of_the_table(study_page: Page, results: Results) -> None:
    rows = [row for row in study_page.tables["detectors"] if row]
    expected = results.detectors[results.detectors["estimator"] == ALL_ADAM].set_index(["detector", "measure"])
    assert len(rows) == expected.index.get_level_values("detector").nunique()
    cells = {row[0][1]: row for row in rows}
    assert exact(cells[ANY][2]) == expected.loc[(ANY, "specificity"), "value"]
    assert exact(cells["flag premature (made from the optimum)"][1]) == 1.0
    assert "n/a" in cells["newton_sd > 0.1"][1][1]
    # 6 of 18 fits are away, one failed
    assert [cells[ANY][k][1] for k in range(3, 8)] == ["6", "11", "0", "1", "18"]
    assert len([row for row in study_page.tables["detectors-each"] if row]) == 3 * len(rows)


def test_a_single_adam_estimator_has_one_table(results: Results) -> None:
    some = {name: frame[~frame["estimator"].isin(["adam-pooled", "adam-marginal"])] if "estimator" in frame else frame
            for name, frame in results.tables.items()}  # fmt: skip
    found = detector_grids(Subject(Results(tables=some, about=results.about)))
    assert found is not None
    assert found[1] is None
    assert "known gap: adam-marginal:lr=0.01,batch=3" in found[0].caption
    none = {name: frame[frame["estimator"] == "lbfgs-ml"] if "estimator" in frame else frame
            for name, frame in some.items()}  # fmt: skip
    assert isinstance(none["fits"], pd.DataFrame)
    assert detector_grids(Subject(Results(tables=none, about=results.about))) is None
