"""Held fixed effects."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dposv

from bayescompare.intervals.profile.held import Held, Scale, Shape
from bayescompare.intervals.profile.triangle import Triangle
from bayescompare.likelihood import kernel
from bayescompare.likelihood.problem import Problem

__all__ = ["Beta"]

Array = npt.NDArray[np.float64]

_LOG_2PI = float(np.log(2 * np.pi))


class Beta(Held):
    """A fixed effect; the others have the generalized least-squares formula under the constraint."""

    def __init__(self, problem: Problem, position: int, reml: bool) -> None:
        super().__init__(problem, position, reml, Triangle(problem), Scale(shape=Shape.PLAIN))
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
        by_root = kernel.backward(r, roots, solved, inverse, e, weight, self._unused, False, True)
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
        """Return the point at natural parameters ``(k,)``."""
        return np.append(theta[self.position], self.triangle.entries(theta, self.problem.layout))

    def units(self, theta: Array) -> Array:
        """Return a length for each coordinate of a point."""
        return np.append(theta[-1] * np.linalg.norm(self._a), self._entry_units(self.point(theta)[1:]))

    def _optimum(self, z: Array) -> tuple[Array, Array, float]:
        root = self.triangle.root(z[1:])
        h = kernel.forward(root, *self._data[:3])[1]
        e = self._constrained(h, z[0])[0]
        return root, -e[:-1], float(np.sqrt(e @ h @ e / self._data[3]))
