"""Intervals of posteriors: of draws by ArviZ's array functions, and of distributions that are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.fits import Basis
from bayescompare.marginal import Marginal

__all__ = ["EqualTails", "ExactEqualTails", "ExactShortest", "Shortest"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _OfDraws(Basis):
    """Draws ``(..., k)``, and a word on each parameter."""

    values: Array
    reasons: tuple[str, ...]

    @property
    def flat(self) -> Array:
        """All draws ``(N, k)``."""
        return self.values.reshape(-1, self.values.shape[-1])

    @property
    def reason(self) -> tuple[str, ...]:
        """Why there is none."""
        return self.reasons


class EqualTails(_OfDraws):
    """The quantiles that leave equal shares of the draws on both sides."""

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds."""
        from arviz_stats.base import array_stats

        return np.asarray(array_stats.eti(self.flat, prob=level, axis=0)).reshape(-1, 2)


class Shortest(_OfDraws):
    """The shortest interval that holds a share of the draws."""

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds."""
        from arviz_stats.base import array_stats

        return np.array([array_stats.hdi(column, prob=level) for column in self.flat.T]).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class _OfMarginals(Basis):
    """The marginal distributions of ``k`` parameters."""

    marginals: tuple[Marginal, ...]

    @property
    def reason(self) -> tuple[str, ...]:
        """Nothing: every distribution has an interval."""
        return ("",) * len(self.marginals)


class ExactEqualTails(_OfMarginals):
    """The quantiles that leave equal probabilities on both sides."""

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds."""
        ends = [(1 - level) / 2, (1 + level) / 2]
        return np.array([one.quantile(ends) for one in self.marginals]).reshape(-1, 2)


class ExactShortest(_OfMarginals):
    """The shortest interval of a probability."""

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds."""
        return np.array([one.shortest(level) for one in self.marginals]).reshape(-1, 2)
