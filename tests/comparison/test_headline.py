"""The answer of a study in a row an estimator, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from bayescompare.comparison.decomposition import Decomposition
from bayescompare.comparison.headline import ASPECTS, headline
from bayescompare.comparison.schema import HEADLINE_COLUMNS

LABELS = ["adam-marginal", "lbfgs-ml", "nuts"]


def means(rows: list[tuple[str, str, str, str, float, float]]) -> Decomposition:
    """Return mean errors: scenario, estimator, parameter, part, value, Monte Carlo standard error."""
    frame = pd.DataFrame(rows, columns=["scenario", "estimator", "parameter", "part", "value", "mcse"])
    frame = frame.assign(unit="typical ML standard error", n_used=80, n_total=80)
    other = frame.assign(unit="response", value=frame["value"] * 1e6)
    return Decomposition(replicates=frame, means=pd.concat([other, frame]), squares=frame)


ERRORS = means([
    ("a", "adam-marginal", "sd_g[Intercept]", "optimizer and stopping", 0.2, 0.01),
    ("b", "adam-marginal", "sd_g[Intercept]", "optimizer and stopping", -0.9, 0.1),
    ("b", "adam-marginal", "sd_g[x]", "optimizer and stopping", 5.0, np.nan),
    ("b", "adam-marginal", "beta[x]", "optimizer and stopping", 7.0, 0.1),
    ("b", "adam-marginal", "sigma", "optimizer and stopping", 8.0, 0.1),
    ("a", "adam-marginal", "sd_g[Intercept]", "sampling", 3.0, 0.1),
    ("a", "nuts", "sd_g[Intercept]", "prior and loss", 0.4, 0.05),
    ("a", "nuts", "sd_g[Intercept]", "total", 0.1, 0.05),
])  # fmt: skip


def verdicts() -> pd.DataFrame:
    rows = [
        (1, "", "adam-marginal", "a", 0.2, 0.1, 0.3),
        (1, "", "adam-marginal", "b", 0.9, 0.8, 0.95),
        (3, "optimizer bias", "adam-marginal", "b", 99.0, 98.0, 100.0),
        (5, "", "lbfgs-ml", "a", 0.0, 0.0, 0.05),
        (6, "gate failures", "nuts", "a", 0.1, 0.05, 0.2),
        (6, "coverage shortfall", "nuts", "a", 0.7, 0.6, 0.8),
        (1, "", "adam-pooled", "a", np.nan, np.nan, np.nan),
    ]
    columns = ["claim", "aspect", "objective", "scenario", "value", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns).assign(n_used=80, n_total=80)


def recovery(ratios: dict[str, list[float]]) -> pd.DataFrame:
    """Return errors of two effects a data set: those of adam-marginal are so many times those of lbfgs-ml."""
    rng = np.random.default_rng(0)
    rows = []
    for scenario, each in ratios.items():
        for replicate, ratio in enumerate(each):
            errors = rng.uniform(1, 2, 2)
            for effect, error in zip(("Intercept", "x"), errors, strict=True):
                rows.append((scenario, replicate, "lbfgs-ml", effect, error))
                rows.append((scenario, replicate, "adam-marginal", effect, error * ratio))
    return pd.DataFrame(rows, columns=["scenario", "replicate", "estimator", "effect", "rmse"])


def tables(found: pd.DataFrame | None = None, degenerate: tuple[int, int] = (0, 0)) -> dict[str, pd.DataFrame]:
    """Return fits, of which so many of adam-penalised collapsed in scenarios a and b, and the recovery."""
    rows = [("a", label, "ok", []) for label in LABELS]
    for scenario, count in zip("ab", degenerate, strict=True):
        flags = [["degenerate"] if k < count else [] for k in range(10)]
        rows += [(scenario, "adam-penalised", "flagged", each) for each in flags]
    fits = pd.DataFrame(rows, columns=["scenario", "estimator", "status", "flags"])
    return {"fits": fits, "recovery": recovery({}) if found is None else found}


def test_of_an_objective_without_an_optimum_the_collapsed_are_counted():
    found = headline(verdicts(), ERRORS, tables(degenerate=(2, 5))).set_index(["estimator", "aspect"])
    row = found.loc["adam-penalised", "arrival"]
    assert (row["value"], row["scenario"], row["best"], row["n_used"]) == (0.5, "b", 0.2, 10)
    assert ("adam-penalised", "arrival") not in headline(verdicts(), ERRORS, tables()).set_index(
        ["estimator", "aspect"]
    ).index


def test_the_worst_sd_of_the_groups_counts_and_its_interval_allows_for_the_choice():
    found = headline(verdicts(), ERRORS, tables()).set_index(["estimator", "aspect"])
    row = found.loc["adam-marginal", "optimizer and stopping"]
    assert (row["value"], row["scenario"], row["parameter"], row["choices"]) == (-0.9, "b", "sd_g[Intercept]", 2)
    half = t.ppf(1 - 0.025 / 2, 79) * 0.1
    assert (row["lower"], row["upper"]) == (pytest.approx(-0.9 - half), pytest.approx(-0.9 + half))
    assert row["best"] == 0.2
    assert found.loc["nuts", "objective"]["value"] == 0.4
    assert found.loc["nuts", "total"]["value"] == 0.1
    assert ("adam-marginal", "total") not in found.index


def test_arrival_is_that_of_the_claims_about_it():
    found = headline(verdicts(), ERRORS, tables())
    arrival = found[found["aspect"] == "arrival"].set_index("estimator")
    assert arrival["value"].to_dict() == {"adam-marginal": 0.9, "lbfgs-ml": 0.0, "nuts": 0.1}
    assert arrival.loc["adam-marginal", ["lower", "upper", "best"]].tolist() == [0.8, 0.95, 0.2]


def test_effects_are_held_against_lbfgs_on_the_same_data():
    found = headline(verdicts(), ERRORS, tables(recovery({"a": [2.0, 2.0, 2.0], "b": [1.0, 4.0, 2.0, 2.0]})))
    row = found[found["aspect"] == "effects"].iloc[0]
    assert (row["estimator"], row["value"], row["n_used"]) == ("adam-marginal", pytest.approx(2.0), 3)
    wide = headline(verdicts(), ERRORS, tables(recovery({"a": [1.1, 1.1], "b": [1.0, 4.0, 2.0, 2.0]})))
    row = wide[wide["aspect"] == "effects"].iloc[0]
    half = t.ppf(1 - 0.025 / 2, 3) * np.log([1.0, 4.0, 2.0, 2.0]).std(ddof=1) / 2
    assert (row["scenario"], row["best"]) == ("b", pytest.approx(1.1))
    assert (row["lower"], row["upper"]) == (pytest.approx(2 * np.exp(-half)), pytest.approx(2 * np.exp(half)))


def test_estimators_come_in_the_order_of_the_study_and_aspects_in_their_own():
    found = headline(verdicts(), ERRORS, tables(recovery({"a": [2.0, 3.0]})))
    assert list(found.columns) == list(HEADLINE_COLUMNS)
    assert list(found["estimator"].unique()) == LABELS
    mine = found.loc[found["estimator"] == "adam-marginal", "aspect"].tolist()
    assert mine == [aspect for aspect in ASPECTS if aspect in mine]


def test_without_random_effects_there_is_nothing_to_say():
    assert not len(headline(verdicts().iloc[:0], means([]), tables()))
