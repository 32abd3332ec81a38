"""Measures over the grid: equal weights, independent scenarios, denominators summed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from bayescompare.comparison.performance import performance
from bayescompare.errors import InputError
from tests.comparison.long_tables import failed, long, normal, one

FACTORS = {
    f"g{groups}-r{rows}": {"groups": groups, "rows": rows, "sds": [1.0, 0.5]} for groups in (6, 50) for rows in (5, 20)
}
SIZES = dict(zip(FACTORS, (10, 20, 30, 40), strict=True))


def study():
    rng = np.random.default_rng(3)
    return [
        row
        for name, n in SIZES.items()
        for label in ("one", "two")
        for row in normal(n, rng, scenario=name, estimator=label)
    ]


@pytest.fixture(scope="module")
def tables():
    return long(study())


def test_cells_have_equal_weights_and_independent_errors(tables):
    cells = performance(tables, measure="bias")
    few = [one(cells, scenario=name, estimator="one") for name in ("g6-r5", "g6-r20")]
    row = one(
        performance(tables, factors=FACTORS, by=["groups", "estimator"], measure="bias"), groups=6, estimator="one"
    )
    assert row["value"] == pytest.approx((few[0]["value"] + few[1]["value"]) / 2)
    assert row["mcse"] == pytest.approx(np.sqrt(few[0]["mcse"] ** 2 + few[1]["mcse"] ** 2) / 2)
    half = np.hypot(*(t.ppf(0.975, each["n_used"] - 1) * each["mcse"] for each in few)) / 2
    assert (row["lower"], row["upper"]) == pytest.approx((row["value"] - half, row["value"] + half), rel=1e-6)
    assert tuple(row[["n_cells", "n_used", "n_total"]]) == (2, 30, 30)


def test_intervals_of_shares_are_squared_and_added(tables):
    cells = performance(tables, measure="coverage")
    few = cells[(cells["estimator"] == "one") & cells["scenario"].isin(["g6-r5", "g50-r5"])]
    row = one(performance(tables, factors=FACTORS, by="rows", measure="coverage"), rows=5, estimator="one")
    below = np.sqrt(((few["value"] - few["lower"]) ** 2).sum()) / 2
    assert row["lower"] == pytest.approx(few["value"].mean() - below)
    assert row["value"] - row["lower"] != pytest.approx(row["upper"] - row["value"])


def test_estimators_parameters_kinds_and_readings_are_never_averaged(tables):
    table = performance(tables, factors=FACTORS, by="groups", reading=None)
    keys = ["groups", "estimator", "parameter", "kind", "level", "reading", "measure"]
    assert list(table.columns[: len(keys)]) == keys
    assert not table.duplicated(keys).any()
    assert set(table["estimator"]) == {"one", "two"}
    assert set(table["n_cells"]) == {2}
    pd.testing.assert_frame_equal(performance(tables, factors=FACTORS, by=["groups", "estimator"], reading=None), table)


def test_by_scenario_nothing_is_averaged(tables):
    cells = performance(tables)
    table = performance(tables, by="scenario")
    assert table["value"].tolist() == pytest.approx(cells["value"].tolist())
    assert set(table["n_cells"]) == {1}


def test_a_cell_without_a_number_takes_the_number_from_its_average():
    fits = [
        row
        if row["scenario"] != "g6-r5" or row["replicate"] < 3
        else failed(row["replicate"], scenario="g6-r5", estimator=row["estimator"])
        for row in study()
    ]
    table = performance(long(fits), factors=FACTORS, by="groups", measure="bias")
    lost, kept = (one(table, groups=groups, estimator="one") for groups in (6, 50))
    assert np.isnan(lost["value"])
    assert (lost["reason"], lost["n_used"], lost["n_total"]) == ("1 of 2 cells have no number", 23, 30)
    assert np.isfinite(kept["value"])


def test_values_that_are_lists_and_factors_that_a_scenario_lacks(tables):
    by_list = performance(tables, factors=FACTORS, by="sds", measure="bias")
    assert by_list["sds"].tolist() == ["[1.0, 0.5]"] * 2
    partly = {name: values for name, values in FACTORS.items() if name != "g6-r5"}
    table = performance(tables, factors=partly, by="groups", measure="bias")
    assert table.groupby("groups", dropna=False)["n_cells"].first().tolist() == [1, 2, 1]


def test_names_that_are_unknown_or_mean_two_things_are_refused(tables):
    with pytest.raises(InputError, match=r"no factor or column 'group'\. Did you mean 'groups'"):
        performance(tables, factors=FACTORS, by="group")
    with pytest.raises(InputError, match="no factor or column 'groups'"):
        performance(tables, by=["groups"])
    with pytest.raises(InputError, match="'level' has the name of a column"):
        performance(tables, factors={"g6-r5": {"level": 1}}, by="level")


def test_without_rows_there_are_no_averages(tables):
    empty = {name: frame.iloc[:0] for name, frame in tables.items()}
    assert performance(empty, factors=FACTORS, by="groups").empty
