"""Is the marginal likelihood multimodal? Optima reached from dispersed starts, told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayescompare.engines.lbfgs_search import settled_ends
from bayescompare.likelihood.problem import Problem

__all__ = ["Surface", "explore"]

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


def explore(problem: Problem, *, starts: int, rng: np.random.Generator) -> Surface:
    """Return the distinct optima of the profiled marginal likelihood.

    Two optima are distinct when their deviances differ by more than 0.001; a mirror image,
    or a zero that a step aside leaves, is none.
    """
    values = np.sort([end for end in settled_ends(problem, starts=starts, rng=rng) if np.isfinite(end)])
    distinct = 1 + int(np.sum(np.diff(values) > _DISTINCT)) if len(values) else 0
    return Surface(starts=starts, distinct=distinct, deviance_range=float(np.ptp(values)) if len(values) else np.nan)
