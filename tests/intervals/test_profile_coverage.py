"""Coverage of profile intervals in the balanced one-way model against its exact values."""

from __future__ import annotations

import numpy as np
import pytest

from bayescompare.engines.catalog import estimator
from bayescompare.intervals.profile.make import make_profile
from bayescompare.intervals.profile.refine import QUICK
from tests.reference.test_oneway_exact import make_problem

LEVEL = 0.95
#: Groups, rows a group, group variance of a total of 1, method -> exact coverage of the group sd (issue 5).
EXACT = {
    (5, 5, 0.2, "ml"): 0.969,
    (5, 5, 0.2, "reml"): 0.982,
    (10, 5, 0.5, "ml"): 0.926,
    (10, 5, 0.5, "reml"): 0.946,
}


def coverage(groups: int, rows: int, variance: float, method: str, replicates: int) -> float:
    rng = np.random.default_rng([5, groups, round(100 * variance)])
    effects = rng.normal(0, np.sqrt(variance), (replicates, groups, 1))
    y = 3.0 + effects + rng.normal(0, np.sqrt(1 - variance), (replicates, groups, rows))
    engine, covered = estimator(f"lbfgs-{method}"), 0
    for k in range(replicates):
        problem = make_problem(y[k])
        fit = engine.fit([problem], [np.random.SeedSequence(k)])[0]
        curve = make_profile(problem, fit, 1, reml=method == "reml", level=0.96, effort=QUICK)
        lower, upper = curve.interval(LEVEL)
        covered += lower <= np.sqrt(variance) <= upper
    return covered / replicates


@pytest.mark.slow
@pytest.mark.parametrize("cell", list(EXACT))
def test_the_group_sd_is_covered_as_often_as_it_must_be(cell):
    found, exact, replicates = coverage(*cell, 2000), EXACT[cell], 2000
    assert abs(found - exact) <= 3.5 * np.sqrt(exact * (1 - exact) / replicates), (cell, found, exact)
