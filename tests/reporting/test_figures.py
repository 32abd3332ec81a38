"""Every figure of every report: how it is read stands with it, once in full, and its numbers draw it again."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from unittest.mock import patch
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import bayescompare as bc
from bayescompare.comparison.results import Results
from bayescompare.comparison.schema import TABLES
from bayescompare.reporting import context
from bayescompare.reporting.figures.descent import Fall, descent_panel
from bayescompare.reporting.figures.guide import LONGEST, Guide, guides
from bayescompare.reporting.figures.paths import Track, path_panel
from bayescompare.reporting.figures.series import Dot
from bayescompare.reporting.figures.sheet import as_csv, bins, thinned
from bayescompare.reporting.figures.uniform import PLACES, Curve, uniform_panel
from bayescompare.reporting.figures.zipper import Teeth, zipper_panel
from bayescompare.reporting.palette import looks
from bayescompare.reporting.render import page, priors_page
from tests.reporting.samples import LAYOUT, grid_study, own_data, study
from tests.reporting.test_fit_answer import exact_gamma
from tests.reporting.test_if_true import ABOUT, FEW, ends, made
from tests.reporting.test_laboratory import bowl, contour_rows, rates_study

VOID = {"meta", "link", "input", "br", "hr", "img"}
LOOK = looks(["adam-marginal"])["adam-marginal"]
TITLES = ("Shows", "Wrong", "Limits")


@dataclass
class Node:
    """An element of a page."""

    tag: str
    attrs: dict[str, str]
    above: Node | None = None
    below: list[Node] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def all(self, tag: str, name: str = "") -> list[Node]:
        """Return the elements below of a tag and, where it is given, a class."""
        return [one for one in self.each() if one.tag == tag and name in [*one.attrs.get("class", "").split(), ""]]

    def each(self) -> Iterator[Node]:
        """Yield the element and those below, in their order."""
        waiting = [self]
        while waiting:
            yield (node := waiting.pop())
            waiting += node.below[::-1]

    @property
    def text(self) -> str:
        return " ".join(" ".join([*self.words, *(one.text for one in self.below)]).split())


class Tree(HTMLParser):
    """A page as a tree of elements."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.at = self.root = Node("page", {})
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.below.append(node)
        self.at = self.at if tag in VOID else node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.below.append(Node(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        while self.at.above and self.at.tag != tag:
            self.at = self.at.above
        self.at = self.at.above or self.at

    def handle_data(self, data: str) -> None:
        self.at.words.append(data)


def changed(results: Results, **tables: pd.DataFrame) -> Results:
    return replace(results, tables={**results.tables, **tables})


def frame(name: str, rows: Iterator[dict[str, object]] | list[dict[str, object]]) -> pd.DataFrame:
    """Return a table with its columns, empty text where a row has none."""
    found = pd.DataFrame(list(rows))
    return found.assign(**{one: "" for one in TABLES[name] if one not in found})[list(TABLES[name])]


def rich_fit() -> Results:
    """Return a fit with everything that a report of one can show."""
    powers, same = np.geomspace(0.5, 2, 9), {"scenario": "cake", "parameter": "beta[x]"}
    path = [{**same, "estimator": "nuts", "alpha": a, "mean": 2 + 0.1 * a, "mcse": 0.01, "lower": 1.8, "upper": 2.4,
             "pareto_k": 0.2} for a in powers]  # fmt: skip
    crossing = [{**same, "estimator": "nuts", "target": "lbfgs-ml", "value": 2.1, "alpha": 1.0, "log2_mcse": 0.1,
                 "lowest": 0.5, "highest": 2.0}]  # fmt: skip
    under = [{**same, "estimator": "nuts", "under": name, "prior": "Normal(0, 1)", "estimate": 2.0, "mcse": 0.01,
              "se": 0.1, "level": 0.95, "lower": 1.8, "upper": 2.2, "status": "ok",
              **dict.fromkeys(("move", "move_mcse", "lower_move", "lower_move_mcse", "upper_move", "upper_move_mcse"),
                              0.1)} for name in ("", "brms")]  # fmt: skip
    profile = [{**same, "estimator": "lbfgs-ml", "value": 2 + z / 10, "zeta": z, "deviance": z**2}
               for z in np.linspace(-4, 4, 17)]  # fmt: skip
    scaling = [{**same, "estimator": "nuts", "prior": 0.1, "likelihood": 0.2, "diagnosis": "nothing", "ml": 2.0,
                "tail": 0.4}]  # fmt: skip
    priors = dict.fromkeys(LAYOUT.labels, "Normal(0, 1)")
    results = exact_gamma(own_data(priors={"cake": priors}, if_true=ABOUT))
    return changed(
        results, contours=contour_rows(bowl()), power_path=frame("power_path", path),
        power_crossing=frame("power_crossing", crossing), sensitivity=frame("sensitivity", under),
        profiles=frame("profiles", profile), power_scaling=frame("power_scaling", scaling),
        **made(*FEW, *ends("lbfgs-ml", 0.1)),
    )  # fmt: skip


def rich_study() -> Results:
    """Return a study with truths that were drawn from priors."""
    rng, results = np.random.default_rng(1), study(3)
    rows = [
        {"study": "demo", "scenario": scenario, "replicate": k, "estimator": label, "parameter": "beta[x]",
         "kind": kind, "truth": rng.normal(), "estimate": rng.normal(), "sd": 0.5, "pit": u, "covered_from": u,
         "rank": int(99 * u), "n_ranks": 99}
        for scenario in ("easy", "hard") for label, kind in (("lbfgs-ml", "wald"), ("nuts", "eti"))
        for k, u in enumerate(rng.uniform(size=12))
    ]  # fmt: skip
    return changed(results, calibration=frame("calibration", rows))


def priors_of_sleepstudy() -> str:
    return priors_page(bc.prior_predictive("reaction ~ 1 + days + (1 | subject)", "sleepstudy", draws=60, seed=1))


PAGES: dict[str, Callable[[], str]] = {
    "fit": lambda: page(rich_fit()),
    "points": lambda: page(own_data(draws=False)),
    "study": lambda: page(rich_study()),
    "grid": lambda: page(grid_study({"groups": (5, 10, 20, 40), "rho": (0.0, 0.3, 0.6, 0.9)}, replicates=3)),
    "rates": lambda: page(rates_study()),
    "priors": priors_of_sleepstudy,
}


@cache
def tree(name: str) -> Node:
    """Return a page; of a study with the figures of one scenario, which those of the others are like."""
    with patch.multiple(context, MOST_SCENARIOS=1, SOME_SCENARIOS=1):
        return Tree(PAGES[name]()).root


def plate(drawing: Node) -> Node | None:
    """Return the figure with the words on how to read it that a drawing is in."""
    node = drawing.above
    while node is not None and "plate" not in node.attrs.get("class", "").split():
        node = node.above
    return node


def numbers(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def column(text: str, name: str, **of: str) -> np.ndarray:
    rows = [row for row in numbers(text) if all(row[key] == value for key, value in of.items())]
    return np.array([float(row[name] or "nan") for row in rows])


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_says_how_it_is_read_and_each_kind_of_figure_once_in_full(name: str) -> None:
    known = {guide.caption: guide for guide in guides().values()}
    drawings, told = tree(name).all("svg", "plot"), []
    plates = tree(name).all("figure", "plate")
    assert drawings
    assert all(plate(drawing) for drawing in drawings)
    for one in plates:
        (head,) = [node for node in one.below if node.tag == "figcaption"]
        assert one.all("svg", "plot")
        line = (head.all("summary") or head.all("p", "caption"))[0]
        guide = known[line.text.removesuffix(" more")]
        folds, links = head.all("details"), [node.attrs["href"] for node in head.all("a")]
        if not folds:
            # it is told above, which the link leads to
            assert guide.key in told
            assert links == [f"#read-{guide.key}"]
            continue
        told.append(guide.key)
        (fold,) = folds
        (full,) = fold.all("dl")
        assert full.attrs["id"] == f"read-{guide.key}"
        assert [node.text for node in full.all("dt")] == list(TITLES)
        assert [node.text for node in full.all("dd")] == [guide.shows, guide.wrong, guide.limits]
    assert len(told) == len(set(told))


def test_the_samples_have_every_kind_of_figure() -> None:
    shown = {node.attrs.get("id", "") for name in PAGES for node in tree(name).all("dl")}
    assert {f"read-{key}" for key in guides()} <= shown


def test_words_in_figures_are_in_ink() -> None:
    fills = {node.attrs.get("fill") for name in PAGES for node in tree(name).all("text")}
    assert fills <= {"var(--ink)", "var(--muted)", None}


def test_numbers_have_names_and_are_whole() -> None:
    for name in PAGES:
        for link in (node for node in tree(name).all("a") if "download" in node.attrs):
            header, *rows = csv.reader(unquote(link.attrs["href"].partition(",")[2]).splitlines())
            assert len(header) == len(set(header)) > 2
            assert not any(re.fullmatch(r"line \d+", one) for row in [header, *rows] for one in row)
            assert all(any(cell for cell in row[1:]) for row in rows)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"caption": "x" * (LONGEST + 1)}, "characters"), ({"limits": " "}, "limits"), ({"key": "No id"}, "key"),
     ({"caption": ""}, "caption")],
)  # fmt: skip
def test_a_guide_without_its_words_cannot_be_made(wrong: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Guide(**{"key": "k", "caption": "c", "shows": "s", "wrong": "w", "limits": "l"} | wrong)


def test_the_numbers_of_a_descent_hold_what_its_axes_cut_off() -> None:
    steps = np.arange(300.0)
    loss, gap = 10.0 ** -(steps / 10), 10.0 ** -(steps / 20)
    text = descent_panel("k", LOOK, [Fall(steps=steps, loss=loss, gap=gap, strong=True)], above=True, what="restarts")
    assert column(text.numbers, "loss") == pytest.approx(loss, rel=1e-4)
    assert column(text.numbers, "standard_errors_left") == pytest.approx(gap, rel=1e-4)
    assert {row["restart"] for row in numbers(text.numbers)} == {"1"}


def test_the_numbers_of_paths_have_a_column_an_estimator() -> None:
    other = looks(["adam-elbo"])["adam-elbo"]
    tracks = [Track(look=LOOK, steps=np.array([0.0, 10]), values=np.array([1.0, 2]), optimum=2.5),
              Track(look=other, steps=np.array([0.0, 5]), values=np.array([3.0, 4]))]  # fmt: skip
    text = path_panel("k", "beta[x]", tracks, 2.0).numbers
    assert [(row["what"], row["step"], row["adam-marginal"], row["adam-elbo"]) for row in numbers(text)] == [
        ("optimum", "", "2.5", ""), ("truth", "", "2", "2"), ("path", "0", "1", "3"), ("path", "5", "", "4"),
        ("path", "10", "2", ""),
    ]  # fmt: skip


def test_the_numbers_of_a_zipper_are_all_intervals_until_they_are_thinned_and_say_so() -> None:
    for n, every in ((400, 1), (2500, 3)):
        error = np.sort(np.abs(norm.ppf((np.arange(n) + 0.5) / n)))
        coverage = Dot(value=0.95, lower=0.9, upper=0.99, used=n, total=n, where="easy")
        text = zipper_panel("k", "beta[x]", LOOK, Teeth(lower=error - 2, upper=error + 2), coverage, 0.95).numbers
        assert {row["one_in"] for row in numbers(text)} == {str(every)}
        assert len(numbers(text)) == -(-n // every)
        assert column(text, "upper")[-1] == pytest.approx(error[-1] + 2, rel=1e-3)
        assert {row["scenario"] for row in numbers(text)} == {"easy"}


def test_the_places_of_the_truth_give_the_curve_again() -> None:
    values = np.random.default_rng(1).beta(2, 1, size=200)
    text = uniform_panel(
        "k", PLACES, "beta[x]", [Curve(look=LOOK, values=values, inside=True)], 3, below="place"
    ).numbers
    place, share = (column(text, name, what="place") for name in ("place", "share"))
    assert place == pytest.approx(np.sort(values), rel=1e-4)
    assert share == pytest.approx(np.arange(1, 201) / 200, rel=1e-4)
    inner, outer = (column(text, "upper", what=f"{name} band") for name in ("inner", "outer"))
    assert np.all(outer >= inner)
    assert np.any(outer > inner)


def test_the_bins_hold_draws_beyond_the_axis() -> None:
    rows = list(bins(np.array([0.0, 1, 2]), np.array([-3.0, 0.5, 1.5, 1.7, 9.0]), what="draws"))
    assert [(row["lower"], row["upper"], row["count"]) for row in rows] == [(-3, 0, 1), (0, 1, 1), (1, 2, 2), (2, 9, 1)]


def test_numbers_keep_the_digits_of_their_range() -> None:
    text = as_csv([{"a": 1234567.0, "b": 1e-9, "c": "=1"}, {"a": 1234567.25, "b": 123.456789, "d": np.nan}])
    assert text == "a,b,c,d\n1234567,1e-09,'=1,\n1234567.25,123.46,,\n"


def test_thinning_keeps_the_last_and_says_how_many_it_leaves_out() -> None:
    for n in (1, 7, 100, 101, 1000):
        some, every = thinned(n, 100)
        assert len(some) <= 100
        assert some[-1] == n - 1
        assert set(np.diff(some)) <= {every}
    assert np.array_equal(thinned(100, 100)[0], np.arange(100))
