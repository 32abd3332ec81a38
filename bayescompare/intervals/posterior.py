"""Intervals of posterior draws, by ArviZ's array functions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["eti", "hdi"]

Array = npt.NDArray[np.float64]


def eti(values: Array, level: float) -> Array:
    """Return ``(k, 2)`` equal-tailed bounds of draws ``(chains, draws, k)``."""
    from arviz_stats.base import array_stats

    return np.asarray(array_stats.eti(values.reshape(-1, values.shape[-1]), prob=level, axis=0)).reshape(-1, 2)


def hdi(values: Array, level: float) -> Array:
    """Return ``(k, 2)`` bounds of the shortest interval of draws ``(chains, draws, k)``."""
    from arviz_stats.base import array_stats

    flat = values.reshape(-1, values.shape[-1])
    return np.array([array_stats.hdi(column, prob=level) for column in flat.T]).reshape(-1, 2)
