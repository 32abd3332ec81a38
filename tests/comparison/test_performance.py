"""Every measure and its Monte Carlo standard error on a case that was computed by hand; refusals; what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from bayescompare.comparison.performance import performance
from bayescompare.comparison.schema import MEASURE_COLUMNS, MEASURES
from bayescompare.errors import InputError
from tests.comparison.long_tables import NAN, failed, fit, long, normal, numbered, one

# truth 2, so that the errors are -1, 0, 2, 3; level 0.5, so that a miss costs four times its distance
HAND = [
    fit(1.0, 1.0, 0.0, 1.5, replicate=0),
    fit(2.0, 2.0, 1.0, 3.0, replicate=1),
    fit(4.0, 2.0, 2.0, 6.0, replicate=2),
    fit(5.0, 3.0, 3.0, 7.0, replicate=3, status="flagged", flags=("premature",)),
    failed(4),
]

# measure: value, standard error (Morris, White and Crowther 2019, table 6; the jackknife for the roots), n
BY_HAND = {
    # (-1 + 0 + 2 + 3) / 4; sum of squares about it 4 + 1 + 1 + 4 = 10; sqrt(10 / (4 * 3))
    "bias": (1.0, 0.912871, 4),
    "relative_bias": (0.5, 0.456435, 4),
    # sqrt(10 / 3); without one: sqrt(7 / 3), sqrt(13 / 3), sqrt(13 / 3), sqrt(7 / 3), mean 1.804596;
    # sqrt(3 / 4 * 4 * 0.277071^2)
    "empirical_se": (1.825742, 0.479900, 4),
    # sqrt((1 + 4 + 4 + 9) / 4); without one: sqrt(17 / 3), sqrt(14 / 3) twice, sqrt(9 / 3), mean 2.108255;
    # sqrt(3 / 4 * 0.221040)
    "model_se": (2.121320, 0.407161, 4),
    # sqrt(4.5 / (10 / 3)); variance of se^2 33 / 3 = 11; 1.161895 sqrt(11 / (4 * 4 * 4.5^2) + 1 / (2 * 3))
    "se_ratio": (1.161895, 0.520416, 4),
    # (1 + 0 + 4 + 9) / 4; sum of squares about it 6.25 + 12.25 + 0.25 + 30.25 = 49; sqrt(49 / (4 * 3))
    "mse": (3.5, 2.020726, 4),
    # without one: sqrt(13 / 3), sqrt(14 / 3), sqrt(10 / 3), sqrt(5 / 3), mean 1.839662; sqrt(3 / 4 * 0.462570)
    "rmse": (1.870829, 0.589006, 4),
    # no, yes, yes (at the bound), no; sqrt(0.5 * 0.5 / 4)
    "coverage": (0.5, 0.25, 4),
    # of 2 + 1: no, yes (at the bound), yes, yes (at the bound); sqrt(0.75 * 0.25 / 4)
    "bias_eliminated_coverage": (0.75, 0.216506, 4),
    # 1.5, 2, 4, 4; sum of squares about the mean 5.1875; sqrt(5.1875 / 12)
    "width": (2.875, 0.657489, 4),
    # 1.5 + 4 * 0.5, 2, 4, 4 + 4 * 1 (Gneiting and Raftery 2007, eq. 43); sqrt(19.6875 / 12)
    "interval_score": (4.375, 1.280869, 4),
    # ok, ok, ok, flagged, failed; sqrt(0.6 * 0.4 / 5)
    "convergence_rate": (0.6, 0.219089, 5),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_are_those_computed_by_hand(measure):
    row = one(performance(long(HAND)), measure=measure)
    value, mcse, n_used = BY_HAND[measure]
    assert row["value"] == pytest.approx(value, abs=1e-6)
    assert row["mcse"] == pytest.approx(mcse, abs=1e-6)
    assert (row["n_used"], row["n_total"], row["reading"], row["reason"]) == (n_used, 5, "all", "")


def test_intervals_are_wilsons_for_shares_and_students_for_the_rest():
    table = performance(long(HAND))
    # 2 of 4: (p + z^2 / 8 -+ z sqrt(p (1 - p) / 4 + z^2 / 64)) / (1 + z^2 / 4), z = 1.959964
    assert tuple(one(table, measure="coverage")[["lower", "upper"]]) == pytest.approx((0.150039, 0.849961), abs=1e-6)
    # 3 of 5
    rate = one(table, measure="convergence_rate")
    assert (rate["lower"], rate["upper"], rate["parameter"]) == pytest.approx((0.230725, 0.882379, ""), abs=1e-6)
    bias = one(table, measure="bias")
    # Student's t with n - 1 degrees of freedom
    half = t.ppf(0.975, bias["n_used"] - 1) * 0.912871
    assert (bias["lower"], bias["upper"]) == pytest.approx((1 - half, 1 + half), abs=1e-5)


def test_columns_are_those_of_the_schema_with_or_without_rows():
    assert list(performance(long(HAND)).columns) == list(MEASURE_COLUMNS)
    without = [row | {"truth": NAN} for row in HAND]
    assert list(performance(long(without)).columns) == list(MEASURE_COLUMNS)
    assert performance(long(without)).empty
    empty = {name: frame.iloc[:0] for name, frame in long(HAND).items()}
    assert performance(empty, reading=None).empty


def test_measures_can_be_chosen_and_a_wrong_name_is_refused():
    assert set(performance(long(HAND), measure="bias")["measure"]) == {"bias"}
    assert set(performance(long(HAND), measure=["width", "bias"])["measure"]) == {"bias", "width"}
    with pytest.raises(InputError, match=r"no measure 'covrage'\. Did you mean 'coverage'"):
        performance(long(HAND), measure="covrage")
    with pytest.raises(InputError, match=r"no reading 'compleet'\. Did you mean 'complete'"):
        performance(long(HAND), reading="compleet")


# A truth of each replicate


def test_with_a_truth_of_its_own_each_replicate_is_judged_by_that():
    # errors -1, 0, 2, 3 as in the case by hand, truths 1, 2, 4, 5: mean 3
    drawn = numbered(fit(t + e, 1.0, t + e - 1, t + e + 1, truth=t) for t, e in [(1, -1), (2, 0), (4, 2), (5, 3)])
    table = performance(long(drawn))
    for measure in ("bias", "empirical_se", "mse", "rmse"):
        row = one(table, measure=measure)
        assert (row["value"], row["mcse"]) == pytest.approx(BY_HAND[measure][:2], abs=1e-6)
    # r = 1 / 3; e - r truth: -4/3, -2/3, 2/3, 4/3, of mean 0; sqrt((2 * 16/9 + 2 * 4/9) / 3 / 4) / 3
    relative = one(table, measure="relative_bias")
    assert (relative["value"], relative["mcse"]) == pytest.approx((1 / 3, 0.202860), abs=1e-6)
    # the truths plus the bias of 1: distances 2, 1, 1, 2 of a half-width of 1
    assert one(table, measure="bias_eliminated_coverage")["value"] == 0.5
    assert one(table, measure="coverage")["value"] == 0.5


@pytest.mark.parametrize("truths", [(0.0, 0.0, 0.0), (0.0, 1.0, 2.0), (-1.0, 1.0, 2.0)])
def test_relative_bias_needs_truths_of_one_sign(truths):
    table = performance(long(numbered(fit(t + 1, 1.0, truth=t) for t in truths)))
    assert "relative_bias" not in set(table["measure"])
    assert one(table, measure="bias")["value"] == 1.0


def test_relative_bias_of_a_negative_truth_keeps_its_sign():
    table = performance(long(numbered(fit(e - 4.0, 1.0, truth=-4.0) for e in (0.5, 1.0, 1.5))))
    row = one(table, measure="relative_bias")
    assert (row["value"], row["mcse"]) == pytest.approx((-0.25, 0.5 / np.sqrt(3) / 4))


# What is missing


def test_an_estimate_without_a_standard_error_is_used_where_none_is_needed():
    table = performance(long([*HAND[:3], fit(0.0, replicate=3), HAND[4]]))
    n = {row["measure"]: row["n_used"] for row in table.to_dict("records")}
    assert n["bias"] == n["empirical_se"] == n["rmse"] == 4
    assert n["model_se"] == n["se_ratio"] == n["coverage"] == n["width"] == n["interval_score"] == 3
    assert set(table["n_total"]) == {5}
    # both of the same three fits: errors -1, 0, 2, of variance 7 / 3; mean of se^2 3
    assert one(table, measure="se_ratio")["value"] == pytest.approx(np.sqrt(3 / (7 / 3)))


def test_fault_62_no_number_where_more_than_half_of_the_fits_failed():
    table = performance(
        long([*HAND[:2], *(failed(k, status) for k, status in [(2, "failed"), (3, "timeout"), (4, "worker_died")])])
    )
    refused = table[table["measure"] != "convergence_rate"]
    assert refused[["value", "mcse", "lower", "upper"]].isna().all(axis=None)
    assert set(refused["reason"]) == {"3 of 5 fits failed"}
    assert set(zip(refused["n_used"], refused["n_total"], strict=True)) == {(2, 5)}
    rate = one(table, measure="convergence_rate")
    assert (rate["value"], rate["n_total"], rate["reason"]) == (0.4, 5, "")


def test_half_of_the_fits_is_not_more_than_half():
    table = performance(long([*HAND[:2], failed(2), failed(3)]))
    assert one(table, measure="bias")["value"] == -0.5
    assert one(table, measure="bias")["n_total"] == 4


def test_a_cell_whose_fits_all_failed_is_seen_with_the_intervals_that_its_estimator_gives_elsewhere():
    # a fit that failed has an interval row of a kind that may not be the estimator's
    dead = [failed(k, scenario="hard", estimator="nuts", kind="wald") for k in range(3)]
    # and so it is for a parameter that only that scenario has
    dead += [row | {"parameter": "z"} for row in dead]
    alive = [row | {"estimator": "nuts", "kind": "eti"} for row in HAND]
    table = performance(long([*alive, *dead]), reading=["all", "misses"])
    hard = table[table["scenario"] == "hard"]
    assert set(hard.loc[hard["parameter"] == "z", "kind"].dropna()) == {"eti"}
    hard = hard[hard["parameter"] == "x"]
    assert set(hard["reason"]) == {"3 of 3 fits failed", ""}
    assert set(hard["kind"].dropna()) == {"eti"}
    assert np.isnan(one(hard, measure="bias", reading="all")["value"])
    assert one(hard, measure="coverage", reading="misses")["value"] == 0.0
    assert tuple(one(hard, measure="coverage", reading="all")[["n_used", "n_total"]]) == (0, 3)


def test_without_any_interval_anywhere_the_rows_that_say_so_are_counted():
    table = performance(long(failed(k) for k in range(3)))
    assert one(table, measure="coverage")["reason"] == "3 of 3 fits failed"


def test_what_an_estimator_does_not_estimate_has_no_cell():
    pooled = [fit(1.0, 1.0, replicate=k, estimator="pooled", parameter="x") for k in range(3)]
    silent = [fit(replicate=k, estimator="pooled", parameter="sd", estimand="") for k in range(3)]
    other = [
        fit(1.0, 1.0, replicate=k, estimator="pooled", parameter="sigma", estimand="sqrt(tau^2 + sigma^2)")
        for k in range(2)
    ]
    broken = [failed(3, estimator="pooled", parameter=name) for name in ("x", "sd", "sigma")]
    table = performance(long([*pooled, *silent, *other, *broken]))
    assert set(table["parameter"]) == {"x", ""}


def test_not_applicable_is_never_counted():
    table = performance(
        long([*HAND, failed(5, "not_applicable"), failed(0, "not_applicable", estimator="never")]), reading=None
    )
    assert set(table["estimator"]) == {"one"}
    assert set(table["n_total"]) == {5}


def test_a_number_that_an_estimator_to_which_the_model_does_not_apply_gave_is_not_used():
    table = performance(long([*HAND[:4], fit(100.0, 1.0, 99.0, 101.0, replicate=4, status="not_applicable")]))
    assert one(table, measure="bias")["value"] == 1.0
    assert one(table, measure="coverage")["n_used"] == 4


def test_the_order_and_the_index_of_the_rows_do_not_matter():
    rng = np.random.default_rng(1)
    fits = [*normal(30, rng), *normal(30, rng, estimator="two"), *normal(30, rng, scenario="other"), failed(30)]
    tables = long(fits)
    shuffled = {
        name: frame.sample(frac=1, random_state=k).set_index(frame["replicate"].to_numpy())
        for k, (name, frame) in enumerate(tables.items())
    }
    key = ["scenario", "estimator", "parameter", "kind", "level", "measure", "reading"]
    found = [performance(each, reading=None).sort_values(key, ignore_index=True) for each in (tables, shuffled)]
    pd.testing.assert_frame_equal(*found, rtol=1e-12)


def test_a_long_study_is_that_of_its_cells_one_by_one():
    rng = np.random.default_rng(2)
    parts = [normal(12, rng, scenario=s, estimator=e, parameter=p) for s in "ab" for e in ("one", "two") for p in "xy"]
    whole = performance(long(row for part in parts for row in part))
    alone = pd.concat([performance(long(part)) for part in parts])
    alone = alone.drop_duplicates(["scenario", "estimator", "parameter", "measure"])
    key = ["scenario", "estimator", "parameter", "measure"]
    pd.testing.assert_frame_equal(
        whole.sort_values(key, ignore_index=True), alone.sort_values(key, ignore_index=True), rtol=1e-12
    )


finite = st.floats(-1e3, 1e3)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(finite, st.floats(1e-3, 1e3)), min_size=3, max_size=12),
    st.integers(-1000, 1000),
    st.floats(0.1, 10),
)
def test_measures_keep_to_the_units(pairs, shift, scale):
    """Shifting truth and estimates changes no error; other units scale the measures that have units."""

    def table(a, b):
        rows = numbered(fit(a * x + b, a * s, a * (x - s) + b, a * (x + s) + b, truth=b) for x, s in pairs)
        return performance(long(rows)).set_index("measure")["value"]

    first, second = table(1.0, 0.0), table(scale, shift)
    for name, power in {"bias": 1, "empirical_se": 1, "model_se": 1, "mse": 2, "rmse": 1, "width": 1}.items():
        assert second[name] == pytest.approx(scale**power * first[name], rel=1e-6, abs=1e-7)
    n = len(pairs)
    assert first["mse"] == pytest.approx(
        first["bias"] ** 2 + (n - 1) / n * first["empirical_se"] ** 2, rel=1e-9, abs=1e-9
    )
    assert first["interval_score"] >= first["width"] - 1e-9
