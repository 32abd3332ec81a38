"""Which fits each reading uses, on a study of two estimators that was counted by hand."""

from __future__ import annotations

import pytest

from bayescompare.comparison.measures import measures_past_the_gate
from bayescompare.comparison.performance import performance
from tests.comparison.long_tables import failed, fit, long, numbered, one

# seven data sets, truth 2: errors of the estimators, and what became of them
#            0     1     2     3        4         5              6
# one       -1     0     2     3      failed      1 (no interval) 1
# nuts       1     2    gate   0        1         1              timeout with a number: 5
ONE = [
    fit(1.0, 1.0, 0.0, 1.5, replicate=0),
    fit(2.0, 1.0, 1.0, 3.0, replicate=1),
    fit(4.0, 1.0, 2.0, 6.0, replicate=2),
    fit(5.0, 1.0, 3.0, 7.0, replicate=3, status="flagged", flags=("premature",)),
    failed(4),
    fit(3.0, 1.0, replicate=5),
    fit(3.0, 1.0, 1.0, 5.0, replicate=6),
]
NUTS = [
    row | {"estimator": "nuts", "kind": "eti"}
    for row in (
        fit(3.0, 1.0, 1.0, 5.0, replicate=0),
        fit(4.0, 1.0, 3.0, 5.0, replicate=1),
        fit(9.0, 1.0, 8.0, 10.0, replicate=2, status="flagged", flags=("rhat",)),
        fit(2.0, 1.0, 1.0, 3.0, replicate=3, status="flagged", flags=("prior_conflict",)),
        fit(3.0, 1.0, 2.5, 3.5, replicate=4),
        fit(3.0, 1.0, 1.5, 4.5, replicate=5),
        fit(7.0, 1.0, 6.0, 8.0, replicate=6, status="timeout", flags=("partial",)),
    )
]

# reading, estimator: errors used; n of the intervals used, how many of them hold 2
COUNTED = {
    ("all", "one"): ([-1, 0, 2, 3, 1, 1], 5, 3),
    ("all", "nuts"): ([1, 2, 7, 0, 1, 1, 5], 7, 3),
    # without the fit that failed the gate and the one that ran out of time
    ("passed", "one"): ([-1, 0, 2, 3, 1, 1], 5, 3),
    ("passed", "nuts"): ([1, 2, 0, 1, 1], 5, 3),
    # data sets 0, 1, 3, 5; both have an interval in 0, 1, 3
    ("complete", "one"): ([-1, 0, 3, 1], 3, 1),
    ("complete", "nuts"): ([1, 2, 0, 1], 3, 2),
    # four of seven: 4 failed, 5 no interval; the one that ran out of time counts as a miss as well
    ("misses", "one"): (None, 7, 3),
    ("misses", "nuts"): (None, 7, 3),
}


@pytest.mark.parametrize(("reading", "estimator"), COUNTED)
def test_readings_use_the_fits_that_were_counted(reading, estimator):
    table = performance(long([*ONE, *NUTS]), reading=None)
    errors, n, hits = COUNTED[reading, estimator]
    coverage = one(table, reading=reading, estimator=estimator, measure="coverage")
    assert (coverage["value"], coverage["n_used"], coverage["n_total"]) == (pytest.approx(hits / n), n, 7)
    if errors:
        bias = one(table, reading=reading, estimator=estimator, measure="bias")
        assert (bias["value"], bias["n_used"], bias["n_total"]) == (
            pytest.approx(sum(errors) / len(errors)),
            len(errors),
            7,
        )


def test_the_gate_is_not_counted_as_a_failure_and_a_partial_result_is_one():
    nuts = performance(long([*NUTS]), reading="misses", measure="coverage").iloc[0]
    # the interval of the timeout, moved onto the truth, is still a miss; that of the fit past the gate is not
    moved = [row | {"lower": 1.0, "upper": 3.0} if row["replicate"] in (2, 6) else row for row in NUTS]
    found = performance(long(moved), reading="misses", measure="coverage").iloc[0]
    assert found["value"] == pytest.approx(nuts["value"] + 1 / 7)
    # nor has its estimate a part in the bias: 2 + 2 is held by 0, 1 and 5
    far = [row | {"estimate": 70.0} if row["replicate"] == 6 else row for row in NUTS]
    centred = performance(long(far), reading="misses", measure="bias_eliminated_coverage").iloc[0]
    assert centred["value"] == pytest.approx(3 / 7)


def test_misses_has_only_measures_that_can_count_a_failure():
    table = performance(long([*ONE, *NUTS]), reading="misses")
    assert set(table["measure"]) == {"coverage", "bias_eliminated_coverage", "convergence_rate"}
    # truth plus the bias 1 of the fits that did not fail: 3 is held by 1, 2, 3 and 6
    assert one(table, estimator="one", measure="bias_eliminated_coverage")["value"] == pytest.approx(4 / 7)
    dead = [*ONE[:2], *(failed(k) for k in range(2, 7))]
    row = one(performance(long(dead), reading="misses"), measure="coverage")
    assert (row["value"], row["n_used"], row["n_total"], row["reason"]) == (pytest.approx(1 / 7), 7, 7, "")


def test_convergence_is_a_share_of_all_fits_and_no_part_of_the_other_readings():
    table = performance(long([*ONE, *NUTS]), reading=None, measure="convergence_rate")
    assert set(table["reading"]) == {"all", "misses"}
    assert {row["estimator"]: row["value"] for row in table.to_dict("records")} == pytest.approx(
        {"one": 5 / 7, "nuts": 4 / 7}
    )


def test_a_reading_that_leaves_out_more_than_half_has_no_number():
    gated = [row | {"flags": ("rhat",), "status": "flagged"} if row["replicate"] < 4 else row for row in NUTS]
    table = performance(long([*ONE, *gated]), reading=None, measure="bias")
    reasons = {(row["reading"], row["estimator"]): row["reason"] for row in table.to_dict("records")}
    assert reasons == {
        ("all", "one"): "",
        ("all", "nuts"): "",
        ("passed", "one"): "",
        ("passed", "nuts"): "5 of 7 fits failed or are left out",
        ("complete", "one"): "6 of 7 fits failed or are left out",
        ("complete", "nuts"): "6 of 7 fits failed or are left out",
    }


def test_an_estimator_that_is_not_applicable_does_not_make_a_data_set_incomplete():
    third = [failed(k, "not_applicable", estimator="third") for k in range(6)]
    third.append(fit(2.0, 1.0, 1.0, 3.0, replicate=6, estimator="third"))
    table = performance(long([*ONE, *NUTS, *third]), reading="complete")
    assert one(table, estimator="one", measure="bias")["n_used"] == 4
    assert one(table, estimator="one", measure="coverage")["n_used"] == 3
    # replicate 6, the only one for it, is spoilt by a timeout
    assert tuple(one(table, estimator="third", measure="bias")[["n_used", "n_total"]]) == (0, 1)


def test_an_estimator_that_does_not_estimate_a_parameter_leaves_its_data_sets_complete():
    silent = [fit(replicate=k, estimator="pooled", estimand="") for k in range(7)]
    other = [fit(1.0, 1.0, replicate=k, estimator="pooled", parameter="y") for k in range(7)]
    table = performance(long([*ONE, *NUTS, *silent, *other]), reading="complete")
    assert one(table, estimator="one", measure="bias")["n_used"] == 4


def test_a_data_set_that_an_estimator_has_not_seen_yet_is_not_complete():
    table = performance(long([*ONE, *NUTS[:2]]), reading="complete")
    assert one(table, estimator="one", measure="bias")["n_used"] == 2


def test_complete_is_decided_scenario_by_scenario():
    other = [row | {"scenario": "other"} for row in ONE]
    table = performance(long([*ONE, *NUTS, *other]), reading="complete", measure="bias")
    assert {row["scenario"]: row["n_used"] for row in table[table["estimator"] == "one"].to_dict("records")} == {
        "s": 4,
        "other": 6,
    }


def test_an_estimator_with_two_kinds_of_intervals_needs_both_to_be_complete():
    hdi = [row | {"kind": "hdi"} for row in NUTS]
    hdi[0] |= {"lower": float("nan")}
    table = performance(long([*ONE, *NUTS, *hdi]), reading="complete", measure="coverage")
    assert {(row["estimator"], row["kind"]): row["n_used"] for row in table.to_dict("records")} == {
        ("one", "wald"): 2,
        ("nuts", "eti"): 2,
        ("nuts", "hdi"): 2,
    }


def test_past_the_gate_is_the_reading_passed_of_the_cells_that_lose_a_fit():
    found = measures_past_the_gate(long([*ONE, *NUTS]))
    assert set(zip(found["estimator"], found["reading"], strict=True)) == {("nuts", "passed")}
    clean = numbered([ONE[0], ONE[1]])
    assert measures_past_the_gate(long(clean)).empty
