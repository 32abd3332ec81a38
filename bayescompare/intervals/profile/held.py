"""The deviance as a smooth function of one held parameter and of the free ones."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dposv

from bayescompare.engines.lbfgs.way import natural_of
from bayescompare.intervals.profile.triangle import Triangle
from bayescompare.likelihood import kernel
from bayescompare.likelihood.problem import Problem

__all__ = ["Held", "Scale", "Shape", "held"]

Array = npt.NDArray[np.float64]

_LOG_2PI = float(np.log(2 * np.pi))
_QUARTER_TURN = float(np.pi / 2)


class Shape(StrEnum):
    """Of the scale on which a parameter is held: there the deviance is smooth, and even about a bound."""

    PLAIN = "plain"
    LOG = "log"
    ASINH = "asinh"
    ARCSINE = "arcsine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The scale on which a parameter is held.

    Parameters
    ----------
    length
        Where ``asinh`` turns from linear to logarithmic, in natural units.
    """

    shape: Shape
    length: float = 1.0

    def natural(self, coordinate: Array) -> Array:
        """Return values in natural units."""
        if self.shape is Shape.PLAIN:
            return coordinate
        if self.shape is Shape.LOG:
            return np.exp(coordinate)
        return np.sin(coordinate) if self.shape is Shape.ARCSINE else self.length * np.sinh(coordinate)

    @property
    def logarithmic(self) -> bool:
        """Whether far out a step multiplies the value."""
        return self.shape in (Shape.LOG, Shape.ASINH)


class Held(ABC):
    """The (restricted) deviance by one parameter, held, and by the entries of the relative factor, free.

    A point ``z`` has the held coordinate first. The entries have no bounds, so that an sd of zero and a correlation
    of one are points like any other: where one is a saddle, the Hessian says so.

    Parameters
    ----------
    position
        Of the parameter in the layout.
    reml
        Restricted deviance in place of the full one.

    Attributes
    ----------
    scale, low, high
        Of the held coordinate, and its bounds.
    """

    shape: ClassVar[Shape] = Shape.PLAIN
    low: ClassVar[float] = -np.inf
    high: ClassVar[float] = np.inf

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        self.problem, self.position, self.reml = problem, position, reml
        self.triangle, self.scale = self._triangle(), Scale(shape=self.shape)
        data = problem.products
        self._data = (data.r, data.c, data.within, float(data.n))
        self._constant = data.log_det_x if reml else 0.0

    @abstractmethod
    def __call__(self, z: Array) -> tuple[float, Array]:
        """Return the deviance at a point, and its gradient."""

    @abstractmethod
    def point(self, theta: Array) -> Array:
        """Return the point at natural parameters ``(k,)``."""

    @abstractmethod
    def units(self, theta: Array) -> Array:
        """Return a length for each coordinate of a point, in the order of its standard error."""

    def floor(self, size: int) -> Array:
        """Return the lower bounds of the coordinates of a point."""
        return np.full(size, -np.inf)

    @abstractmethod
    def _triangle(self) -> Triangle:
        """Return the order of effects in which the parameter is a coordinate."""

    @abstractmethod
    def _optimum(self, z: Array) -> tuple[Array, Array, float]:
        """Return the root ``(q, q)``, ``delta`` ``(p,)`` and sigma at a point."""

    def natural(self, z: Array) -> Array:
        """Return the natural parameters ``(k,)`` at a point."""
        theta = natural_of(self.problem, *self._optimum(z))
        theta[self.position] = self.scale.natural(z[0])
        return theta

    def _entry_units(self, entries: Array) -> Array:
        """Return a length for each entry of the relative factor."""
        groups = max(len(self.problem.layout.levels), 1)
        return np.asarray(np.maximum(np.abs(entries), 1.0) / np.sqrt(2.0 * groups))


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


class _Sigma(_Variance):
    """The residual sd."""

    shape = Shape.LOG

    def point(self, theta: Array) -> Array:
        return np.append(np.log(theta[-1]), self.triangle.entries(theta, self.problem.layout))

    def units(self, theta: Array) -> Array:
        return np.append(1 / np.sqrt(2 * self.problem.products.n), self._entry_units(self.point(theta)[1:]))

    def _triangle(self) -> Triangle:
        return Triangle(self.problem)

    def _spread(self, z: Array) -> tuple[Array, float]:
        return z[1:], math.exp(z[0])

    def _collect(self, z: Array, by_entries: Array, slope: float) -> Array:
        out = np.empty(len(z))
        out[0], out[1:] = slope, by_entries
        return out


class _Sd(_Variance):
    """The sd of an effect; free are log sigma and the entries but the first."""

    shape, low = Shape.ASINH, 0.0

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        super().__init__(problem, position, reml)
        self._cell = self.triangle.cell(0, 0)
        self._others = np.delete(np.arange(len(self.triangle.rows)), self._cell)
        data, corner = problem.products, self.triangle.lower[self.triangle.place, self.triangle.place]
        # an sd whose relative entry is the error of a group's mean
        error = np.sqrt(max(len(problem.layout.levels), 1) / data.n)
        self.scale = Scale(shape=self.shape, length=data.scale * error / abs(corner))
        self._length = corner * self.scale.length

    def point(self, theta: Array) -> Array:
        entries = self.triangle.entries(theta, self.problem.layout)
        return np.array(
            [np.arcsinh(theta[self.position] / self.scale.length), np.log(theta[-1]), *entries[self._others]]
        )

    def units(self, theta: Array) -> Array:
        entry = self._entry_units(self.triangle.entries(theta, self.problem.layout))
        length = entry[self._cell] * theta[-1] / np.hypot(self._length, theta[self.position])
        return np.array([length, 1 / np.sqrt(2 * self.problem.products.n), *entry[self._others]])

    def _triangle(self) -> Triangle:
        return Triangle(self.problem, (self.position - self.problem.layout.sd.start,))

    def _spread(self, z: Array) -> tuple[Array, float]:
        sigma, entries = math.exp(z[1]), np.empty(len(z) - 1)
        entries[self._cell], entries[self._others] = self._length * math.sinh(z[0]) / sigma, z[2:]
        return entries, sigma

    def _collect(self, z: Array, by_entries: Array, slope: float) -> Array:
        out, by_sinh = np.empty(len(z)), by_entries[self._cell] * self._length / math.exp(z[1])
        out[0], out[1] = by_sinh * math.cosh(z[0]), slope - by_sinh * math.sinh(z[0])
        out[2:] = by_entries[self._others]
        return out


class _Correlation(_Variance):
    """The correlation of two effects as the sine of an angle; free are their relative sds and the other entries.

    The rows of the two in the user's columns are ``(s, 0)`` and ``t (sin, cos)``. With ``s`` and ``t`` of different
    signs the correlation would be another, so these two are bounded at zero.
    """

    shape = Shape.ARCSINE
    low, high = -_QUARTER_TURN, _QUARTER_TURN

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        super().__init__(problem, position, reml)
        self._cells = [self.triangle.cell(0, 0), self.triangle.cell(1, 0), self.triangle.cell(1, 1)]
        self._others = np.setdiff1d(np.arange(len(self.triangle.rows)), self._cells)
        (first, _), (second, third) = self.triangle.lower[self.triangle.place :, self.triangle.place :][:2, :2]
        self._sizes = np.abs([first, third])
        # the cells' entries by s, t sin and t cos
        self._corner = np.array([[first, 0.0, 0.0], [second, third, 0.0], [0.0, 0.0, third]])

    def point(self, theta: Array) -> Array:
        layout = self.problem.layout
        i, j = layout.pairs[self.position - layout.cor.start]
        relative = theta[layout.sd][[i, j]] / theta[-1]
        angle = np.arcsin(np.clip(theta[self.position], -1.0, 1.0))
        return np.array([angle, *relative, *self.triangle.entries(theta, layout)[self._others]])

    def units(self, theta: Array) -> Array:
        z = self.point(theta)
        relative = self._entry_units(self._sizes * z[1:3]) / self._sizes
        return np.array([self._entry_units(np.ones(1))[0], *relative, *self._entry_units(z[3:])])

    def floor(self, size: int) -> Array:
        bounds = np.full(size, -np.inf)
        bounds[1:3] = 0.0
        return bounds

    def _triangle(self) -> Triangle:
        layout = self.problem.layout
        return Triangle(self.problem, layout.pairs[self.position - layout.cor.start])

    def _spread(self, z: Array) -> tuple[Array, float]:
        entries, (angle, s, t) = np.empty(len(z)), z[:3]
        entries[self._cells] = self._corner @ (s, t * math.sin(angle), t * math.cos(angle))
        entries[self._others] = z[3:]
        return entries, 0.0

    def _collect(self, z: Array, by_entries: Array, slope: float) -> Array:
        out, sine, cosine = np.empty(len(z)), math.sin(z[0]), math.cos(z[0])
        by_s, by_first, by_second = by_entries[self._cells] @ self._corner
        out[:3] = z[2] * (by_first * cosine - by_second * sine), by_s, by_first * sine + by_second * cosine
        out[3:] = by_entries[self._others]
        return out


class _Beta(Held):
    """A fixed effect; the others have the generalized least-squares formula under the constraint."""

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        super().__init__(problem, position, reml)
        data = problem.products
        unit = np.zeros(problem.layout.p)
        unit[position] = 1.0
        # beta_k - beta0_k = a' delta
        self._a = kernel.upper_solve(data.rx, np.eye(problem.layout.p)).T @ unit
        self._centre = float(data.beta0[position])
        self._right = np.column_stack([self._a, self._a])
        self._unused = np.empty((problem.layout.p, problem.layout.p))

    def __call__(self, z: Array) -> tuple[float, Array]:
        """Return the deviance at a point, and its gradient."""
        r, c, within, n = self._data
        log_det, h, roots, solved, inverse = kernel.forward(self.triangle.root(z[1:]), r, c, within)
        e, direction = self._constrained(h, z[0])
        he = h @ e
        quadratic = e @ he
        weight = n / quadratic
        by_root = kernel.backward(r, roots, solved, inverse, e, weight, self._unused, False)
        out = np.empty(len(z))
        out[0], out[1:] = -2.0 * weight * (he[:-1] @ direction), self.triangle.gradient(by_root)
        return float(log_det + n * (_LOG_2PI + math.log(quadratic / n) + 1.0)), out

    def _constrained(self, h: Array, beta: float) -> tuple[Array, Array]:
        """Return ``e = (-delta, 1)`` given the held effect, and the derivative of ``delta`` by that."""
        e, right = np.ones(len(h)), self._right.copy()
        right[:, 0] = h[:-1, -1]
        delta, direction = dposv(h[:-1, :-1], right)[1].T
        direction = direction / (self._a @ direction)
        e[:-1] = -delta - direction * (beta - self._centre - self._a @ delta)
        return e, direction

    def point(self, theta: Array) -> Array:
        return np.append(theta[self.position], self.triangle.entries(theta, self.problem.layout))

    def units(self, theta: Array) -> Array:
        return np.append(theta[-1] * np.linalg.norm(self._a), self._entry_units(self.point(theta)[1:]))

    def _triangle(self) -> Triangle:
        return Triangle(self.problem)

    def _optimum(self, z: Array) -> tuple[Array, Array, float]:
        root = self.triangle.root(z[1:])
        h = kernel.forward(root, *self._data[:3])[1]
        e = self._constrained(h, z[0])[0]
        return root, -e[:-1], float(np.sqrt(e @ h @ e / self._data[3]))


def held(problem: Problem, position: int, *, reml: bool) -> Held:
    """Return the deviance with the parameter at a position of the layout held."""
    layout = problem.layout
    if position == layout.sigma:
        return _Sigma(problem, position, reml)
    if position < layout.p:
        return _Beta(problem, position, reml)
    return (_Sd if position < layout.sd.stop else _Correlation)(problem, position, reml)
