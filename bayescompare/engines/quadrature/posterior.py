"""From a density on a grid to the marginal posterior of every parameter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from bayescompare.engines.quadrature.density import Density
from bayescompare.engines.quadrature.grid import Grid
from bayescompare.engines.quadrature.panels import Panels, held
from bayescompare.engines.quadrature.tails import Rates
from bayescompare.fits import RandomEffects
from bayescompare.marginal import Coordinate, Marginal, Tail

__all__ = ["Posterior"]

Array = npt.NDArray[np.float64]

# Shares of the whole that the points left out of sums over points may have together: fixed and random effects.
_SMALL_SHARE, _SMALL_SHARE_EFFECTS = 1e-8, 1e-6
# The same of those by which the panels of a fixed effect are sought.
_ROUGHLY = 1e-3
# Where the panels of a fixed effect begin, in its typical conditional sds.
_BEGIN = np.array([-4.0, -1.5, 0.0, 1.5, 4.0])


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """The joint posterior on a grid of (log sd, log sigma), all else given them being Gaussian.

    Parameters
    ----------
    rates
        With which the marginal densities fall off.
    """

    density: Density
    grid: Grid
    rates: Rates

    @cached_property
    def tails(self) -> tuple[tuple[Tail, Tail], tuple[Tail, Tail]]:
        """What lies beyond the panels of both coordinates, unnormalised."""
        grid = self.grid
        return grid.first.tails(grid.along_first()), grid.second.tails(grid.along_second())

    @cached_property
    def whole(self) -> float:
        """The integral of the density over its highest value; infinite if a tail does not fall off."""
        grid = self.grid
        beyond = sum(tail.mass for pair in self.tails for tail in pair)
        return float(grid.first.weights @ grid.along_first() + beyond)

    @cached_property
    def _sd_weights(self) -> Array:
        """Weights of the nodes of log sd; what lies beyond the ends is as at the last node there."""
        panels, values, (below, above) = self.grid.first, self.grid.along_first(), self.tails[0]
        weights = panels.weights
        for k, tail in ((0, below), (-1, above)):
            weights[k] += tail.mass / values[k] if tail.mass > 0 else 0.0
        return weights

    @property
    def log_evidence(self) -> float:
        """Log of the integral of likelihood times prior densities."""
        return float(np.log(self.whole) + self.grid.top)

    @cached_property
    def _points(self) -> tuple[Array, Array, Array]:
        """Sds, sigmas and probabilities of the points, in descending order of the last."""
        first, second = self.grid.first, self.grid.second
        shares = self.grid.relative * self._sd_weights[:, None] * second.weights
        order = np.argsort(-shares, axis=None)[: np.count_nonzero(shares)]
        i, j = np.unravel_index(order, shares.shape)
        return np.exp(first.points[i]), np.exp(second.points[j]), shares[i, j] / shares.sum()

    def _most(self, left_out: float) -> tuple[Array, Array, Array]:
        """Return the fewest points that have all but a share of the whole, with probabilities that sum to one."""
        sd, sigma, shares = self._points
        kept = int(np.searchsorted(np.cumsum(shares), 1 - left_out)) + 1
        return sd[:kept], sigma[:kept], shares[:kept] / shares[:kept].sum()

    @cached_property
    def sd(self) -> Marginal:
        """Return the marginal posterior of the sd of the random effect."""
        return self._of_coordinate(self.grid.first, self.grid.along_first(), self.tails[0], self.rates.sd)

    @cached_property
    def sigma(self) -> Marginal:
        """Return that of the residual sd."""
        along = self._sd_weights @ self.grid.relative
        return self._of_coordinate(self.grid.second, along, self.tails[1], self.rates.sigma)

    def _of_coordinate(self, panels: Panels, values: Array, tails: tuple[Tail, Tail], rate: float) -> Marginal:
        values = values / self.whole
        below, above = (Tail(mass=tail.mass / self.whole, rate=tail.rate) for tail in tails)
        one, two = (_moment(panels, values, above, rate, order) for order in (1, 2))
        return Marginal(
            coordinate=Coordinate(kind="exp"),
            edges=panels.edges,
            coefficients=panels.coefficients(values),
            below=below,
            above=above,
            mean=one,
            sd=_spread(one, two),
        )

    @cached_property
    def fixed_moments(self) -> tuple[Array, Array]:
        """Return means and sds ``(p,)`` of the fixed effects, NaN where they do not exist."""
        sd, sigma, shares = self._points
        means, sds = self.density.likelihood.fixed_effects(sd, sigma)
        centre = shares @ means
        variance = shares @ (sds**2 + (means - centre) ** 2) + self._beyond(centre)
        rate = self.rates.beta
        return np.where(rate > 1, centre, np.nan), np.where(rate > 2, np.sqrt(variance), np.nan)

    def _beyond(self, centre: Array) -> Array:
        """Return what sds beyond the grid add to the variances of the fixed effects, which grow with their square."""
        above, rate = self.tails[0][1], self.rates.sd
        if above.mass == 0 or not 2 < rate < np.inf:
            return np.zeros(len(centre))
        last = np.exp(self.grid.first.points[-1:])
        given = np.exp(self.grid.second.points)
        shares = self.grid.relative[-1] * self.grid.second.weights
        means, sds = self.density.likelihood.fixed_effects(np.repeat(last, len(given)), given)
        square = shares / shares.sum() @ (sds**2 + (means - centre) ** 2)
        grows = np.isfinite(self.rates.beta) & (self.rates.beta <= rate)
        return np.where(grows, square * above.mass / self.whole * rate / (rate - 2), 0.0)

    def fixed_effects(self, moments: tuple[Array, Array]) -> list[Marginal]:
        """Return the marginal posteriors of the fixed effects: mixtures of normal distributions.

        Parameters
        ----------
        moments
            Their means and sds ``(p,)``.
        """
        sd, sigma, shares = self._most(_SMALL_SHARE)
        means, sds = self.density.likelihood.fixed_effects(sd, sigma)
        centres, spreads = moments
        return [
            _mixture(means[:, k], sds[:, k], shares, float(centres[k]), float(spreads[k]))
            for k in range(means.shape[1])
        ]

    def random_effects(self) -> RandomEffects:
        """Return posterior means and sds of the random effects."""
        return self.density.likelihood.random_effects(*self._most(_SMALL_SHARE_EFFECTS))


def _moment(panels: Panels, values: Array, above: Tail, rate: float, order: int) -> float:
    """Return a moment of ``exp(coordinate)``, NaN where it does not exist."""
    if rate <= order:
        return float("nan")
    inside = float((panels.weights * values) @ np.exp(order * panels.points))
    if above.mass == 0:
        return inside
    rate = rate if np.isfinite(rate) else above.rate
    beyond = above.mass * rate / (rate - order) if rate > order else 0.0
    return inside + float(np.exp(order * panels.edges[-1])) * beyond


def _spread(mean: float, square: float) -> float:
    """Return the sd of a first and a second moment."""
    return float(np.sqrt(max(square - mean**2, 0.0)))


def _mixture(means: Array, sds: Array, shares: Array, mean: float, sd: float) -> Marginal:
    """Return the marginal of a mixture of normal distributions."""
    coordinate = Coordinate(kind="sinh", centre=float(shares @ means), scale=float(np.exp(shares @ np.log(sds))))
    parts = np.stack([means, 1 / sds, shares / (sds * np.sqrt(2 * np.pi))])
    # panels are as good for most of the points as for all, which come in descending order
    few = parts[:, : int(np.searchsorted(np.cumsum(shares), 1 - _ROUGHLY)) + 1]

    def density(parts: Array, v: Array) -> Array:
        return np.asarray(_normals(coordinate.value(v), *parts) * coordinate.slope(v))

    panels = held(partial(density, few), np.arcsinh(_BEGIN))
    values = density(parts, panels.points)
    values = values / float(panels.weights @ values)
    return Marginal(
        coordinate=coordinate, edges=panels.edges, coefficients=panels.coefficients(values), mean=mean, sd=sd
    )


@njit(cache=True, error_model="numpy")
def _normals(x: Any, means: Any, rates: Any, heights: Any) -> Any:
    """Return the sum of normal curves at points ``(N,)``; what is farther than 8 sds away is left out."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        for k in range(len(means)):
            z = (x[i] - means[k]) * rates[k]
            if z * z < 64.0:
                out[i] += heights[k] * np.exp(-0.5 * z * z)
    return out
