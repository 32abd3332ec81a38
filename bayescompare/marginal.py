"""The distribution of one parameter as a density in pieces: its probabilities, quantiles and shortest intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

__all__ = ["Coordinate", "Marginal", "Tail"]

Array = npt.NDArray[np.float64]

# Points a piece at which the distribution function is tabled, and starts of a shortest interval that are tried.
_FINE, _STARTS = 24, 401
# Decimals by which probabilities in the table differ.
_DIGITS = 12
# Newton's steps to a quantile.
_STEPS = 6
# A valley lies between modes that have more than a small share of the whole, and is this low beside them.
_RARE, _SHALLOW = 1e-3, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinate:
    """What a density is a polynomial in: ``x = exp(v)``, or ``x = centre + scale sinh(v)``.

    Both turn tails that are powers of ``x`` into ones that fall off exponentially.
    """

    kind: Literal["exp", "sinh"]
    centre: float = 0.0
    scale: float = 1.0

    def value(self, v: Array) -> Array:
        """Return ``x``."""
        return np.asarray(np.exp(v) if self.kind == "exp" else self.centre + self.scale * np.sinh(v))

    def place(self, x: Array) -> Array:
        """Return ``v``; minus infinity for an ``x`` below those that there are."""
        with np.errstate(divide="ignore"):
            if self.kind == "exp":
                return np.asarray(np.log(np.maximum(x, 0.0)))
            return np.asarray(np.arcsinh((np.asarray(x) - self.centre) / self.scale))

    def slope(self, v: Array) -> Array:
        """Return ``dx / dv``."""
        return np.asarray(np.exp(v) if self.kind == "exp" else self.scale * np.cosh(v))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What lies beyond the pieces: a probability, which falls off as ``exp(-rate distance)``."""

    mass: float = 0.0
    rate: float = 1.0

    def beyond(self, distance: Array) -> Array:
        """Return the probability farther than a distance from where the tail begins."""
        return np.asarray(self.mass * np.exp(-self.rate * np.maximum(distance, 0.0)))


@dataclass(frozen=True, kw_only=True)
class Marginal:
    """A distribution whose density by a coordinate ``v`` is a polynomial in each of several pieces.

    Parameters
    ----------
    edges : (m + 1,)
        Ends of the pieces, in ``v``.
    coefficients : (m, k)
        Legendre coefficients of the density by ``v`` in each, which with the tails integrates to one.
    below, above
        The tails.
    mean, sd
        NaN where the integral does not converge.
    """

    coordinate: Coordinate
    edges: Array
    coefficients: Array
    below: Tail = Tail()
    above: Tail = Tail()
    mean: float = float("nan")
    sd: float = float("nan")

    @cached_property
    def _integrals(self) -> Array:
        """Legendre coefficients ``(m, k + 1)`` of the integral from the left end of each piece."""
        half = np.diff(self.edges) / 2
        return np.asarray(legendre.legint(self.coefficients, lbnd=-1, axis=1) * half[:, None])

    @cached_property
    def _cumulative(self) -> Array:
        """Probabilities below each edge."""
        masses = legendre.legval(1.0, self._integrals.T)
        return self.below.mass + np.concatenate([[0.0], np.cumsum(masses)])

    def _piece(self, v: Array) -> tuple[npt.NDArray[np.intp], Array]:
        """Return the piece of each place, and where in it between -1 and 1."""
        piece = np.clip(np.searchsorted(self.edges, v, side="right") - 1, 0, len(self.edges) - 2)
        width = np.diff(self.edges)[piece]
        return piece, np.clip(2 * (v - self.edges[piece]) / width - 1, -1.0, 1.0)

    def density(self, x: npt.ArrayLike) -> Array:
        """Return the density of the parameter at values of it."""
        v = self.coordinate.place(np.asarray(x, dtype=float))
        with np.errstate(all="ignore"):
            value = self._by_coordinate(v) / self.coordinate.slope(v)
        return np.where(np.isfinite(v), value, 0.0)

    def _by_coordinate(self, v: Array) -> Array:
        """Return the density by the coordinate."""
        piece, inside = self._piece(v)
        value = np.maximum(_evaluated(self.coefficients, piece, inside), 0.0)
        left, right = self.edges[0] - v, v - self.edges[-1]
        value = np.where(left > 0, self.below.rate * self.below.beyond(left), value)
        return np.where(right > 0, self.above.rate * self.above.beyond(right), value)

    def cdf(self, x: npt.ArrayLike) -> Array:
        """Return the probability of values up to ``x``."""
        return self._probability(self.coordinate.place(np.asarray(x, dtype=float)))

    def _probability(self, v: Array) -> Array:
        piece, inside = self._piece(v)
        value = self._cumulative[piece] + _evaluated(self._integrals, piece, inside)
        left, right = self.edges[0] - v, v - self.edges[-1]
        value = np.where(left > 0, self.below.beyond(left), value)
        value = np.where(right > 0, 1.0 - self.above.beyond(right), value)
        return np.asarray(np.clip(value, 0.0, 1.0))

    def quantile(self, probability: npt.ArrayLike) -> Array:
        """Return the values that have so much of the distribution below them."""
        return self.coordinate.value(self._place_of(np.asarray(probability, dtype=float)))

    def _place_of(self, p: Array) -> Array:
        """Return quantiles by the coordinate: Newton's steps between the points of a table."""
        table, known = self._table
        k = np.clip(np.searchsorted(known, p) - 1, 0, len(known) - 2)
        low, high, step = table[k], table[k + 1], known[k + 1] - known[k]
        v = low + (high - low) * np.clip((p - known[k]) / step, 0.0, 1.0)
        for _ in range(_STEPS):
            with np.errstate(all="ignore"):
                better = v - (self._probability(v) - p) / self._by_coordinate(v)
            v = np.clip(np.where(np.isfinite(better), better, v), low, high)
        return np.asarray(v)

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Places, and the probabilities below them, which rise."""
        low, high = self._ends()
        edges = np.concatenate([[low], self.edges, [high]])
        share = np.arange(_FINE) / _FINE
        v = np.unique(np.append((edges[:-1, None] + share * np.diff(edges)[:, None]).ravel(), high))
        p = np.maximum.accumulate(self._probability(v))
        p[0], p[-1] = 0.0, 1.0
        _, kept = np.unique(np.round(p, _DIGITS), return_index=True)
        return v[kept], p[kept]

    def _ends(self) -> tuple[float, float]:
        """Return places that next to nothing is beyond."""
        reach = [
            np.log(max(tail.mass, 1e-30) / 1e-30) / tail.rate if tail.mass > 0 else 0.0
            for tail in (self.below, self.above)
        ]
        return float(self.edges[0] - reach[0]), float(self.edges[-1] + reach[1])

    def shortest(self, level: float) -> tuple[float, float]:
        """Return the ends of the shortest interval with a probability."""
        first = self._shortest_from(level)
        lower, upper = self.quantile([first, first + level])
        return float(lower), float(upper)

    def _shortest_from(self, level: float) -> float:
        """Return the probability below the shortest interval."""
        from scipy.optimize import minimize_scalar

        inverse = self._inverse
        starts = np.linspace(0.0, 1.0 - level, _STARTS)

        def width(start: npt.ArrayLike) -> Array:
            return np.asarray(inverse(np.add(start, level)) - inverse(start))

        best = int(np.argmin(width(starts)))
        near = starts[max(best - 1, 0)], starts[min(best + 1, _STARTS - 1)]
        return float(minimize_scalar(width, bounds=near, method="bounded", options={"xatol": 1e-7}).x)

    @cached_property
    def _inverse(self) -> PchipInterpolator:
        """The quantile function, interpolated between the points of the table."""
        from scipy.interpolate import PchipInterpolator

        v, p = self._table
        return PchipInterpolator(p, self.coordinate.value(v))

    def sketch(self, count: int = 200, outside: float = 0.002) -> tuple[Array, Array]:
        """Return ``count`` values and densities for a picture, without a share outside at each end."""
        low, high = self.quantile([outside, 1 - outside])
        first, last = map(float, self.coordinate.place(np.array([low, high])))
        # evenly in the value and in the coordinate: a spike beside zero has points of its own
        x = np.union1d(np.linspace(low, high, count // 2), self.coordinate.value(np.linspace(first, last, count // 2)))
        return x, self.density(x)

    def valleys(self) -> Array:
        """Return the values between two modes at which the density of the parameter is least."""
        v, p = self._table
        x = self.coordinate.value(v)
        inside = (p > _RARE) & (p < 1 - _RARE)
        x, d = x[inside], self.density(x[inside])
        low = 1 + np.flatnonzero((d[1:-1] < d[:-2]) & (d[1:-1] <= d[2:]))
        return np.array([x[k] for k in low if d[k] < _SHALLOW * min(d[:k].max(), d[k:].max())])


def _evaluated(coefficients: Array, piece: npt.NDArray[np.intp], inside: Array) -> Array:
    """Return each place's polynomial of its own piece."""
    return np.asarray(legendre.legval(inside, np.moveaxis(coefficients[piece], -1, 0), tensor=False))
