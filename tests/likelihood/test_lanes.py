"""Groups innermost or groups outermost: the same likelihood and gradient."""

from __future__ import annotations

import numpy as np
import pytest

from bayescompare.likelihood import kernel, lanes
from bayescompare.likelihood.problem import Problem
from tests.engines.nuts_cases import simulated, sleepstudy

PROBLEMS = [
    *(
        simulated(k, groups=groups, formula=formula)
        for k, groups in enumerate((2, 7, 300))
        for formula in ("y ~ 1 + x + (1 + x | g)", "y ~ 1 + x + (1 + x || g)", "y ~ 0 + (1 | g)", "y ~ 1 + x")
    ),
    simulated(9, groups=5, rows=2, formula="y ~ 1 + x + (1 | g)"),
    sleepstudy("reaction ~ days + (1 + poly(days, 2) | subject)"),
]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("stretch", [0.1, 1.0, 8.0])
def test_they_are_the_kernels(problem: Problem, stretch: float) -> None:
    data = problem.products
    before = (problem.layout.p, data.starts, data.t_inverse)
    after = (data.within, float(data.n))
    r, c = (np.ascontiguousarray(np.moveaxis(array, 0, -1)) for array in (data.r, data.c))
    x = stretch * np.random.default_rng(0).normal(size=problem.layout.size)
    value, gradient = kernel.working(x, *before, data.r, data.c, *after)
    found, slope = lanes.working(x, *before, r, c, *after)
    assert found == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-9, atol=1e-11 * np.max(np.abs(gradient)))
