"""Quantities that are made of the parameters: the intraclass correlation, and the log likelihood of the data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout
from bayescompare.likelihood.evaluate import group_loglik
from bayescompare.likelihood.problem import Problem

__all__ = ["LIKELIHOOD", "derived_names", "intraclass", "log_likelihood"]

Array = npt.NDArray[np.float64]

#: Name of the marginal log likelihood of the data.
LIKELIHOOD = "log_likelihood"
_INTERCEPT = "Intercept"


def derived_names(layout: Layout) -> tuple[str, ...]:
    """Return the names of the derived quantities of a model."""
    return (f"icc_{layout.factor}",) * (_INTERCEPT in layout.effects) + (LIKELIHOOD,)


def intraclass(values: Array, layout: Layout) -> Array:
    """Return the intraclass correlation at parameter vectors ``(..., k)``.

    ``sd^2 / (sd^2 + sigma^2)`` with the sd of the intercepts: the correlation of two rows of a group where all other
    effects' columns are zero.
    """
    variance = values[..., layout.sd.start + layout.effects.index(_INTERCEPT)] ** 2
    return np.asarray(variance / (variance + values[..., layout.sigma] ** 2))


def log_likelihood(problem: Problem, values: Array) -> Array:
    """Return the marginal log likelihood of the data at parameter vectors ``(S, k)``.

    It is sensitive to dependence between parameters, which their ranks one by one are not (Modrak et al. 2023).
    """
    if problem.layout.q:
        return np.asarray(group_loglik(problem, values).sum(axis=1))
    residual = problem.y - values[:, problem.layout.beta] @ problem.x.T
    sigma = values[:, [problem.layout.sigma]]
    return np.asarray(np.sum(-0.5 * (residual / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi), axis=1))
