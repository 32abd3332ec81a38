"""Calibration judged: exact conjugate toys, planted faults in them, and tables made by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayescompare.comparison.calibration import calibration, transforms
from bayescompare.comparison.schema import CALIBRATION_COLUMNS, TABLES
from bayescompare.fits import Draws, Flag, Status
from tests.comparison.fakes import frames, make_fit, record, tables

SETS = 300


def posterior(seed: int, *, width: float = 1.0, shift: float = 0.0, sign: float = 1.0) -> list:
    """Return truths from N(0, 1), and exact draws of their posteriors given ``y ~ N(theta, 1)``, or faulty ones."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(SETS):
        theta = rng.normal(size=4)
        y = rng.normal(theta, 1.0)
        sd = width * np.sqrt(0.5)
        values = sign * y / 2 + shift * np.sqrt(0.5) + sd * rng.normal(size=(4, 250, 4))
        fit = make_fit("nuts", values.mean(axis=(0, 1)), sd, draws=Draws(values=values))
        found.append(record(fit, k, truth=theta, drawn=True))
    return found


def judged(records: list, *kinds: str) -> pd.DataFrame:
    return calibration(tables(records, kinds=kinds or None)).set_index(["parameter", "kind"])


def test_exact_posteriors_are_calibrated_in_every_quantity():
    found = judged(posterior(1))
    assert list(calibration(tables(posterior(1)[:12])).columns) == list(CALIBRATION_COLUMNS)
    assert set(found["verdict"]) == {"calibrated"}
    assert {kind for _, kind in found.index} == {"eti", "hdi"}
    assert "icc_g" in {parameter for parameter, _ in found.index}
    beta = found.loc["beta[x]", "eti"]
    assert (beta["n_used"], beta["n_total"]) == (SETS, SETS)
    assert abs(beta["coverage_95"] - 0.95) < 4 * np.sqrt(0.95 * 0.05 / SETS)
    # the data take half of the variance
    assert beta["contraction"] == pytest.approx(0.5, abs=0.1)
    assert beta["spread_lower"] < 1 < beta["spread_upper"]


@pytest.mark.parametrize(
    ("fault", "what", "width"),
    [
        ({"width": 2.0}, "too wide", 0.5),
        ({"width": 0.5}, "too narrow", 2.0),
        ({"shift": 0.6}, "centred too high", 1.0),
        ({"shift": -0.6}, "centred too low", 1.0),
    ],
)
def test_a_fault_is_found_and_named(fault, what, width):
    found = judged(posterior(2, **fault), "eti")
    parameters = found[[kind == "eti" and name.startswith(("beta", "sd")) for name, kind in found.index]]
    assert set(parameters["verdict"]) == {"not calibrated"}
    # a second fault may be named by chance, once in twenty
    assert all(what in said for said in parameters["what"])
    # the length of the interval is four Monte Carlo standard errors
    assert (abs(parameters["spread"] - width) < parameters["spread_upper"] - parameters["spread_lower"]).all()


def test_the_transforms_of_an_exact_posterior_are_uniform():
    rows = tables(posterior(3), kinds=["eti"])["calibration"]
    for parameter in ("beta[x]", "sigma", "icc_g"):
        cell = rows[(rows["parameter"] == parameter) & (rows["kind"] == "eti")]
        assert set(cell["n_ranks"]) == {99}
        assert stats.kstest(transforms(cell), "uniform").pvalue > 1e-3
        assert stats.kstest(cell["covered_from"], "uniform").pvalue > 1e-3


def test_confidence_intervals_are_judged_by_the_same_ruler():
    rng = np.random.default_rng(4)
    records = []
    for k in range(SETS):
        theta = np.array([0.3, -2.0, 1.5, 1.0]) + rng.normal(size=4) * [1, 1, 0, 0]
        estimate = np.append(rng.normal(theta[:2], 0.2), [1.5, 1.0])
        records.append(record(make_fit("right", estimate, [0.2, 0.1, np.nan, 0.1]), k, truth=theta, drawn=True))
    found = judged(records)
    assert found.loc["beta[Intercept]", "wald"]["verdict"] == "calibrated"
    narrow = found.loc["beta[x]", "wald"]
    assert (narrow["verdict"], narrow["what"]) == ("not calibrated", "too narrow")
    assert abs(narrow["spread"] - 2.0) < narrow["spread_upper"] - narrow["spread_lower"]
    missing = found.loc["sd_g[Intercept]", "wald"]
    assert (missing["verdict"], missing["n_used"], missing["n_total"]) == ("not applicable", 0, SETS)
    derived = found.loc["icc_g", ""]
    assert derived["verdict"] == "not applicable"
    assert "no interval of a derived quantity" in derived["what"]


def test_draws_are_thinned_to_their_effective_number():
    values = np.random.default_rng(5).normal(size=(4, 250, 4))
    few = make_fit("nuts", np.ones(4), 1.0, draws=Draws(values=values), diagnostics={"ess_bulk_min": 37.9})
    rows = tables([record(few, truth=np.ones(4), drawn=True)])["calibration"]
    eti = rows[(rows["kind"] == "eti") & (rows["parameter"] == "beta[x]")].iloc[0]
    assert eti["n_ranks"] == 37
    thinned = values.reshape(-1, 4)[np.floor((np.arange(37) + 0.5) * 1000 / 37).astype(int), 1]
    assert eti["rank"] == np.sum(thinned < 1)
    # all draws say where the truth is
    assert eti["pit"] == pytest.approx(np.mean(values[..., 1] < 1))


def test_nothing_is_said_of_a_truth_that_was_not_drawn_from_the_prior():
    found = tables([record(make_fit("right", np.zeros(4)))])
    assert not len(found["calibration"])
    assert not len(calibration(found))
    assert list(found["calibration"].columns) == list(TABLES["calibration"])


def rows_of(pits, *, estimator="e", kind="wald", parameter="sigma", total=None, reason="") -> list[dict]:
    """Return rows made by hand; those beyond the transforms have none."""
    found = []
    for k in range(len(pits) if total is None else total):
        pit = pits[k] if k < len(pits) else np.nan
        found.append(
            {"study": "t", "scenario": "s", "replicate": k, "estimator": estimator, "parameter": parameter,
             "kind": kind, "truth": 1.0, "estimate": 1.0, "sd": 0.1, "pit": pit,
             "covered_from": abs(2 * pit - 1), "rank": 0,
             "n_ranks": 0, "reason": reason if k >= len(pits) else ""}
        )  # fmt: skip
    return found


def made(*groups: list[dict], failed: tuple[int, ...] = ()) -> pd.DataFrame:
    """Return the verdicts on rows made by hand; some fits of estimator ``e`` fail the gate."""
    rows = [row for group in groups for row in group]
    keys = dict.fromkeys((row["estimator"], row["replicate"]) for row in rows)
    fits = [
        {"study": "t", "scenario": "s", "replicate": k, "estimator": label, "status": "ok",
         "flags": ["rhat"] if label == "e" and k in failed else []}
        for label, k in keys
    ]  # fmt: skip
    return calibration(frames(calibration=rows, fits=fits))


EVEN = (np.arange(200) + 0.5) / 200


def test_denominators_and_few_data_sets():
    (row,) = made(rows_of(EVEN, total=260, reason="at its bound")).to_dict("records")
    assert (row["n_used"], row["n_total"], row["verdict"]) == (200, 260, "calibrated")
    assert row["coverage_50"] == pytest.approx(0.5)
    (row,) = made(rows_of(EVEN, total=500, reason="at its bound")).to_dict("records")
    assert (row["verdict"], row["what"]) == ("undecided", "only 200 of 500 fits have one")
    (row,) = made(rows_of(EVEN[::30])).to_dict("records")
    assert (row["verdict"], row["what"]) == ("undecided", "7 data sets are too few")
    assert np.isnan(row["p_value"])
    (row,) = made(rows_of(EVEN[::10])).to_dict("records")
    assert (row["verdict"], row["what"]) == ("undecided", "")
    (row,) = made(rows_of([], total=9, reason="at its bound")).to_dict("records")
    assert (row["verdict"], row["what"], row["n_used"], row["n_total"]) == ("not applicable", "at its bound", 0, 9)


def test_a_fit_without_any_estimate_counts_in_every_denominator():
    nothing = rows_of([], estimator="e", parameter="", kind="", total=3, reason="it failed")
    for row in nothing:
        row["replicate"] += 200
    (row,) = made(rows_of(EVEN), nothing).to_dict("records")
    assert (row["n_used"], row["n_total"]) == (200, 203)
    (row,) = made(nothing).to_dict("records")
    assert (row["parameter"], row["verdict"], row["what"], row["n_total"]) == ("", "not applicable", "it failed", 3)


def test_p_values_allow_for_the_number_of_tests():
    # one of many tests has a p-value that one test alone would be refused by
    bad = np.clip(EVEN**1.45, 0, 1)
    alone = made(rows_of(bad)).iloc[0]
    assert (alone["verdict"], alone["p_adjusted"]) == ("not calibrated", alone["p_value"])
    many = made(*(rows_of(EVEN, parameter=f"p{k}") for k in range(400)), rows_of(bad, parameter="bad"))
    last = many.iloc[-1]
    assert last["p_adjusted"] == pytest.approx(min(1.0, 401 * alone["p_value"]))
    # the largest p-value is not multiplied, and none is larger than one
    assert many["p_adjusted"].max() <= 1.0


def test_fits_that_fail_the_gate_are_shown_with_and_without():
    worse = EVEN.copy()
    worse[::4] = 0.0005
    found = made(rows_of(worse), rows_of(EVEN, estimator="other"), failed=tuple(range(0, 200, 4)))
    both = found[found["estimator"] == "e"].set_index("reading")
    assert both.loc["all", "verdict"] == "not calibrated"
    assert (both.loc["all", "n_used"], both.loc["passed", "n_used"], both.loc["passed", "n_total"]) == (200, 150, 150)
    assert both.loc["passed", "p_adjusted"] > 0.05
    # an estimator none of whose fits failed is told once
    assert list(found[found["estimator"] == "other"]["reading"]) == ["all"]


def test_shortest_intervals_are_judged_by_their_coverage():
    levels = rows_of(0.5 + EVEN / 2, kind="hdi")
    assert made(levels).iloc[0]["verdict"] == "calibrated"
    assert np.isnan(made(levels).iloc[0]["shift"])
    narrow = rows_of(0.5 + (EVEN**0.5) / 2, kind="hdi")
    row = made(narrow).iloc[0]
    assert (row["verdict"], row["what"]) == ("not calibrated", "too narrow")
    assert row["coverage_50"] == pytest.approx(0.25, abs=0.01)


def test_status_of_a_fit_without_an_estimate_is_its_reason():
    nothing = np.full(4, np.nan)
    fit = make_fit("nuts", nothing, nothing, status=Status.FAILED, flags=(Flag.FAILED_INIT,), message="no start")
    rows = tables([record(fit, drawn=True), record(fit, 1, truth=None, drawn=True)])["calibration"]
    assert list(rows["parameter"]) == ["", ""]
    assert set(rows["reason"]) == {"no start"}
