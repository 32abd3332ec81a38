"""Points at which the prior density is not zero: where optimizers and samplers can begin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood.problem import Problem
from bayescompare.priors.tails import nearest_inside, walls

__all__ = ["inside_support", "log_sd_bounds"]

Array = npt.NDArray[np.float64]

# Of logs: how far inside a wall the last point is, beyond the steps of finite differences.
_MARGIN = 2e-5


def inside_support(problem: Problem, theta: Array) -> Array:
    """Return natural parameters ``(k,)`` with those of a prior density of zero moved to where there is one.

    Correlations stay as they are.
    """
    layout, out = problem.layout, theta.copy()
    for label, prior in problem.priors.labels().items():
        if label != layout.cor_name:
            out[layout.index(label)] = nearest_inside(prior, float(theta[layout.index(label)]))
    return out


def log_sd_bounds(problem: Problem) -> list[tuple[float | None, float | None]] | None:
    """Return bounds of working coordinates for sds and sigma whose priors end at a wall, None where none does."""
    layout, priors = problem.layout, problem.priors
    free: tuple[float | None, float | None] = (None, None)
    bounds = [free] * layout.size
    for k, prior in zip(
        (*range(layout.sd.start, layout.sd.stop), layout.sigma), (*priors.sd, priors.sigma), strict=True
    ):
        lower, upper = walls(prior)
        bounds[k] = (
            float(np.log(lower)) + _MARGIN if lower > 0 else None,
            float(np.log(upper)) - _MARGIN if np.isfinite(upper) else None,
        )
    return None if all(bound == free for bound in bounds) else bounds
