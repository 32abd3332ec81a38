"""Paired differences against differences taken one by one."""

from __future__ import annotations

import numpy as np
import pytest

from bayescompare.comparison.paired import paired_differences
from bayescompare.comparison.schema import DIFFERENCE_COLUMNS
from bayescompare.errors import InputError
from tests.comparison.long_tables import failed, fit, long, one
from tests.comparison.test_readings import NUTS, ONE


def by_hand(differences):
    values = np.array(differences, dtype=float)
    return pytest.approx((values.mean(), values.std(ddof=1) / np.sqrt(len(values)), len(values), 7))


def found(reading, measure):
    row = one(paired_differences(long([*NUTS, *ONE]), "one", reading=None), reading=reading, measure=measure)
    return tuple(row[["value", "mcse", "n_used", "n_total"]])


def test_differences_of_estimates_and_of_squared_errors():
    # data set 4 lacks the reference; errors of nuts 1, 2, 7, 0, 1, 5 and of one -1, 0, 2, 3, 1, 1
    assert found("all", "difference") == by_hand([2, 2, 5, -3, 0, 4])
    assert found("all", "squared_error_difference") == by_hand([0, 4, 45, -9, 0, 24])
    assert found("passed", "difference") == by_hand([2, 2, -3, 0])
    assert found("complete", "difference") == by_hand([2, 2, -3, 0])


def test_differences_of_intervals():
    # data sets 0, 1, 2, 3, 6 have both intervals: covered 1, 0, 0, 1, 0 and 0, 1, 1, 0, 1
    assert found("all", "coverage_difference") == by_hand([1, -1, -1, 1, -1])
    assert found("all", "width_difference") == by_hand([4 - 1.5, 2 - 2, 2 - 4, 2 - 4, 2 - 4])
    # scores: width plus four times the distance
    assert found("all", "interval_score_difference") == by_hand(
        [4 - (1.5 + 2), 2 + 4 - 2, 2 + 24 - 4, 2 - (4 + 4), 2 + 16 - 4]
    )
    assert found("passed", "width_difference") == by_hand([2.5, 0, -2])


def test_a_failure_is_a_miss_in_the_difference_too():
    # covered, data set by data set: nuts 1 0 0 1 0 1 and a timeout; one 0 1 1 0, failed, no interval, 1
    assert found("misses", "coverage_difference") == by_hand([1, -1, -1, 1, 0, 1, -1])
    table = paired_differences(long([*NUTS, *ONE]), "one", reading="misses")
    assert set(table["measure"]) == {"coverage_difference"}


def test_kinds_are_compared_with_the_same_kind_else_with_each():
    hdi = [row | {"kind": "hdi"} for row in NUTS]
    other = [row | {"estimator": "other"} for row in NUTS]
    table = paired_differences(long([*NUTS, *hdi, *ONE, *other]), "nuts", reading="all")
    kinds = table.loc[table["measure"] == "width_difference", ["estimator", "kind", "reference_kind"]]
    assert sorted(map(tuple, kinds.to_numpy())) == [
        ("one", "wald", "eti"),
        ("one", "wald", "hdi"),
        ("other", "eti", "eti"),
    ]
    same = one(table, estimator="other", measure="width_difference")
    assert (same["value"], same["mcse"], same["n_used"]) == (0.0, 0.0, 7)


def test_levels_are_compared_with_their_own():
    wide = [row | {"level": 0.9, "upper": row["upper"] + 1} for row in NUTS]
    wide_one = [row | {"level": 0.9} for row in ONE]
    table = paired_differences(long([*NUTS, *wide, *ONE, *wide_one]), "one")
    values = [one(table, level=level, measure="width_difference")["value"] for level in (0.5, 0.9)]
    assert values[1] == pytest.approx(values[0] + 1)


def test_pairs_are_of_one_scenario_and_parameter():
    moved = [row | {"scenario": "other", "estimate": row["estimate"] + 1} for row in NUTS]
    base = [row | {"scenario": "other"} for row in ONE]
    table = paired_differences(long([*NUTS, *moved, *ONE, *base]), "one")
    here, there = (one(table, scenario=name, measure="difference")["value"] for name in ("s", "other"))
    assert there == pytest.approx(here + 1)
    alone = paired_differences(long([*NUTS, *moved, *ONE]), "one")
    assert set(alone["scenario"]) == {"s"}


def test_no_difference_where_more_than_half_of_either_failed():
    dead = [*ONE[:3], *(failed(k) for k in range(3, 7))]
    table = paired_differences(long([*NUTS, *dead]), "one")
    assert table["value"].isna().all()
    assert set(table["reason"]) == {"4 of 7 fits failed"}
    assert set(table["n_total"]) == {7}


def test_what_does_not_apply_makes_no_pair():
    exempt = [row | {"status": "not_applicable"} if row["replicate"] == 0 else row for row in ONE]
    row = one(paired_differences(long([*NUTS, *exempt]), "one"), measure="difference")
    assert (row["n_used"], row["n_total"]) == (5, 6)


def test_columns_and_a_reference_that_nobody_fitted():
    tables = long([*NUTS, *ONE])
    assert list(paired_differences(tables, "one").columns) == list(DIFFERENCE_COLUMNS)
    assert list(paired_differences(long(ONE), "one").columns) == list(DIFFERENCE_COLUMNS)
    assert set(paired_differences(tables, "one")["reference"]) == {"one"}
    with pytest.raises(InputError, match=r"no estimator 'nutz'\. Did you mean 'nuts'"):
        paired_differences(tables, "nutz")


def test_what_the_data_share_cancels():
    rng = np.random.default_rng(4)
    shared = 2 + rng.normal(size=100)
    own = shared + 0.1 * rng.normal(size=100)
    rows = [fit(x, 1.0, replicate=k) for k, x in enumerate(shared)]
    rows += [fit(x, 1.0, replicate=k, estimator="two") for k, x in enumerate(own)]
    row = one(paired_differences(long(rows), "one"), measure="difference")
    assert row["mcse"] == pytest.approx(np.std(own - shared, ddof=1) / 10)
    assert row["mcse"] < 0.2 * np.std(shared) / 10
