"""Where a sampler starts, and why it could not: which part of the posterior is not finite where it should begin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bayescompare.engines.nuts.draws import natural_draws, unbounded_point
from bayescompare.engines.nuts.model import Parameterization, whitening
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.log_prior import not_finite
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.support import inside_support

__all__ = ["starts", "why_no_start"]

Array = npt.NDArray[np.float64]


def _widths(problem: Problem, parameterization: Parameterization) -> Array:
    """Return half the range of the random starts about zero, for each free coordinate.

    One unit in the sampler's coordinates: an sd between 1/e and e times that of the residuals.
    """
    layout = problem.layout
    widths = np.ones(layout.size)
    if parameterization == "marginal" or not layout.q:
        return widths
    effect = np.exp(whitening(problem)[1]) if parameterization == "centered" else np.ones(layout.q)
    return np.concatenate([widths, np.tile(effect, len(layout.levels))])


def starts(problem: Problem, parameterization: Parameterization) -> Callable[[int], Array]:
    """Return the maker of starting points, a function of a seed alone.

    They are random, but for parameters whose prior density is zero there: these are moved to where it is not.
    """
    widths = _widths(problem, parameterization)

    def start(seed: int) -> Array:
        return _possible(widths * np.random.default_rng(seed).uniform(-1.0, 1.0, len(widths)), problem)

    return start


def _possible(point: Array, problem: Problem) -> Array:
    """Return a point of the sampler, its parameters moved where their prior density is zero."""
    parameters = slice(0, problem.layout.size)
    theta = natural_draws(point[parameters], problem)
    moved = inside_support(problem, theta)
    if not np.array_equal(moved, theta):
        point[parameters] = unbounded_point(moved, point[problem.layout.cor], problem)
    return point


def why_no_start(problem: Problem, parameterization: Parameterization) -> str:
    """Return a sentence that names the offending variables, empty where none is found."""
    theta = natural_draws(np.zeros(problem.layout.size), problem)
    culprits = not_finite(problem, theta)
    if culprits:
        return culprits
    if not np.isfinite(deviance(problem, theta)):
        return f"the likelihood is not finite at {dict(zip(problem.layout.labels, theta.tolist(), strict=True))}"
    return ""
