"""The coordinates that L-BFGS-B may search in, each with its starts and objective."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.likelihood import kernel, rotation
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.products import Products

__all__ = ["Cholesky", "LogSd", "Whitened", "moment_factor"]

Array = npt.NDArray[np.float64]

# Smallest relative sd that a start may have: at zero the gradient vanishes whatever the data.
_FLOOR = 0.05
# Log of the largest relative sd that is computed with, and the value that turns a line search back.
_FAR = 300.0
_REFUSED = 1e100


def moment_factor(data: Products, blocks: tuple[slice, ...]) -> Array:
    """Return a start for the relative factor ``(q, q)`` from the second moments of the groups.

    Least squares of ``c c' / sigma^2 - I`` on ``R (S / sigma^2) R'``, with sigma from the rows that
    the random effects do not reach; its blocks are made positive definite.
    """
    q = data.r.shape[1]
    free = data.n - min(q * len(data.rows), data.n) - len(data.beta0)
    sigma2 = data.within[-1, -1] / free if free > 0 else data.scale**2
    left, gram, square = rotation.moments(data.r, data.c)
    right = square / (sigma2 if sigma2 > 0 else 1.0) - gram
    if not (np.all(np.isfinite(left)) and np.all(np.isfinite(right))):
        return np.eye(q)
    solution = np.linalg.lstsq(left, right.ravel(), rcond=1e-10)[0].reshape(q, q)
    factor = np.zeros((q, q))
    for block in blocks:
        values, vectors = np.linalg.eigh((solution[block, block] + solution[block, block].T) / 2)
        factor[block, block] = np.linalg.cholesky(vectors * np.maximum(values, _FLOOR**2) @ vectors.T)
    return factor


class Cholesky:
    """Search over the lower triangles of the relative factor's blocks, of any sign.

    The deviance does not change with the sign of a column, so a diagonal needs no bound at zero:
    with one, a search that would leave through the mirror stays there (in 4 of 10 data sets with
    four effects). Zero is reached by landing on it afterwards.

    A point is in units of ``(2 J)^(-1/2)``, about one standard error of a relative sd, so that
    the first step of L-BFGS is not many standard errors long.
    """

    def __init__(self, problem: Problem, reml: bool) -> None:
        self.blocks = problem.layout.block_slices
        cells = [(i, j) for b in self.blocks for i in range(b.start, b.stop) for j in range(b.start, i + 1)]
        self.rows = np.array([i for i, _ in cells], dtype=np.intp)
        self.columns = np.array([j for _, j in cells], dtype=np.intp)
        self.diagonal = np.flatnonzero(self.rows == self.columns)
        self.q, self.reml, self.data = problem.layout.q, reml, problem.products
        self.unit = (2.0 * max(len(problem.layout.levels), 1)) ** -0.5
        self.arguments = (self.data.r, self.data.c, self.data.within, float(self.data.n), reml)

    def root(self, point: Array) -> Array:
        """Return the relative root ``(q, q)`` at a point."""
        return np.asarray(kernel.relative_factor(point * self.unit, self.rows, self.columns, self.q))

    def at(self, root: Array) -> Array:
        """Return the point whose relative covariance is that of any root ``(q, q)``, block by block."""
        return self.entries(np.linalg.qr(root.T, mode="r").T)

    def entries(self, root: Array) -> Array:
        """Return the point of a lower triangular root."""
        return np.asarray(root[self.rows, self.columns] / self.unit)

    def __call__(self, point: Array) -> tuple[float, Array]:
        """Return deviance and gradient."""
        value, gradient = kernel.profiled_entries(point * self.unit, self.rows, self.columns, *self.arguments)
        return value, gradient * self.unit

    def fixed_starts(self) -> list[Array]:
        """Return the moment estimate, and relative sds of one."""
        if not self.q:
            return [np.zeros(0)]
        start = moment_factor(self.data, self.blocks)[self.rows, self.columns]
        return [start / self.unit, self.inside(np.zeros(len(start)), self.diagonal, 1.0)]

    def inside(self, point: Array, which: npt.NDArray[np.intp] | np.intp, value: float) -> Array:
        """Return a point with the given entries at a value in residual sds."""
        moved = point.copy()
        moved[which] = value / self.unit
        return moved

    def disperse(self, rng: np.random.Generator) -> Array:
        """Draw a start."""
        point = rng.normal(0.0, 0.5, len(self.rows))
        point[self.diagonal] = np.exp(rng.normal(-0.5, 1.0, self.q))
        return point / self.unit


class Whitened:
    """Search over ``K`` with ``Lambda = L K``, from ``K = I`` at a root ``L`` of `Cholesky`.

    Where there is next to no residual noise the entries of ``Lambda`` are large, and some may be known to a small share
    of others. Those of ``K`` all have about the same standard error, the units of `Cholesky`.
    """

    def __init__(self, base: Cholesky, root: Array) -> None:
        self.base = base
        own = np.diag(root)
        self.lower = root + np.diag(np.where(own < 0, -1.0, 1.0) * np.maximum(np.abs(own), _FLOOR) - own)

    def root(self, point: Array) -> Array:
        """Return the relative root ``(q, q)`` at a point."""
        return np.asarray(self.lower @ self.base.root(point))

    def at(self, root: Array) -> Array:
        """Return the point of a lower triangular root."""
        return self.base.entries(solve_triangular(self.lower, root, lower=True))

    def __call__(self, point: Array) -> tuple[float, Array]:
        """Return deviance and gradient."""
        base = self.base
        value, by_root, *_ = kernel.steady(self.root(point), *base.arguments, 0.0)
        return value, (self.lower.T @ by_root)[base.rows, base.columns] * base.unit


class LogSd:
    """Search over logs of the relative sds, in the user's own columns, and Fisher z: no bounds."""

    def __init__(self, problem: Problem, reml: bool) -> None:
        self.reml, self.data, self.q = reml, problem.products, problem.layout.q
        self.size = self.q + problem.layout.m
        self.offset = np.zeros(self.size)
        self.offset[: self.q] = -np.log(np.sqrt(np.mean(problem.z**2, axis=0)) + 1e-300)

    def _root(self, point: Array) -> tuple[Array, Array, Array]:
        """Return sds, partial correlations and the root in the user's columns."""
        sd = np.exp(np.clip(point[: self.q], -_FAR, _FAR) + self.offset[: self.q])
        partials = np.tanh(point[self.q :])
        return sd, partials, sd[:, None] * kernel.correlation_factor(partials, self.data.starts, self.q)

    def root(self, point: Array) -> Array:
        """Return the relative root ``(q, q)`` at a point."""
        return np.asarray(self.data.t_inverse @ self._root(point)[2])

    def __call__(self, point: Array) -> tuple[float, Array]:
        """Return deviance and gradient."""
        d = self.data
        sd, partials, root = self._root(point)
        value, g, *_ = kernel.profiled(d.t_inverse @ root, d.r, d.c, d.within, float(d.n), self.reml, 0.0)
        g_root = d.t_inverse.T @ g
        z_part = kernel.correlation_factor_vjp(partials, d.starts, g_root * sd[:, None])
        gradient = np.concatenate([np.sum(g_root * root, axis=1), z_part])
        if not np.isfinite(value):
            return _REFUSED, np.zeros(self.size)
        return value, gradient

    def fixed_starts(self) -> list[Array]:
        """Return relative sds of one, and of a tenth."""
        points = np.zeros((2, self.size))
        points[1, : self.q] = np.log(0.1)
        return list(points)

    def disperse(self, rng: np.random.Generator) -> Array:
        """Draw a start."""
        return rng.normal(0.0, 1.0, self.size)
