"""Detectors against a gap that is known: counts by hand, what is not known, and their errors over studies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.comparison.clustered import clustered_shares
from bayescompare.comparison.detectors import ALL_ADAM, ANY, DETECTORS, detectors
from bayescompare.comparison.grouping import Groups
from bayescompare.comparison.monte_carlo import wilson
from bayescompare.comparison.results import Results
from bayescompare.comparison.schema import DETECTOR_COLUMNS
from bayescompare.errors import InputError
from tests.comparison import fakes
from tests.comparison.long_tables import NAN, one

COLUMNS = ("newton_sd", "drift_z", "oscillation_sd", "rhat_restarts")


def fit(gap: float, *flags: str, estimator: str = "adam-marginal", status: str = "ok", **more: Any) -> dict[str, Any]:
    """Return a row of ``fits``; the number of the data set is given where it matters."""
    values = dict.fromkeys(COLUMNS, NAN) | {"replicate": 0, "scenario": "s"} | more
    return {"study": "t", "estimator": estimator, "status": status, "flags": flags, "gap_sd": gap, **values}


def score(rows: list[dict[str, Any]], detector: str, measure: str, estimator: str = "adam-marginal") -> pd.Series:
    numbered = [row | {"replicate": row["replicate"] or k} for k, row in enumerate(rows)]
    found = detectors({"fits": pd.DataFrame(numbered)})
    return one(found, detector=detector, measure=measure, estimator=estimator)


# three away (two seen), four arrived (one alarm), one unknown gap, two without the diagnostic
NEWTON = [
    fit(0.5, newton_sd=0.4), fit(np.inf, newton_sd=np.inf), fit(0.2, newton_sd=0.1),
    fit(0.0, newton_sd=0.0), fit(0.1, newton_sd=0.02), fit(0.05, newton_sd=0.1), fit(0.01, newton_sd=0.3),
    fit(NAN, newton_sd=3.0), fit(0.4), fit(0.0),
]  # fmt: skip


def test_shares_and_denominators_by_hand() -> None:
    hit, right = (score(NEWTON, "newton_sd > 0.1", name) for name in ("sensitivity", "specificity"))
    assert hit["value"] == pytest.approx(2 / 3)
    assert right["value"] == pytest.approx(3 / 4)
    assert hit["mcse"] == pytest.approx(np.sqrt(2 / 27))
    assert (hit["lower"], hit["upper"]) == pytest.approx(wilson(2, 3))
    assert (right["lower"], right["upper"]) == pytest.approx(wilson(3, 4))
    for row, used in ((hit, 3), (right, 4)):
        assert row[["n_used", "n_unavailable", "n_unknown", "n_total"]].tolist() == [used, 2, 1, 10]


@pytest.mark.parametrize(
    ("detector", "raised", "quiet"),
    [
        ("|drift_z| > 2", {"drift_z": -2.5}, {"drift_z": 2.0}),
        ("oscillation_sd > 0.25", {"oscillation_sd": 0.3}, {"oscillation_sd": 0.25}),
        ("rhat_restarts > 1.01", {"rhat_restarts": 1.02}, {"rhat_restarts": 1.01}),
    ],
)
def test_thresholds(detector: str, raised: dict[str, float], quiet: dict[str, float]) -> None:
    rows = [fit(0.5, **raised), fit(0.5, **quiet), fit(0.0, **quiet), fit(0.0, **raised), fit(0.0, **quiet)]
    assert score(rows, detector, "sensitivity")["value"] == 0.5
    assert score(rows, detector, "specificity")["value"] == pytest.approx(2 / 3)
    assert score(rows, "newton_sd > 0.1", "sensitivity")["n_unavailable"] == 5


def test_what_is_not_counted() -> None:
    """A fit of an unknown gap lacks no detector, and one that was not applicable is none; a failed one is."""
    lost = [fit(NAN, status="failed")] * 2
    rows = [*NEWTON, fit(NAN), fit(NAN, status="not_applicable"), *lost]
    counts = score(rows, "newton_sd > 0.1", "sensitivity")[["n_used", "n_unavailable", "n_unknown", "n_total"]]
    assert counts.tolist() == [3, 2, 4, 13]


def test_flags_are_always_there() -> None:
    rows = [fit(0.5, "oscillating", "premature"), fit(0.5, "step_limit", "premature"), fit(0.0, "oscillating")]
    expected = {"flag oscillating": (0.5, 0.0), "flag step_limit": (0.5, 1.0), "flag premature": (1.0, 1.0)}
    for name, shares in expected.items():
        assert tuple(score(rows, name, measure)["value"] for measure in ("sensitivity", "specificity")) == shares
        assert score(rows, name, "sensitivity")["n_unavailable"] == 0


def test_any_is_of_those_that_there_are_and_that_do_not_know_the_optimum() -> None:
    rows = [
        fit(0.5, "premature"), fit(0.5, newton_sd=0.2, drift_z=0.1), fit(0.5, "diverged", newton_sd=0.0),
        fit(0.0, "boundary"), fit(0.0, drift_z=3.0),
    ]  # fmt: skip
    assert score(rows, ANY, "sensitivity")["value"] == pytest.approx(2 / 3)
    assert score(rows, ANY, "specificity")["value"] == 0.5
    assert score(rows, ANY, "sensitivity")["n_unavailable"] == 0
    knowing = {name for name, detector in DETECTORS.items() if detector.knows_optimum}
    assert knowing == {"flag premature"}
    assert set(detectors({"fits": pd.DataFrame(rows)}).query("knows_optimum")["detector"]) == knowing


def test_nothing_to_divide_by_is_no_number() -> None:
    row = score([fit(0.0, newton_sd=0.0)], "newton_sd > 0.1", "sensitivity")
    assert row[["value", "mcse", "lower", "upper"]].isna().all()
    assert row["n_used"] == 0
    certain = score([fit(0.0, newton_sd=0.0)] * 3, "newton_sd > 0.1", "specificity")
    assert (certain["value"], certain["mcse"], certain["upper"]) == (1.0, 0.0, 1.0)
    assert certain["lower"] == pytest.approx(wilson(3, 3)[0])


def test_only_adam_fits_that_were_asked_for() -> None:
    rows = [fit(0.5), fit(0.5, estimator="lbfgs-ml"), fit(NAN, status="not_applicable"), fit(NAN, status="failed")]
    found = detectors({"fits": pd.DataFrame(rows)})
    assert set(found["estimator"]) == {"adam-marginal", ALL_ADAM}
    assert set(found["n_total"]) == {2}
    assert list(found.columns) == list(DETECTOR_COLUMNS)
    assert len(detectors({"fits": pd.DataFrame(rows[1:2])})) == 0
    assert list(detectors(fakes.frames()).columns) == list(DETECTOR_COLUMNS)


def test_fits_of_one_data_set_are_not_counted_as_independent() -> None:
    pairs = [fit(0.5, newton_sd=x, estimator=name, replicate=k) for k, x in enumerate([1.0, 0.0, 1.0, 1.0], 1)
             for name in ("adam-pooled", "adam-marginal")]  # fmt: skip
    alone, both = (score(pairs, "newton_sd > 0.1", "sensitivity", name) for name in ("adam-pooled", ALL_ADAM))
    assert both["n_used"] == 8
    # copies add nothing
    assert both["mcse"] == pytest.approx(alone["mcse"])
    assert (both["lower"], both["upper"]) == pytest.approx((alone["lower"], alone["upper"])) == wilson(3, 4)
    certain = [row | {"newton_sd": 1.0} for row in pairs]
    assert score(certain, "newton_sd > 0.1", "sensitivity", ALL_ADAM)["lower"] == pytest.approx(wilson(4, 4)[0])


def test_scenarios_are_grouped_by_factors() -> None:
    rows = [fit(0.5, newton_sd=x, scenario=name) for name, x in (("a", 1.0), ("b", 1.0), ("c", 0.0))]
    factors = {"a": {"groups": 5}, "b": {"groups": 50}, "c": {"groups": 50}}
    about = {"scenarios": [{"name": name, "factors": each} for name, each in factors.items()]}
    results = Results(tables=fakes.frames() | {"fits": pd.DataFrame(rows)}, about=about)
    found = bc.detectors(results, by="groups")
    assert list(found.columns)[:2] == ["groups", "estimator"]
    wanted = {"detector": "newton_sd > 0.1", "measure": "sensitivity", "estimator": ALL_ADAM}
    assert [one(found, groups=n, **wanted)["value"] for n in (5, 50)] == [1.0, 0.5]
    by = bc.detectors(results, by="scenario")
    assert [one(by, scenario=name, **wanted)["value"] for name in "abc"] == [1.0, 1.0, 0.0]
    assert one(results.detectors, **wanted)["value"] == pytest.approx(2 / 3)
    with pytest.raises(InputError, match=r"no factor 'group'.*groups"):
        bc.detectors(results, by="group")
    with pytest.raises(InputError, match="name of a column"):
        detectors(results.tables, factors={"a": {"measure": 1}}, by="measure")


STUDIES, SETS, TRUE = 4000, 60, 0.7


def test_errors_and_intervals_hold_where_fits_share_their_data() -> None:
    rng = np.random.default_rng(8)
    shared, own = rng.random((STUDIES, SETS, 1)) < TRUE, rng.random((STUDIES, SETS, 3)) < TRUE
    hits = np.where(rng.random((STUDIES, SETS, 3)) < 0.7, shared, own).astype(float)
    study, data, _ = (index.ravel() for index in np.indices(hits.shape))
    found = clustered_shares(hits.ravel(), Groups(study, STUDIES), data)
    spread = found.value.std()
    # a spread of 4,000 has a standard error of 1.1 %; the error of 60 data sets is 1 % too small
    assert found.mcse.mean() == pytest.approx(spread, rel=3.5 * 0.011 + 0.01)
    inside = np.mean((found.lower <= TRUE) & (found.upper >= TRUE))
    assert abs(inside - 0.95) < 3.5 * np.sqrt(0.95 * 0.05 / STUDIES) + 0.005
    independent = np.sqrt(TRUE * (1 - TRUE) / (3 * SETS))
    assert spread > 1.3 * independent


def test_one_fit_a_data_set_is_the_plain_share() -> None:
    rng = np.random.default_rng(9)
    for n in (1, 2, 7, 80):
        hits = (rng.random(n) < 0.4).astype(float)
        found = clustered_shares(hits, Groups(np.zeros(n, dtype=np.int64), 1), np.arange(n))
        p = hits.mean()
        assert found.mcse[0] == pytest.approx(np.sqrt(p * (1 - p) / n))
        assert (found.lower[0], found.upper[0]) == pytest.approx(wilson(hits.sum(), n))
