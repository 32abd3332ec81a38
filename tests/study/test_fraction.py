"""A fraction of a grid is balanced as its docstring says, and its parts make up the grid."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bayescompare.errors import StudyError
from bayescompare.study.definition import Study
from bayescompare.study.fraction import fault_of, kept

LENGTHS = st.lists(st.integers(1, 6), min_size=2, max_size=5)
FRACTIONS = st.integers(2, 4)

TABLE = {
    "name": "a",
    "formula": "y ~ x + (1 | g)",
    "groups": [5, 10, 20, 40],
    "rows": [3, 6],
    "covariates": {"x": "normal(0, 1)"},
    "truth": {"beta[x]": 2, "sd_g[Intercept]": [0.1, 0.3, 1, 3], "sigma": 1},
}


def study(**fields) -> Study:
    return Study.from_dict(
        {"name": "s", "replicates": 2, "estimators": ["lbfgs-ml"], "scenario": [{**TABLE, **fields}]}, trial=False
    )


@given(LENGTHS, FRACTIONS)
@settings(max_examples=200, deadline=None)
def test_the_parts_make_up_the_grid_in_its_order(lengths, fraction):
    assume(fault_of(lengths, fraction, 0) is None)
    grid = list(product(*map(range, lengths)))
    parts = [list(kept(lengths, fraction, part)) for part in range(fraction)]
    assert all(len(part) == prod(lengths) // fraction for part in parts)
    assert all(part == [at for at in grid if at in set(part)] for part in parts)
    assert sorted(at for part in parts for at in part) == grid
    assert all(sum(at) % fraction == number for number, part in enumerate(parts) for at in part)


@given(LENGTHS, FRACTIONS, st.data())
@settings(max_examples=200, deadline=None)
def test_factors_are_balanced_where_another_one_is_even(lengths, fraction, data):
    assume(fault_of(lengths, fraction, 0) is None)
    found = list(kept(lengths, fraction, data.draw(st.integers(0, fraction - 1))))
    even = [place for place, length in enumerate(lengths) if length % fraction == 0]
    for size in range(1, len(lengths)):
        for some in combinations(range(len(lengths)), size):
            counts = Counter(tuple(at[k] for k in some) for at in found)
            if set(even) - set(some):
                assert len(counts) == prod(lengths[k] for k in some)
                assert len(set(counts.values())) == 1
    # so every factor by itself, always
    assert all(len(set(Counter(at[k] for at in found).values())) == 1 for k in range(len(lengths)))


def test_two_values_and_a_half_are_the_half_replicate_of_box_and_hunter():
    signs = [[2 * k - 1 for k in at] for at in kept([2, 2, 2, 2], 2, 0)]
    assert len(signs) == 8
    assert {prod(row) for row in signs} == {1}
    # aliases: an interaction of two factors is that of the other two
    assert all(a * b == c * d for a, b, c, d in signs)


def test_three_factors_of_four_values_and_a_quarter_are_a_latin_square():
    found = list(kept([4, 4, 4], 4, 0))
    assert len(found) == 16
    for a, b in combinations(range(3), 2):
        assert Counter((at[a], at[b]) for at in found) == Counter(product(range(4), range(4)))


@given(LENGTHS, FRACTIONS, st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_values_added_to_a_list_leave_those_that_were_there(lengths, fraction, more):
    longer = [lengths[0] + fraction * more, *lengths[1:]]
    assume(fault_of(lengths, fraction, 0) is None)
    assert set(kept(lengths, fraction, 0)) <= set(kept(longer, fraction, 0))


def test_a_study_keeps_its_fraction():
    full = {one.name: one for one in study().scenario}
    quarter = [study(fraction=4, part=part) for part in range(4)]
    assert [len(one.scenario) for one in quarter] == [8] * 4
    assert {one.name for part in quarter for one in part.scenario} == set(full)
    assert all(full[one.name] == one for part in quarter for one in part.scenario)
    for one in quarter:
        assert Study.from_dict(one.as_dict(), trial=False) == one
        assert Counter(found.factors["groups"] for found in one.scenario) == dict.fromkeys([5, 10, 20, 40], 2)
    assert study(fraction=1).as_dict() == study().as_dict()


def test_factors_of_one_value_are_there_to_group_by_and_change_no_name():
    plain, named = study(), study(factors={"effects": 4, "kind": "hard"})
    assert [one.name for one in plain.scenario] == [one.name for one in named.scenario]
    assert all(one.factors["effects"] == 4 and one.factors["kind"] == "hard" for one in named.scenario)
    assert Study.from_dict(named.as_dict(), trial=False) == named


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"fraction": 3}, "scenario[0].fraction: one in 3 would not be balanced"),
        ({"fraction": 2, "rows": 3, "groups": 5}, "2 divides; there is 1."),
        ({"fraction": 2, "part": 2}, "scenario[0].part: must be below fraction = 2, not 2."),
        ({"part": 1}, "scenario[0].part: must be below fraction = 1, not 1."),
        ({"fraction": 0}, "scenario[0].fraction: must be a whole number of at least 1, not 0."),
        ({"factors": {"groups": 3}}, "scenario[0].factors.groups: is a list of the grid already; rename it."),
        ({"factors": {"a": [1, 2]}}, "scenario[0].factors.a: must be a finite number, not [1, 2]."),
    ],
)
def test_a_fraction_that_is_none_is_refused(fields, message):
    with pytest.raises(StudyError) as caught:
        study(**fields)
    assert message in str(caught.value)
