"""Designs, covariates and names."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bayescompare.design import COVARIATES, Covariate, Design, Scenario, check_name, parse_covariate
from bayescompare.errors import StudyError

GROUPS = np.repeat(np.arange(400), 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("normal(0, 1)", Covariate(distribution="normal", arguments=(0, 1))),
        ("normal", Covariate(distribution="normal", arguments=(0, 1))),
        ("normal(sd=3)", Covariate(distribution="normal", arguments=(0, 3))),
        ("uniform(low=-1, high=10)", Covariate(distribution="uniform", arguments=(-1, 10))),
        ("uniform(2, high=1e3)", Covariate(distribution="uniform", arguments=(2, 1000))),
        (" bernoulli(0.3) by group ", Covariate(distribution="bernoulli", arguments=(0.3,), level="group")),
        ("sequence(0, 0.5) by row", Covariate(distribution="sequence", arguments=(0, 0.5))),
        ("lognormal()", Covariate(distribution="lognormal", arguments=(0, 1))),
    ],
)
def test_covariates_as_typed(text, expected):
    assert parse_covariate(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gaussian(0, 1)", "There is no covariate distribution 'gaussian'"),
        ("norml(0, 1)", "Did you mean 'normal'?"),
        ("normal(0, std=1)", "normal has no argument 'std'. Did you mean 'sd'?"),
        ("normal(0, 1, 2)", "normal has no argument '2'"),
        ("normal(a)", "mean must be a number, not 'a'"),
        ("normal(0, -1)", "sd must be greater than 0"),
        ("normal(0, nan)", "arguments must be finite numbers"),
        ("normal(inf)", "arguments must be finite numbers"),
        ("bernoulli(1.2)", "p must lie between 0 and 1"),
        ("normal(0, 1) by subject", "Cannot read the covariate"),
        ("normal(0, 1", "Cannot read the covariate"),
        ("", "Cannot read the covariate ''"),
        ("normal(__import__('os'))", "Cannot read the covariate"),
    ],
)
def test_covariates_that_cannot_be_read(text, message):
    with pytest.raises(StudyError) as caught:
        parse_covariate(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("normal(2, 3)", stats.norm(2, 3)),
        ("uniform(-1, 4)", stats.uniform(-1, 5)),
        ("lognormal(0.5, 0.7)", stats.lognorm(0.7, scale=np.exp(0.5))),
    ],
)
def test_covariates_follow_their_distribution(text, law):
    values = parse_covariate(text).draw(np.random.default_rng(0), GROUPS)
    assert values.shape == GROUPS.shape
    assert stats.kstest(values, law.cdf).pvalue > 1e-4


def test_bernoulli_covariates_are_zeros_and_ones():
    values = parse_covariate("bernoulli(0.3)").draw(np.random.default_rng(0), GROUPS)
    assert set(values) == {0.0, 1.0}
    assert abs(values.mean() - 0.3) < 4 * np.sqrt(0.21 / len(values))


@pytest.mark.parametrize("name", sorted(set(COVARIATES) - {"sequence"}))
def test_covariates_by_group_have_one_value_a_group(name):
    values = parse_covariate(f"{name} by group").draw(np.random.default_rng(0), GROUPS).reshape(400, 10)
    assert np.all(values == values[:, :1])
    assert len(set(values[:, 0])) > 1


def test_a_sequence_counts_within_each_group():
    values = parse_covariate("sequence(5, 2)").draw(np.random.default_rng(0), np.array([0, 0, 0, 1, 2, 2]))
    np.testing.assert_array_equal(values, [5, 7, 9, 5, 5, 7])


@pytest.mark.parametrize(("rows", "expected"), [(3, [3, 3, 3, 3]), ((1, 5, 2, 9), [1, 5, 2, 9])])
def test_sizes_as_given(rows, expected):
    np.testing.assert_array_equal(Design(groups=4, rows=rows).sizes(np.random.default_rng(0)), expected)


def test_drawn_sizes_are_one_and_more_with_the_mean_that_was_asked_for():
    sizes = Design(groups=5000, rows=("poisson", 4.0)).sizes(np.random.default_rng(0))
    assert sizes.min() == 1
    assert abs(sizes.mean() - 4) < 4 * np.sqrt(3 / 5000)
    assert abs(sizes.var() - 3) < 4 * np.sqrt((3 + 2 * 9) / 5000)


@pytest.mark.parametrize(
    ("groups", "rows", "message"),
    [
        (1, 5, "at least 2 groups, not 1"),
        (0, 5, "at least 2 groups, not 0"),
        (3, 0, "Every group needs at least one row; rows = 0"),
        (3, (2, 2), "rows gives 2 sizes for 3 groups"),
        (3, (2, 0, 1), "Every group needs at least one row"),
        (3, (), "rows gives 0 sizes for 3 groups"),
        (3, ("poisson", 0.5), "Every group needs at least one row"),
    ],
)
def test_sizes_that_are_none(groups, rows, message):
    with pytest.raises(StudyError) as caught:
        Design(groups=groups, rows=rows)
    assert message in str(caught.value)


def test_a_scenario_checks_its_name():
    with pytest.raises(ValueError, match=r"scenario name .* is refused"):
        Scenario(name="../x", formula="y ~ 1", design=Design(groups=2, rows=2), truth={})
    assert check_name("a-1.b_C", "study") == "a-1.b_C"


@pytest.mark.parametrize(
    ("groups", "rows", "imbalance", "expected"),
    [
        (5, 10, 0.0, [10, 10, 10, 10, 10]),
        (5, 10, 0.8, [2, 6, 10, 14, 18]),
        (3, 10, 1.0, [1, 10, 20]),
        (2, 1, 0.5, [1, 2]),
        (4, 5, 0.3, [4, 4, 6, 6]),
    ],
)
def test_imbalance_goes_in_even_steps(groups, rows, imbalance, expected):
    sizes = Design(groups=groups, rows=rows, imbalance=imbalance).sizes(np.random.default_rng(0))
    np.testing.assert_array_equal(sizes, expected)


@given(st.integers(2, 60), st.integers(1, 40), st.floats(0, 1))
def test_imbalance_keeps_the_number_of_rows(groups, rows, imbalance):
    sizes = Design(groups=groups, rows=rows, imbalance=imbalance).sizes(np.random.default_rng(0))
    assert sizes.min() >= 1
    assert np.all(np.diff(sizes) >= 0)
    raised = np.sum(sizes == 1) if rows * (1 - imbalance) < 1 else 0
    assert groups * rows <= sizes.sum() <= groups * rows + raised


@pytest.mark.parametrize(
    ("rows", "imbalance", "message"),
    [
        (5, -0.1, "imbalance must lie between 0 and 1, not -0.1"),
        (5, float("nan"), "imbalance must lie between 0 and 1"),
        (("poisson", 5.0), 0.5, "imbalance goes with one number of rows"),
        ((5, 5, 5), 0.5, "imbalance goes with one number of rows"),
    ],
)
def test_imbalance_that_cannot_be(rows, imbalance, message):
    with pytest.raises(StudyError, match=message):
        Design(groups=3, rows=rows, imbalance=imbalance)


def test_a_scenario_reads_its_distributions_and_prints_plain():
    scenario = Scenario(
        name="a",
        formula="y ~ x + (1 | g)",
        design=Design(groups=2, rows=("poisson", 8.0), covariates={"x": parse_covariate("normal(0, 1) by group")}),
        truth={"sd_g[Intercept]": "HalfNormal(1)", "sigma": 1},
    )
    plain = scenario.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["truth"] == {"sd_g[Intercept]": "HalfNormal(1)", "sigma": 1.0}
    assert (plain["rows"], plain["covariates"]["x"]) == ("poisson(8)", "normal(0, 1) by group")
    assert scenario.base == "a"
    with pytest.raises(StudyError, match="truth must be a table of parameters, or 'prior', not 'priors'"):
        dataclasses.replace(scenario, truth="priors")
