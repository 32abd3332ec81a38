"""Fits with draws that no sampler made: about an estimate, random effects from their exact conditional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayescompare.data import read_data
from bayescompare.engines.catalog import estimators
from bayescompare.fits import Draws, Fit
from bayescompare.likelihood.evaluate import draw_effects
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model

CHAINS, DRAWS = 4, 250
SLEEP = "reaction ~ 1 + days + (1 + days | subject)"


def drawn_fit(
    formula: str = SLEEP, data: Any = "sleepstudy", labels: str = "lbfgs-ml", draws: int = DRAWS
) -> tuple[Problem, Sequence[Fit], Fit]:
    """Return problem, point fits and a fit with draws."""
    problem = build_problem(Model(formula), read_data(data))
    points = [one.fit([problem], [np.random.SeedSequence(1)])[0] for one in estimators(labels)]
    rng, layout, shape = np.random.default_rng(0), problem.layout, (CHAINS, draws)
    spread = 0.5 * np.nan_to_num(points[0].se) * rng.normal(size=(*shape, layout.size))
    values = points[0].estimate + spread
    effects = draw_effects(problem, values.reshape(-1, layout.size), rng).reshape(*shape, -1, layout.q)
    stats = {"diverging": np.zeros(shape, dtype=bool), "energy": rng.normal(size=shape)}
    made = Draws(values=values, stats=stats, random_effects=effects)
    return problem, points, replace(points[0], estimator="nuts", draws=made)
