"""The answer of a study on the first screen."""

from __future__ import annotations

import re

import pytest

from bayescompare.comparison.results import Results
from bayescompare.reporting.palette import looks
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject
from tests.reporting.samples import Page, own_data, study


@pytest.fixture(scope="module")
def results() -> Results:
    return study()


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return page(results)


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


def test_the_sentences_name_the_number_its_interval_and_its_place(html: str, results: Results) -> None:
    lead = re.search(r"<h2>What became of the random effects</h2>\s*<p class=\"lead\">(.*?)</p>", html, re.S)
    assert lead is not None
    rows = results.headline[results.headline["aspect"] == "optimizer and stopping"]
    worst = rows[rows["estimator"].str.startswith("adam")].sort_values("value", key=abs).iloc[-1]
    for part in (str(worst["parameter"]), str(worst["scenario"]), "standard errors", "["):
        assert part in lead[1]


def test_the_picture_of_the_first_sd_stands_in_the_answer_alone(html: str) -> None:
    answer, rest = html.split('id="claim-0"' if 'id="claim-0"' in html else 'id="claim-1"', 1)
    assert 'aria-label="Stacked bars' in answer or "Stacked bars of the" in answer
    assert rest.count("Stacked bars of the mean error in standard errors of sd_g[Intercept]") == 0
    assert "Stacked bars of the mean error in standard errors of sigma" in rest


def test_one_s_own_data_have_no_such_answer() -> None:
    assert "What became of the random effects" not in page(own_data())


def test_every_swatch_has_its_symbol(html: str, results: Results) -> None:
    symbols = set(re.findall(r'<symbol id="([^"]+)"', html))
    assert {look.key for look in Subject(results).estimators.values()} <= symbols
    assert set(re.findall(r'class="swatch" aria-hidden="true"><use href="#([^"]+)"', html)) <= symbols


def test_looks_that_differ_have_different_symbols() -> None:
    labels = [f"adam-marginal:lr={k}" for k in range(6)] + ["adam-pooled", "nuts", "lbfgs-ml", "adam-elbo"]
    assert len({look.key for look in looks(labels).values()}) == len(labels)
