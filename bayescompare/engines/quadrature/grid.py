"""A density on panels of Gauss-Legendre nodes along both coordinates, refined and extended until it is all there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.quadrature.density import Density
from bayescompare.engines.quadrature.modes import Mode
from bayescompare.engines.quadrature.panels import MOST_ROUNDS, Panels, better, trimmed
from bayescompare.priors import Prior
from bayescompare.priors.tails import walls

__all__ = ["Grid", "adapted", "refined"]

Array = npt.NDArray[np.float64]

# Where the first panels end, in widths of a mode about it.
_BEGIN = np.array([-4.0, -1.0, 1.0, 4.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A log density at the nodes of panels along two coordinates.

    Parameters
    ----------
    first, second
        Panels along ``u = log sd`` and ``v = log sigma``.
    heights : (a, b)
        Log density.
    """

    first: Panels
    second: Panels
    heights: Array

    @property
    def top(self) -> float:
        """The highest log density."""
        return float(self.heights.max())

    @property
    def relative(self) -> Array:
        """The density over its highest value."""
        return np.exp(self.heights - self.top)

    def along_first(self) -> Array:
        """Return the marginal density of the first coordinate at its nodes, over the highest joint value."""
        return np.asarray(self.relative @ self.second.weights)

    def along_second(self) -> Array:
        """Return that of the second."""
        return np.asarray(self.first.weights @ self.relative)


def adapted(density: Density, modes: list[Mode]) -> Grid:
    """Return the grid that holds a density, from its modes on.

    Panels are halved while the last Legendre terms of the marginal densities say that they are misjudged, and added
    beyond the ends, each twice as wide as the last, while something is left out there.
    """
    edges = [np.unique([mode.at[k] + mode.width[k] * _BEGIN for mode in modes]) for k in (0, 1)]
    cuts = [_cuts(prior) for prior in (density.of_sd, density.of_sigma)]
    grid = _filled(density, Panels(edges[0]), Panels(edges[1]), None)
    for _ in range(MOST_ROUNDS):
        first = better(grid.first, grid.along_first(), cuts[0])
        second = better(grid.second, grid.along_second(), cuts[1])
        if first is grid.first and second is grid.second:
            break
        grid = _filled(density, first, second, grid)
    return grid


def _cuts(prior: Prior) -> Array:
    """Return the logs of the values at which a prior density of an sd begins and ends."""
    ends = np.array(walls(prior))
    return np.asarray(np.log(ends[(ends > 0) & np.isfinite(ends)]))


def refined(density: Density, grid: Grid) -> Grid:
    """Return the same panels with more nodes, but those that hold nothing."""
    first, second = trimmed(grid.first, grid.along_first()), trimmed(grid.second, grid.along_second())
    return _filled(density, first, second, None)


def _filled(density: Density, first: Panels, second: Panels, before: Grid | None) -> Grid:
    """Return the grid of panels; what a grid of some of them knew is not evaluated again."""
    u, v = first.points, second.points
    heights = np.full((len(u), len(v)), np.nan)
    if before is not None:
        rows, old_rows = _shared(first, before.first)
        columns, old_columns = _shared(second, before.second)
        heights[np.ix_(rows, columns)] = before.heights[np.ix_(old_rows, old_columns)]
    i, j = np.nonzero(np.isnan(heights))
    heights[i, j] = density(u[i], v[j])
    return Grid(first=first, second=second, heights=heights)


def _shared(now: Panels, before: Panels) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the places of the nodes of the panels that are in both."""
    old = {ends: k for k, ends in enumerate(zip(before.edges[:-1], before.edges[1:], strict=True))}
    pairs = [(k, old[ends]) for k, ends in enumerate(zip(now.edges[:-1], now.edges[1:], strict=True)) if ends in old]
    inside = np.arange(now.nodes)
    here, there = np.array(pairs, dtype=np.intp).reshape(-1, 2).T * now.nodes
    return (here[:, None] + inside).ravel(), (there[:, None] + inside).ravel()
