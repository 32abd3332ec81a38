"""An ``[[estimator]]`` table is the grid of its lists, and every fault of it is named at once."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayescompare.engines.catalog import estimator
from bayescompare.errors import StudyError
from bayescompare.study.definition import Study

SCENARIO = {
    "name": "a",
    "formula": "y ~ x + (1 | g)",
    "groups": 8,
    "rows": 4,
    "covariates": {"x": "normal(0, 1)"},
    "truth": {"beta[x]": 2, "sd_g[Intercept]": 1, "sigma": 1},
}


def labels(*tables, **more) -> list[str]:
    values = {"name": "s", "replicates": 2, "scenario": [SCENARIO], "estimator": [*tables], **more}
    made = Study.from_dict(values, trial=False)
    assert Study.from_dict(made.as_dict(), trial=False) == made
    return [*made.estimators]


def refused(*tables, **more) -> str:
    with pytest.raises(StudyError) as caught:
        labels(*tables, **more)
    return str(caught.value)


GRIDS = st.fixed_dictionaries(
    {"epochs": st.lists(st.integers(2, 500), min_size=1, max_size=3, unique=True)},
    optional={
        "lr": st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=4, unique=True),
        "batch": st.lists(st.integers(1, 50), min_size=1, max_size=3, unique=True),
        "shuffle": st.just([True, False]),
        "optimizer": st.just(["Adam", "SGD(momentum=0.9,nesterov=True)"]),
    },
)


@given(GRIDS)
@settings(max_examples=60, deadline=None)
def test_a_table_is_the_product_of_its_lists(grid):
    found = [estimator(label) for label in labels({"name": "adam-marginal", **grid})]
    wanted = list(product(*grid.values()))
    assert len(found) == len(wanted)
    for one, values in zip(found, wanted, strict=True):
        assert tuple(getattr(one, key) for key in grid) == values


def test_single_values_and_defaults_and_the_order():
    assert labels(
        {"name": "adam-marginal", "epochs": 100, "lr": [0.01, 0.1], "batch": ["default", 3]},
        {"name": "adam-marginal"},
        {"name": "lbfgs-ml", "starts": [1, 2]},
        estimators=["lbfgs-ml"],
    ) == [
        "lbfgs-ml",
        "adam-marginal:lr=0.01,epochs=100",
        "adam-marginal:lr=0.01,batch=3,epochs=100",
        "adam-marginal:lr=0.1,epochs=100",
        "adam-marginal:lr=0.1,batch=3,epochs=100",
        "adam-marginal",
        "lbfgs-ml:starts=1",
        "lbfgs-ml:starts=2",
    ]


def test_a_fraction_of_settings():
    grid = {"name": "adam-marginal", "epochs": [50, 100], "lr": [0.02, 0.1], "batch": [2, 3]}
    first, second = (labels({**grid, "fraction": 2, "part": part}) for part in (0, 1))
    assert len(first) == len(second) == 4
    assert {*first, *second} == {*labels(grid)}


def test_every_fault_is_named_at_once():
    message = refused(
        {"name": "adam-marginal", "lr": [0.01, -1], "bacth": 3},
        {"name": "adam"},
        {"lr": 3},
        {"name": "lbfgs-ml", "starts": [1, 2, 1]},
        {"name": "adam-marginal", "lr": [0.01, -1], "batch": 3},
        {"name": "adam-marginal", "lr": [0.01, 0.02, 0.3], "fraction": 2},
        4,
        {"name": "adam-marginal", "lr": [[3], 1]},
        {"name": "lbfgs-ml", "starts": []},
        {"name": "lbfgs-reml", "starts": "x"},
    )
    for fault in (
        "estimator[0].bacth: adam-marginal has no setting 'bacth'. Did you mean 'batch'?",
        "estimator[1].name: there is no estimator 'adam'.",
        "estimator[2].name: is missing.",
        "estimator[3].starts[2]: 1 is listed twice.",
        "estimator[4]: adam-marginal: a run to convergence has no minibatches",
        "estimator[4]: adam-marginal: lr must be a positive number, not -1.0.",
        "estimator[5].fraction: one in 2 would not be balanced",
        "estimator[6]: must be a table.",
        "estimator[7].lr: must be a number, true, false or text, or a list of such, not [3].",
        "estimator[8].starts: must not be an empty list.",
        "estimator[9]: 'lbfgs-reml:starts=x': starts cannot be 'x'",
    ):
        assert fault in message


def test_an_estimator_that_is_there_twice_is_refused_wherever_it_stands():
    message = refused(
        {"name": "lbfgs-ml"}, {"name": "lbfgs-ml", "starts": [1, 2]}, {"name": "lbfgs-ml", "starts": 2},
        estimators=["lbfgs-ml"],
    )  # fmt: skip
    assert "estimator[0]: 'lbfgs-ml' is in estimators already." in message
    assert "estimator[2]: 'lbfgs-ml:starts=2' is there already, by estimator[1]." in message


def test_a_study_without_estimators_is_refused():
    assert "estimators: is missing. (Or give [[estimator]] tables.)" in refused()


def test_a_grid_of_settings_that_is_huge_is_refused_before_it_is_made():
    message = refused({"name": "adam-marginal", "lr": [k / 7 for k in range(1, 200)], "epochs": [*range(1, 200)]})
    assert "estimator[0]: there are 39,601 combinations of settings" in message
