"""Panels of Gauss-Legendre nodes along a coordinate, and how they are made to hold a density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

from bayescompare.marginal import Tail

__all__ = ["FARTHEST", "MOST_ROUNDS", "Panels", "better", "held", "trimmed"]

Array = npt.NDArray[np.float64]

#: Times that panels are made better at most.
MOST_ROUNDS = 60
# Nodes a panel while panels are sought, and of those that are used.
_NODES, _FINE_NODES = 8, 12
# Share of the whole by which a panel may be misjudged, that an end may leave out, and that is not worth its panel.
_ERROR, _LEFT_OUT, _NOTHING = 1e-4, 1e-13, 1e-22
#: Logs beyond which squares are beyond floating point.
FARTHEST = 300.0
# Width below which a panel is not halved, and a share of the highest value at which a slope is one of rounding.
_NARROWEST, _ROUNDING = 1e-9, 1e-18


@cache
def _rule(nodes: int) -> tuple[Array, Array, Array]:
    """Return nodes and weights between -1 and 1, and the matrix from values there to Legendre coefficients."""
    x, w = legendre.leggauss(nodes)
    return x, w, legendre.legvander(x, nodes - 1) * w[:, None] * (np.arange(nodes) + 0.5)


@dataclass(frozen=True, slots=True)
class Panels:
    """Neighbouring panels with the same number of nodes.

    Parameters
    ----------
    edges : (m + 1,)
    nodes
        Of each panel.
    """

    edges: Array
    nodes: int = _NODES

    @property
    def widths(self) -> Array:
        """Widths ``(m,)``."""
        return np.diff(self.edges)

    @property
    def points(self) -> Array:
        """Nodes ``(m * nodes,)``."""
        x = _rule(self.nodes)[0]
        return (self.edges[:-1, None] + (x + 1) / 2 * self.widths[:, None]).ravel()

    @property
    def weights(self) -> Array:
        """Weights ``(m * nodes,)`` of the integral."""
        w = _rule(self.nodes)[1]
        return (w / 2 * self.widths[:, None]).ravel()

    def coefficients(self, values: Array) -> Array:
        """Return the Legendre coefficients ``(m, nodes)`` of a function by its values at the points."""
        return np.asarray(values.reshape(-1, self.nodes) @ _rule(self.nodes)[2])

    def tails(self, values: Array) -> tuple[Tail, Tail]:
        """Return what a function has beyond both ends if it goes on as it ends: infinite where it rises there."""
        points, values = self.points, np.maximum(values, 0.0)
        return _tail(points, values, self.edges[0]), _tail(points[::-1], values[::-1], self.edges[-1])

    def misjudged(self, values: Array) -> Array:
        """Return by about how much each panel's integral of a function is wrong: the size of its last two terms."""
        return np.asarray(np.abs(self.coefficients(values)[:, -2:]).sum(axis=1) * self.widths)


def _tail(points: Array, values: Array, end: float) -> Tail:
    """Return the tail beyond an end, by the values at the nodes from there on: an exponential through two."""
    if values[0] <= _ROUNDING * values.max():
        return Tail()
    with np.errstate(divide="ignore"):
        rate = float((np.log(values[1]) - np.log(values[0])) / abs(points[1] - points[0]))
    at_end = values[0] * np.exp(-rate * abs(points[0] - end))
    return Tail(mass=float(at_end / rate) if rate > 0 else np.inf, rate=rate)


def better(panels: Panels, values: Array, cuts: Array) -> Panels:
    """Return panels along one coordinate that hold a marginal density better; the same where they are good.

    Parameters
    ----------
    values
        Of the density at their nodes.
    cuts
        Places at which it may jump: new panels end there.
    """
    whole = float(panels.weights @ values)
    # a hill too low to be seen may have most of the second moment
    square = values * np.exp(2 * (panels.points - panels.points[np.argmax(values)]))
    bad = np.any([panels.misjudged(one) > _ERROR * (panels.weights @ one) for one in (values, square)], axis=0)
    bad &= panels.widths > _NARROWEST
    middles = (panels.edges[:-1] + panels.widths / 2)[bad]
    below, above = panels.tails(values)
    low, high = ends = panels.edges[[0, -1]]
    first, last = np.maximum(2 * panels.widths[[0, -1]], np.ptp(ends) / 4)
    if below.mass > _LEFT_OUT * whole:
        low = max(low - first, -FARTHEST)
    if above.mass > _LEFT_OUT * whole:
        high = min(high + last, FARTHEST)
    inside = cuts[(cuts > low) & (cuts < high)]
    edges = np.unique(np.concatenate([panels.edges, middles, inside, [low, high]]))
    return panels if len(edges) == len(panels.edges) else Panels(edges, panels.nodes)


def trimmed(panels: Panels, values: Array) -> Panels:
    """Return the panels, with more nodes, without those at the ends that hold nothing but one at each end."""
    masses = (panels.weights * values).reshape(-1, panels.nodes).sum(axis=1)
    used = np.flatnonzero(masses > _NOTHING * masses.sum())
    return Panels(panels.edges[max(used[0] - 1, 0) : used[-1] + 3], _FINE_NODES)


def held(function: Callable[[Array], Array], edges: Array) -> Panels:
    """Return panels that hold a density of one coordinate, from some edges on."""
    panels = Panels(edges)
    for _ in range(MOST_ROUNDS):
        more = better(panels, function(panels.points), np.empty(0))
        if more is panels:
            break
        panels = more
    return trimmed(panels, function(panels.points))
