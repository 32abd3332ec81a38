"""The search for the optimum of the profiled deviance, with and without safeguards at zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeResult, minimize

from bayescompare.engines.deadline import Deadline
from bayescompare.engines.lbfgs.limit import halting, outcome
from bayescompare.engines.lbfgs.spaces import Cholesky, LogSd, Whitened
from bayescompare.likelihood import kernel
from bayescompare.likelihood.problem import Problem

__all__ = ["FIXED_STARTS", "Optimum", "Space", "Visits", "search", "search_from", "settled_ends", "space_of"]

Array = npt.NDArray[np.float64]
Space = Cholesky | LogSd
#: Deviance and point of each evaluation, in order.
Visits = Sequence[tuple[float, Array]]

#: Starts of a search that are not drawn.
FIXED_STARTS = 2

_NEVER = Deadline()
_NOTHING = np.zeros(0, dtype=np.intp)

# Decrease of the deviance that counts: below it two ends are the same.
_SAME = 1e-9
# A diagonal entry of the relative factor below which zero is tried.
_NEAR = 1e-2
# Where a diagonal restarts when a zero is checked.
_INSIDE = 0.1
# Relative sd from which a search goes on in units of its own, how often, and the gradient that is none there.
_FAR, _ROUNDS, _REST = 1e3, 6, 1e-4
_OPTIONS = {"maxiter": 500, "maxfun": 2000, "ftol": 1e-12, "gtol": 1e-7, "maxcor": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The end of a search.

    Parameters
    ----------
    root, delta, sigma : (q, q), (p,), float
        Relative root in the rotated effects, fixed effects in orthonormal coordinates, residual sd.
    deviance
        Profiled deviance; the restricted one lacks ``log|X'X|``.
    gradient
        Largest absolute gradient, in deviance a unit of the search coordinates.
    at_zero
        Whether a diagonal entry of the relative factor is exactly zero.
    ends
        Deviance at the end of each start.
    visits
        The way from the start that won, and its end.
    """

    root: Array
    delta: Array
    sigma: float
    deviance: float
    gradient: float
    at_zero: bool
    converged: bool
    evaluations: int
    message: str
    ends: tuple[float, ...] = ()
    visits: Visits = ()


@dataclass(frozen=True, slots=True)
class _End:
    """A point of the search coordinates, its deviance, and how the search ended."""

    point: Array
    value: float
    gradient: Array
    evaluations: int
    message: str = ""
    visits: Visits = ()

    def then(self, tried: _End, *, better: bool) -> _End:
        """Return the end of a further search where it is better, else this one; its evaluations count anyway."""
        total = tried.evaluations + self.evaluations
        if better:
            return replace(tried, evaluations=total, visits=[*self.visits, *tried.visits])
        return replace(self, evaluations=total)


def _descend(
    space: Space | Whitened, start: Array, held: npt.NDArray[np.intp] = _NOTHING, until: Deadline = _NEVER
) -> _End:
    """Run L-BFGS-B once; the held coordinates stay where they are."""
    if len(held) == len(start):
        value, gradient = space(start)
        return _End(start, value, gradient, 1, visits=[(value, start)])
    visits: list[tuple[float, Array]] = []
    if not len(held):

        def whole(point: Array) -> tuple[float, Array]:
            value, gradient = space(point)
            # SciPy hands over a copy
            visits.append((value, point))
            return value, gradient

        found = minimize(whole, start, jac=True, method="L-BFGS-B", options=_OPTIONS, callback=halting(until))
        return _ended(found, found.x, found.jac, visits)
    free = np.setdiff1d(np.arange(len(start)), held)

    def objective(part: Array) -> tuple[float, Array]:
        point = _with(start, free, part)
        value, gradient = space(point)
        visits.append((value, point))
        return value, gradient[free]

    found = minimize(objective, start[free], jac=True, method="L-BFGS-B", options=_OPTIONS, callback=halting(until))
    end = _with(start, free, found.x)
    return _ended(found, end, space(end)[1], visits)


def _with(point: Array, which: npt.NDArray[np.intp], values: Array) -> Array:
    moved = point.copy()
    moved[which] = values
    return moved


def _ended(found: OptimizeResult, point: Array, gradient: Array, visits: Visits) -> _End:
    return _End(point, float(found.fun), gradient, int(found.nfev), outcome(found), visits)


def _best(ends: list[_End]) -> _End:
    return min(ends, key=lambda end: end.value if np.isfinite(end.value) else np.inf)


def _dispersed(space: Space, points: list[Array], until: Deadline) -> list[_End]:
    """Return the ends of the first search and, while there is time, of the others."""
    ends = [_descend(space, points[0], until=until)]
    for point in points[1:]:
        if until.passed():
            break
        ends.append(_descend(space, point, until=until))
    return ends


def _landed(space: Cholesky, end: _End, until: Deadline = _NEVER) -> _End:
    """Set small diagonals to exactly zero, one after another, where zero is no worse."""
    for k in space.diagonal:
        if 0 < abs(end.point[k]) * space.unit < _NEAR and not until.passed():
            point = space.inside(end.point, k, 0.0)
            tried = _descend(space, point, space.diagonal[point[space.diagonal] == 0.0], until)
            end = end.then(tried, better=tried.value <= end.value + _SAME)
    return end


def _checked(space: Cholesky, end: _End, until: Deadline = _NEVER) -> _End:
    """Leave a false zero: restart a step away from every zero diagonal, and keep what is lower."""
    for k in space.diagonal:
        if end.point[k] != 0.0 or until.passed():
            continue
        point = space.inside(end.point, k, _INSIDE)
        tried = _descend(space, point, until=until)
        end = end.then(tried, better=tried.value < end.value - _SAME)
    return end


def _afar(space: Cholesky, end: _End, until: Deadline = _NEVER) -> _End:
    """Go on from an end with large relative sds, in units that are anew those of where it is."""
    if np.max(np.abs(space.root(end.point)), initial=0.0) < _FAR:
        return end
    for _ in range(_ROUNDS):
        if until.passed():
            break
        before, end = end, _onwards(space, end, until)
        if before.value - end.value < _SAME and np.max(np.abs(end.gradient)) < _REST:
            break
    return end


def _onwards(space: Cholesky, end: _End, until: Deadline) -> _End:
    """Return the end of one more search from an end, its gradient in the units there; it is no higher."""
    near = Whitened(space, space.root(end.point))
    found = _descend(near, near.at(space.root(end.point)), until=until)
    visits = [(value, space.entries(near.root(point))) for value, point in found.visits]
    there = replace(found, point=space.entries(near.root(found.point)), visits=visits)
    return end.then(there, better=True)


def space_of(problem: Problem, *, reml: bool, coordinates: str) -> Space:
    """Return the coordinates of a search; see `search`."""
    return Cholesky(problem, reml) if coordinates == "cholesky" else LogSd(problem, reml)


def search(
    problem: Problem,
    *,
    reml: bool,
    starts: int,
    coordinates: str,
    rng: np.random.Generator | None = None,
    until: Deadline = _NEVER,
) -> Optimum:
    """Return the best optimum found from dispersed starts.

    Parameters
    ----------
    starts
        The first is at the moment estimate (at relative sds of one in ``log-sd``), the second at
        relative sds of one, the others are drawn.
    coordinates
        ``cholesky`` with safeguards, or ``log-sd`` plain.
    rng
        Draws the starts after the first two; making one takes long beside a search.
    until
        When it passes, the best point so far is the end: an iteration that has begun is finished, starts and
        safeguards that have not are left out.
    """
    space = space_of(problem, reml=reml, coordinates=coordinates)
    fixed = space.fixed_starts()[: min(starts, FIXED_STARTS)]
    points = fixed + [space.disperse(_given(rng)) for _ in range(starts - len(fixed))]
    ends = _dispersed(space, points, until) if problem.layout.q else [_nothing(space)]
    best = _best(ends)
    if isinstance(space, Cholesky):
        settled = _checked(space, _landed(space, _afar(space, best, until), until), until)
    else:
        settled = best
    evaluations = sum(end.evaluations for end in ends) + settled.evaluations - best.evaluations
    return _optimum(space, settled, evaluations, tuple(end.value for end in ends))


def _given(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is None:
        raise ValueError(f"more than {FIXED_STARTS} starts are drawn, and there is no generator to draw them")
    return rng


def search_from(problem: Problem, root: Array, *, reml: bool) -> Optimum:
    """Return the optimum that one search finds from a relative root ``(q, q)``, with the safeguards at zero.

    Diagonals near zero start a step away from it, where the gradient is not zero whatever the data. For data like those
    that the root is the optimum of: of several optima it may be a local one (in 3 of 3,600 samples of twelve models,
    all of them with three effects and groups of a single row; without the step in 9).
    """
    space = Cholesky(problem, reml)
    start = space.at(root)
    near = space.diagonal[np.abs(start[space.diagonal]) * space.unit < _INSIDE]
    first = _descend(space, space.inside(start, near, _INSIDE)) if problem.layout.q else _nothing(space)
    end = _checked(space, _landed(space, _afar(space, first)))
    return _optimum(space, end, end.evaluations, (first.value,))


def settled_ends(problem: Problem, *, starts: int, rng: np.random.Generator) -> list[float]:
    """Return the deviance at the end of each of several dispersed searches, each with the safeguards."""
    space = Cholesky(problem, False)
    ends = [_descend(space, space.disperse(rng)) for _ in range(starts)]
    return [_checked(space, _landed(space, end)).value for end in ends]


def _nothing(space: Space) -> _End:
    """Return the only point of a model without random effects."""
    value, gradient = space(np.zeros(0))
    return _End(np.zeros(0), value, gradient, 1)


def _optimum(space: Space, end: _End, evaluations: int, ends: tuple[float, ...]) -> Optimum:
    d = space.data
    root = space.root(end.point)
    value, _, _, delta, sigma, _ = kernel.steady(root, d.r, d.c, d.within, float(d.n), space.reml, 0.0)
    gradient = float(np.max(np.abs(end.gradient), initial=0.0))
    return Optimum(
        root=root,
        delta=delta,
        sigma=float(sigma),
        deviance=float(value),
        gradient=gradient,
        at_zero=isinstance(space, Cholesky) and bool(np.any(end.point[space.diagonal] == 0.0)),
        converged=gradient < 1e-2,
        evaluations=evaluations,
        message=end.message,
        ends=ends,
        visits=[*end.visits, (end.value, end.point)],
    )
