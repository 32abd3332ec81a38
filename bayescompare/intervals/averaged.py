r"""Intervals around the average of Adam's last iterates, with the optimizer's own noise in them.

The mean of the last half of the path (Polyak and Juditsky 1992) is nearer to the optimum than any one iterate. Two
errors are between it and the truth, and they are independent: the optimum's sampling error, which the Hessian at the
average gives, and the optimizer's, which batch means of the path give (Chen, Lee, Tong and Zhang 2020). The spread of
the iterates themselves is neither, unless rate and preconditioner are tuned for it (Mandt, Hoffman and Blei 2017). At
a constant rate the average keeps a bias: where it is not beside the objective's own optimum, there is no interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.engines.adam.criterion import Likelihood, PosteriorDensity
from bayescompare.engines.adam.ends import tail
from bayescompare.engines.adam.marginal import AdamMarginal
from bayescompare.engines.adam.pooled import AdamPooled
from bayescompare.engines.base import NOT_THERE, Engine
from bayescompare.engines.optima import working_distance
from bayescompare.fits import Fit
from bayescompare.intervals.wald import Wald
from bayescompare.likelihood.coordinates import correlations, natural_working
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.wald import AT_BOUNDARY

__all__ = ["averaged", "batch_means_error"]

Array = npt.NDArray[np.float64]

_NO_OPTIMUM = "no optimum of the objective is known"
_AT_BOUNDARY = f"the optimum is {AT_BOUNDARY}"
_SHORT = "the path is too short to average"
# Share of the path that is averaged, and the fewest points of it.
_LAST = 0.5
_FEW = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """A point and its standard errors, natural and working; a distance in deviance from the own optimum."""

    theta: Array
    se: Array
    working_se: Array
    reason: tuple[str, ...]
    gap: float


def averaged(problem: Problem, fit: Fit, engine: Engine, seed: np.random.SeedSequence) -> Wald | None:
    """Return Wald intervals at the average of the last half of the path, None of fits by others.

    For ``adam-marginal`` and ``adam-pooled``. The variance is that of the Hessian plus the Monte Carlo variance of the
    average. The average must be within ``premature`` standard errors of the objective's own optimum.
    """
    if not isinstance(engine, AdamMarginal | AdamPooled) or fit.path is None:
        return None
    steps = fit.path.steps
    last = fit.path.values[steps >= (1 - _LAST) * np.max(steps, initial=0)]
    if fit.own_optimum is None or len(last) < _FEW:
        return _none(fit, _NO_OPTIMUM if fit.own_optimum is None else _SHORT)
    train = engine.member(problem).train
    with np.errstate(all="ignore"):
        centre = _natural(tail(fit.path, fit.layout, _LAST).mean(axis=0), train)
        point = _pooled(train, centre) if isinstance(engine, AdamPooled) else _marginal(train, centre, fit, engine.map)
        noise = batch_means_error(last)
    if not _beside(point, fit, engine.premature):
        return _none(fit, NOT_THERE)
    if isinstance(engine, AdamPooled):
        # sigma is that of the averaged coefficients
        noise[fit.layout.sigma] = 0.0
    return _wald(fit, point.theta, np.hypot(point.se, noise), point.reason)


def batch_means_error(points: Array) -> Array:
    """Return the Monte Carlo standard error ``(k,)`` of the mean of a path ``(T, k)``, by about ``sqrt(T)`` batches."""
    count = int(np.sqrt(len(points)))
    means = [batch.mean(axis=0) for batch in np.array_split(points, count)]
    return np.asarray(np.std(means, axis=0, ddof=1) / np.sqrt(count))


def _natural(working: Array, problem: Problem) -> Array:
    """Return natural parameters ``(k,)`` of beta, log sds, Fisher z of the partial correlations and log sigma."""
    layout = problem.layout
    cor = correlations(np.tanh(working[layout.cor]), layout, problem.products.starts)
    return np.concatenate([working[layout.beta], np.exp(working[layout.sd]), cor, [np.exp(working[-1])]])


def _marginal(problem: Problem, theta: Array, fit: Fit, prior: bool) -> _Point:
    """Return the curvature of the marginal likelihood, or of the posterior density, at a point."""
    nothing, layout = np.full(len(theta), np.nan), problem.layout
    if not np.isfinite(theta).all():
        return _Point(theta=theta, se=nothing, working_se=nothing, reason=("",) * len(theta), gap=float("inf"))
    criterion = PosteriorDensity(problem) if prior else Likelihood(problem)
    assert fit.own_optimum is not None
    gap = criterion.value(theta) - criterion.value(np.nan_to_num(fit.own_optimum))
    se, working_se, reason = criterion.standard_errors(theta)
    inside = np.isfinite(fit.own_optimum) & np.isfinite(natural_working(fit.own_optimum, layout))
    return _Point(
        theta=theta,
        se=np.where(inside, se, np.nan),
        working_se=np.where(inside, working_se, np.nan),
        reason=tuple(own if known else _AT_BOUNDARY for own, known in zip(reason, inside, strict=True)),
        gap=0.0 if inside.all() else gap,
    )


def _pooled(problem: Problem, theta: Array) -> _Point:
    """Return the nominal standard errors of least squares, with ``sigma^2 = RSS / (n - p)`` at the coefficients."""
    layout, (n, p) = problem.layout, problem.x.shape
    theta[layout.sigma] = np.sqrt(np.sum((problem.y - problem.x @ theta[layout.beta]) ** 2) / (n - p))
    se, sigma = np.full(layout.size, np.nan), theta[layout.sigma]
    se[layout.beta] = sigma * np.sqrt(np.sum(solve_triangular(problem.products.rx, np.eye(p)) ** 2, axis=1))
    se[layout.sigma] = 1 / np.sqrt(2 * (n - p))
    working_se = se.copy()
    se[layout.sigma] *= sigma
    return _Point(theta=theta, se=se, working_se=working_se, reason=("",) * layout.size, gap=0.0)


def _beside(point: _Point, fit: Fit, margin: float) -> bool:
    """Whether a point is within so many standard errors of a fit's own optimum, on the working scale."""
    assert fit.own_optimum is not None
    with np.errstate(all="ignore"):
        here, there = (natural_working(theta, fit.layout) for theta in (point.theta, fit.own_optimum))
        away = working_distance(here, there, point.working_se)
    return bool(away <= margin and point.gap <= margin**2)


def _none(fit: Fit, reason: str) -> Wald:
    """Return no intervals, with the reason for every parameter that the estimator estimates."""
    reasons = tuple("" if np.isnan(value) else reason for value in fit.estimate)
    return _wald(fit, fit.estimate, np.full(len(fit.estimate), np.nan), reasons)


def _wald(fit: Fit, estimate: Array, se: Array, reason: tuple[str, ...]) -> Wald:
    small = replace(fit, path=None, restarts=(), random_effects=None, info={})
    return Wald(replace(small, estimate=estimate, se=se, reason=reason))
