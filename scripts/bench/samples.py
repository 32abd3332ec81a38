"""The data that all packages fit: 50 groups x 10 rows with random slopes."""

from __future__ import annotations

import pandas as pd

from bayescompare.design import Covariate, Design, Scenario
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from bayescompare.simulation import simulate

__all__ = ["CORRELATED", "INDEPENDENT", "POOLED", "SCENARIO", "SEED", "frames", "problems"]

CORRELATED = "y ~ x + (1 + x | subject)"
INDEPENDENT = "y ~ x + (1 + x || subject)"
POOLED = "y ~ x"
SEED = 2026

#: The predictor is the same in all data sets, so that lme4 can ``refit`` one model to new responses.
SCENARIO = Scenario(
    name="bench",
    formula=CORRELATED,
    design=Design(
        groups=50, rows=10, covariates={"x": Covariate(distribution="normal", arguments=(0.0, 1.0))}, fixed=True
    ),
    truth={
        "beta[x]": 2.0,
        "sd_subject[Intercept]": 1.0,
        "sd_subject[x]": 0.7,
        "cor_subject[Intercept, x]": 0.6,
        "sigma": 1.0,
    },
)


def frames(count: int) -> list[pd.DataFrame]:
    """Return data frames with columns ``y``, ``x`` and ``subject``."""
    return [simulate(SCENARIO, replicate, SEED).frame for replicate in range(count)]


def problems(count: int, formula: str = CORRELATED) -> list[Problem]:
    """Return the problems of a formula on the same data."""
    model = Model(formula)
    return [build_problem(model, simulate(SCENARIO, replicate, SEED)) for replicate in range(count)]
