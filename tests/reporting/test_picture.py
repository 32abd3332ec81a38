"""The picture of a study: what is drawn and tabled is what the measures are, with denominators and errors."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from bayescompare.comparison.results import Results
from bayescompare.reporting import charts, picture, zippers
from bayescompare.reporting.factorial import families, names
from bayescompare.reporting.failures import outcomes
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.figures.lolly import Band, lolly_panel
from bayescompare.reporting.figures.series import Dot, Measure, Series, span
from bayescompare.reporting.figures.zipper import MOST, Teeth
from bayescompare.reporting.formats import plain
from bayescompare.reporting.palette import looks
from bayescompare.reporting.picture import pictures
from bayescompare.reporting.readings import readings
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject
from bayescompare.reporting.zippers import teeth_of
from tests.reporting.samples import LAYOUT, Page, grid_study, own_data, study

FEW: dict[str, tuple[object, ...]] = {"groups": (5, 20), "sd_g[x]": (0.3, 1)}
MANY: dict[str, tuple[object, ...]] = {"groups": (5, 8, 12), "rows": (2, 4), "sd_g[x]": (0.1, 0.3, 1)}


def lost(results: Results, cells: dict[tuple[str, str], int], message: str = "It was not finite.") -> Results:
    """Return results in which the first fits of some cells failed."""
    tables = dict(results.tables)
    for (scenario, estimator), n in cells.items():
        for name, nothing in {"estimates": ["estimate", "se"], "intervals": ["lower", "upper"], "fits": []}.items():
            table = tables[name].copy()
            rows = (table["scenario"] == scenario) & (table["estimator"] == estimator) & (table["replicate"] < n)
            table.loc[rows, nothing] = np.nan
            if name == "fits":
                table.loc[rows, "status"], table.loc[rows, "message"] = "failed", message
            tables[name] = table
    return Results(tables=tables, about=results.about)


@pytest.fixture(scope="module")
def few() -> Results:
    return grid_study(FEW, replicates=5)


@pytest.fixture(scope="module")
def hurt(few: Results) -> Results:
    return lost(few, {("few-groups_5-sd_g[x]_0.3", "lbfgs-reml"): 4, ("few-groups_20-sd_g[x]_1", "lbfgs-reml"): 1})


GUIDE = Guide(key="a", caption="b", shows="c", wrong="d", limits="e")


def drawn(monkeypatch: pytest.MonkeyPatch, results: Results, panel: str) -> list[tuple[Any, ...]]:
    """Return what was handed to the figures."""
    seen: list[tuple[Any, ...]] = []

    def keep(*given: Any) -> Drawing:
        seen.append(given)
        return Drawing("", "", "", "", GUIDE)

    monkeypatch.setattr(picture, panel, keep)
    pictures(Subject(results))
    return seen


def test_scenarios_stand_in_the_order_of_their_factors(few: Results) -> None:
    shuffled = Results(tables=few.tables, about=few.about | {"scenarios": list(few.about["scenarios"])[::-1]})
    (family,) = families(Subject(shuffled))
    assert family.factors == {"groups": ("20", "5"), "sd_g[x]": ("1", "0.3")}
    assert [place.levels for place in family.places] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert names(Subject(few))["few-groups_5-sd_g[x]_0.3"] == "groups 5, sd_g[x] 0.3"


def test_scenarios_without_a_grid_keep_their_names() -> None:
    results = study(2)
    assert names(Subject(results)) == {"easy": "easy", "hard": "hard"}
    assert [family.factors for family in families(Subject(results))] == [{}, {}]


@pytest.mark.parametrize("panel", ["lolly_panel", "nested_loop_panel"])
def test_what_is_drawn_is_what_the_measures_are(monkeypatch: pytest.MonkeyPatch, panel: str) -> None:
    results = grid_study(FEW if panel == "lolly_panel" else MANY)
    measures = results.performance.set_index(["reading", "measure", "parameter", "estimator"]).sort_index()
    seen = drawn(monkeypatch, results, panel)
    assert len(seen) == 4 * len(LAYOUT.labels) + 1
    order = [str(each["name"]) for each in results.about["scenarios"]]
    for _, title, _, series, measure in seen:
        key = {"RMSE": "rmse", "empirical SE": "empirical_se"}.get(measure.name, measure.name.replace(" ", "_"))
        parameter = "" if title == "all fits" else title
        for one in series:
            rows = measures.loc[("all", key, parameter, one.look.label)].set_index("scenario").loc[order]
            for column in ("value", "lower", "upper"):
                assert one.column(column) == pytest.approx(rows[column].to_numpy(float), abs=0, nan_ok=True)
            assert [(dot.used, dot.total) for dot in one.dots] == list(zip(rows.n_used, rows.n_total, strict=True))
        assert measure.reference == {"coverage": 0.95, "convergence_rate": 1.0}.get(key, 0.0)


def test_a_lolly_ends_at_its_value() -> None:
    dots = [Dot(value=v, lower=v - 1, upper=v + 1, used=9, total=10, where="a") for v in (-10.0, 30.0)]
    (look,) = looks(["lbfgs-ml"]).values()
    series = [Series(look=look, dots=dots)]
    bands = [Band(heading="", label=label) for label in ("a", "b")]
    found = lolly_panel("k", "beta[x]", bands, series, Measure(name="bias", reference=0.0))
    low, high = span(series, Measure(name="bias", reference=0.0))
    uses = [float(x) for x in re.findall(r'<use[^>]* x="([\d.]+)"', found.svg)][-2:]
    width = 390 - 136 - 8 - 46
    assert uses == pytest.approx([136 + width * (v - low) / (high - low) for v in (-10, 30)], abs=0.1)
    assert found.svg.count(">9/10<") == 2
    assert f"Smallest {plain(-10, 0.5)} [{plain(-11, 0.5)}, {plain(-9, 0.5)}] of lbfgs-ml in a, n = 9/10" in found.alt


def test_few_scenarios_are_lollies_and_many_are_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    results = grid_study(MANY, replicates=2)
    loops = drawn(monkeypatch, results, "nested_loop_panel")
    assert loops
    _, _, stairs, series, _ = loops[0]
    assert list(stairs) == list(MANY)
    assert stairs["rows"] == ("2, 4", [0, 0, 0, 1, 1, 1] * 3)
    assert len(series[0].dots) == 18
    monkeypatch.setattr(charts, "MOST_LOLLIES", 18)
    assert drawn(monkeypatch, results, "lolly_panel")


def test_a_refused_number_says_why(hurt: Results) -> None:
    bias = next(one for one in pictures(Subject(hurt)) if one.key == "bias")
    assert all("n/a: 4 of 5 fits failed" in drawing.svg for drawing in bias.drawings)
    assert all("n = 1/5 to 5/5" in drawing.svg for drawing in bias.drawings)
    rate = next(one for one in pictures(Subject(hurt)) if one.key == "convergence_rate")
    assert "Smallest 0.20 [" in rate.drawings[0].alt
    assert "of lbfgs-reml in groups 5, sd_g[x] 0.3, n = 5/5" in rate.drawings[0].alt


def test_the_axis_cuts_what_is_far_but_never_a_share() -> None:
    (look,) = looks(["lbfgs-ml"]).values()
    values = [*np.linspace(0.9, 0.95, 20), 0.1]
    series = [Series(look=look, dots=[Dot(value=v, lower=v, upper=v, used=1, total=1) for v in [*values, np.nan]])]
    assert span(series, Measure(name="coverage", reference=0.95, share=True))[0] < 0.1
    assert span(series, Measure(name="bias", reference=0.9))[0] > 0.5
    assert np.isfinite(span([Series(look=look, dots=[None])], Measure(name="bias", reference=0.0))).all()


def test_parameters_beyond_a_few_are_counted(few: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST_PARAMETERS", 3)
    bias = pictures(Subject(few))[0]
    assert bias.left_out == ["3 further parameters"]
    assert len(bias.drawings) == 3


def test_own_data_and_a_single_scenario_have_no_picture() -> None:
    assert not pictures(Subject(study(2, scenarios=("easy",))))
    own = Subject(own_data(draws=False))
    assert not pictures(own)
    assert not zippers.zippers(own)
    assert outcomes(own) is None
    assert readings(own) is None


def test_teeth_are_the_coverage(hurt: Results) -> None:
    """Also where the truth differs between data sets."""
    tables = dict(hurt.tables)
    shift = tables["estimates"]["replicate"] * 0.7
    tables["estimates"] = tables["estimates"].assign(
        truth=tables["estimates"]["truth"] + shift, estimate=tables["estimates"]["estimate"] + shift
    )
    bounds = tables["intervals"][["lower", "upper"]].add(0.7 * tables["intervals"]["replicate"], axis=0)
    moved = Results(tables={**tables, "intervals": tables["intervals"].assign(**bounds)}, about=hurt.about)
    rows = moved.performance[(moved.performance["measure"] == "coverage") & (moved.performance["reading"] == "all")]
    assert len(rows) > 40
    for row, before in zip(rows.to_dict("records"), _coverage(hurt), strict=True):
        teeth = teeth_of(Subject(moved), row)
        assert len(teeth.lower) == row["n_used"]
        if np.isfinite(row["value"]):
            assert teeth.missing.mean() == pytest.approx(1 - row["value"], abs=1e-12)
            assert row["value"] == before
        # symmetric Wald intervals: |z| is the distance of the centre in half widths
        z = np.abs(teeth.lower + teeth.upper) / (teeth.upper - teeth.lower)
        assert not row["parameter"].startswith("beta") or all(a <= b + 1e-9 for a, b in pairwise(z))


def _coverage(results: Results) -> list[float]:
    rows = results.performance
    return list(rows[(rows["measure"] == "coverage") & (rows["reading"] == "all")]["value"])


def test_zippers_are_of_the_worst_covered_cells(hurt: Results) -> None:
    found = zippers.zippers(Subject(hurt))
    assert 0 < len(found) <= zippers.MOST
    rows = hurt.performance
    rows = rows[(rows["measure"] == "coverage") & (rows["reading"] == "all")].dropna(subset=["value"])
    surest = rows.loc[rows["upper"].idxmin()]
    assert f"coverage {plain(100 * surest['value'], digits=2)}" in found[0].foot
    assert f"n = {surest['n_used']}/{surest['n_total']}" in found[0].foot
    assert all(re.search(r"coverage [\d.]+ % \[[\d.]+, [\d.]+\], n = \d/5$", one.foot) for one in found)
    assert len({one.alt for one in found}) == len(found)


def test_thinning_leaves_the_share_of_misses_as_it_is() -> None:
    n = 10_000
    missed = np.arange(n) >= 8_000
    teeth = Teeth(lower=np.where(missed, 0.5, -1.0), upper=np.ones(n))
    assert len(teeth.shown) == MOST
    assert teeth.missing[teeth.shown].mean() == pytest.approx(0.2, abs=1 / MOST)
    assert list(Teeth(lower=np.zeros(3), upper=np.ones(3)).shown) == [0, 1, 2]


def test_fits_are_counted_by_status_out_of_all(hurt: Results) -> None:
    found = outcomes(Subject(hurt))
    assert found is not None
    printed = {row[0].text: [value.text for value in row[1:-1]] for row in found.estimators.rows}
    assert printed == {"lbfgs-ml": ["20/20", "0/20", "0/20"], "lbfgs-reml": ["15/20", "0/20", "5/20"]}
    assert len(found.scenarios.rows) == 8
    assert found.scenarios.rows[1][4].text == "4/5"
    assert found.messages is not None
    ((message, status, label, n, first),) = found.messages.rows
    assert (message.text, status.text, label.text, n.text) == ("It was not finite.", "failed", "lbfgs-reml", "5/20")
    assert first.text == "few-groups_5-sd_g[x]_0.3, replicate 0"


def test_flags_have_denominators() -> None:
    found = outcomes(Subject(study(2)))
    assert found is not None
    assert found.estimators.rows[0][-1].text == "premature 4/4"
    assert {row[0].text: row[-1].text for row in found.estimators.rows}["adam-marginal"] == "diverged 1/4"


def test_readings_stand_side_by_side(hurt: Results) -> None:
    found = readings(Subject(hurt))
    assert found is not None
    rows = hurt.performance.set_index(["scenario", "parameter", "estimator", "measure", "reading"]).sort_index()
    words = {text: name for name, text in names(Subject(hurt)).items()}
    keys = {"RMSE": "rmse"}
    # one scenario has lost data sets of both estimators to the reading "complete"; another likewise
    assert len(found.table.rows) == 2 * 2 * 3 * len(LAYOUT.labels)
    for scenario, parameter, label, measure, *values in found.table.rows:
        for reading, value in zip(found.names, values, strict=True):
            key = (words[scenario.text], parameter.text, label.text, keys.get(measure.text, measure.text), reading)
            if key not in rows.index:
                assert (value.text, reading) == ("", "misses")
                continue
            row = rows.loc[[key]].iloc[0]
            assert value.tail.split()[-1] == f"{row['n_used']}/{row['n_total']}"
            assert float(value.exact or "nan") == pytest.approx(row["value"], rel=1e-9, nan_ok=True)
            assert value.note == ("" if np.isfinite(row["value"]) else row["reason"])
    refused = [value for row in found.table.rows for value in row if value.text == "n/a"]
    assert {value.note for value in refused} == {"4 of 5 fits failed", "4 of 5 fits failed or are left out"}


def test_readings_that_agree_are_not_repeated(few: Results) -> None:
    found = readings(Subject(few))
    assert found is not None
    assert not found.table.rows
    assert found.sentence.startswith("Every reading gives the same: all fits are used in each of the")


def test_a_page_of_a_grid(hurt: Results) -> None:
    found = Page(page(hurt))
    ids = found.attributes("id")
    assert len(ids) == len(set(ids))
    for word in ("nan", "NaN", "None", "inf"):
        assert not re.search(rf"(?<![\w-]){word}(?![\w-])", found.text), word
    assert "nan" not in " ".join(found.attributes("d"))
    for words in ("Performance over the scenarios", "Interval by interval", "What became of the fits"):
        assert words in found.headings
    assert "Estimands" in found.text
    assert "4 of 5 fits failed" in found.text
    figures = [attrs for tag, attrs in found.tags if tag == "svg" and attrs.get("class") == "plot"]
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 20 for attrs in figures)


def test_a_hundred_scenarios_stay_small() -> None:
    factors: dict[str, tuple[object, ...]] = {"groups": tuple(range(5, 15)), "rows": tuple(range(2, 12))}
    results = grid_study(factors, replicates=3, labels=("lbfgs-ml",))
    found = pictures(Subject(results))
    assert sum(len(drawing.svg) for one in found for drawing in one.drawings) < 1_000_000


def test_a_study_in_which_nothing_worked() -> None:
    results = grid_study(FEW, replicates=2)
    nothing = lost(
        results,
        {(str(one["name"]), label): 2 for one in results.about["scenarios"] for label in ("lbfgs-ml", "lbfgs-reml")},
    )
    found = outcomes(Subject(nothing))
    assert found is not None
    assert found.estimators.rows[0][3].text == "8/8"
    assert not zippers.zippers(Subject(nothing))
    rates = {one.key: one for one in pictures(Subject(nothing))}
    assert "Smallest 0.00 [" in rates["convergence_rate"].drawings[0].alt
    assert "nan" not in "".join(drawing.svg for one in rates.values() for drawing in one.drawings)
