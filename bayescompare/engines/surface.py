"""Is the marginal likelihood multimodal? Optima reached from dispersed starts, told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayescompare.engines.lbfgs.search import settled_ends
from bayescompare.likelihood.problem import Problem

__all__ = ["Surface", "explore", "least_squares_surface"]

# Difference in deviance that makes two optima of two ends of a search.
_DISTINCT = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What dispersed starts found.

    Parameters
    ----------
    starts
        How many there were.
    distinct
        Number of distinct optima: ends that stay when every zero diagonal is left and tried again.
    deviance_range
        Deviance of the worst of them over that of the best.
    """

    starts: int
    distinct: int
    deviance_range: float


def least_squares_surface(problem: Problem) -> Surface:
    """Return the only optimum of a mean squared error: a quadratic with a positive Hessian has no other.

    No start is needed; where the columns were dependent there would be no single optimum.
    """
    positive = np.linalg.matrix_rank(problem.products.rx) == problem.layout.p
    return Surface(starts=0, distinct=1 if positive else 2, deviance_range=0.0)


def explore(problem: Problem, *, starts: int, rng: np.random.Generator) -> Surface:
    """Return the distinct optima of the profiled marginal likelihood.

    Two optima are distinct when their deviances differ by more than 0.001; a mirror image,
    or a zero that a step aside leaves, is none.
    """
    values = np.sort([end for end in settled_ends(problem, starts=starts, rng=rng) if np.isfinite(end)])
    distinct = 1 + int(np.sum(np.diff(values) > _DISTINCT)) if len(values) else 0
    return Surface(starts=starts, distinct=distinct, deviance_range=float(np.ptp(values)) if len(values) else np.nan)
