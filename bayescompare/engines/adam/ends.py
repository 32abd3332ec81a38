"""How an optimizer's path ends: what can be seen of it without knowing the optimum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bayescompare.fits import Path
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import natural_working

__all__ = ["drift", "r_hat", "span", "tail"]

Array = npt.NDArray[np.float64]

# Points of a tail below which nothing is said.
_FEW = 8


def tail(path: Path, layout: Layout, share: float = 0.2) -> Array:
    """Return the last share of a path's updates on the working scale, ``(T, k)``."""
    last = path.values[path.steps >= (1 - share) * path.steps[-1]] if len(path.steps) else path.values
    return np.array([natural_working(theta, layout) for theta in last]).reshape(len(last), layout.size)


def span(points: Array, se: Array) -> float:
    """Return the widest range of a parameter ``(T, k)`` in standard errors ``(k,)``; infinity where one is lost."""
    known = np.isfinite(se) & (se > 0)
    if len(points) < 2 or not known.any():
        return 0.0
    with np.errstate(invalid="ignore"):
        spans = np.ptp(points[:, known], axis=0) / se[known]
    return float(np.max(np.where(np.isnan(spans), np.inf, spans)))


def drift(points: Array) -> float:
    """Return the largest z of the difference in means of the two halves of a tail ``(T, k)``.

    The standard errors allow for autocorrelation, by ArviZ's effective sample size (Geweke 1992 compares parts
    of a chain in the same way). NaN where the tail is short; zero where nothing moves.
    """
    from arviz_stats.base import array_stats

    half = len(points) // 2
    known = np.isfinite(points).all(axis=0)
    if half < _FEW or not known.any():
        return float("nan")
    halves = [points[:half, known], points[-half:, known]]
    errors = [array_stats.mcse(each[None], chain_axis=0, draw_axis=1, method="mean") for each in halves]
    apart = np.abs(halves[0].mean(axis=0) - halves[1].mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = apart / np.hypot(*errors)
    return float(np.max(np.where(apart == 0, 0.0, np.where(np.isnan(z), np.inf, z))))


def r_hat(paths: Sequence[Array]) -> float:
    """Return the largest R-hat over the parameters of the ends of several restarts, each ``(T, k)``.

    Chains are restarts, draws the points of the path (Vehtari et al. 2021). NaN for one restart; one where all
    are at the same point.
    """
    from arviz_stats.base import array_stats

    length = min(map(len, paths), default=0)
    if len(paths) < 2 or length < _FEW:
        return float("nan")
    chains = np.array([each[-length:] for each in paths])
    chains = chains[:, :, np.isfinite(chains).all(axis=(0, 1))]
    moves = np.ptp(chains, axis=(0, 1)) > 0
    if not chains.shape[2]:
        return float("nan")
    if not moves.any():
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found = array_stats.rhat(chains[:, :, moves], chain_axis=0, draw_axis=1)
    return float(np.max(np.where(np.isnan(found), np.inf, found)))
