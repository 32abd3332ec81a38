"""SciPy L-BFGS-B on the joint posterior density: the mode."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bayescompare.engines.base import OneByOne, failed_fit, note_flags, status_of
from bayescompare.engines.deadline import Deadline, nothing_yet
from bayescompare.engines.lbfgs.limit import cut_short, halting, outcome
from bayescompare.engines.lbfgs.spaces import moment_factor
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.likelihood.coordinates import from_working, natural_from_root, to_working
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.log_prior import not_finite
from bayescompare.likelihood.posterior import Posterior
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.support import inside_support, log_sd_bounds
from bayescompare.likelihood.wald import AT_BOUNDARY
from bayescompare.seeds import generator, seed_key

__all__ = ["LbfgsMAP", "map_optimum"]

Array = npt.NDArray[np.float64]

_OPTIONS = {"maxiter": 1000, "maxfun": 4000, "ftol": 1e-13, "gtol": 1e-7}
# Log of the smallest sd, relative to the residual's, that is taken for a point inside.
_NEAR_ZERO = -5.0
# Slope of the objective by log sd that a bounded density cannot keep near zero.
_UNBOUNDED_SLOPE = 1e-3
_VERY_SMALL = -20.0
_SAME = 1e-9
# Share of the residual's size, or of a residual sd, that is next to nothing.
_LESS = 1e-2
# Largest slope of the objective, a unit of the working coordinates, that a mode may have.
_STATIONARY = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mode:
    """A mode in working coordinates, with how the search ended."""

    x: Array
    value: float
    gradient: Array
    evaluations: int
    message: str
    degenerate: bool = False


def _descend(posterior: Posterior, x: Array, until: Deadline) -> _Mode:
    """Run L-BFGS-B over the finite coordinates of a point; infinite ones stay."""
    free = np.flatnonzero(np.isfinite(x))

    def objective(part: Array) -> tuple[float, Array]:
        full = x.copy()
        full[free] = part
        value, gradient = posterior(full)
        return (value, gradient[free]) if np.isfinite(value) else (1e100, np.zeros(len(free)))

    bounds = log_sd_bounds(posterior.problem)
    walls = None if bounds is None else [bounds[k] for k in free]
    found = minimize(
        objective, x[free], jac=True, method="L-BFGS-B", bounds=walls, options=_OPTIONS, callback=halting(until)
    )
    end = x.copy()
    end[free] = found.x
    gradient = np.zeros(len(x))
    gradient[free] = found.jac if walls is None else _projected(found.x, found.jac, walls)
    return _Mode(x=end, value=float(found.fun), gradient=gradient, evaluations=int(found.nfev), message=outcome(found))


def _projected(x: Array, gradient: Array, bounds: list[tuple[float | None, float | None]]) -> Array:
    """Return a gradient without the parts that point out of the bounds that a point is at."""
    out = gradient.copy()
    for k, (lower, upper) in enumerate(bounds):
        held = (lower is not None and x[k] <= lower and out[k] > 0) or (
            upper is not None and x[k] >= upper and out[k] < 0
        )
        out[k] = 0.0 if held else out[k]
    return out


def _first(problem: Problem) -> Array:
    """Return the moment estimate in working coordinates."""
    data, layout = problem.products, problem.layout
    first = np.zeros(layout.size)
    if layout.q:
        sd, cor = natural_from_root(data.scale * data.t @ moment_factor(data, layout.block_slices), layout)
        first = to_working(np.concatenate([data.beta0, sd, np.clip(cor, -0.9, 0.9), [data.scale]]), layout, data)
    first[-1] = np.log(data.scale)
    return first


def _starts(problem: Problem, count: int, rng: np.random.Generator) -> list[Array]:
    """Return the moment estimate, then dispersed points, in working coordinates."""
    data, layout, first = problem.products, problem.layout, _first(problem)
    points = [first]
    for _ in range(count - 1):
        point = first + rng.normal(0.0, 1.0, layout.size)
        point[layout.beta] = first[layout.beta] + rng.normal(0.0, data.scale, layout.p)
        points.append(point)
    return [_possible(problem, point) for point in points]


def _possible(problem: Problem, point: Array) -> Array:
    """Return a start, moved where its prior density is zero."""
    theta = from_working(point, problem.layout, problem.products)
    moved = inside_support(problem, theta)
    return point if np.array_equal(moved, theta) else to_working(moved, problem.layout, problem.products)


def _dispersed(posterior: Posterior, points: list[Array], until: Deadline) -> list[_Mode]:
    """Return the ends of the first search and, while there is time, of the others."""
    modes = [_descend(posterior, points[0], until)]
    for point in points[1:]:
        if until.passed():
            break
        modes.append(_descend(posterior, point, until))
    return modes


def _landed(posterior: Posterior, mode: _Mode, until: Deadline) -> tuple[_Mode, int]:
    """Try each sd at exactly zero, where no search of log sds arrives; note an unbounded density.

    A small sd is set to zero where the density there is no lower. So is any other where it is higher: a prior with a
    spike at zero has a mode there that no dispersed start may come near. Return the mode, and the evaluations made.
    """
    layout, evaluations = posterior.problem.layout, 0
    for k in range(layout.sd.start, layout.sd.stop):
        is_small = mode.x[k] - mode.x[-1] <= _NEAR_ZERO
        if mode.x[k] - mode.x[-1] < _VERY_SMALL and mode.gradient[k] > _UNBOUNDED_SLOPE:
            return replace(mode, degenerate=True), evaluations
        x = mode.x.copy()
        x[k] = -np.inf
        if until.passed() or not np.isfinite(posterior(x)[0]):
            continue
        tried = _descend(posterior, x, until)
        evaluations += tried.evaluations
        if tried.value <= mode.value + (_SAME if is_small else -_SAME):
            mode = tried
    return mode, evaluations


def _slope(problem: Problem, mode: _Mode) -> float:
    """Return the largest absolute slope at a mode, fixed effects in units of the residual's size."""
    units = np.ones(problem.layout.size)
    units[problem.layout.beta] = problem.products.scale
    return float(np.max(np.abs(mode.gradient) * units))


def _no_residual(problem: Problem, mode: _Mode) -> bool:
    """Whether the residual sd is at zero: the density is no lower with a hundredth of it."""
    less = mode.x + np.log(_LESS) * np.eye(len(mode.x))[-1]
    small = np.exp(mode.x[-1]) < _LESS * problem.products.scale
    return bool(small and Posterior(problem, jacobian=False)(less)[0] <= mode.value + _SAME)


def map_optimum(
    problem: Problem, *, starts: int, unconstrained: bool, rng: np.random.Generator, until: Deadline
) -> _Mode:
    """Return the best joint mode from several starts, or the best point so far when time is up."""
    posterior = Posterior(problem, jacobian=unconstrained)
    modes = _dispersed(posterior, _starts(problem, starts, rng), until)
    best = min(modes, key=lambda mode: mode.value)
    landed, more = (best, 0) if unconstrained else _landed(posterior, best, until)
    return replace(landed, evaluations=sum(mode.evaluations for mode in modes) + more)


@dataclass(frozen=True, kw_only=True)
class LbfgsMAP(OneByOne):
    """The joint mode over beta, sds, correlations and sigma.

    Parameters
    ----------
    starts
        Dispersed starts, of which the best end is kept.
    coordinates
        ``natural``: the density is with respect to the parameters themselves, as PyMC's
        ``find_MAP`` and Stan's ``optimize`` have it; ``unconstrained`` adds the Jacobian of
        (log sd, Fisher z, log sigma).
    """

    name: ClassVar[str] = "lbfgs-map"
    engine: ClassVar[str] = "lbfgs"
    uses_priors: ClassVar[bool] = True

    starts: int = 4
    coordinates: Literal["natural", "unconstrained"] = "natural"

    def __post_init__(self) -> None:
        """Refuse a number of starts below one."""
        if self.starts < 1:
            raise EstimatorError(f"{self.name}: starts must be at least 1, not {self.starts}.")

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence, limit: float | None = None) -> Fit:
        """Fit one problem, in so many seconds; see `Engine.fit`."""
        started, until = time.perf_counter(), Deadline(limit)
        mode = map_optimum(
            problem, starts=self.starts, unconstrained=self._unconstrained, rng=generator(seed), until=until
        )
        seconds = time.perf_counter() - started
        if np.isfinite(mode.value) and mode.value < 1e100:
            fit = self._result(problem, mode, seconds, seed_key(seed))
            return cut_short(fit, until.limit) if until.cut else fit
        if until.cut:
            return failed_fit(self.label, problem.layout, nothing_yet(until.limit), Status.TIMEOUT, seconds=seconds)
        start = from_working(_first(problem), problem.layout, problem.products)
        message = not_finite(problem, start) or "the posterior density is not finite at any start"
        return failed_fit(self.label, problem.layout, message, seconds=seconds)

    @property
    def _unconstrained(self) -> bool:
        return self.coordinates == "unconstrained"

    def _result(self, problem: Problem, mode: _Mode, seconds: float, seed_key: str) -> Fit:
        layout, theta = problem.layout, from_working(mode.x, problem.layout, problem.products)
        se, working_se = Posterior(problem, jacobian=self._unconstrained).standard_errors(mode.x, theta)
        flags = [*note_flags(problem)]
        flags += [Flag.BOUNDARY] if np.any(theta[layout.sd] == 0) or _no_residual(problem, mode) else []
        flags += [Flag.DEGENERATE] if mode.degenerate else []
        flags += [Flag.NOT_STATIONARY] if _slope(problem, mode) > _STATIONARY and not mode.degenerate else []
        return Fit(
            estimator=self.label,
            layout=layout,
            status=status_of(flags),
            flags=tuple(flags),
            message=mode.message,
            estimate=theta,
            se=se,
            working_se=working_se,
            estimand=("posterior mode",) * layout.size,
            reason=tuple("" if np.isfinite(value) else AT_BOUNDARY for value in se),
            objective=mode.value,
            grad_norm=float(np.max(np.abs(mode.gradient))),
            seconds=seconds,
            evaluations=mode.evaluations,
            seed_key=seed_key,
            random_effects=conditional_effects(problem, theta),
        )
