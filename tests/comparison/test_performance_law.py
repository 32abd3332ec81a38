"""Monte Carlo standard errors are the spread over studies: 6,000 studies of 200 normal replicates, each a scenario.

The claim is that they agree within 5 %. A spread of 2,000 studies has a standard error of 1.6 % itself,
that of 6,000 one of 0.9 %; the mean standard error of the heaviest tail, the interval score's, is 2 %
too small at 200 replicates.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayescompare.comparison.paired import paired_differences
from bayescompare.comparison.performance import performance
from bayescompare.comparison.schema import MEASURES

STUDIES, REPLICATES, DEGREES = 6000, 200, 30
TRUTH, BIAS, SD, LEVEL, QUANTILE = 1.0, 0.2, 0.5, 0.9, 1.6448536269514722
FAILURES, FLAGGED = 0.1, 0.05


def studies(seed: int, *, drawn: bool, number: int = STUDIES) -> dict[str, pd.DataFrame]:
    """Return the tables of two estimators: normal errors, half of them shared, and standard errors that vary."""
    rng = np.random.default_rng(seed)
    shape = (number, REPLICATES, 2)
    error = BIAS + SD * (rng.normal(size=(number, REPLICATES, 1)) + rng.normal(size=shape)) / np.sqrt(2)
    se = SD * np.sqrt(rng.chisquare(DEGREES, shape) / DEGREES)
    truth = np.broadcast_to(rng.uniform(1, 3, (number, REPLICATES, 1)) if drawn else TRUTH, shape)
    status = rng.choice(["ok", "flagged", "failed"], shape, p=[1 - FAILURES - FLAGGED, FLAGGED, FAILURES])
    gone = status == "failed"
    study, replicate, estimator = (index.ravel() for index in np.indices(shape))
    key = pd.DataFrame({
        "scenario": np.char.add("s", study.astype(str)),
        "replicate": replicate,
        "estimator": np.array(["one", "two"])[estimator],
    })  # fmt: skip
    estimate, se = (np.where(gone, np.nan, values).ravel() for values in (truth + error, se))
    cell = key.assign(parameter="x")
    return {
        "estimates": cell.assign(estimate=estimate, se=se, truth=truth.ravel(), estimand="ML mode"),
        "intervals": cell.assign(
            kind="wald", level=LEVEL, lower=estimate - QUANTILE * se, upper=estimate + QUANTILE * se
        ),
        "fits": key.assign(status=status.ravel(), flags=[()] * len(key)),
    }


@pytest.fixture(scope="module", params=[False, True], ids=["a fixed truth", "a truth of each replicate"])
def tables(request):
    return studies(11 + request.param, drawn=request.param)


def agree(found: pd.DataFrame, measure: str) -> None:
    """Hold the spread to the mean standard error."""
    rows = found[found["measure"] == measure]
    assert len(rows) == STUDIES
    assert rows["mcse"].mean() == pytest.approx(rows["value"].std(), rel=0.05)


@pytest.mark.slow
def test_the_spread_of_each_measure_is_its_standard_error(tables):
    found = performance(tables, reading=["all", "misses"])
    first = found[found["estimator"] == "one"]
    for measure in MEASURES:
        agree(first[first["reading"] == "all"], measure)
    for measure in ("coverage", "bias_eliminated_coverage"):
        agree(first[first["reading"] == "misses"], measure)


@pytest.mark.slow
def test_the_spread_of_each_paired_difference_is_its_standard_error(tables):
    for reading in ("all", "complete", "misses"):
        found = paired_differences(tables, "two", reading=reading)
        assert len(set(found["measure"])) == (1 if reading == "misses" else 5)
        for measure in set(found["measure"]):
            agree(found, measure)


@pytest.mark.slow
def test_intervals_hold_what_they_estimate_as_often_as_they_say(tables):
    found = performance(tables)
    rows = found[found["estimator"] == "one"].set_index("measure")
    truths = {"bias": BIAS, "empirical_se": SD, "mse": SD**2 + BIAS**2, "model_se": SD, "se_ratio": 1.0}
    for measure, value in (truths | {"convergence_rate": 1 - FAILURES - FLAGGED}).items():
        inside = (rows.loc[measure, "lower"] <= value) & (value <= rows.loc[measure, "upper"])
        # 95 %, less up to one for the statistics that are normal only in the limit
        assert abs(inside.mean() - 0.95) < 3.5 * np.sqrt(0.95 * 0.05 / STUDIES) + 0.01, measure


@pytest.mark.slow
def test_the_spread_of_averages_over_scenarios_is_their_standard_error(tables):
    factors = {f"s{k}": {"set": k // 2} for k in range(STUDIES)}
    found = performance(tables, factors=factors, by="set", measure=["bias", "coverage", "rmse", "interval_score"])
    for measure, rows in found[found["estimator"] == "one"].groupby("measure"):
        assert len(rows) == STUDIES / 2
        # a spread of 3,000 has a standard error of 1.3 %
        assert rows["mcse"].mean() == pytest.approx(rows["value"].std(), rel=0.065), measure


def test_the_spread_is_the_standard_error_in_a_few_of_the_studies():
    found = performance(studies(13, drawn=False, number=200))
    for measure, rows in found[found["estimator"] == "one"].groupby("measure"):
        # a spread of 200 has a standard error of 5 %
        assert rows["mcse"].mean() == pytest.approx(rows["value"].std(), rel=3.5 * 0.05), measure
