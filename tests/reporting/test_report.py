"""The report: what it shows is what the tables hold, and it asks nothing of the network."""

from __future__ import annotations

import base64
import csv
import hashlib
import math
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from bayescompare.comparison.results import Results
from bayescompare.fits import FLAG_SENTENCES, Flag
from bayescompare.layout import Layout
from bayescompare.reporting import context, report
from bayescompare.reporting.figures.svg import _straightened
from bayescompare.reporting.formats import MINUS, duration, interval, number, plain, signed
from bayescompare.reporting.mathml import model_mathematics
from bayescompare.reporting.palette import looks
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject
from tests.reporting.samples import LAYOUT, POINTS, Page, only_failures, own_data, study

SMALL = Layout(coefs=("x",), factor="g", blocks=(("Intercept",),), levels=("1", "2", "3"))


@pytest.fixture(scope="module")
def fit_results() -> Results:
    return own_data(title="Baking", dataset="cake", response="angle", n_rows=1270, seed=1, seconds=3.2)


@pytest.fixture(scope="module")
def study_results(small_study: Results) -> Results:
    return small_study


@pytest.fixture(scope="module")
def fit_page(fit_results: Results) -> Page:
    return Page(page(fit_results))


@pytest.fixture(scope="module")
def study_page(small_study_html: str) -> Page:
    return Page(small_study_html)


@pytest.fixture(params=["fit", "study"])
def any_page(request: pytest.FixtureRequest) -> Page:
    return request.getfixturevalue(f"{request.param}_page")


def rows(found: Page, table: str) -> list[list[tuple[str, str]]]:
    return [row for row in found.tables[table] if row]


def exact(cell: tuple[str, str]) -> float:
    return float(cell[0]) if cell[0] else math.nan


def shown(text: str) -> float:
    """Read a printed number back."""
    return float(text.split()[0].replace(MINUS, "-").replace("\u202f", ""))


def test_sections_come_in_the_order_of_reading(any_page: Page) -> None:
    sections = [attrs["id"] for tag, attrs in any_page.tags if tag == "section"]
    performance = ["performance"] if "Performance over the scenarios" in any_page.headings else []
    assert sections == ["answer", *performance, "estimates", "convergence", "methods", "tables"]


def test_headings_do_not_skip_a_level(any_page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in any_page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_nothing_is_fetched(any_page: Page) -> None:
    for name in ("src", "href", "action", "data", "poster", "srcset", "background"):
        assert all(value.startswith(("#", "data:text/csv")) for value in any_page.attributes(name)), name
    assert not {"link", "img", "iframe", "object", "embed", "base", "image"} & {tag for tag, _ in any_page.tags}
    assert "@import" not in any_page.html
    assert set(re.findall(r"url\((.)", any_page.html)) <= {"#"}


def test_the_policy_allows_this_style_and_this_script_only(any_page: Page) -> None:
    policy = next(
        attrs["content"] for tag, attrs in any_page.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", any_page.html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any_page.attributes("style")
    assert not [name for _, attrs in any_page.tags for name in attrs if name.startswith("on")]


def test_ids_do_not_clash_and_references_lead_somewhere(any_page: Page) -> None:
    ids = any_page.attributes("id")
    assert len(ids) == len(set(ids))
    used = {value.removeprefix("#") for value in any_page.attributes("href") if value.startswith("#")}
    used |= set(re.findall(r"url\(#([^)]+)\)", any_page.html))
    assert used <= set(ids)


def test_every_figure_has_its_numbers(any_page: Page) -> None:
    figures = [attrs for tag, attrs in any_page.tags if tag == "svg" and attrs.get("class") == "plot"]
    files = [attrs for tag, attrs in any_page.tags if tag == "a" and "download" in attrs]
    assert len(files) == len(figures) == len({attrs["download"] for attrs in files})
    for attrs in files:
        header, *rows = csv.reader(unquote(attrs["href"].partition(",")[2]).splitlines())
        assert len(header) > 2
        assert rows
        assert {len(row) for row in rows} == {len(header)}


def test_a_forest_holds_the_estimates_of_its_table(fit_page: Page, fit_results: Results) -> None:
    (file,) = [attrs for tag, attrs in fit_page.tags if attrs.get("download") == "s0-forest0.csv"]
    rows = list(csv.DictReader(unquote(file["href"].partition(",")[2]).splitlines()))
    table = fit_results.table.query("parameter == 'beta[Intercept]'").set_index("estimator")
    estimates = [row for row in rows if row["what"] == "estimate"]
    assert [row["estimator"] for row in estimates] == [*POINTS, "nuts"]
    for row in estimates:
        for name, column in {"value": "estimate", "lower": "lower", "upper": "upper"}.items():
            assert float(row[name]) == pytest.approx(table.loc[row["estimator"], column], rel=1e-4)
    x, density = (
        np.array([float(row[name]) for row in rows if row["what"] == "density"]) for name in ("value", "density")
    )
    assert np.trapezoid(density, x) == pytest.approx(1, abs=0.01)
    assert np.trapezoid(density * x, x) == pytest.approx(table.loc["nuts", "estimate"], abs=0.01)


def test_points_on_a_straight_line_are_left_out_of_a_path() -> None:
    assert _straightened("M 0 0 0 1 0 1 0 5 3 5 3 4 Z M 1 1 2 1 1.5 1") == "M 0 0 0 5 3 5 3 4 Z M 1 1 2 1 1.5 1"


def test_every_figure_has_words(any_page: Page) -> None:
    figures = [attrs for tag, attrs in any_page.tags if tag == "svg" and attrs.get("class") == "plot"]
    assert len(figures) > 10
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 20 for attrs in figures)
    alike = [attrs["aria-label"] for attrs in figures]
    assert len(set(alike)) == len(alike) or len(set(alike)) > 0.8 * len(alike)


def test_estimates_are_those_of_the_table(fit_page: Page, fit_results: Results) -> None:
    table = fit_results.table.set_index(["parameter", "estimator"])
    printed = rows(fit_page, "s0-estimates")
    assert len(printed) == len(table)
    for row in printed:
        label = row[1][0] or re.sub(r"(?<=[a-z])(?=lr=)", ":", "".join(row[1][1].split())) or row[1][1]
        found = table.loc[(row[0][1], label)]
        assert exact(row[2]) == pytest.approx(found["estimate"], rel=1e-9, nan_ok=True)
        if np.isfinite(found["estimate"]):
            assert shown(row[2][1]) == pytest.approx(found["estimate"], abs=found["se"] / 10)
        assert exact(row[6]) == pytest.approx(found["z"], rel=1e-9, nan_ok=True)


def test_measures_are_those_of_the_table(study_page: Page, study_results: Results) -> None:
    measures = study_results.measures
    mine = measures[(measures["scenario"] == "hard") & (measures["measure"] == "bias")]
    printed = rows(study_page, "s1-measures")
    found = sorted(exact(row[2]) for row in printed if row[2][0])
    assert found == pytest.approx(sorted(mine["value"]), rel=1e-9)
    one = next(row for row in printed if row[0][1] == "beta[x]" and row[1][1] == "lbfgs-ml")
    truth = mine[(mine["parameter"] == "beta[x]") & (mine["estimator"] == "lbfgs-ml")].iloc[0]
    assert exact(one[2]) == pytest.approx(truth["value"], rel=1e-9)
    value, error = one[2][1].split()
    assert shown(value) == pytest.approx(truth["value"], abs=truth["mcse"] / 10)
    assert shown(error.strip("()")) == pytest.approx(truth["mcse"], rel=0.06)
    assert one[-1][1] == "3/3"


def test_a_measure_that_used_fewer_fits_says_so(study_page: Page) -> None:
    one = [row for row in rows(study_page, "s0-measures") if row[1][1] == "adam-marginal"]
    assert {row[-1][1] for row in one} == {"2/3"}


def test_verdicts_are_those_of_the_table(study_page: Page, study_results: Results) -> None:
    verdicts = study_results.verdicts
    printed = rows(study_page, "verdicts")
    assert [row[-1][1] for row in printed] == list(verdicts["verdict"])
    assert [exact(row[4]) for row in printed] == pytest.approx(list(verdicts["value"]), rel=1e-9, nan_ok=True)
    totals = [f"{row.n_used}/{row.n_total}" for row in verdicts.itertuples()]
    assert [row[7][1] for row in printed] == totals


def test_the_answer_says_where_point_estimates_lie(fit_page: Page, fit_results: Results) -> None:
    agreement = fit_results.tables["agreement"]
    same = agreement[(agreement["estimator"] != "adam-pooled") | (agreement["parameter"] != "sigma")]
    inside = int(same["quantile"].between(0.025, 0.975).sum())
    assert (
        f"{inside} of {len(same)} point estimates lie inside the central 95 % of the posterior of nuts" in fit_page.text
    )
    assert "sigma of adam-pooled estimates sqrt(tau^2 + sigma^2) and is left out here" in fit_page.text


def test_flags_come_with_their_sentence(fit_page: Page, study_page: Page) -> None:
    assert FLAG_SENTENCES[Flag.PREMATURE] in fit_page.text
    assert "adam-pooled (6/6)" in study_page.text


def test_failures_are_visible(study_page: Page) -> None:
    assert "1 fit failed" in study_page.text
    assert "The loss was not a number." in study_page.text
    assert rows(study_page, "failures")[0][3][1] == "failed"


def test_what_was_run_is_said(study_page: Page, fit_page: Page) -> None:
    for words in ("y ~ 1 + x + (1 + x | g)", "the hard one", "normal(0, 1)", "1 min 15 s", "A demonstration"):
        assert words in study_page.text
    assert "cake, 1\u202f270 rows" in fit_page.text
    assert {tag for tag, _ in fit_page.tags} >= {"math", "msub", "mtext"}


def test_every_table_has_a_name_and_a_caption(any_page: Page) -> None:
    tables = [attrs for tag, attrs in any_page.tags if tag == "table"]
    assert all(attrs.get("id") for attrs in tables)
    assert [tag for tag, _ in any_page.tags].count("caption") == len(tables)


def test_claims_without_data_are_not_tested(study_page: Page) -> None:
    assert "No fit of this study bears on it" in study_page.text


def test_the_same_results_give_the_same_page(fit_results: Results, fit_page: Page) -> None:
    assert page(fit_results) == fit_page.html


def test_threads_and_settings_do_not_interfere() -> None:
    results = own_data(layout=Layout(coefs=("x",)))
    alone = page(results)
    with mpl.rc_context({"axes.grid": True, "font.size": 30, "text.parse_math": True}):
        before = dict(mpl.rcParams)
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(page, [results, results]))
        assert dict(mpl.rcParams) == before
    assert both == [alone] * 2
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    "results",
    [
        pytest.param(lambda: own_data(draws=False, layout=SMALL), id="no draws"),
        pytest.param(only_failures, id="only failures"),
        pytest.param(lambda: own_data(layout=Layout(coefs=("Intercept", "x"))), id="no groups"),
        pytest.param(
            lambda: own_data(layout=Layout(coefs=(), factor="g", blocks=(("x",),), levels=("1",))), id="no beta"
        ),
        pytest.param(lambda: Results(tables=own_data(layout=SMALL).tables), id="nothing said of it"),
        pytest.param(lambda: Results(tables=study(1, ("easy",)).tables), id="one replicate, of which nothing is said"),
    ],
)
def test_incomplete_results_have_a_report(results: object) -> None:
    found = Page(page(results()))  # type: ignore[operator]  # a maker of results
    assert [attrs["id"] for tag, attrs in found.tags if tag == "section"][-1] == "tables"
    for word in ("nan", "NaN", "None", "inf"):
        assert not re.search(rf"(?<![\w-]){word}(?![\w-])", found.text), word
    assert "nan" not in " ".join(found.attributes("d"))


def test_constant_and_infinite_draws_have_a_report(fit_results: Results) -> None:
    tree = next(iter(own_data().trees.values()))
    values = tree["posterior"]["sigma"].values
    values[:] = 1.0
    tree["posterior"]["beta"].values[0, 0, 0] = np.inf
    tree["sample_stats"]["energy"].values[0, 0] = np.nan
    found = Page(page(Results(tables=fit_results.tables, about=fit_results.about, trees={("cake", 0): tree})))
    assert "draws are constant, infinite or not a number" in found.text


def test_scenarios_without_figures_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "MOST_SCENARIOS", 2)
    monkeypatch.setattr(context, "SOME_SCENARIOS", 0)
    found = Page(page(study(2, tuple(f"s{k}" for k in range(3)))))
    assert "Of 3 further scenarios (s0, s1, s2) there are no figures of their own" in found.text
    assert len(rows(found, "s2-measures")) > 10


def test_fewer_scenarios_are_drawn_in_full_where_each_has_much() -> None:
    subject = Subject(study(1, tuple(f"s{k}" for k in range(5))))
    each = len(subject.estimators) * len(subject.scenarios[0].parameters)
    for most, drawn in ((5 * each, 5), (5 * each - 1, context.SOME_SCENARIOS)):
        with patch.object(context, "MOST_CELLS", most):
            found = context.context(subject)
        assert len(found.without_figures) == 5 - drawn
        assert sum(bool(one.forests) for one in found.scenarios) == drawn


def test_report_returns_its_path_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    assert report(only_failures(), target) == target
    assert report(only_failures(), str(target)) == target
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_looks_are_constant_and_distinct() -> None:
    found = looks([*POINTS, "nuts", "mine", "mine:k=2"])
    assert found["adam-marginal"].colour == looks(["adam-marginal"])["adam-marginal"].colour
    assert found["adam-marginal"].marker == looks(["adam-marginal"])["adam-marginal"].marker
    seen = [(look.colour, look.marker) for look in found.values()]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (251.40512, 6.6323, "251.4"),
        (-0.00123, 0.0123, f"{MINUS}0.001"),
        (-0.0001, 0.1, "0.00"),
        (2.0, 0.05, "2.000"),
        (1234567.2, math.nan, "1234567"),
        (1.5e9, math.nan, "1.50 × 10⁹"),
        (4.25e-8, math.nan, "4.25 × 10⁻⁸"),
        (4.25e-9, 1e-8, "4.25 × 10⁻⁹"),
        (0.00005, 0.001, "0.0001"),
        (0.0, math.nan, "0"),
        (math.nan, 1.0, "n/a"),
        (math.inf, 1.0, "∞"),
        (-math.inf, math.nan, f"{MINUS}∞"),
    ],
)
def test_digits_follow_the_standard_error(value: float, error: float, text: str) -> None:
    assert plain(value, error) == text


def test_missing_numbers_carry_their_reason() -> None:
    assert number(math.nan, reason="groups are ignored").note == "groups are ignored"
    assert interval(math.nan, 1.0, reason="no interval").text == "n/a"
    assert interval(-1.234, 2.345, 0.5).text == f"[{MINUS}1.23, 2.35]"
    assert signed("a-b - c: -2, x[-1]") == f"a-b {MINUS} c: {MINUS}2, x[{MINUS}1]"
    assert duration(59.0) == "59 s"
    assert duration(3725.0) == "1 h 2 min"


def test_mathematics_is_well_formed_and_names_every_parameter() -> None:
    found = model_mathematics(LAYOUT.labels, "angle < 90 & rising")
    for line in found["lines"]:  # type: ignore[attr-defined]  # a list
        ET.fromstring(line)
    symbols = found["symbols"]
    assert [label for _, label in symbols] == list(LAYOUT.labels)  # type: ignore[attr-defined]  # pairs
    assert dict((label, symbol) for symbol, label in symbols)["cor_g[Intercept, x]"] == "ρ₀₁"  # type: ignore[attr-defined]


def test_a_verdict_is_printed_with_its_own_margin(study_page: Page, study_results: Results) -> None:
    summary, verdicts = study_results.verdict_summary, study_results.verdicts
    boards = [name for name in study_page.tables if re.fullmatch(r"claim-\d-objectives", name)]
    printed = [row[3][1] for name in boards for row in rows(study_page, name)]
    assert len(printed) == int((summary["objective"] != "").sum())
    for words, row in zip(printed, summary[summary["objective"] != ""].itertuples(), strict=True):
        key = (row.claim, row.aspect, row.objective, row.worst_scenario)
        one = verdicts.set_index(["claim", "aspect", "objective", "scenario"]).sort_index().loc[[key]].iloc[0]
        assert f"margin {one['margin']:g}" in words
        assert f"n = {one['n_used']}/{one['n_total']}" in words
