"""Any parameter, held."""

from __future__ import annotations

from bayescompare.intervals.profile.covariance import Correlation, Sd, Sigma
from bayescompare.intervals.profile.fixed import Beta
from bayescompare.intervals.profile.held import Held
from bayescompare.likelihood.problem import Problem

__all__ = ["held"]


def held(problem: Problem, position: int, *, reml: bool) -> Held:
    """Return the deviance with the parameter at a position of the layout held."""
    layout = problem.layout
    if position == layout.sigma:
        return Sigma(problem, position, reml)
    if position < layout.p:
        return Beta(problem, position, reml)
    return (Sd if position < layout.sd.stop else Correlation)(problem, position, reml)
