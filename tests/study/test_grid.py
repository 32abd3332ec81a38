"""A list in a scenario makes a full factorial grid, with names that its values alone decide."""

from __future__ import annotations

import re
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescompare.design import check_name
from bayescompare.errors import StudyError
from bayescompare.priors import parse_prior
from bayescompare.study.definition import Study
from bayescompare.study.grid import scenario_name

BASE = {
    "name": "a",
    "formula": "y ~ x + (1 | g)",
    "groups": 8,
    "rows": 4,
    "covariates": {"x": "normal(0, 1)"},
    "truth": {"beta[x]": 2, "sd_g[Intercept]": 1, "sigma": 1},
}


def grid(truth=None, **fields) -> Study:
    scenario = {**BASE, **fields, "truth": {**BASE["truth"], **(truth or {})}}
    return Study.from_dict(
        {"name": "s", "replicates": 2, "estimators": ["lbfgs-ml"], "scenario": [scenario]}, trial=False
    )


def lists(values):
    return values | st.lists(values, min_size=1, max_size=4, unique=True)


NUMBERS = st.floats(0.01, 1000, allow_nan=False) | st.integers(1, 50).map(float)
GRIDS = st.fixed_dictionaries(
    {},
    optional={
        "groups": lists(st.integers(2, 200)),
        "rows": lists(st.integers(1, 50)),
        "imbalance": lists(st.floats(0, 1)),
        "covariates": st.fixed_dictionaries(
            {"x": lists(st.sampled_from(["normal(0, 1)", "normal(0, 2)", "uniform", "bernoulli(0.3) by group"]))}
        ),
        "truth": st.fixed_dictionaries(
            {},
            optional={
                "beta[x]": lists(st.floats(-10, 10) | st.sampled_from(["Normal(0, 1)", "Normal(0, 3)"])),
                "sd_g[Intercept]": lists(NUMBERS | st.sampled_from(["HalfNormal(1)", "HalfCauchy(2)"])),
                "sigma": lists(NUMBERS),
            },
        ),
    },
)


def factors_of(fields) -> dict[str, list]:
    flat = {**fields, **fields.get("covariates", {}), **fields.get("truth", {})}
    return {name: values for name, values in flat.items() if isinstance(values, list)}


@given(GRIDS)
@settings(max_examples=150, deadline=None)
def test_a_grid_is_the_product_of_its_lists(fields):
    study, factors = grid(**fields), factors_of(fields)
    names = [one.name for one in study.scenario]
    assert len(names) == len(set(names)) == prod(len(values) for values in factors.values())
    for one in study.scenario:
        assert check_name(one.name, "scenario") == one.name
        assert one.base == "a"
        assert set(one.factors) == set(factors)
        assert all(value in factors[name] for name, value in one.factors.items())
    combinations = {tuple(sorted((name, str(value)) for name, value in one.factors.items())) for one in study.scenario}
    assert len(combinations) == len(names)
    assert (names == ["a"]) is (not factors)


@given(GRIDS)
@settings(max_examples=100, deadline=None)
def test_the_factors_alone_make_the_scenario_again(fields):
    for one in grid(**fields).scenario:
        flat = {**BASE, **fields, **{k: v for k, v in one.factors.items() if k in BASE or k == "imbalance"}}
        for table in ("covariates", "truth"):
            given_here = {**BASE[table], **fields.get(table, {})}
            flat[table] = {key: one.factors.get(key, value) for key, value in given_here.items()}
        (again,) = grid(**flat).scenario
        assert (again.design, again.truth, again.formula) == (one.design, one.truth, one.formula)


@given(GRIDS)
@settings(max_examples=100, deadline=None)
def test_what_is_written_comes_back(fields):
    study = grid(**fields)
    again = Study.from_dict(study.as_dict(), trial=False)
    assert again == study
    assert again.as_dict() == study.as_dict()
    assert again.scenario == study.scenario
    assert study.difference(again) == []


@given(GRIDS, st.data())
@settings(max_examples=100, deadline=None)
def test_names_do_not_change_when_lists_grow(fields, data):
    factors = factors_of(fields)
    shorter = {**fields}
    for name in [name for name in ("groups", "rows", "imbalance") if name in factors]:
        shorter[name] = data.draw(st.lists(st.sampled_from(fields[name]), min_size=1, unique=True))
    few = {one.name: (one.design, one.truth) for one in grid(**shorter).scenario}
    many = {one.name: (one.design, one.truth) for one in grid(**fields).scenario}
    assert few.items() <= many.items()


def test_names_are_readable():
    names = [one.name for one in grid(groups=[5, 20], truth={"sd_g[Intercept]": [0.3, 1, "HalfNormal(1)"]}).scenario]
    assert names[:3] == [
        "a-groups_5-sd_g.Intercept_0.3",
        "a-groups_5-sd_g.Intercept_1",
        "a-groups_5-sd_g.Intercept_HalfNormal.1",
    ]
    assert scenario_name("a", {"cor_g[Intercept, x]": -0.5}) == "a-cor_g.Intercept.x_-0.5"
    assert scenario_name("a", {"sigma": 1e-05, "rows": "poisson(8)"}) == "a-sigma_1e-05-rows_poisson.8"
    assert scenario_name("a", {}) == "a"


def test_a_long_name_ends_in_a_hash_of_the_whole():
    factors = {f"beta[x{k}]": 0.1 for k in range(10)}
    long = scenario_name("a", factors)
    assert len(long) == 64
    assert re.fullmatch(r"a-beta\.x0_0\.1-.*-[0-9a-f]{10}", long)
    assert long == "a-beta.x0_0.1-beta.x1_0.1-beta.x2_0.1-beta.x3_0.1-bet-" + long[-10:]
    assert scenario_name("a", {**factors, "beta[x9]": 0.2}) != long
    # a seed: it must not change between versions
    assert long[-10:] == "bb639cc044"


@pytest.mark.parametrize(
    ("given_sizes", "expected"),
    [([3, 5, 9], [(3, 5, 9)]), ([[3, 5, 9], [4, 4]], [(3, 5, 9), (4, 4)])],
)
def test_sizes_of_the_groups_are_given_in_place_of_their_number(given_sizes, expected):
    scenario = {key: value for key, value in BASE.items() if key not in ("groups", "rows")} | {"sizes": given_sizes}
    values = {"name": "s", "replicates": 2, "estimators": ["lbfgs-ml"], "scenario": [scenario]}
    study = Study.from_dict(values)
    assert [one.rows for one in study.scenario] == expected
    assert [one.groups for one in study.scenario] == [len(sizes) for sizes in expected]
    assert Study.from_dict(study.as_dict()) == study
    nested = isinstance(given_sizes[0], list)
    assert [dict(one.factors) for one in study.scenario] == [
        {"sizes": ", ".join(map(str, sizes))} if nested else {} for sizes in expected
    ]


def test_values_that_look_the_same_in_a_name_are_refused():
    with pytest.raises(StudyError, match=r"two scenarios of the grid have the name 'a-x_normal.0.1'"):
        grid(covariates={"x": ["normal(0, 1)", "normal(0,1)"]})


def test_a_covariate_and_a_factor_of_one_name_are_refused():
    with pytest.raises(StudyError, match=r"covariates.rows: a covariate of this name cannot be a factor"):
        grid(formula="y ~ rows + (1 | g)", covariates={"rows": ["normal", "uniform"]})


def test_truths_may_be_distributions_and_variables():
    (one,) = grid(truth={"beta": "Normal(0, 2)", "sd_g": "HalfNormal(1)"}, rows=5).scenario
    assert one.truth["beta"] == parse_prior("Normal(0, 2)")
    assert one.as_dict()["truth"]["sd_g"] == "HalfNormal(1)"
