"""Products of other responses are those of their own data sets."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.products import Products, compress
from bayescompare.likelihood.responses import products_of, with_responses
from tests.laws.cases import CASES


def own_products(problem: Problem, y: np.ndarray) -> Products:
    return compress(
        y=y,
        x=problem.x,
        z=problem.z,
        groups=problem.groups,
        count=len(problem.layout.levels),
        layout=problem.layout,
    )


def responses(problem: Problem) -> np.ndarray:
    """Return three: noise around the mean, groups far from each other, and one far from zero."""
    rng = np.random.default_rng(2)
    n = len(problem.y)
    far = 1e5 * rng.normal(size=problem.groups.max() + 1)[problem.groups]
    noise = np.std(problem.y) * rng.normal(size=(3, n))
    return problem.y.mean() + noise + np.array([np.zeros(n), far, np.full(n, 1e6)])


@pytest.mark.parametrize("case", CASES)
def test_products_are_those_of_compress(case):
    problem = CASES[case].problem()
    y = responses(problem)
    for one, found in zip(y, products_of(problem, y), strict=True):
        expected = own_products(problem, one)
        for field in fields(Products):
            a, b = np.asarray(getattr(found, field.name)), np.asarray(getattr(expected, field.name))
            assert a.shape == b.shape
            size = max(np.max(np.abs(b), initial=0.0), 1e-300)
            np.testing.assert_allclose(a / size, b / size, rtol=0, atol=1e-10, err_msg=field.name)


def test_far_groups_move_the_centre_as_in_compress():
    """Of the second response the centre is by generalised least squares, which least squares is far from."""
    problem = CASES["unbalanced"].problem()
    y = responses(problem)
    basis, _ = np.linalg.qr(problem.x)
    moved = [np.abs(basis.T @ (one - problem.x @ found.beta0)).max() / found.scale
             for one, found in zip(y, products_of(problem, y), strict=True)]  # fmt: skip
    assert moved[0] < 1e-9
    assert moved[1] > 1e-3


def test_a_problem_of_its_own_response_is_the_same():
    problem = CASES["slopes"].problem()
    (same,) = with_responses(problem, problem.y[None])
    np.testing.assert_array_equal(same.y, problem.y)
    np.testing.assert_allclose(same.products.within, problem.products.within, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(same.products.c, problem.products.c, rtol=1e-12, atol=1e-12)
    assert same.products.r is problem.products.r
