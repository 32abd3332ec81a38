"""Where a density of two coordinates is large: its modes, from a coarse lattice, and how wide each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.quadrature.density import Density
from bayescompare.engines.quadrature.panels import FARTHEST
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import Prior
from bayescompare.priors.tails import sample

__all__ = ["Mode", "find_modes"]

Array = npt.NDArray[np.float64]

# Of the lattice: distance of its lines, and how far it goes beyond the scales that the data have.
_STEP, _BELOW, _ABOVE = 0.5, 12.0, 8.0
# Modes so far below the highest are none of ours, and so many are looked at.
_LOWER, _MOST = 35.0, 24
# A mode is as wide as it takes for the log density to fall by this.
_FALL = 1.0
_WIDTHS = 2.0 ** -np.arange(-1, 24)
_STENCIL = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)], dtype=float)
# Draws of a prior that tell the lattice where a narrow one is.
_DRAWS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A local maximum ``(u, v)`` of a log density, with the widths along both coordinates."""

    at: Array
    width: Array
    height: float


def find_modes(density: Density, problem: Problem) -> list[Mode]:
    """Return the modes of a density, the highest first; none where it is nowhere above zero."""
    lines = _lattice(density, problem)
    heights = density(*(one.ravel() for one in np.meshgrid(*lines, indexing="ij"))).reshape(*map(len, lines))
    starts = _local_maxima(heights)
    if not starts:
        return []
    points = np.array([[lines[0][i], lines[1][j]] for i, j in starts])
    found = [_measured(density, point) for point in _climbed(density, points)]
    found.sort(key=lambda mode: -mode.height)
    return [mode for mode in found if mode.height > found[0].height - _LOWER]


def _lattice(density: Density, problem: Problem) -> tuple[Array, Array]:
    """Return the lines of the lattice: around the scale of the data, and where the priors are."""
    products = problem.products
    scale, inside = np.log(products.scale), np.log(_residual_sd(problem))
    unit = np.log(abs(products.t_inverse[0, 0]))
    low = min(scale, inside) - _BELOW
    u, v = np.arange(low, scale + _ABOVE, _STEP) - unit, np.arange(low, scale + _ABOVE, _STEP)
    return np.union1d(u, _hints(density.of_sd)), np.union1d(v, _hints(density.of_sigma))


def _residual_sd(problem: Problem) -> float:
    """Return the residual sd within groups, or a small share of the whole where nothing is left there."""
    within, p = problem.products.within, problem.layout.p
    left = within[p, p] - within[p, :p] @ np.linalg.pinv(within[:p, :p], hermitian=True) @ within[:p, p]
    return float(max(np.sqrt(max(left, 0.0) / problem.products.n), 1e-12 * problem.products.scale))


def _hints(prior: Prior) -> Array:
    """Return logs of draws from a prior, none where it cannot be drawn from."""
    draws = sample(prior, _DRAWS)
    if draws is None:
        return np.empty(0)
    with np.errstate(all="ignore"):
        logs = np.log(draws)
    return logs[np.abs(logs) < FARTHEST]


def _local_maxima(heights: Array) -> Sequence[tuple[int, int]]:
    """Return the positions that no neighbour is higher than, the highest first."""
    padded = np.pad(heights, 1, constant_values=-np.inf)
    n, m = heights.shape
    around = np.max([padded[1 + a : 1 + a + n, 1 + b : 1 + b + m] for a in (-1, 0, 1) for b in (-1, 0, 1)], axis=0)
    places = np.argwhere((heights == around) & (heights > -np.inf))
    order = np.argsort(-heights[tuple(places.T)], kind="stable")[:_MOST]
    return [(int(i), int(j)) for i, j in places[order]]


def _climbed(density: Density, points: Array, step: float = _STEP, least: float = 1e-4) -> Array:
    """Return where steps to the best of the neighbours lead, halved where none is better; each end once."""
    points, steps = points.copy(), np.full(len(points), step)
    while np.any(steps > least):
        moving = np.flatnonzero(steps > least)
        around = np.clip(points[moving, None, :] + steps[moving, None, None] * _STENCIL, -FARTHEST, FARTHEST)
        heights = density(*around.reshape(-1, 2).T).reshape(len(moving), -1)
        best = np.argmax(heights, axis=1)
        stay = heights[np.arange(len(moving)), best] <= heights[:, len(_STENCIL) // 2]
        points[moving[~stay]] = around[~stay, best[~stay]]
        steps[moving[stay]] /= 2
    _, first = np.unique(np.round(points / (20 * least)), axis=0, return_index=True)
    return points[first]


def _measured(density: Density, point: Array) -> Mode:
    """Return a mode with its widths: the largest of several at which the density is still near its height."""
    offsets = np.concatenate([_WIDTHS, -_WIDTHS])
    along = np.concatenate([point + np.outer(offsets, axis) for axis in np.eye(2)] + [point[None]])
    heights = density(*along.T)
    falls = heights[-1] - heights[:-1].reshape(2, 2, -1).max(axis=1)
    widths = [float(_WIDTHS[np.argmax(fall <= _FALL)]) for fall in falls]
    return Mode(at=point, width=np.array(widths), height=float(heights[-1]))
