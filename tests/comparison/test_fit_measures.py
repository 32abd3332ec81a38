"""Measures of whole fits, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from bayescompare.comparison.arrival import UNKNOWN
from bayescompare.comparison.fit_measures import fit_measure_rows, medians
from bayescompare.comparison.grouping import Groups
from bayescompare.comparison.monte_carlo import median_interval
from bayescompare.comparison.schema import FIT_MEASURES

FAR = "it ended farther than 0.1 standard errors from its own optimum"


def table() -> dict[str, pd.DataFrame]:
    nan = np.nan
    rows = [  # status, flags, gap, evaluations, reason, known
        ("ok", [], 0.01, 100.0, "", 1.0),
        ("ok", [], 0.02, 300.0, "", 2.0),
        ("flagged", ["premature", "oscillating"], 0.5, nan, FAR, 3.0),
        ("failed", [], nan, nan, FAR, nan),
        ("not_applicable", [], nan, nan, UNKNOWN[0], nan),
    ]
    names = ["status", "flags", "gap_sd", "evaluations_near", "near_reason", "prediction_known"]
    fits = pd.DataFrame(rows, columns=names).assign(scenario="s", estimator="e", replicate=range(5))
    fits = fits.assign(seconds_near=fits["evaluations_near"] / 100, prediction_new=2.0)
    other = fits[:2].assign(estimator="f", near_reason=UNKNOWN[0], evaluations_near=nan)
    recovery = pd.DataFrame({
        "scenario": "s", "estimator": "e", "replicate": [0, 1], "effect": "Intercept", "rmse": [1.0, 2.0],
        "slope": [0.9, 1.1],
    })  # fmt: skip
    return {"fits": pd.concat([fits, other], ignore_index=True), "recovery": recovery}


def one(measure: str, estimator: str = "e") -> pd.Series:
    found = pd.concat(fit_measure_rows(table(), [measure]))
    return found[found["estimator"] == estimator].iloc[0]


@pytest.mark.parametrize(
    ("measure", "value", "n_used"),
    [
        ("gap_sd", 0.02, 3),
        ("prediction_known", 2.0, 3),
        ("prediction_new", 2.0, 4),
        ("premature_rate", 0.5, 4),
        ("oscillating_rate", 0.5, 4),
        ("diverged_rate", 0.25, 4),
        ("b_rmse", 1.5, 2),
        ("b_slope", 1.0, 2),
    ],
)
def test_by_hand(measure, value, n_used):
    found = one(measure)
    assert found["value"] == pytest.approx(value)
    assert (found["n_used"], found["n_total"]) == (n_used, 4)
    assert found["parameter"] == ("Intercept" if measure.startswith("b_") else "")


def test_every_measure_has_rows():
    found = pd.concat(fit_measure_rows(table(), list(FIT_MEASURES)))
    assert set(found["measure"]) == set(FIT_MEASURES)


def test_fits_that_never_arrive_cost_more_than_any_that_do():
    found = one("evaluations_near")
    assert np.isnan(found["value"])  # 100, 300, never, never
    assert (found["reason"], found["n_used"]) == ("half of the fits or more have no finite value", 4)
    unknown = one("evaluations_near", "f")
    assert np.isnan(unknown["value"])
    assert (unknown["reason"], unknown["n_used"]) == ("no fit has a number", 0)


def test_medians_and_their_intervals():
    values = np.array([3.0, 1, 2, 4, 5, 6, 7, 8, 9, np.nan, 1, np.inf, 2])
    groups = Groups(np.array([0] * 10 + [1] * 3), 3)
    found = medians(values, groups)
    assert found.value.tolist()[:2] == [5, 2]
    # nine values: the second and the eighth, with probability 0.961
    assert (found.lower[0], found.upper[0]) == (2, 8)
    assert found.n_used.tolist() == [9, 3, 0]
    assert np.isnan([found.lower[1], found.value[2]]).all()


def test_the_interval_of_a_median_covers():
    rng = np.random.default_rng(1)
    for n in (6, 20, 51):
        groups = Groups(np.repeat(np.arange(2000), n), 2000)
        found = medians(rng.exponential(size=2000 * n), groups)
        covered = np.mean((found.lower <= np.log(2)) & (np.log(2) <= found.upper))
        assert 0.94 < covered < 0.985


@pytest.mark.parametrize("n", [6, 10, 25])
def test_the_interval_of_a_median_holds_it_with_95_percent(n: int) -> None:
    median, lower, upper = median_interval(np.arange(1.0, n + 1))
    assert median == (n + 1) / 2
    below = int(lower) - 1
    assert upper == n - below
    assert 1 - 2 * binom.cdf(below, n, 0.5) >= 0.95
    assert 1 - 2 * binom.cdf(below + 1, n, 0.5) < 0.95


def test_a_median_of_few_has_no_interval_and_a_lost_fit_counts() -> None:
    median, lower, upper = median_interval(np.array([1.0, 2, 3, 4, 5, np.nan]))
    assert (median, np.isnan(lower), np.isnan(upper)) == (3, True, True)
    assert median_interval(np.array([1.0, np.inf, np.inf]))[0] == np.inf
    assert median_interval(np.array([1.0, 2, *[np.inf] * 6])) == (np.inf, 1.0, np.inf)
    assert np.isnan(median_interval(np.array([np.nan]))[0])
