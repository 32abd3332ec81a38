"""The best of the free parameters given the held one: Newton's method that leaves saddles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dsyev

from bayescompare.intervals.profile.held import Held

__all__ = ["Node", "settle"]

Array = npt.NDArray[np.float64]

# Steps, and tries of one, each half as long.
_MOST, _TRIES = 300, 25
# Decrease of the deviance that another step would bring, below which there is none.
_LITTLE = 1e-8
# The same where rounding does not let any step lead down.
_ENOUGH = 1e-5
# Length of the differences, in units of a coordinate.
_DIFFERENCE = 5e-4
# Share of the largest curvature below which another is nothing, and above which a negative one is a saddle's.
_FLAT, _SADDLE = 1e-9, 1e-6
# Curvature, two in a coordinate's own units, that rounding makes along what the data do not determine.
_ROUNDED = 1e-3
# Share of the promised decrease that is left after a step, above which another Hessian is worth its price.
_GOOD = 0.05
# Longest step and the step off a saddle, in units of the coordinates.
_LONGEST, _ASIDE = 5.0, 0.3
# Log of the ratio of two lengths that are not alike.
_UNLIKE = 1.5
# By how much a unit may be longer or shorter than what is typical.
_RANGE = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A point of a profile.

    Parameters
    ----------
    z : (d,)
        The held coordinate and the free ones at their best.
    value
        Deviance.
    slope, bend
        First and second derivative of the profile deviance by the held coordinate.
    tangent : (d,)
        Derivative of the point.
    hessian, typical : (d, d), (d,)
        Of the deviance there, and the lengths that `settle` was given.
    settled
        Whether the free ones are at their best.
    """

    z: Array
    value: float
    slope: float
    bend: float
    tangent: Array
    hessian: Array
    typical: Array
    settled: bool


@dataclass(slots=True)
class _Search:
    """Where a search is: the point, and the Hessian that it uses, taken at this point or before."""

    held: Held
    floor: Array
    first: int
    z: Array
    value: float
    gradient: Array
    typical: Array
    units: Array
    hessian: Array
    fresh: bool = False

    @property
    def free(self) -> npt.NDArray[np.bool_]:
        """Which coordinates may move: not those that would leave their bounds."""
        free = (self.z > self.floor) | (self.gradient < 0.0)
        free[: self.first] = False
        return free

    @property
    def least(self) -> float:
        """Curvature below which there is none, in the units of the coordinates, whatever the largest is."""
        return 0.0 if self.held.problem.identified.everything else _ROUNDED

    def refresh(self) -> None:
        """Take the Hessian at the point."""
        self.hessian = _hessian(self.held, self.z, self.units)
        self.units, self.fresh = _units(self.hessian, self.typical), True

    def move(self, step: Array, tries: int = _TRIES) -> bool:
        """Go along a step as far as it leads down; say whether it does."""
        moved = _downhill(self.held, self.z, self.value, step, self.floor, tries)
        if moved is not None:
            (self.z, self.value, self.gradient), self.fresh = moved, False
        return moved is not None

    def node(self, *, settled: bool) -> Node:
        """Return the point as a node of a profile."""
        self.first = 1
        tangent, bend = _along(self.hessian, self.units, self.free, self.least)
        return Node(
            z=self.z, value=self.value, slope=float(self.gradient[0]), bend=bend, tangent=tangent,
            hessian=self.hessian, typical=self.typical, settled=settled,
        )  # fmt: skip


def settle(held: Held, z: Array, typical: Array, hessian: Array | None = None, *, whole: bool = False) -> Node:
    """Return the point with the free coordinates at their best.

    Parameters
    ----------
    z : (d,)
        Start.
    typical : (d,)
        Lengths in the order of the standard errors.
    hessian : (d, d), optional
        From nearby: it is good for the first steps.
    whole
        Let the held coordinate go too: to the optimum.
    """
    at = _Search(held, held.floor(len(z)), 0 if whole else 1, z, *held(z), typical, typical, np.empty(0))
    if hessian is None:
        at.refresh()
        # once more where the differences were not as long as the curvature asks for
        if np.max(np.abs(np.log(at.units / typical))) > _UNLIKE:
            at.refresh()
    else:
        at.hessian, at.units = hessian, _units(hessian, typical)
    settled, before = False, np.inf
    for _ in range(_MOST):
        if not (np.isfinite(at.value) and np.isfinite(at.hessian).all()):
            break
        step, left, saddle = _step(at)
        small = left < _LITTLE and not saddle
        if at.fresh and small:
            at.move(step, 1)
            settled = True
            break
        # a Hessian from elsewhere has done what it can
        if not at.fresh and (small or saddle or left > _GOOD * before or not at.move(step)):
            at.refresh()
            before = np.inf
            continue
        if at.fresh and not at.move(step):
            settled = left < _ENOUGH and not saddle
            break
        before = left
    return at.node(settled=settled)


def _hessian(held: Held, z: Array, units: Array) -> Array:
    """Return the Hessian by central differences of the gradient."""
    rows = np.empty((len(z), len(z)))
    for k, length in enumerate(_DIFFERENCE * units):
        ahead, behind = z.copy(), z.copy()
        ahead[k] += length
        behind[k] -= length
        rows[k] = (held(ahead)[1] - held(behind)[1]) / (2.0 * length)
    return (rows + rows.T) / 2.0


def _units(hessian: Array, typical: Array) -> Array:
    """Return the lengths in which each coordinate alone has a deviance of one above its best."""
    curvature = np.abs(hessian.diagonal()) * typical**2
    return typical * np.sqrt(2.0 / np.minimum(np.maximum(curvature, 2.0 / _RANGE**2), 2.0 * _RANGE**2))


def _step(at: _Search) -> tuple[Array, float, bool]:
    """Return a Newton step over the free coordinates, the decrease it promises, and whether it leaves a saddle."""
    free = at.free
    while True:
        step, left, saddle = np.zeros(len(free)), 0.0, False
        if free.any():
            inner = at.hessian[free][:, free]
            step[free], left, saddle = _newton(inner, at.gradient[free], at.units[free], at.least)
        blocked = free & (at.z <= at.floor) & (step < 0.0)
        if not blocked.any():
            return step, left, saddle
        free = free & ~blocked


def _newton(hessian: Array, gradient: Array, units: Array, least: float) -> tuple[Array, float, bool]:
    values, vectors, _ = dsyev(hessian * units[:, None] * units)
    along = vectors.T @ (gradient * units)
    largest = max(-values[0], values[-1])
    size = np.maximum(np.abs(values), max(_FLAT * largest, _FLAT))
    moves = -along / size
    left, saddle = float(-along @ moves / 2.0), bool(values[0] < -max(_SADDLE * largest, least))
    if saddle:
        moves[0] += _ASIDE if moves[0] >= 0 else -_ASIDE
    length = math.sqrt(moves @ moves)
    return vectors @ moves * min(1.0, _LONGEST / max(length, 1e-300)) * units, left, saddle


def _downhill(
    held: Held, z: Array, value: float, step: Array, floor: Array, tries: int
) -> tuple[Array, float, Array] | None:
    """Return the end of a step, cut at the bounds and halved until it leads down, or None where none does."""
    room = np.divide(floor - z, step, where=step < 0.0, out=np.full(len(z), np.inf))
    share = min(1.0, float(room.min()))
    for _ in range(tries):
        # to the bound itself, not to what rounding leaves of it
        moved = np.where(room <= share, floor, z + share * step)
        found, gradient = held(moved)
        if found < value:
            return moved, found, gradient
        share /= 2.0
    return None


def _along(hessian: Array, units: Array, free: npt.NDArray[np.bool_], least: float) -> tuple[Array, float]:
    """Return the derivative of the point along the profile, and the second derivative of its deviance."""
    tangent, rest = np.zeros(len(units)), free
    tangent[0] = 1.0
    if not np.isfinite(hessian).all():
        return tangent, float("nan")
    if not rest.any():
        return tangent, float(hessian[0, 0])
    inner = hessian[rest][:, rest] * units[rest][:, None] * units[rest]
    cross = hessian[rest, 0] * units[rest]
    values, vectors, _ = dsyev(inner)
    curved = values > max(_SADDLE * max(-values[0], values[-1]), least)
    along = np.where(curved, vectors.T @ cross / np.where(curved, values, 1.0), 0.0)
    tangent[rest] = -(vectors @ along) * units[rest]
    return tangent, float(hessian[0, 0] + hessian[0, rest] @ tangent[rest])
