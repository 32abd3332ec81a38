"""Variance of a response about its fixed effects, at given parameters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood.coordinates import correlation_matrix
from bayescompare.likelihood.problem import Problem

__all__ = ["effect_variance", "total_sd"]

Array = npt.NDArray[np.float64]


def effect_variance(problem: Problem, values: Array) -> Array:
    """Return the mean over the rows of the variance ``z' S z`` of their random effects, ``(S,)``.

    With a random intercept alone it is its variance; with slopes it is Johnson's (2014, Methods Ecol. Evol. 5,
    944-946, equation 11): ``tr(S Z'Z / n)``.

    Parameters
    ----------
    values : (S, k)
        Parameter vectors.
    """
    layout = problem.layout
    sd = values[:, layout.sd]
    covariance = sd[:, :, None] * correlation_matrix(values[:, layout.cor], layout) * sd[:, None, :]
    return np.einsum("sab,ab->s", covariance, problem.z.T @ problem.z / len(problem.y))


def total_sd(problem: Problem, values: Array) -> Array:
    """Return the sd of a response about its fixed effects, ``(S,)``."""
    with np.errstate(all="ignore"):
        return np.hypot(np.sqrt(effect_variance(problem, values)), values[:, problem.layout.sigma])
