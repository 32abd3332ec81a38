"""A study in words: every kind of truth, design and setting that a study file may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from bayescompare.comparison.results import Results
from bayescompare.design import Design, Scenario, parse_covariate
from bayescompare.reporting.ademp import Ademp, ademp
from bayescompare.reporting.methods import methods
from bayescompare.reporting.settings import in_words
from bayescompare.reporting.subject import Subject
from tests.reporting.samples import grid_study, own_data, study

FEW: dict[str, tuple[object, ...]] = {"groups": (5, 20), "sd_g[x]": (0.3, 1)}


def told(results: Results) -> Ademp:
    found = ademp(Subject(results))
    assert found is not None
    return found


def words(found: Ademp) -> str:
    """Return all that is said, in a line."""
    return " ".join([*(" ".join([part.name, *part.paragraphs, *map(" ".join, part.items)]) for part in found.parts)])


def with_scenario(**changes: Any) -> Results:
    """Return a study of one scenario of which something else is said."""
    results = grid_study({}, replicates=2)
    (about,) = results.about["scenarios"]
    return Results(tables=results.tables, about={**results.about, "scenarios": [about | changes]})


def test_the_five_parts_come_in_their_order() -> None:
    found = told(grid_study(FEW, seed=7))
    assert [part.name[0] for part in found.parts] == list("ADEMP")
    text = words(found)
    for sentence in (
        "A grid.",
        "Data were simulated by 4 data-generating mechanisms, with 4 independent data sets each.",
        "Full factorial grid of groups (5, 20) by sd_g[x] (0.3, 1): 4 scenarios.",
        "Model y ~ x + (1 + x | g).",
        "5 rows a group",
        "Covariates x ~ normal(0, 1) by row: drawn anew in each data set.",
        "seed 7",
        "fixed effects beta[Intercept], beta[x]",
        "correlations of the random effects cor_g[Intercept, x]",
        "Each data set was analysed by 2 methods.",
    ):
        assert sentence in text, sentence
    truth = re.search(r"True values [^;]*", text)
    assert truth is not None
    assert "beta[x] = 2" in truth.group()
    assert "sd_g[x]" not in truth.group()  # a factor


def test_levels_that_hold_commas_stay_apart() -> None:
    text = words(told(grid_study({"sizes": ("5, 9", "7, 7"), "beta[x]": (0, "Normal(0, 1)")}, replicates=2)))
    assert "Full factorial grid of sizes (5, 9; 7, 7) by beta[x] (0; Normal(0, 1)): 4 scenarios." in text


def test_own_data_have_no_design() -> None:
    assert ademp(Subject(own_data(draws=False))) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"truth": "prior"}, "All parameters were drawn anew in each data set from their priors."),
        ({"truth": {"beta": 1.0, "sigma": "HalfNormal(1)"}}, "drawn anew in each data set sigma ~ HalfNormal(1)"),
        ({"rows": "poisson(8)"}, "1 + Poisson(7), drawn anew in each data set, rows a group"),
        ({"rows": ["poisson", 8]}, "1 + Poisson(7), drawn anew in each data set, rows a group"),
        ({"rows": "poisson(8)", "fixed_design": True}, "1 + Poisson(7), drawn once, rows a group"),
        ({"rows": [5, 5, 20]}, "3 groups, 5, 5, 20 rows a group"),
        ({"imbalance": 0.8}, "imbalance 0.8"),
        ({"fixed_design": True}, "Covariates x ~ normal(0, 1) by row: kept from the first data set in all."),
        ({"covariates": {}}, "The design is drawn anew in each data set."),
    ],
)
def test_designs_and_truths_in_words(changes: Mapping[str, Any], sentence: str) -> None:
    assert sentence in words(told(with_scenario(**changes)))


@pytest.mark.parametrize("truth", [{"beta": "Normal(0, 1)", "sd_g": "HalfNormal(2)", "sigma": 1}, "prior"])
def test_drawn_truths_are_shown_with_the_parameters(truth: Any) -> None:
    design = Design(groups=5, rows=("poisson", 8.0), covariates={"x": parse_covariate("normal")}, fixed=True)
    scenario = Scenario(name="few", formula="y ~ x + (1 + x | g)", design=design, truth=truth)
    (found,) = methods(Subject(with_scenario(**scenario.as_dict()))).scenarios
    shown = {row[1].text: row[2].text for row in found.parameters.rows}
    assert shown["beta[x]"] == ("drawn from its prior" if truth == "prior" else "drawn from Normal(mu=0, sigma=1)")
    assert shown["sigma"] == ("drawn from its prior" if truth == "prior" else "1")
    assert dict(found.design)["rows a group"] == "1 + Poisson(7), drawn once"
    assert dict(found.design)["covariates"] == "kept in all replicates"


def test_an_unfinished_study_says_so() -> None:
    results = grid_study(FEW, replicates=2)
    text = words(told(Results(tables=results.tables, about={**results.about, "replicates": 50})))
    assert "2 independent data sets each of 50 asked for" in text


def test_what_estimates_something_else_is_kept_out() -> None:
    assert "sigma of adam-pooled estimates sqrt(tau^2 + sigma^2)" in words(told(study(2)))


def test_errors_reached_are_those_of_the_measures() -> None:
    results = grid_study(FEW)
    rows = results.performance
    coverage = rows[(rows["reading"] == "all") & (rows["measure"] == "coverage")]
    printed = {row[0].text: row for row in told(results).measures.rows}
    assert float(printed["coverage"][4].exact) == coverage["mcse"].max()
    assert printed["coverage"][5].text.endswith("wald 95 %, n = 4/4")
    assert printed["coverage"][6].text == f"{len(coverage)}/{len(coverage)}"
    assert {"bias", "RMSE", "empirical SE", "convergence rate", "interval score"} <= set(printed)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("lbfgs-ml", ""),
        ("lbfgs-ml:starts=1,coordinates=log-sd", "a single start, coordinates log-sd"),
        (
            "adam-marginal:lr=0.01,batch=3,epochs=100,scale=raw",
            "learning rate 0.01, minibatches of 3 groups, 100 epochs, raw columns",
        ),
        ("adam-pooled:batch=8", "minibatches of 8 rows"),
        ("nuts:draws=500,effects=false", "500 draws a chain, no draws of the random effects"),
        ("mine:depth={0},fast", "depth = {0}, fast"),
    ],
)
def test_settings_in_words(label: str, said: str) -> None:
    assert in_words(label) == said
