"""Verdicts follow the data by one rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayescompare.comparison.claims import CLAIMS, Verdict, decide
from bayescompare.comparison.estimands import (
    Interval,
    contrast,
    coverage_shortfall,
    largest_bias,
    largest_mean,
    share_of,
)
from bayescompare.comparison.monte_carlo import exact_share as exact
from bayescompare.comparison.monte_carlo import mean, wilson
from bayescompare.comparison.verdicts import Contrast, summarise, verdicts
from tests.comparison.fakes import frames

N = 100


@pytest.mark.parametrize(
    ("lower", "upper", "fault", "expected"),
    [
        (0.06, 0.2, True, "supported"),
        (0.01, 0.04, True, "refuted"),
        (0.01, 0.2, True, "undecided"),
        (0.05, 0.2, True, "undecided"),
        (0.01, 0.05, True, "undecided"),
        (0.06, 0.2, False, "refuted"),
        (0.0, 0.04, False, "supported"),
        (0.01, 0.2, False, "undecided"),
        (np.nan, np.nan, True, "not tested"),
        (0.06, np.nan, True, "not tested"),
        (np.nan, 0.01, False, "not tested"),
    ],
)
def test_the_rule(lower, upper, fault, expected):
    assert decide(lower, upper, 0.05, fault=fault) == expected


def fit_row(estimator: str, replicate: int, scenario: str = "s", flags: tuple[str, ...] = (), **more: Any) -> dict:
    row = {"study": "t", "scenario": scenario, "replicate": replicate, "estimator": estimator, "status": "ok"}
    return row | {"flags": list(flags), "gap_sd": 0.0, "gap_deviance": 0.0} | more


def fit_rows(estimator: str, hits: int, flag: str, scenario: str = "s", n: int = N) -> list[dict]:
    return [fit_row(estimator, k, scenario, (flag,) if k < hits else ()) for k in range(n)]


def bias_rows(
    estimator: str, shift: float, away: float = 0.0, scenario: str = "s", n: int = N
) -> dict[str, list[dict]]:
    """Return estimates ``shift`` standard errors off their own optimum, and that ``away`` off ML."""
    rng = np.random.default_rng(0)
    optimum, estimates = [], []
    for k in range(n):
        key = {"study": "t", "scenario": scenario, "replicate": k, "estimator": estimator, "parameter": "beta[x]"}
        ml, scale = rng.normal(), 0.5
        own = ml + scale * (away + 0.01 * rng.normal())
        optimum.append(key | {"own_optimum": own, "marginal_ml": ml, "scale": scale})
        estimate = own + scale * (shift + 0.01 * rng.normal())
        estimates.append(key | {"estimate": estimate, "estimand": "ML mode", "truth": 0.0})
    return {"optimum": optimum, "estimates": estimates}


def optima_rows(multimodal: int, n: int = N) -> list[dict]:
    return [
        {"study": "t", "scenario": "s", "replicate": k, "objective": "marginal likelihood", "starts": 10,
         "distinct": 1 + (k < multimodal), "deviance_range": 0.0}
        for k in range(n)
    ]  # fmt: skip


def verdict_of(table, claim: int, aspect: str = "", scenario: str | None = None) -> str:
    chosen = table[(table["claim"] == claim) & (table["aspect"] == aspect)]
    chosen = chosen if scenario is None else chosen[chosen["scenario"] == scenario]
    assert len(chosen) == 1, table
    return chosen["verdict"].iloc[0]


def test_without_data_nothing_is_tested():
    table = verdicts(frames())
    assert table["claim"].tolist() == list(CLAIMS) == list(range(8))
    assert set(table["verdict"]) == {"not tested"}
    assert set(table["n_used"]) == {0}


FLIPS = [
    # claim, aspect, tables that support it, tables that refute it
    (0, "", {"optima": optima_rows(30)}, {"optima": optima_rows(0)}),
    (1, "", {"fits": fit_rows("adam-marginal", 30, "premature")}, {"fits": fit_rows("adam-marginal", 0, "premature")}),
    (
        1,
        "",
        {"fits": fit_rows("adam-marginal", 30, "worse_optimum")},
        {"fits": fit_rows("adam-marginal", 0, "worse_optimum")},
    ),
    (2, "", {"fits": fit_rows("adam-marginal", 30, "oscillating")}, {"fits": fit_rows("adam-marginal", 0, "diverged")}),
    (
        3,
        "optimizer bias",
        {"fits": fit_rows("adam-pooled", 0, ""), **bias_rows("adam-pooled", 0.5)},
        {"fits": fit_rows("adam-pooled", 0, ""), **bias_rows("adam-pooled", 0.0)},
    ),
    (
        3,
        "objective bias",
        {"fits": fit_rows("adam-pooled", 0, ""), **bias_rows("adam-pooled", 0.0, -0.5)},
        {"fits": fit_rows("adam-pooled", 0, ""), **bias_rows("adam-pooled", 0.5, 0.0)},
    ),
    (
        5,
        "",
        {"fits": [fit_row("lbfgs-ml", k) for k in range(N)]},
        {"fits": [fit_row("lbfgs-ml", k, gap_deviance=0.5 * (k < 30)) for k in range(N)]},
    ),
    (6, "gate failures", {"fits": fit_rows("nuts", 0, "rhat")}, {"fits": fit_rows("nuts", 30, "rhat")}),
]


@pytest.mark.parametrize(("claim", "aspect", "supporting", "refuting"), FLIPS, ids=[f"{f[0]}-{f[1]}" for f in FLIPS])
def test_other_data_turn_the_verdict_round(claim, aspect, supporting, refuting):
    assert verdict_of(verdicts(frames(**supporting)), claim, aspect) == "supported"
    assert verdict_of(verdicts(frames(**refuting)), claim, aspect) == "refuted"


@pytest.mark.parametrize("claim", [1, 2])
def test_a_share_near_the_margin_is_undecided(claim):
    flag = {1: "premature", 2: "diverged"}[claim]
    table = verdicts(frames(fits=fit_rows("adam-marginal", 5, flag)))
    row = table[table["claim"] == claim].iloc[0]
    assert row["verdict"] == "undecided"
    assert (row["value"], row["n_used"], row["n_total"]) == (0.05, N, N)
    assert (row["lower"], row["upper"]) == pytest.approx(exact(5, N))


def test_a_fit_that_diverged_is_away_from_its_optimum():
    rows = [fit_row("adam-marginal", k, flags=("diverged",), gap_sd=np.nan, gap_deviance=np.nan) for k in range(N)]
    table = verdicts(frames(fits=rows))
    assert verdict_of(table, 1) == verdict_of(table, 2) == "supported"


def test_an_objective_without_an_optimum_has_no_verdict_on_convergence():
    rows = [fit_row("adam-penalised", k, gap_sd=np.nan, gap_deviance=np.nan) for k in range(N)]
    row = verdicts(frames(fits=rows)).query("claim == 1").iloc[0]
    assert (row["verdict"], row["n_used"], row["n_total"]) == ("not tested", 0, N)


@pytest.mark.parametrize(("claim", "estimator", "aspect"), [(2, "adam-marginal", ""), (6, "nuts", "gate failures")])
def test_a_fit_without_a_result_is_a_fault_of_its_estimator(claim, estimator, aspect):
    failed = [fit_row(estimator, k, status="failed", gap_sd=np.nan, gap_deviance=np.nan) for k in range(N)]
    expected = "supported" if CLAIMS[claim].fault else "refuted"
    assert verdict_of(verdicts(frames(fits=failed)), claim, aspect) == expected


@pytest.mark.parametrize(
    ("claim", "estimator", "aspect"),
    [(1, "adam-marginal", ""), (2, "adam-marginal", ""), (5, "lbfgs-ml", ""), (6, "nuts", "gate failures")],
)
def test_what_does_not_apply_is_not_tested(claim, estimator, aspect):
    rows = [fit_row(estimator, k, status="not_applicable", gap_sd=np.nan, gap_deviance=np.nan) for k in range(N)]
    assert verdict_of(verdicts(frames(fits=rows)), claim, aspect) == "not tested"


def coverage_rows(covered: int, n: int = 200) -> dict[str, list[dict]]:
    key = [{"study": "t", "scenario": "s", "replicate": k, "estimator": "nuts", "parameter": "sigma"} for k in range(n)]
    return {
        "fits": [fit_row("nuts", k) for k in range(n)],
        "intervals": [
            one | {"kind": "eti", "level": 0.95, "lower": 0.0 if k < covered else 2.0, "upper": 3.0}
            for k, one in enumerate(key)
        ],
        "estimates": [one | {"estimate": 1.0, "truth": 1.0, "estimand": "posterior mean"} for one in key],
    }


@pytest.mark.parametrize(("covered", "expected"), [(190, "supported"), (150, "refuted"), (182, "undecided")])
def test_coverage_of_the_sampler_s_intervals(covered, expected):
    assert verdict_of(verdicts(frames(**coverage_rows(covered))), 6, "coverage shortfall") == expected


def test_coverage_shortfall_is_that_of_the_worst_parameter():
    rows = frames(**coverage_rows(190))
    other = frames(**coverage_rows(150))
    intervals = [rows["intervals"], other["intervals"].assign(parameter="beta[x]")]
    estimates = [rows["estimates"], other["estimates"].assign(parameter="beta[x]")]
    found = coverage_shortfall(pd.concat(intervals), pd.concat(estimates))
    assert (found.where, found.n_used) == ("beta[x]", 200)
    assert found.value == pytest.approx(0.2)
    # the level allows for the choice among two
    lower, upper = exact(150, 200, 0.975)
    assert (found.lower, found.upper) == pytest.approx((0.95 - upper, 0.95 - lower))


def test_coverage_is_refuted_by_any_parameter_and_supported_only_by_all():
    rows, few = frames(**coverage_rows(1990, 2000)), frames(**coverage_rows(29, 30))
    intervals = pd.concat([rows["intervals"], few["intervals"].assign(parameter="beta[x]")])
    estimates = pd.concat([rows["estimates"], few["estimates"].assign(parameter="beta[x]")])
    found = coverage_shortfall(intervals, estimates)
    assert found.value < 0
    assert decide(found.lower, found.upper, 0.05, fault=False) is Verdict.UNDECIDED
    assert decide(*_ends(coverage_shortfall(rows["intervals"], rows["estimates"])), 0.05, fault=False) == "supported"


def _ends(found: Interval) -> tuple[float, float]:
    return found.lower, found.upper


def test_claim_six_uses_the_first_level_alone():
    rows = frames(**coverage_rows(190))
    narrow = rows["intervals"].assign(level=0.5, lower=2.0)
    first = coverage_shortfall(rows["intervals"], rows["estimates"])
    assert coverage_shortfall(pd.concat([rows["intervals"], narrow]), rows["estimates"]) == first
    second = coverage_shortfall(pd.concat([narrow, rows["intervals"]]), rows["estimates"])
    assert (second.value, second.n_used) == (0.5, 200)


def test_the_largest_bias_is_paired_and_allows_for_the_choice():
    rows = bias_rows("a", 0.5)["optimum"], bias_rows("a", 0.5)["estimates"]
    merged = pd.DataFrame(rows[0]).assign(estimate=[one["estimate"] for one in rows[1]])
    still = merged.assign(parameter="x", estimate=merged["own_optimum"] + 1e-6 * merged["scale"] * merged.index)
    found = largest_bias(pd.concat([merged, still]), "estimate", "own_optimum", 80)
    difference = (merged["estimate"] - merged["own_optimum"]) / merged["scale"]
    assert found.value == pytest.approx(difference.mean())
    half = stats.t.ppf(1 - 0.025 / 2, N - 1) * difference.std() / np.sqrt(N)
    assert (found.lower, found.upper) == pytest.approx((found.value - half, found.value + half))
    assert found.where.startswith("beta[x]: +0.5")
    assert (found.n_used, found.n_total) == (N, 80)


def differences(**values: list[float]) -> pd.DataFrame:
    """Return differences of some parameters in standard errors, as `largest_bias` takes them."""
    return pd.concat([
        pd.DataFrame({"parameter": name, "estimate": each, "own_optimum": 0.0, "marginal_ml": 0.0, "scale": 1.0})
        for name, each in values.items()
    ])  # fmt: skip


def verdict_on(**values: list[float]) -> str:
    return decide(*_ends(largest_bias(differences(**values), "estimate", "own_optimum", 80)), 0.1)


SURE, UNSURE = [0.049, 0.05, 0.051] * 5, [-1.0, 1.0, 0.1] * 5


def test_a_bias_is_refuted_only_where_every_parameter_lies_within_the_margin():
    assert verdict_on(a=SURE, b=[0.0, 0.01, -0.01] * 5) == "refuted"
    assert verdict_on(a=SURE, b=UNSURE) == "undecided"


def test_a_bias_is_supported_by_any_parameter_not_only_by_the_largest_mean():
    assert verdict_on(a=[0.29, 0.3, 0.31] * 5, b=[one + 0.5 for one in UNSURE]) == "supported"


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0], [0.0], [0.0, 0.0]])
def test_a_mean_without_a_spread_decides_nothing(values):
    assert verdict_on(a=values) == "undecided"
    assert verdict_on(a=values, b=SURE) == "undecided"


def test_the_bias_is_of_all_fits_that_were_asked_for():
    rows = bias_rows("adam-penalised", 0.5, n=3)
    table = verdicts(frames(fits=fit_rows("adam-penalised", 0, "", n=80), **rows))
    found = table[(table["claim"] == 3) & (table["aspect"] == "optimizer bias")].iloc[0]
    assert (found["n_used"], found["n_total"]) == (3, 80)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
@pytest.mark.parametrize("parameters", [1, 3, 8])
@pytest.mark.parametrize("bias", [0.0, 0.1])
def test_false_support_by_normal_replicates_is_at_most_five_percent(n, parameters, bias):
    rng, times = np.random.default_rng([n, parameters]), 2000
    values = rng.normal(bias, 0.5, (times, parameters, n))
    found = [largest_mean([(str(k), mean(one)) for k, one in enumerate(study)], n) for study in values]
    false = sum(decide(*_ends(one), 0.1) == "supported" for one in found) / times
    assert false <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / times)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20, 80])
def test_false_verdicts_of_a_share_at_the_margin_are_at_most_five_percent(n):
    hits = np.arange(n + 1)
    found = [decide(*exact(float(k), n), 0.05) for k in hits]
    p = stats.binom.pmf(hits, n, 0.05)
    for verdict in ("supported", "refuted"):
        assert p[[one == verdict for one in found]].sum() <= 0.05


def test_another_estimand_is_no_bias():
    rows = bias_rows("adam-pooled", 5.0)
    rows["estimates"] = [row | {"estimand": "sqrt(tau^2 + sigma^2)"} for row in rows["estimates"]]
    table = verdicts(frames(fits=fit_rows("adam-pooled", 0, ""), **rows))
    assert verdict_of(table, 3, "optimizer bias") == "not tested"


# Contrasts


def test_newcombe_s_interval_of_a_difference():
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: 56/70 - 48/80
    ends = [(hits / n, *wilson(hits, n), n) for hits, n in ((56, 70), (48, 80))]
    found = contrast(*(Interval(value=p, lower=low, upper=high, n_used=n, n_total=n) for p, low, high, n in ends))
    assert found.value == pytest.approx(0.2)
    assert (found.lower, found.upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (found.n_used, found.n_total) == (70, 70)


def test_a_contrast_with_nothing_is_not_tested():
    empty = Interval(value=np.nan, lower=np.nan, upper=np.nan, n_used=0, n_total=0)
    found = contrast(share_of(np.ones(5)), empty)
    assert decide(found.lower, found.upper, 0.05) is Verdict.NOT_TESTED


ONE = (Contrast(name="large variance", worse="big", base="small"),)


def contrast_fits(big: int, small: int) -> list[dict]:
    return [
        *fit_rows("adam-marginal", big, "premature", "big"),
        *fit_rows("adam-marginal", small, "premature", "small"),
    ]


@pytest.mark.parametrize(
    ("big", "small", "expected"), [(60, 10, "supported"), (10, 60, "refuted"), (20, 18, "undecided")]
)
def test_contrasts_compare_two_scenarios(big, small, expected):
    table = verdicts(frames(fits=contrast_fits(big, small)), ONE)
    rows = table[(table["claim"] == 4) & table["scenario"].str.contains("premature")]
    assert rows["verdict"].tolist() == [expected]
    assert rows["value"].iloc[0] == pytest.approx((big - small) / N)
    assert rows["aspect"].iloc[0] == "large variance"
    assert "big - small" in rows["scenario"].iloc[0]


def test_without_contrasts_claim_four_is_not_tested():
    assert verdict_of(verdicts(frames(fits=contrast_fits(60, 10))), 4) == "not tested"
    other = (Contrast(name="n", worse="big", base="nowhere"),)
    assert verdict_of(verdicts(frames(fits=contrast_fits(60, 10)), other), 4) == "not tested"


# Learning rates


def rate_rows(gaps: dict[str, float]) -> list[dict]:
    rng = np.random.default_rng(0)
    return [
        fit_row(f"adam-marginal:{label}", k, gap_sd=gap * (1 + 0.01 * rng.random()))
        for label, gap in gaps.items()
        for k in range(30)
    ]


def test_learning_rates_are_judged_around_the_best_one():
    careful = {"lr=0.001": 2.0, "lr=0.01": 0.05, "lr=0.1": 1.0, "lr=1": 50.0}
    row = verdicts(frames(fits=rate_rows(careful))).query("claim == 7").iloc[0]
    assert row["verdict"] == "supported"
    assert row["value"] == pytest.approx(1.95, rel=0.02)
    easy = {"batch=3,lr=0.001": 0.03, "batch=3,lr=0.01": 0.02, "batch=3,lr=0.1": 0.04}
    row = verdicts(frames(fits=rate_rows(easy))).query("claim == 7").iloc[0]
    assert (row["verdict"], row["objective"]) == ("refuted", "adam-marginal:batch=3")


def test_rates_that_are_all_as_good_are_judged_around_the_middle_one():
    best_at_the_edge_by_noise = {"lr=0.001": 1e-9, "lr=0.01": 3e-8, "lr=0.1": 2e-8}
    row = verdicts(frames(fits=rate_rows(best_at_the_edge_by_noise))).query("claim == 7").iloc[0]
    assert row["verdict"] == "refuted"


def test_the_range_of_medians_of_equal_rates_supports_nothing():
    rng, wrong = np.random.default_rng(3), 0
    labels = ("adam-marginal:lr=0.001", "adam-marginal:lr=0.01", "adam-marginal:lr=0.1")
    for _ in range(40):
        rows = [fit_row(label, k, gap_sd=gap) for label in labels for k, gap in enumerate(rng.exponential(1.0, 20))]
        wrong += (verdicts(frames(fits=rows)).query("claim == 7")["verdict"] == "supported").any()
    assert wrong <= 6  # 5 % and two Monte Carlo errors of 40


def test_a_rate_at_which_fits_are_lost_is_far_from_the_optimum():
    rows = rate_rows({"lr=0.001": 0.02, "lr=0.01": 0.01})
    rows += [fit_row("adam-marginal:lr=0.1", k, flags=("diverged",), gap_sd=np.nan) for k in range(30)]
    row = verdicts(frames(fits=rows)).query("claim == 7").iloc[0]
    assert (row["verdict"], row["value"]) == ("supported", np.inf)


def test_a_best_rate_at_the_edge_tests_nothing():
    assert (
        verdict_of(verdicts(frames(fits=rate_rows({"lr=0.001": 0.1, "lr=0.01": 1.0, "lr=0.1": 2.0}))), 7)
        == "not tested"
    )


# Summary


def test_the_summary_counts_the_scenarios():
    rows = [
        *fit_rows("adam-marginal", 60, "premature", "a"),
        *fit_rows("adam-marginal", 0, "premature", "b"),
        *fit_rows("adam-marginal", 80, "premature", "c"),
    ]
    table = verdicts(frames(fits=rows))
    row = summarise(table).query("claim == 1").iloc[0]
    assert (row["supported"], row["refuted"], row["undecided"], row["scenarios"]) == (2, 1, 0, 3)
    assert (row["worst_scenario"], row["value"]) == ("c", 0.8)
    alone = summarise(verdicts(frames(fits=rows[:N]))).query("claim == 1").iloc[0]
    assert alone["verdict"] == "supported"
    assert row["verdict"] not in set(Verdict)
