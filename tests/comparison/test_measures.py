"""Performance measures against their definitions (Morris, White and Crowther 2019, table 6)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bayescompare.comparison.measures import measures, measures_past_the_gate, recovery_measures
from bayescompare.comparison.monte_carlo import jackknife, mean, share, wilson
from bayescompare.comparison.paired import paired_differences
from bayescompare.fits import RandomEffects
from tests.comparison.fakes import LAYOUT, TRUTH, make_fit, record, tables

REPLICATES = 40


def simulated(estimator: str = "one", seed: int = 0, bias: float = 0.3) -> list:
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(size=(REPLICATES, LAYOUT.size))
    found = []
    for k in range(REPLICATES):
        estimate = TRUTH + bias + 0.2 * shared[k] + 0.05 * rng.normal(size=LAYOUT.size)
        estimate[2:] = np.abs(estimate[2:]) + 0.1
        found.append(record(make_fit(estimator, estimate, 0.2 + 0.02 * rng.random(LAYOUT.size)), k))
    return found


def of(table: pd.DataFrame, measure: str, parameter: str = "beta[x]") -> pd.Series:
    chosen = table[(table["measure"] == measure) & (table["parameter"] == parameter)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def by_hand(parameter: str = "beta[x]", records=None) -> tuple[np.ndarray, np.ndarray, float]:
    k = LAYOUT.labels.index(parameter)
    found = simulated() if records is None else records
    return np.array([r.fit.estimate[k] for r in found]), np.array([r.fit.se[k] for r in found]), TRUTH[k]


def leave_one_out(statistic, values: np.ndarray) -> float:
    """Return the jackknife standard error by its definition."""
    n = len(values)
    left = np.array([statistic(np.delete(values, k)) for k in range(n)])
    return float(np.sqrt((n - 1) / n * np.sum((left - left.mean()) ** 2)))


def test_bias_and_its_error():
    value, _, truth = by_hand()
    row = of(measures(tables(simulated())), "bias")
    assert row["value"] == pytest.approx(np.mean(value - truth))
    assert row["mcse"] == pytest.approx(np.sqrt(np.sum((value - value.mean()) ** 2) / (40 * 39)))
    assert (row["n_used"], row["n_total"]) == (40, 40)


def test_relative_bias_is_empty_where_the_truth_is_zero():
    table = measures(tables(simulated()))
    value, _, truth = by_hand()
    assert of(table, "relative_bias")["value"] == pytest.approx(np.mean(value / truth - 1))
    assert "beta[Intercept]" not in set(table.loc[table["measure"] == "relative_bias", "parameter"])


def test_empirical_and_model_se_and_rmse():
    value, se, truth = by_hand()
    table = measures(tables(simulated()))
    empirical, model, rmse = (of(table, name) for name in ("empirical_se", "model_se", "rmse"))
    assert empirical["value"] == pytest.approx(np.std(value, ddof=1))
    assert model["value"] == pytest.approx(np.sqrt(np.mean(se**2)))
    assert rmse["value"] == pytest.approx(np.sqrt(np.mean((value - truth) ** 2)))
    assert empirical["mcse"] == pytest.approx(leave_one_out(lambda v: np.std(v, ddof=1), value), rel=1e-10)
    assert model["mcse"] == pytest.approx(leave_one_out(lambda v: np.sqrt(np.mean(v**2)), se), rel=1e-10)
    assert rmse["mcse"] == pytest.approx(leave_one_out(lambda v: np.sqrt(np.mean(v**2)), value - truth), rel=1e-10)


def test_jackknife_errors_are_the_spread_over_studies():
    rng = np.random.default_rng(0)
    found = [jackknife(rng.normal(0.5, 1, 60), kind) for _ in range(1500) for kind in ("rms", "sd")]
    for start in (0, 1):
        values = [one.value for one in found[start::2]]
        assert np.mean([one.mcse for one in found[start::2]]) == pytest.approx(np.std(values), rel=0.08)
    # the error of an empirical sd is sd / sqrt(2 (n - 1)) for normal estimates (Morris et al., table 6)
    assert np.mean([one.mcse for one in found[1::2]]) == pytest.approx(1 / np.sqrt(2 * 59), rel=0.05)


@pytest.mark.parametrize("kind", ["rms", "sd"])
def test_jackknife_of_too_few_values_has_no_error(kind):
    few = jackknife(np.array([1.0, 3.0]), kind)
    assert np.isnan(few.mcse)
    assert (few.n_used, few.n_total) == (2, 2)
    assert np.isnan(jackknife(np.array([np.nan]), kind).value)


def test_coverage_and_width():
    records = simulated(bias=0.0)
    value, se, truth = by_hand(records=records)
    table = measures(tables(records, levels=[0.5]))
    half = 0.6744897501960817 * se
    too_low, too_high = value + half < truth, value - half > truth
    assert too_low.any()
    assert too_high.any()
    covered = np.mean(~too_low & ~too_high)
    row, width = of(table, "coverage"), of(table, "width")
    assert row["value"] == pytest.approx(covered)
    assert row["mcse"] == pytest.approx(np.sqrt(covered * (1 - covered) / 40))
    assert (row["kind"], row["level"]) == ("wald", 0.5)
    assert width["value"] == pytest.approx(np.mean(2 * half))
    assert width["mcse"] == pytest.approx(np.std(2 * half, ddof=1) / np.sqrt(40))


def test_estimates_that_are_missing_are_counted_and_not_used():
    records = simulated()
    nothing = make_fit("one", [np.nan] * 4, np.nan)
    at_bound = make_fit("one", [0.1, 2.1, 0.0, 0.5], [0.1, 0.1, np.nan, 0.1])
    records = [*records[:-2], record(nothing, 38), record(at_bound, 39)]
    table = measures(tables(records))
    assert tuple(of(table, "bias")[["n_used", "n_total"]]) == (39, 40)
    assert tuple(of(table, "coverage", "sd_g[Intercept]")[["n_used", "n_total"]]) == (38, 40)
    assert tuple(of(table, "bias", "sd_g[Intercept]")[["n_used", "n_total"]]) == (39, 40)


def test_another_estimand_is_no_estimate_of_sigma():
    pooled = ("least squares",) * 3 + ("sqrt(tau^2 + sigma^2)",)
    table = measures(tables([replace(one, fit=replace(one.fit, estimand=pooled)) for one in simulated()]))
    assert "sigma" not in set(table["parameter"])
    assert "beta[x]" in set(table["parameter"])


def test_without_a_truth_there_are_no_measures():
    assert measures(tables([replace(one, truth=None) for one in simulated()])).empty


def test_scenarios_and_estimators_are_kept_apart():
    records = [*simulated(), *simulated("two", 1, bias=0.0), *(replace(one, scenario="other") for one in simulated())]
    table = measures(tables(records))
    assert len(table[(table["measure"] == "bias") & (table["parameter"] == "beta[x]")]) == 3


# Shares


@pytest.mark.parametrize(
    ("hits", "n", "expected"),
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilson_intervals_are_those_that_were_published(hits, n, expected):
    assert wilson(hits, n) == pytest.approx(expected, abs=5e-5)


def test_wilson_intervals_are_mirrored_and_hold_everything_without_data():
    lower, upper = wilson(3, 10, 0.9)
    assert wilson(7, 10, 0.9) == pytest.approx((1 - upper, 1 - lower))
    assert wilson(0, 0) == (0.0, 1.0)


def test_shares_and_means_say_what_they_are_out_of():
    one = share(np.array([1, 0, 0, 1, np.nan]))
    assert (one.value, one.mcse, one.n_used, one.n_total) == (0.5, 0.25, 4, 5)
    two = mean(np.array([1.0, 3.0, np.inf]))
    assert (two.value, two.mcse, two.n_used, two.n_total) == (2.0, 1.0, 2, 3)
    assert np.isnan(mean(np.array([])).value)


# Pairs


def test_paired_differences_cancel_what_the_data_share():
    records = [*simulated("one", 1, 0.3), *simulated("two", 2, 0.1)]
    table = paired_differences(tables(records), "two")
    one, two = (by_hand(records=part)[0] for part in (records[:40], records[40:]))
    row = of(table, "difference")
    assert (row["estimator"], row["reference"]) == ("one", "two")
    assert row["value"] == pytest.approx(np.mean(one - two))
    assert row["mcse"] == pytest.approx(np.std(one - two, ddof=1) / np.sqrt(40))
    # unpaired it would be several times as large
    assert row["mcse"] < 0.5 * np.hypot(np.std(one), np.std(two)) / np.sqrt(40)
    squares = (one - 2) ** 2 - (two - 2) ** 2
    assert of(table, "squared_error_difference")["value"] == pytest.approx(squares.mean())
    assert of(table, "squared_error_difference")["mcse"] == pytest.approx(np.std(squares, ddof=1) / np.sqrt(40))


def test_pairs_are_made_by_replicate_and_not_by_position():
    records = [*simulated("one", 1), *simulated("two", 2)[::-1]]
    table = paired_differences(tables(records), "two")
    one, two = (by_hand(records=part)[0] for part in (records[:40], records[40:][::-1]))
    assert of(table, "difference")["mcse"] == pytest.approx(np.std(one - two, ddof=1) / np.sqrt(40))


# Random effects


def test_recovery_of_the_random_effects():
    modes, effects = np.array([[1.0], [-2.0], [4.0]]), np.array([[1.5], [-1.0], [3.0]])
    found = RandomEffects(mode=0.5 * modes + 3, sd=np.ones((3, 1)))
    fit = make_fit("one", TRUTH, random_effects=found)
    table = tables([record(fit, effects=effects, modes=modes)])["recovery"]
    assert table["slope"].tolist() == pytest.approx([0.5])
    assert table["rmse"].tolist() == pytest.approx([np.sqrt(np.mean((0.5 * modes + 3 - effects) ** 2))])
    summary = recovery_measures(pd.concat([table, table.assign(rmse=table["rmse"] + 1)]))
    assert summary["measure"].tolist() == ["b_rmse", "b_slope"]
    assert summary["mcse"].tolist() == pytest.approx([0.5, 0.0])


def test_recovery_needs_a_truth():
    fit = make_fit("one", TRUTH, random_effects=RandomEffects(mode=np.ones((3, 1)), sd=np.ones((3, 1))))
    assert tables([record(fit)])["recovery"].empty
    assert len(tables([record(fit)])["random_effects"]) == 3


def test_measures_past_the_gate_leave_out_what_failed_it_and_only_where_something_did():
    keys = [(r, e) for r in range(4) for e in ("nuts", "nuts:draws=500")]
    row = {"study": "s", "scenario": "a", "parameter": "sigma", "truth": 1.0, "estimand": "posterior mean", "se": 0.1}
    estimates = pd.DataFrame([row | {"replicate": r, "estimator": e, "estimate": 1.0 + r} for r, e in keys])
    intervals = pd.DataFrame(
        [
            row | {"replicate": r, "estimator": e, "kind": "eti", "level": 0.95, "lower": 0.5, "upper": 1.5}
            for r, e in keys
        ]
    ).drop(columns=["truth", "estimand", "se"])
    fits = pd.DataFrame(
        [
            {
                "scenario": "a",
                "replicate": r,
                "estimator": e,
                "status": "ok",
                "flags": ["rhat"] * ((r, e) == (3, "nuts")),
            }
            for r, e in keys
        ]
    )
    found = measures_past_the_gate({"estimates": estimates, "intervals": intervals, "fits": fits})
    assert set(found["estimator"]) == {"nuts"}
    bias = found[found["measure"] == "bias"].iloc[0]
    assert bias["value"] == pytest.approx(1.0)
    assert (bias["n_used"], bias["n_total"]) == (3, 4)


def test_a_share_of_none_or_of_all_has_an_exact_bound():
    assert wilson(0, 100)[0] == 0.0
    assert wilson(100, 100)[1] == 1.0
    assert 0 < wilson(1, 100)[0] < wilson(99, 100)[1] < 1
