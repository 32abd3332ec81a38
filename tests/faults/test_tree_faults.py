"""What a tree of draws must never do: name a number after another parameter, group or draw."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from bayescompare.comparison.results import results_of
from bayescompare.comparison.trees import fit_tree
from bayescompare.study.store import read_results, write_results
from tests.comparison.drawn import drawn_fit

az = pytest.importorskip("arviz")


def quietly(function, *args, **kwargs):
    """Call ArviZ, whose warnings about itself are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


@pytest.mark.parametrize("formula", ["y ~ x + z + (1 | g)", "y ~ x + z + (x | g)", "y ~ x + z + (x + z | g)"])
@pytest.mark.parametrize("place", ["memory", "file"])
def test_every_row_of_a_table_of_arviz_is_of_the_variable_at_the_coordinates_that_its_label_names(
    formula, place, tmp_path
):
    rng, groups = np.random.default_rng(2), np.repeat(np.arange(30), 10)
    data = pd.DataFrame(rng.normal(size=(300, 3)), columns=["y", "x", "z"]).assign(g=[f"g{k}" for k in groups])
    data["y"] += (rng.normal(size=(30, 3))[groups] * np.column_stack([np.ones(300), data["x"], data["z"]])).sum(axis=1)
    problem, points, drawn = drawn_fit(formula, data, draws=20)
    tree = fit_tree(problem, drawn, points)
    if place == "file":
        write_results(results_of([], trees={("d", 0): tree}, about={"kind": "fit"}), tmp_path)
        tree = read_results(tmp_path).tree
    for group in tree.children:
        if "draw" in tree[group].dims:
            tree[group] = tree[group].to_dataset().astype(float)
            table = quietly(az.summary, tree, group=group, kind="stats", round_to="none")
            assert_rows_are_named(table["mean"], tree[group])
    effects = quietly(az.summary, tree, var_names=["sd_g", "b_g"], kind="stats", round_to="none")
    assert_rows_are_named(effects["mean"], tree["posterior"])
    assert len(effects) == problem.layout.q * 31
    if problem.layout.q > 1:
        table = quietly(az.psense_summary, tree, round_to=12)
        assert_rows_are_named(table["prior"], az.psense(tree, group="prior"))
        assert_rows_are_named(table["likelihood"], az.psense(tree, group="likelihood"))


def assert_rows_are_named(column, variables):
    """Look each row's label up by names of dims and labels of coordinates, and compare the means."""
    for label, value in column.items():
        name, _, inside = label.removesuffix("]").partition("[")
        variable = variables[name]
        # a pair's own label has a comma
        dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
        labels = [inside] if len(dims) == 1 else inside.split(", ")
        at = {dim: type(variable[dim].values.tolist()[0])(each) for dim, each in zip(dims, labels, strict=bool(dims))}
        assert value == pytest.approx(float(variable.sel(at).mean()), rel=1e-9, abs=1e-11), label
