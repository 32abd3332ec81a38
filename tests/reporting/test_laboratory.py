"""Pictures of optimizers at work: what they draw is what the tables hold."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path as File
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from bayescompare.comparison.contours import REGIONS
from bayescompare.comparison.records import Record
from bayescompare.comparison.results import Results, results_of
from bayescompare.engines.catalog import settings
from bayescompare.fits import Fit, Path, Status
from bayescompare.reporting.figures.contours import Plane, Route, contour_panel
from bayescompare.reporting.figures.descent import Fall, descent_panel
from bayescompare.reporting.figures.lean import lean
from bayescompare.reporting.figures.sensitivity import Curve, sensitivity_panel
from bayescompare.reporting.laboratory import laboratory
from bayescompare.reporting.palette import looks
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject
from bayescompare.study.store import read_results, write_results
from tests.reporting.samples import LAYOUT, TRUTH, Page, own_data, point, study, tree
from tests.reporting.samples import posterior as with_draws

ADAM = "adam-marginal"
LOOKS = looks([ADAM, "adam-marginal:lr=0.01", "lbfgs-ml"])
PAIR = ("sd_g[Intercept]", "sd_g[x]")

COUNTS = {"used": np.full(3, 9), "total": np.full(3, 10)}


def paths_of(svg: str, colour: str) -> list[np.ndarray]:
    """Return the points (N, 2) of the lines of a colour in an SVG."""
    found = []
    for element in ET.fromstring(svg).iter("path"):
        if element.get("stroke") == f"var(--{colour})" and element.get("fill") == "none":
            numbers = np.array(re.findall(r"-?[\d.]+", element.get("d", "")), dtype=float)
            found.append(numbers.reshape(-1, 2))
    return found


def words_of(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("text")]


# --- descent ---


def adam(values: np.ndarray, loss: np.ndarray, gap: float, restarts: tuple[Path, ...] = (), label: str = ADAM) -> Fit:
    """Return an Adam fit that ends where its path does, so much above its optimum."""
    steps = 10 * np.arange(len(loss))
    fit = point(label, np.random.default_rng(1))
    return replace(
        fit, estimate=values[-1], gap_deviance=gap, path=Path(steps=steps, values=values, loss=loss), restarts=restarts
    )


def results(*fits: Fit, draws: bool = False, tables: dict[str, pd.DataFrame] | None = None) -> Results:
    rng = np.random.default_rng(2)
    every = [*fits, point("lbfgs-ml", rng), *([with_draws(rng)] if draws else [])]
    made = results_of(
        [Record(study="fit", scenario="cake", replicate=0, fit=fit) for fit in every],
        about={"kind": "fit"},
        trees={("cake", 0): tree(every[-1])} if draws else {},
    )
    return replace(made, tables={**made.tables, **(tables or {})})


def falling(start: float, length: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return a path that comes to within 0.001 of the optimum, and its losses, 500 at the optimum."""
    shares = start * 0.4 ** np.arange(length)
    return TRUTH + shares[:, None] * np.array([1, 1, 0.5, 0.5, 0.1, 1]), 500 + 100 * shares**2


def test_the_gap_is_the_largest_distance_in_standard_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    values, loss = falling(1.0)
    seen: list[tuple[list[Fall], bool]] = []

    def noted(key: str, look: object, falls: list[Fall], *, above: bool, what: str) -> None:
        seen.append((falls, above))

    monkeypatch.setattr("bayescompare.reporting.laboratory.descent_panel", noted)
    made = results(adam(values, loss, gap=float(loss[-1] - 500)))
    laboratory(Subject(made), 1)
    ((fall,), above) = seen[0]
    scale = made.tables["optimum"].query("estimator == @ADAM")["scale"].to_numpy()
    assert above
    assert fall.strong
    assert fall.gap == pytest.approx(np.max(np.abs(values - TRUTH) / scale, axis=1))
    assert fall.loss == pytest.approx(loss - 500, abs=1e-9)
    assert list(fall.steps) == list(10 * np.arange(12))


def test_the_loss_is_held_against_the_point_that_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    values, loss = falling(1.0)
    seen: list[Fall] = []
    monkeypatch.setattr("bayescompare.reporting.laboratory.descent_panel", lambda *a, **_: seen.extend(a[2]))
    # early stopping went back to the epoch before the last
    back = replace(adam(values, loss, gap=float(loss[-3] - 500)), estimate=values[-3])
    laboratory(Subject(results(back)), 1)
    assert seen[0].loss[-3] == pytest.approx(loss[-3] - 500)


@pytest.mark.parametrize("label", ["adam-elbo", "adam-pooled:loss=mae"])
def test_a_loss_of_unknown_optimum_is_drawn_as_it_is(label: str) -> None:
    values, loss = falling(1.0)
    (one,) = laboratory(Subject(results(adam(values, loss, gap=1.0, label=label))), 1).descents
    assert "loss; its optimum is not known" in words_of(one.panels[0].svg)


def test_a_pooled_loss_is_above_that_of_least_squares() -> None:
    made = own_data()
    (one,) = laboratory(Subject(made), 1).descents
    assert [panel.head.label for panel in one.panels] == [
        "adam-pooled", "adam-marginal:lr=0.01,batch=3", "adam-marginal",
    ]  # fmt: skip
    assert all("loss above its optimum" in words_of(panel.svg) for panel in one.panels)


def test_every_restart_is_a_line_and_the_reported_one_is_strong() -> None:
    values, loss = falling(1.0)
    others = tuple(Path(steps=10 * np.arange(12), values=each, loss=its) for each, its in (falling(3.0), falling(9.0)))
    (one,) = laboratory(Subject(results(adam(values, loss, gap=float(loss[-1] - 500), restarts=others))), 1).descents
    svg = one.panels[0].svg
    lines = [e for e in ET.fromstring(svg).iter("path") if e.get("stroke") == "var(--vermillion)"]
    widths = [line.get("stroke-width") for line in lines if line.get("fill") == "none"]
    assert sorted(widths) == ["0.8"] * 4 + ["1.6"] * 2
    assert "3 restarts" in one.panels[0].alt
    assert "2 of 3 end below 0.1" in one.panels[0].alt or "3 of 3" in one.panels[0].alt


def test_the_line_is_where_the_numbers_are() -> None:
    fall = Fall(
        steps=np.array([0.0, 50, 100]), loss=np.array([1e3, 1.0, 1e-3]), gap=np.array([10, 1, 0.1]), strong=True
    )
    svg = descent_panel("k", LOOKS[ADAM], [fall], above=True, what="restarts").svg
    loss, gap = (each for each in paths_of(svg, "vermillion") if len(each) > 1)
    # the panels reach from 50 to 290, and downwards from 20 and from 152, 92 high; losses over six decades
    assert loss == pytest.approx(np.array([[50, 20], [290, 112]]), abs=0.11)
    # a straight line needs no point between its ends
    assert gap[0] == pytest.approx([50, 152], abs=0.11)
    assert {"loss above its optimum", "standard errors from its optimum", "0.1", "100"} <= set(words_of(svg))


def test_a_straight_line_needs_two_points_and_a_corner_three() -> None:
    straight = np.column_stack([np.arange(50.0), 2 * np.arange(50.0)])
    assert list(lean(straight)) == [0, 49]
    bent = np.concatenate([straight, straight[::-1] + np.array([50, 0])])
    assert {0, 49, 99} <= set(lean(bent)) <= {0, 49, 50, 99}
    wiggle = straight + np.random.default_rng(1).normal(0, 0.05, straight.shape)
    assert len(lean(wiggle)) == 2


def test_a_study_has_a_line_a_data_set() -> None:
    found = laboratory(Subject(study()), 2).descents
    assert [one.scenario for one in found] == ["easy", "hard"]
    (pooled, *_) = found[1].panels
    assert "3 data sets" in pooled.alt
    assert len([line for line in paths_of(pooled.svg, "orange") if len(line) > 1]) == 6
    # one of the three failed, and left no path
    assert "2 data sets" in found[0].panels[2].alt
    assert len(laboratory(Subject(study()), 1).descents) == 1


def test_only_adam_descends_and_other_paths_leave_the_older_pictures_alone() -> None:
    values, loss = falling(1.0)
    fit = replace(point("lbfgs-ml", np.random.default_rng(3)), path=Path(steps=np.arange(12), values=values, loss=loss))
    made = results_of([Record(study="fit", scenario="cake", replicate=0, fit=fit)], about={"kind": "fit"})
    assert len(made.tables["traces"])
    assert laboratory(Subject(made), 1).descents == []
    assert "Paths of the optimizers" not in page(made)


# --- contours ---


def bowl(*, zero: bool = False) -> Plane:
    x, y = np.geomspace(0.1, 10, 41), np.geomspace(0.2, 5, 41)
    deviance = 6 * np.log(x)[None, :] ** 2 + 9 * np.log(y)[:, None] ** 2
    optimum = np.array([0.0 if zero else 1.0, 1.0])
    return Plane(names=PAIR, x=x, y=y, deviance=deviance, optimum=optimum, logs=(True, True), levels=REGIONS)


def pixel(x: float, y: float) -> np.ndarray:
    """Return where a point of `bowl` is: axes from (54, 24), 332 wide and 296 high."""
    return np.array([54 + 332 * np.log10(x / 0.1) / 2, 24 + 296 * (1 - np.log(y / 0.2) / np.log(25))])


def test_the_lines_are_at_the_levels() -> None:
    svg = contour_panel("c", bowl(), [], np.empty((0, 2))).svg
    lines = [line for line in paths_of(svg, "ink") if len(line) > 20]
    assert len(lines) >= 4
    reached = [np.max(np.abs(line[:, 0] - pixel(1, 1)[0])) for line in lines]
    for level in REGIONS.values():
        edge = pixel(np.exp(np.sqrt(level / 6)), 1)[0] - pixel(1, 1)[0]
        assert min(abs(each - edge) for each in reached) < 1.5, level
    assert {"50 %", "80 %", "95 %", "99 %"} <= set(words_of(svg))


def test_a_route_is_drawn_point_by_point_from_its_open_marker_to_its_end() -> None:
    points = np.array([[5.0, 4.0], [2.0, 0.5], [1.0, 1.0]])
    drawing = contour_panel("c", bowl(), [Route(look=LOOKS["lbfgs-ml"], points=points)], np.empty((0, 2)))
    (line,) = [each for each in paths_of(drawing.svg, "blue") if len(each) == 3]
    assert line == pytest.approx(np.array([pixel(*each) for each in points]), abs=0.11)
    assert "lbfgs-ml goes from (5.00, 4.00) to (1.00, 1.00)." in drawing.alt
    assert "outside" not in drawing.alt


def test_a_route_from_outside_crosses_the_edge_at_a_triangle() -> None:
    points = np.array([[100.0, 1.0], [1.0, 1.0]])
    drawing = contour_panel("c", bowl(), [Route(look=LOOKS["lbfgs-ml"], points=points)], np.empty((0, 2)))
    assert "goes from (100, 1.00) outside of the picture to (1.00, 1.00)." in drawing.alt
    used = [e for e in ET.fromstring(drawing.svg).iter("use") if e.get("fill") == "var(--blue)"]
    places = [(float(e.get("x", 0)), float(e.get("y", 0))) for e in used]
    assert any(np.allclose(place, [386, pixel(1, 1)[1]], atol=0.2) for place in places), places


def test_an_estimate_of_zero_is_drawn_at_the_edge_and_said() -> None:
    route = Route(look=LOOKS["lbfgs-ml"], points=np.array([[1.0, 1.0], [0.0, 1.0]]))
    drawing = contour_panel("c", bowl(zero=True), [route], np.empty((0, 2)))
    (line,) = [each for each in paths_of(drawing.svg, "blue") if len(each) == 2]
    assert line[-1] == pytest.approx([54, pixel(1, 1)[1]], abs=0.11)
    assert "0" in words_of(drawing.svg)
    assert "0" not in words_of(contour_panel("c", bowl(), [route], np.empty((0, 2))).svg)
    assert "a zero drawn at the edge" in drawing.alt


def test_draws_are_dots_where_they_are_and_those_outside_are_left_out() -> None:
    draws = np.array([[2.0, 2.0], [0.5, 1.0], [1e3, 1.0]])
    drawing = contour_panel("c", bowl(), [], draws)
    (found,) = [e for e in ET.fromstring(drawing.svg).iter("path") if e.get("stroke-linecap") == "round"
                and e.get("stroke") == "var(--muted)"]  # fmt: skip
    numbers = np.array(re.findall(r"-?[\d.]+", found.get("d", "")), dtype=float).reshape(-1, 2)
    assert numbers[::2] == pytest.approx(np.array([pixel(2, 2), pixel(0.5, 1)]), abs=0.11)
    assert "2 posterior draws" in drawing.alt


def contour_rows(plane: Plane, pair: tuple[str, str] = PAIR) -> pd.DataFrame:
    across, up = np.meshgrid(plane.x, plane.y)
    grid = pd.DataFrame({"what": "grid", "x": across.ravel(), "y": up.ravel(), "deviance": plane.deviance.ravel()})
    best = pd.DataFrame({"what": ["optimum"], "x": plane.optimum[0], "y": plane.optimum[1], "deviance": 0.0})
    return pd.concat([best, grid]).assign(scenario="cake", first=pair[0], second=pair[1])


def test_the_ways_are_those_of_the_traces(tmp_path: File) -> None:
    values, loss = falling(1.0)
    search = replace(point("lbfgs-ml", np.random.default_rng(3)), estimate=values[-1],
                     path=Path(steps=np.arange(4), values=values[[0, 3, 6, 11]], loss=loss[[0, 3, 6, 11]]))  # fmt: skip
    fits = [adam(values, loss, gap=0.1), search, point("lbfgs-reml", np.random.default_rng(4))]
    rng = np.random.default_rng(5)
    made = results_of(
        [Record(study="fit", scenario="cake", replicate=0, fit=fit) for fit in [*fits, with_draws(rng)]],
        about={"kind": "fit"},
        trees={("cake", 0): tree(with_draws(rng))},
    )
    made = replace(made, tables={**made.tables, "contours": contour_rows(bowl())})
    found = laboratory(Subject(made), 1).contours
    assert found is not None
    assert [look.label for look in found.looks] == [ADAM, "lbfgs-ml"]
    place = [LAYOUT.index(name) for name in PAIR]
    (line,) = [each for each in paths_of(found.drawing.svg, "blue") if len(each) > 1]
    assert line[-1] == pytest.approx(pixel(*values[-1, place]), abs=0.11)
    assert line[0] == pytest.approx(pixel(*values[0, place]), abs=0.11)
    assert not found.remarks
    levels = ", ".join(f"{level:.2f}" for level in list(REGIONS.values())[:-1])
    assert f"{levels} and {REGIONS[0.99]:.2f} in deviance" in found.drawing.guide.shows
    assert "50, 80, 95 and 99 %" in found.drawing.guide.shows
    shown = Page(page(made))
    assert "The ways of the optimizers over the likelihood" in shown.headings
    assert found.drawing.guide.caption in shown.text
    # and once more from what is on the disk
    write_results(made, tmp_path)
    again = laboratory(Subject(read_results(tmp_path)), 1).contours
    assert again is not None
    assert again.drawing == found.drawing


def test_the_caption_says_that_a_zero_is_at_the_edge_and_who_leaves_the_picture() -> None:
    values, loss = falling(60.0)
    made = results(adam(values, loss, gap=1.0), tables={"contours": contour_rows(bowl(zero=True))})
    found = laboratory(Subject(made), 1).contours
    assert found is not None
    zero, leaves = found.remarks
    assert "At the maximum sd_g[Intercept] is exactly zero: it is drawn at the edge" in zero
    assert leaves == f"Ways that cross the edge: {ADAM}."
    assert all(words in Page(page(made)).text for words in found.remarks)
    inside = results(adam(*falling(1.0), gap=1.0), tables={"contours": contour_rows(bowl())})
    other = laboratory(Subject(inside), 1).contours
    assert other is not None
    assert not other.remarks


def test_without_the_table_there_are_no_contours(own_html: str) -> None:
    assert laboratory(Subject(own_data()), 1).contours is None
    assert "over the likelihood" not in " ".join(Page(own_html).headings)


# --- learning rate ---


def rates_study(extras: tuple[str, ...] = (",epochs=10", "")) -> Results:
    """Return a study of three rates: a fit's gap is a hundredth of the rate's number, more in later data sets."""
    records = []
    for scenario in ("near", "far"):
        for replicate in range(7):
            for extra in extras:
                for k, rate in enumerate((0.001, 0.01, 1.0)):
                    fit = point(f"adam-marginal:lr={rate}{extra}", np.random.default_rng(replicate))
                    status = Status.FLAGGED if replicate <= k else Status.OK
                    records.append(Record(
                        study="rates", scenario=scenario, replicate=replicate, truth=TRUTH,
                        fit=replace(fit, gap_sd=(k + 1) * 10.0**replicate / 1e3, status=status),
                    ))  # fmt: skip
    facts = {"kind": "study", "study": "rates", "title": "Rates"}
    return results_of(records, random_effects=False, about=facts)


def test_a_curve_is_the_median_of_the_fits_at_each_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[Curve], float]] = []
    monkeypatch.setattr("bayescompare.reporting.laboratory.sensitivity_panel", lambda *a: seen.append(a[1:]))
    laboratory(Subject(rates_study()), 2)
    assert [title for title, _, _ in seen] == ["near", "far"]
    _, curves, usual = seen[0]
    assert [curve.name for curve in curves] == ["epochs=10", "default"]
    assert usual == settings(ADAM)["lr"]
    for curve in curves:
        assert list(curve.rates) == [0.001, 0.01, 1]
        # of seven data sets the median is the fourth, and its interval reaches from the first to the last
        assert curve.median == pytest.approx([1, 2, 3])
        assert curve.lower == pytest.approx([1e-3, 2e-3, 3e-3])
        assert curve.upper == pytest.approx([1e3, 2e3, 3e3])
        assert curve.flagged == pytest.approx([1 / 7, 2 / 7, 3 / 7])


def test_one_setting_has_a_line_a_scenario() -> None:
    made = rates_study(("",))
    (drawing,) = laboratory(Subject(made), 2).sensitivity
    assert {"adam-marginal", "near", "far", "learning rate", "share of fits flagged"} <= set(words_of(drawing.svg))
    assert "near: least 1.00 at 0.001, most 3.00 at 1; flagged from 14% to 43% of the fits" in drawing.alt
    assert "Adam over the learning rate" in Page(page(made)).headings


def test_two_rates_are_no_curve() -> None:
    assert laboratory(Subject(study()), 2).sensitivity == []
    assert laboratory(Subject(own_data()), 1).sensitivity == []


def test_lines_are_named_by_what_sets_them_apart() -> None:
    same = np.ones(3)
    names = ("sd_g[Intercept] 1, groups 5", "sd_g[Intercept] 1, groups 20")
    curves = [
        Curve(name=name, rates=np.array([0.01, 0.1, 1.0]), median=same, lower=same, upper=same, flagged=same, **COUNTS)
        for name in names
    ]
    words = words_of(sensitivity_panel("s", "t", curves, 0.05).svg)
    assert {"5", "20"} <= set(words)
    assert any(word.startswith("sd_g[Intercept") for word in words)


def test_the_lines_of_the_rates_are_where_the_numbers_are() -> None:
    rates, median, flagged = np.array([0.01, 0.1, 1.0]), np.array([10.0, 0.1, 1e-3]), np.array([1, 0.5, 0])
    curve = Curve(name="", rates=rates, median=median, lower=median / 2, upper=median * 2, flagged=flagged, **COUNTS)
    svg = sensitivity_panel("s", "t", [curve], 0.05).svg
    gaps, shares = (each for each in paths_of(svg, "vermillion") if len(each) == 3)
    # from 44, 254 wide with room for a factor of 1.4 each side; gaps from 36, 150 high, 0.0001 to 100
    x = 44 + 254 * (np.log(rates) - np.log(0.01 / 1.4)) / np.log(100 * 1.4**2)
    assert gaps[:, 0] == pytest.approx(x, abs=0.11)
    assert gaps[:, 1] == pytest.approx(36 + 150 * (2 - np.log10(median)) / 6, abs=0.11)
    assert shares[:, 1] == pytest.approx([222, 248, 274], abs=0.11)


def test_a_median_beyond_the_axis_stays_on_it() -> None:
    many = np.array([np.inf, 1.0, 0.1])
    curve = Curve(
        name="a", rates=np.array([0.01, 0.1, 1.0]), median=many, lower=many, upper=many, flagged=np.ones(3), **COUNTS
    )
    svg = sensitivity_panel("s", "t", [curve], 0.05).svg
    (line,) = [each for each in paths_of(svg, "vermillion") if len(each) == 3][:1]
    assert line[0, 1] == pytest.approx(36, abs=0.11)
    assert all(np.isfinite(each).all() for each in paths_of(svg, "vermillion"))


def test_names_of_lines_that_end_together_stand_apart() -> None:
    same = np.array([1.0, 1.0, 1.0])
    curves = [
        Curve(name=name, rates=np.array([0.01, 0.1, 1.0]), median=same, lower=same, upper=same, flagged=same, **COUNTS)
        for name in ("first", "second", "third")
    ]
    svg = sensitivity_panel("s", "t", curves, 0.05).svg
    heights = sorted(
        float(e.get("y") or re.findall(r"translate\([-\d.]+[ ,]+([-\d.]+)\)", e.get("transform", ""))[0])
        for e in ET.fromstring(svg).iter("text")
        if e.text in ("first", "second", "third")
    )
    assert all(after - before >= 12 for before, after in pairwise(heights))
