"""Held residual sd, sds of effects and correlations."""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from bayescompare.intervals.profile.held import Held, Scale, Shape
from bayescompare.intervals.profile.triangle import Triangle
from bayescompare.likelihood import kernel
from bayescompare.likelihood.problem import Problem

__all__ = ["Correlation", "Sd", "Sigma"]

Array = npt.NDArray[np.float64]

_QUARTER_TURN = float(np.pi / 2)
# Largest exponent that is computed with.
_FAR = 300.0


def _exp(log: float) -> float:
    return math.exp(min(max(log, -_FAR), _FAR))


def _sinh(coordinate: float) -> float:
    return math.sinh(min(max(coordinate, -_FAR), _FAR))


class _Variance(Held):
    """A parameter of the covariances; the fixed effects are at their best."""

    def __call__(self, z: Array) -> tuple[float, Array]:
        """Return the deviance at a point, and its gradient."""
        entries, sigma = self._spread(z)
        value, by_root, slope, *_ = kernel.profiled(self.triangle.root(entries), *self._data, self.reml, sigma)
        return value + self._constant, self._collect(z, self.triangle.gradient(by_root), slope)

    @abstractmethod
    def _spread(self, z: Array) -> tuple[Array, float]:
        """Return the entries and sigma at a point; a sigma of zero stands for the best."""

    @abstractmethod
    def _collect(self, z: Array, by_entries: Array, slope: float) -> Array:
        """Return the gradient at a point, given those by the entries and by log sigma."""

    def _optimum(self, z: Array) -> tuple[Array, Array, float]:
        entries, sigma = self._spread(z)
        root = self.triangle.root(entries)
        _, _, _, delta, sigma, _ = kernel.profiled(root, *self._data, self.reml, sigma)
        return root, delta, float(sigma)


class Sigma(_Variance):
    """The residual sd; free are the entries."""

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        super().__init__(problem, position, reml, Triangle(problem), Scale(shape=Shape.LOG))

    def point(self, theta: Array) -> Array:
        """Return the point at natural parameters ``(k,)``."""
        return np.append(np.log(theta[-1]), self.triangle.entries(theta, self.problem.layout))

    def units(self, theta: Array) -> Array:
        """Return a length for each coordinate of a point."""
        return np.append(1 / np.sqrt(2 * self.problem.products.n), self._entry_units(self.point(theta)[1:]))

    def _spread(self, z: Array) -> tuple[Array, float]:
        return z[1:], _exp(z[0])

    def _collect(self, z: Array, by_entries: Array, slope: float) -> Array:
        out = np.empty(len(z))
        out[0], out[1:] = slope, by_entries
        return out


class Sd(_Variance):
    """The sd of an effect; free are log sigma and the entries but the first."""

    low = 0.0

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        triangle, data = Triangle(problem, (position - problem.layout.sd.start,)), problem.products
        # an sd whose relative entry is the error of a group's mean
        error = data.scale * np.sqrt(max(len(problem.layout.levels), 1) / data.n)
        scale = Scale(shape=Shape.ASINH, length=error / abs(triangle.corner[0, 0]))
        super().__init__(problem, position, reml, triangle, scale)
        self._length = triangle.corner[0, 0] * scale.length

    def point(self, theta: Array) -> Array:
        """Return the point at natural parameters ``(k,)``."""
        entries = self.triangle.entries(theta, self.problem.layout)
        return np.array([np.arcsinh(theta[self.position] / self.scale.length), np.log(theta[-1]), *entries[1:]])

    def units(self, theta: Array) -> Array:
        """Return a length for each coordinate of a point."""
        entry = self._entry_units(self.triangle.entries(theta, self.problem.layout))
        size = abs(self.triangle.corner[0, 0]) * np.hypot(self.scale.length, theta[self.position])
        return np.array([entry[0] * theta[-1] / size, 1 / np.sqrt(2 * self.problem.products.n), *entry[1:]])

    def _spread(self, z: Array) -> tuple[Array, float]:
        sigma, entries = _exp(z[1]), z[1:].copy()
        entries[0] = self._length * _sinh(z[0]) / sigma
        return entries, sigma

    def _collect(self, z: Array, by_entries: Array, slope: float) -> Array:
        out, by_sinh, sinh = np.empty(len(z)), by_entries[0] * self._length / _exp(z[1]), _sinh(z[0])
        out[1:] = by_entries
        out[0], out[1] = by_sinh * math.hypot(1.0, sinh), slope - by_sinh * sinh
        return out


class Correlation(_Variance):
    """The correlation of two effects as the sine of an angle; free are their relative sds and the other entries.

    The rows of the two in the user's columns are ``(s, 0)`` and ``t (sin, cos)``. With ``s`` and ``t`` of different
    signs the correlation would be another, so these two are bounded at zero.
    """

    low, high = -_QUARTER_TURN, _QUARTER_TURN
    bounded = 2

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        self._pair = problem.layout.pairs[position - problem.layout.cor.start]
        super().__init__(problem, position, reml, Triangle(problem, self._pair), Scale(shape=Shape.ARCSINE))
        (first, _), (second, third) = self.triangle.corner[:2, :2]
        self._sizes = np.abs([first, third])
        # the first entries by s, t sin and t cos
        self._corner = np.array([[first, 0.0, 0.0], [second, third, 0.0], [0.0, 0.0, third]])

    def point(self, theta: Array) -> Array:
        """Return the point at natural parameters ``(k,)``."""
        relative = theta[self.problem.layout.sd][[*self._pair]] / theta[-1]
        angle = np.arcsin(np.clip(theta[self.position], -1.0, 1.0))
        return np.array([angle, *relative, *self.triangle.entries(theta, self.problem.layout)[3:]])

    def units(self, theta: Array) -> Array:
        """Return a length for each coordinate of a point."""
        z = self.point(theta)
        relative = self._entry_units(self._sizes * z[1:3]) / self._sizes
        return np.array([self._entry_units(np.ones(1))[0], *relative, *self._entry_units(z[3:])])

    def _spread(self, z: Array) -> tuple[Array, float]:
        entries, (angle, s, t) = z.copy(), z[:3]
        entries[:3] = self._corner @ (s, t * math.sin(angle), t * math.cos(angle))
        return entries, 0.0

    def _collect(self, z: Array, by_entries: Array, slope: float) -> Array:
        out, sine, cosine = by_entries.copy(), math.sin(z[0]), math.cos(z[0])
        by_s, by_first, by_second = by_entries[:3] @ self._corner
        out[:3] = z[2] * (by_first * cosine - by_second * sine), by_s, by_first * sine + by_second * cosine
        return out
