"""The parts of an error add up to it, on paper, on arbitrary numbers, and over a study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

import bayescompare as bc
from bayescompare.comparison.decomposition import UNITS, decomposition
from bayescompare.comparison.results import Results
from bayescompare.comparison.schema import ERROR_MEAN_COLUMNS, ERROR_PART_COLUMNS, ERROR_SQUARE_COLUMNS, TABLES
from tests.comparison import fakes
from tests.comparison.long_tables import NAN, failed, numbered, one
from tests.comparison.optima import point, posterior, tables

OPTIMIZER, OBJECTIVE, SAMPLING, PRIOR = "optimizer and stopping", "objective", "sampling", "prior and loss"
CELL = ["scenario", "estimator", "parameter", "unit"]

# parts 0.4, 0.1, 0.5 and -0.2, -0.2, -0.1 of errors 1.0 and -0.5
PAPER = numbered([point(3.0, 2.6, 2.5, scale=0.5), point(1.5, 1.7, 1.9, scale=0.25), point(2.2, NAN, 2.1, scale=0.5)])


def mean_of(frame: pd.DataFrame, part: str, unit: str = "response", **where: object) -> pd.Series:
    return one(frame, part=part, unit=unit, **where)


def square_of(frame: pd.DataFrame, first: str, second: str, unit: str = "response") -> float:
    return one(frame, first=first, second=second, unit=unit)["value"]


def test_the_parts_of_each_replicate() -> None:
    rows = decomposition(tables(PAPER)).replicates
    assert list(rows.columns) == list(ERROR_PART_COLUMNS)
    assert list(rows["part"]) == [OPTIMIZER, OBJECTIVE, SAMPLING] * 3
    assert list(rows["value"][:6]) == pytest.approx([0.4, 0.1, 0.5, -0.2, -0.2, -0.1])
    assert list(rows["error"][:6]) == pytest.approx([1.0] * 3 + [-0.5] * 3)
    assert list(rows["own_optimum"]) == ["best known"] * 6 + ["not known"] * 3
    assert rows["value"][6:8].isna().all()
    assert set(rows["reason"][6:]) == {"its own optimum is not known"}


def test_the_signed_means_by_hand() -> None:
    means = decomposition(tables(PAPER)).means
    assert list(means.columns) == list(ERROR_MEAN_COLUMNS)
    for part, value, error in [
        (OPTIMIZER, 0.1, 0.3), (OBJECTIVE, -0.05, 0.15), (SAMPLING, 0.2, 0.3), ("total", 0.25, 0.75)
    ]:  # fmt: skip
        row = mean_of(means, part)
        assert (row["value"], row["mcse"]) == pytest.approx((value, error))
        assert (row["n_used"], row["n_total"], row["n_local"], row["reason"]) == (2, 3, 0, "")
        assert row["upper"] == pytest.approx(value + t.ppf(0.975, 1) * error)


def test_the_mean_squared_error_by_hand() -> None:
    squares = decomposition(tables(PAPER)).squares
    assert list(squares.columns) == list(ERROR_SQUARE_COLUMNS)
    expected = {
        (OPTIMIZER, OPTIMIZER): 0.1, (OBJECTIVE, OBJECTIVE): 0.025, (SAMPLING, SAMPLING): 0.13,
        (OPTIMIZER, OBJECTIVE): 0.08, (OPTIMIZER, SAMPLING): 0.22, (OBJECTIVE, SAMPLING): 0.07,
        ("total", "total"): 0.625,
    }  # fmt: skip
    found = {pair: square_of(squares, *pair) for pair in expected}
    assert found == pytest.approx(expected)
    row = one(squares, first=OPTIMIZER, second=SAMPLING, unit="response")
    assert row["mcse"] == pytest.approx(0.18)  # half the difference of 0.4 and 0.04


def test_standard_errors_as_the_unit() -> None:
    means = decomposition(tables(PAPER)).means
    # 0.4 / 0.5 and -0.2 / 0.25; the median of 0.5, 0.25, 0.5
    assert mean_of(means, OPTIMIZER, "ML standard error")["value"] == pytest.approx(0.0, abs=1e-15)
    assert mean_of(means, SAMPLING, "ML standard error")["value"] == pytest.approx(0.3)
    assert mean_of(means, OPTIMIZER, "typical ML standard error")["value"] == pytest.approx(0.2)


@pytest.mark.parametrize("none", [NAN, 0.0])
def test_a_replicate_at_a_boundary_is_left_out_of_its_own_unit_only(none: float) -> None:
    found = decomposition(tables([*PAPER[:2], point(3.0, 2.6, 2.5, scale=none, replicate=2)])).means
    used = {unit: mean_of(found, "total", unit)["n_used"] for unit in UNITS}
    assert used == {"response": 3, "ML standard error": 2, "typical ML standard error": 3}
    assert mean_of(found, "total", "typical ML standard error")["value"] == pytest.approx(0.5 / 0.375)


def test_without_any_standard_error_the_reason_is_given() -> None:
    found = decomposition(tables([one | {"scale": NAN} for one in PAPER[:2]])).means
    row = mean_of(found, OBJECTIVE, "ML standard error")
    assert np.isnan(row["value"])
    assert row["reason"] == "the marginal ML estimates have no standard error"


def test_a_posterior_mean_has_the_prior_and_the_loss_instead() -> None:
    found = decomposition(tables([*PAPER, *numbered([posterior(3.5, 2.5), posterior(1.7, 1.9), posterior(2.2, 2.1)])]))
    rows = found.replicates[found.replicates["estimator"] == "nuts"]
    assert list(rows["part"][:2]) == [PRIOR, SAMPLING]
    assert list(rows["value"][:2]) == pytest.approx([1.0, 0.5])
    assert set(rows["own_optimum"]) == {"posterior: has none"}
    nuts = found.means[found.means["estimator"] == "nuts"]
    assert set(nuts["part"]) == {PRIOR, SAMPLING, "total"}
    assert mean_of(nuts, PRIOR)["value"] == pytest.approx(0.9 / 3)
    # the replicate whose Adam fit has no optimum is a whole one here
    assert mean_of(nuts, "total")["n_used"] == 3


def test_a_posterior_needs_no_optimum_row_of_its_own() -> None:
    made = tables([PAPER[0], posterior(3.5, 2.5)])
    made["optimum"] = made["optimum"][made["optimum"]["estimator"] != "nuts"]
    found = decomposition(made).means
    assert mean_of(found[found["estimator"] == "nuts"], PRIOR)["value"] == pytest.approx(1.0)


def test_a_local_mode_is_called_one() -> None:
    found = decomposition(tables(numbered([point(3.0, 2.6, 2.5, flags=("local_mode",)), point(3.0, 2.6, 2.5)])))
    kinds = found.replicates.groupby("replicate")["own_optimum"].unique().explode()
    assert list(kinds) == ["local mode", "best known"]
    assert set(found.means["n_local"]) == {1}


def test_a_degenerate_objective_has_no_optimum() -> None:
    found = decomposition(tables(numbered([point(3.0, 2.6, 2.5, flags=("degenerate",)), *PAPER[:2]])))
    assert mean_of(found.means, "total")["n_used"] == 2
    reasons = found.replicates.loc[found.replicates["replicate"] == 0, "reason"]
    assert set(reasons) == {"its objective is degenerate: it has no optimum"}


def test_what_is_not_known_is_counted_and_says_why() -> None:
    alone = decomposition(tables([point(3.0, 2.6, NAN)])).means
    assert set(alone["reason"]) == {"its data set has no marginal ML estimate"}
    assert set(alone["n_used"]) == {0}
    assert alone["value"].isna().all()
    never = point(replicate=2, status="timeout", estimand="", ml=2.0)
    found = decomposition(tables([*PAPER[:2], never, point(replicate=3, status="not_applicable", ml=2.0)])).means
    assert mean_of(found, "total")[["n_used", "n_total"]].tolist() == [2, 3]


def test_no_number_where_most_fits_failed() -> None:
    lost = [failed(k, estimator="adam-marginal") | {"own_optimum": NAN, "marginal_ml": 2.0, "scale": 1} for k in (2, 3)]
    found = decomposition(tables([PAPER[0], *lost])).means
    assert found["value"].isna().all()
    assert set(found["reason"]) == {"2 of 3 fits failed"}


def test_estimates_of_something_else_stay_out() -> None:
    other = [row | {"estimator": "adam-pooled", "estimand": "sqrt(tau^2 + sigma^2)"} for row in PAPER]
    found = decomposition(tables([*PAPER, *other]))
    assert set(found.means["estimator"]) == set(found.replicates["estimator"]) == {"adam-marginal"}


def test_without_a_truth_there_is_nothing() -> None:
    found = decomposition(tables([row | {"truth": NAN} for row in PAPER]))
    assert [len(found.replicates), len(found.means), len(found.squares)] == [0, 0, 0]
    assert list(found.means.columns) == list(ERROR_MEAN_COLUMNS)
    nothing = decomposition(fakes.frames())
    assert list(nothing.squares.columns) == list(ERROR_SQUARE_COLUMNS)


NUMBERS = st.floats(-1e3, 1e3)
FIT = st.tuples(NUMBERS | st.just(NAN), NUMBERS | st.just(NAN), NUMBERS, st.floats(1e-2, 1e2))
FITS = st.lists(FIT, min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(points=FITS, means=st.lists(NUMBERS | st.just(NAN), min_size=1, max_size=4), truth=NUMBERS)
def test_the_parts_add_up(points: list, means: list, truth: float) -> None:
    rows = numbered(point(*each, truth=truth) for each in points)
    rows += numbered(posterior(value, 1.0, truth=truth) for value in means)
    found = decomposition(tables(rows))
    keys = ["estimator", "replicate"]
    sums = found.replicates.groupby(keys)["value"].sum(min_count=2)
    errors = found.replicates.groupby(keys)["error"].first()
    whole = found.replicates.groupby(keys)["reason"].first() == ""
    # the parts are differences of numbers below 1,000: each is rounded once
    assert np.allclose(sums[whole], errors[whole], rtol=0, atol=3e-12)
    for table, labels in ((found.means, ["part"]), (found.squares, ["first", "second"])):
        table = table.astype({"value": float})
        total = table[labels[0]] == "total"
        added = table[~total].groupby(CELL)["value"].sum(min_count=1)
        expected = table[total].set_index(CELL)["value"].reindex(added.index)
        # terms of both signs may be far larger than their sum
        size = table[~total].assign(value=table["value"].abs()).groupby(CELL)["value"].sum(min_count=1)
        assert (added.isna() == expected.isna()).all()
        assert ((added - expected).abs().fillna(0.0) <= 1e-12 * size.fillna(0.0) + 1e-11).all()
        assert (table["n_used"] <= table["n_total"]).all()


STUDIES, REPLICATES = 600, 40


def test_the_spread_over_studies_is_the_monte_carlo_error() -> None:
    rng = np.random.default_rng(5)
    shape = (STUDIES, REPLICATES)
    root = np.linalg.cholesky([[1.0, 0.5, -0.3], [0.5, 0.5, 0.0], [-0.3, 0.0, 2.0]])
    optimizer, objective, sampling = 0.3 + np.einsum("ij,j...->i...", root, rng.normal(size=(3, *shape)))
    study, replicate = (index.ravel() for index in np.indices(shape))
    ml = 2.0 + sampling.ravel()
    own = ml + objective.ravel()
    key = pd.DataFrame({"scenario": study.astype(str), "replicate": replicate, "estimator": "adam-marginal"})
    cell = key.assign(parameter="x")
    found = decomposition(
        {
            "estimates": cell.assign(estimate=own + optimizer.ravel(), truth=2.0, se=1.0, estimand="ML mode"),
            "fits": key.assign(status="ok", flags=[()] * len(key)),
            "optimum": cell.assign(own_optimum=own, marginal_ml=ml, scale=1.0),
        }
    )
    for table, labels, truths in (
        (found.means, ["part"], {(OPTIMIZER,): 0.3, (SAMPLING,): 0.3, ("total",): 0.9}),
        (found.squares, ["first", "second"], {(OPTIMIZER, OPTIMIZER): 1.09, (OPTIMIZER, SAMPLING): 2 * (0.09 - 0.3)}),
    ):
        rows = table[table["unit"] == "response"]
        for name, group in rows.groupby(labels):
            assert len(group) == STUDIES
            # a spread of 600 has a standard error of 3 %, more with the tails of squares
            assert group["mcse"].mean() == pytest.approx(group["value"].std(), rel=3.5 * 0.04), name
            if name in truths:
                assert abs(group["value"].mean() - truths[name]) < 3.5 * group["value"].std() / np.sqrt(STUDIES), name


def test_the_marginal_optimum_is_the_best_that_any_fit_of_the_likelihood_found() -> None:
    kept = {"working_se": np.full(fakes.LAYOUT.size, 0.1)}
    reference = fakes.make_fit("lbfgs-ml", [0.1, 2.1, 1.1, 0.6], objective=10.0, **kept)
    lower = fakes.make_fit("lbfgs-ml:starts=1", [0.2, 2.2, 1.2, 0.7], objective=9.0, **kept)
    made = fakes.tables([fakes.record(reference), fakes.record(lower)])
    rows = made["optimum"][made["optimum"]["parameter"] == "beta[x]"]
    assert list(rows["marginal_ml"]) == list(rows["own_optimum"]) == [2.2, 2.2]
    found = decomposition(made).means
    reached = found[(found["estimator"] == "lbfgs-ml") & (found["parameter"] == "beta[x]")]
    parts = [mean_of(reached, part)["value"] for part in (OPTIMIZER, OBJECTIVE, SAMPLING)]
    assert parts == pytest.approx([-0.1, 0.0, 0.2])


def test_results_have_it() -> None:
    results = Results(tables=fakes.frames() | tables(PAPER))
    assert bc.decomposition(results) is results.decomposition
    assert mean_of(results.decomposition.means, "total")["value"] == pytest.approx(0.25)
    assert set(TABLES["optimum"]) >= {"own_optimum", "marginal_ml", "scale"}
