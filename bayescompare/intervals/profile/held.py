"""The deviance as a smooth function of one held parameter and of the free ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bayescompare.engines.lbfgs.way import natural_of
from bayescompare.intervals.profile.triangle import Triangle
from bayescompare.likelihood.problem import Problem

__all__ = ["Held", "Scale", "Shape"]

Array = npt.NDArray[np.float64]


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
    triangle
        The order of effects in which the parameter is a coordinate.
    scale
        Of the held coordinate.

    Attributes
    ----------
    low, high
        Bounds of the held coordinate.
    bounded
        How many coordinates after the held one are bounded at zero.
    """

    low: ClassVar[float] = -np.inf
    high: ClassVar[float] = np.inf
    bounded: ClassVar[int] = 0

    def __init__(self, problem: Problem, position: int, reml: bool, triangle: Triangle, scale: Scale) -> None:
        self.problem, self.position, self.reml = problem, position, reml
        self.triangle, self.scale = triangle, scale
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
        bounds = np.full(size, -np.inf)
        bounds[1 : 1 + self.bounded] = 0.0
        return bounds

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
