"""The rank of the user's own differences among simulated ones: exact where they are alike, far out where not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayescompare.comparison.schema import TABLES
from bayescompare.comparison.usual import ALIKE, differences

PARAMETERS = ("beta[x]", "sd_g[Intercept]", "sigma")
LABELS = ("lbfgs-ml", "one", "two")


def long(values: np.ndarray) -> pd.DataFrame:
    """Return estimates ``(N, labels, parameters)`` as a table."""
    n = len(values)
    index = pd.MultiIndex.from_product([range(n), LABELS, PARAMETERS], names=["replicate", "estimator", "parameter"])
    return pd.DataFrame({"estimate": values.ravel()}, index=index).reset_index()


def own(values: np.ndarray) -> pd.Series:
    return long(values[None]).set_index(["estimator", "parameter"])["estimate"]


def drawn(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return estimates that are skewed, and correlated between estimators and parameters."""
    shared = rng.standard_normal((n, 1, 1))
    return shared + 0.3 * shared**2 + rng.exponential(size=(n, 3, 3))


SCALE = dict.fromkeys(PARAMETERS, 1.0)


def test_together_the_probability_is_that_of_a_rank_among_all_data_sets():
    rng, n, times = np.random.default_rng(1), 39, 120
    found = np.array([
        differences(own((values := drawn(rng, n + 1))[0]), long(values[1:]), SCALE)["p_together"].min()
        for _ in range(times)
    ])  # fmt: skip
    # of an exchangeable observation it is uniform on 1/40, ..., 1
    assert set(np.round(found * (n + 1), 9)) <= set(range(1, n + 2))
    for level in (0.05, 0.25, 0.5):
        share = np.mean(found <= level + 1e-9)
        assert abs(share - level) < 4 * np.sqrt(level * (1 - level) / times), (level, share)


def test_a_difference_that_simulated_data_do_not_have_is_far_out():
    rng = np.random.default_rng(2)
    values = drawn(rng, 101)
    values[0, 1, 2] += 30
    table = differences(own(values[0]), long(values[1:]), SCALE)
    assert list(table.columns) == list(TABLES["if_true_differences"])
    worst = table.loc[table["p_together"].idxmin()]
    assert (worst["estimator"], worst["reference"], worst["parameter"]) == ("one", "lbfgs-ml", "sigma")
    assert (worst["below"], worst["n_used"]) == (100, 100)
    assert worst["p"] == 2 / 101
    assert worst["p_together"] == 1 / 101
    assert (table.drop(worst.name)["p_together"] > worst["p_together"]).all()


def test_a_difference_is_unusual_by_its_distance_from_where_simulated_ones_lie_not_from_zero():
    values = drawn(np.random.default_rng(6), 101)
    values[:, 1, 0] += 40
    values[0, 1, 0] -= 20
    table = differences(own(values[0]), long(values[1:]), SCALE).set_index(["estimator", "parameter"])
    assert table.loc[("one", "beta[x]"), "p_together"] == 1 / 101


def test_estimators_that_agree_are_not_ranked_and_what_is_missing_says_so():
    rng = np.random.default_rng(3)
    values = drawn(rng, 31)
    values[:, 1] = values[:, 0] + 1e-4 * rng.standard_normal((31, 3))
    values[:, 2, 0] = np.nan
    values[4:, 2, 1] = np.nan
    values[0, 2, 2] = np.nan
    table = differences(own(values[0]), long(values[1:]), SCALE).set_index(["estimator", "parameter"])
    assert (table.loc["one", "reason"] == ALIKE).all()
    assert ("two", "beta[x]") not in table.index
    assert table.loc[("two", "sd_g[Intercept]"), "reason"] == "fewer than 10 data sets have a number of both"
    assert table.loc[("two", "sigma"), "reason"] == "no difference in your own data"
    assert table["p"].isna().all()
    assert table["p_together"].isna().all()


def test_a_data_set_without_some_estimate_is_left_out_of_what_is_judged_together():
    rng = np.random.default_rng(4)
    values = drawn(rng, 41)
    values[7, 1, 1] = np.nan
    table = differences(own(values[0]), long(values[1:]), SCALE)
    counted = table.set_index(["estimator", "parameter"])["n_used"]
    assert counted["one", "sd_g[Intercept]"] == 39
    assert counted["two", "sigma"] == 40
    assert np.allclose(table["p_together"] * 40, np.round(table["p_together"] * 40))


def test_ties_with_the_observed_difference_are_on_both_its_sides():
    values = np.zeros((21, 3, 3))
    values[:, 1, 1] = np.r_[0.0, np.zeros(15), np.ones(5)]
    row = differences(own(values[0]), long(values[1:]), SCALE).set_index(["estimator", "parameter"]).loc["one"]
    assert tuple(row.loc["sd_g[Intercept]", ["below", "equal", "p"]]) == (0, 15, 1.0)


def test_without_lbfgs_ml_the_first_estimator_is_the_reference():
    values = drawn(np.random.default_rng(5), 21)
    renamed = long(values[1:]).replace({"estimator": {"lbfgs-ml": "zero"}})
    mine = own(values[0]).rename({"lbfgs-ml": "zero"}, level=0)
    assert set(differences(mine, renamed, SCALE)["reference"]) == {"zero"}
