"""The answer of a study on the first screen."""

from __future__ import annotations

import re
from functools import partial
from html import unescape
from io import StringIO

import pandas as pd
import pytest

from bayescompare.comparison.headline import group_sds
from bayescompare.comparison.results import Results
from bayescompare.reporting.figures.series import Dot
from bayescompare.reporting.figures.strip import Strip, strip_panel
from bayescompare.reporting.headline import headline
from bayescompare.reporting.lead import sentences
from bayescompare.reporting.palette import looks
from bayescompare.reporting.subject import Subject
from tests.reporting.samples import Page


@pytest.fixture(scope="module")
def results(small_study: Results) -> Results:
    return small_study


@pytest.fixture(scope="module")
def html(small_study_html: str) -> str:
    return small_study_html


def test_the_table_comes_before_the_claims_and_holds_the_worst_numbers(html: str, results: Results) -> None:
    found = results.headline.set_index(["estimator", "aspect"])["value"]
    printed = {row[0][1].strip(): row for row in Page(html).tables["headline"] if row}
    order = ["arrival", "optimizer and stopping", "objective", "total", "effects"]
    for k, aspect in enumerate(order, 1):
        cell = printed["adam-marginal"][k]
        if ("adam-marginal", aspect) in found.index:
            assert float(cell[0]) == found["adam-marginal", aspect]
    assert "n/a" in printed["adam-pooled"][2][1]
    assert html.index('id="headline"') < html.index('id="claim-1"')


def test_the_first_sentences_name_the_number_its_interval_its_place_and_its_fits(html: str, results: Results) -> None:
    said = re.findall(r'<p class="lead"><strong>(.*?)</strong> <span>(.*?)</span></p>', html)
    assert "best" in said[0][0]
    rows = results.headline[results.headline["aspect"] == "optimizer and stopping"]
    adam = rows[rows["estimator"].str.startswith("adam")]
    best = adam.loc[adam[["lower", "upper"]].abs().max(axis=1).idxmin()]
    numbers = unescape(said[0][1])
    for part in (
        f"{best['parameter']} in {best['scenario']}",
        f"n\u00a0=\u00a0{best['n_used']}/{best['n_total']}",
        "[",
    ):
        assert part in numbers


def sd_row(estimator: str, aspect: str, value: float, half: float, **other: object) -> dict[str, object]:
    return {
        "estimator": estimator, "aspect": aspect, "scenario": "a", "parameter": "sd_g[x]", "value": value,
        "lower": value - half, "upper": value + half, "n_used": 80, "n_total": 80, "choices": 2,
        "least": max(abs(value) - half, 0.0), "most": abs(value) + half, **other,
    }  # fmt: skip


MOVED = "optimizer and stopping"


@pytest.mark.parametrize(
    ("best", "worst", "said"),
    [
        (
            (0.02, 0.01),
            (-1.3, 0.7),
            ["sds of the random effects to their optimum", "1.3 SE below its optimum"],
        ),
        ((0.02, 0.09), (0.5, 0.1), ["is undecided whether Adam misses", "0.5 SE above its optimum"]),
        ((-0.5, 0.1), (0.9, 0.2), ["Even at its best, Adam misses", "0.9 SE above its optimum"]),
        (
            (0.02, 0.01),
            (0.9, 0.9),
            ["sds of the random effects to their optimum", "is undecided whether it misses it"],
        ),
        ((0.0, 0.01), (0.03, 0.02), ["sds of the random effects to their optimum", "takes them there too"]),
    ],
)
def test_a_claim_is_made_only_where_the_whole_interval_lies_beyond_the_margin(
    results: Results, best: tuple[float, float], worst: tuple[float, float], said: list[str]
) -> None:
    labels = ("adam-marginal", "adam-marginal:lr=0.01,batch=3")
    rows = pd.DataFrame([sd_row(label, MOVED, *each) for label, each in zip(labels, (best, worst), strict=True)])
    found = sentences(Subject(results), rows, rows, {"a": "a"})
    assert [words in one.claim for words, one in zip(said, found, strict=True)] == [True, True], found


def test_what_is_moved_to_the_other_side_and_what_is_unsure_is_said_too(results: Results) -> None:
    labels = list(Subject(results).estimators)[:3]
    rows = pd.DataFrame([
        sd_row("adam-marginal", MOVED, 0.02, 0.01),
        sd_row("adam-marginal:lr=0.01,batch=3", MOVED, -1.3, 0.7),
        sd_row("adam-marginal:lr=0.01,batch=3", "arrival", 0.9, 0.05, parameter=""),
        sd_row("adam-pooled", MOVED, 0.2, 0.5),
    ])  # fmt: skip
    assert set(rows["estimator"]) <= set(labels)
    every = pd.concat([rows, pd.DataFrame([sd_row("adam-marginal:lr=0.01,batch=3", MOVED, 0.8, 0.2)])])
    numbers = sentences(Subject(results), rows, every[every["aspect"] == MOVED], {"a": "a"})[1].numbers
    for words in (
        "another 0.80 [0.60, 1.00], above it",
        "90 % [85, 95] of its fits do not arrive there",
        "of adam-pooled it is undecided",
    ):
        assert words in numbers


def test_an_objective_without_an_optimum_everywhere_says_of_how_many_fits_it_speaks(results: Results) -> None:
    rows = pd.DataFrame([sd_row("adam-marginal", "objective", -1.2, 0.2, n_used=21)])
    (one,) = sentences(Subject(results), rows, rows, {})
    assert one.claim == "Its objective can have an optimum 1.2 SE below the ML estimate."
    assert "n\u00a0=\u00a021/80; in the others no optimum is known" in one.numbers


def test_adam_is_not_cleared_by_its_worst_mean_where_another_is_less_sure(results: Results) -> None:
    rows = pd.DataFrame([sd_row("adam-marginal", MOVED, 0.05, 0.01, most=0.33)])
    every = pd.DataFrame([sd_row("adam-marginal", MOVED, 0.05, 0.01), sd_row("adam-marginal", MOVED, 0.03, 0.3)])
    assert "undecided" in sentences(Subject(results), rows, every, {})[0].claim


def test_the_objectives_that_know_no_sd_are_named(results: Results) -> None:
    rows = pd.DataFrame([sd_row("adam-marginal", "objective", 0.0, 0.01)])
    (one,) = sentences(Subject(results), rows, rows, {})
    assert "adam-pooled" in one.numbers
    assert "no sd of the groups" in one.numbers


def test_the_picture_shows_each_estimator_and_every_number_is_in_its_sheet(results: Results) -> None:
    subject = Subject(results)
    found = headline(subject)
    assert found is not None
    sds = group_sds(results.decomposition.means)
    for one, aspect in zip(found.pictures, ("optimizer and stopping", "objective", "total"), strict=True):
        assert all(look.name in one.svg for look in subject.estimators.values())
        sheet = pd.read_csv(StringIO(one.numbers))
        mine = sds[sds["aspect"] == aspect]
        assert sorted(sheet["mean error"]) == pytest.approx(sorted(mine["value"]), abs=1e-4)
        assert sorted(sheet["upper"]) == pytest.approx(sorted(mine["upper"]), abs=1e-4, rel=1e-4)


def test_a_mean_beyond_the_axis_is_an_arrow_with_its_number() -> None:
    many = looks([f"adam-marginal:lr={k}" for k in range(12)])
    dot = partial(Dot, used=80, total=80)
    near = [Strip(look=look, dots=[dot(value=0.1, lower=0.0, upper=0.2)]) for look in list(many.values())[:11]]
    far = Strip(look=list(many.values())[11], dots=[dot(value=-50.0, lower=-51.0, upper=-49.0)])
    assert "◂ −50" in strip_panel("k", "Optimizer", [*near, far], "mean error").svg


def test_one_s_own_data_have_no_such_answer(own_html: str) -> None:
    assert "What became of the random effects" not in own_html


def test_every_swatch_has_its_symbol(html: str, results: Results) -> None:
    symbols = set(re.findall(r'<symbol id="([^"]+)"', html))
    assert {look.key for look in Subject(results).estimators.values()} <= symbols
    assert set(re.findall(r'class="swatch" aria-hidden="true"><use href="#([^"]+)"', html)) <= symbols


def test_looks_that_differ_have_different_symbols() -> None:
    labels = [f"adam-marginal:lr={k}" for k in range(6)] + ["adam-pooled", "nuts", "lbfgs-ml", "adam-elbo"]
    assert len({look.key for look in looks(labels).values()}) == len(labels)
