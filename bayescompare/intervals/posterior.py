"""Intervals of posterior draws, by ArviZ's array functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.fits import Basis

__all__ = ["EqualTails", "Shortest"]

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
