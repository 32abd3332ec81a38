"""Where a prior ends and how much of it lies beyond a value, for any prior that can be drawn from."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bayescompare.priors.base import Prior, numpy_namespace

__all__ = ["RARE", "beyond", "nearest_inside", "sample", "walls"]

Array = npt.NDArray[np.float64]

#: Probability of each tail of a prior's central 99.8 %.
RARE = 0.001

# Draws that show that a value is no tail, draws that measure a tail, and how many must lie beyond in the first.
_FEW, _MANY, _ENOUGH = 500, 100_000, 5
# How far beyond its draws, in ranges of them, a density is looked for.
_FAR = 1e4
_HALVINGS = 80


def sample(prior: Prior, size: int, d: int = 0) -> Array | None:
    """Return draws of one parameter, always the same, or None where the prior cannot be drawn from.

    Parameters
    ----------
    d
        Size of a correlation matrix, of whose correlations (all have one marginal distribution) the first is drawn.
    """
    shape = (size, d, d) if d else (size,)
    try:
        with np.errstate(all="ignore"):
            drawn = np.asarray(prior.draw(np.random.default_rng(1), shape), dtype=float)
    except Exception:
        # an improper prior raises, and one that a user wrote may raise anything: nothing is said of its tails then
        return None
    found = np.einsum("sa,sa->s", drawn[:, 0], drawn[:, 1]) if d and drawn.shape == shape else drawn
    return found if found.shape == (size,) and not np.isnan(found).any() else None


def beyond(prior: Prior, lower: float, upper: float, d: int = 0) -> float:
    """Return the prior probability of one tail: of what an interval and all on its farther side hold.

    The smaller of ``P(x <= upper)`` and ``P(x >= lower)``, by draws: under `RARE` the whole interval lies outside the
    central 99.8 %. NaN for a prior that cannot be drawn from.
    """
    for size, enough in ((_FEW, _ENOUGH), (_MANY, 0)):
        drawn = sample(prior, size, d)
        if drawn is None:
            return math.nan
        count = min(int(np.sum(drawn <= upper)), int(np.sum(drawn >= lower)))
        if enough and count >= enough:
            break
    return count / size


def _is_possible(prior: Prior, x: float) -> bool:
    """Return whether a density is above zero; one that raises so far out is taken for zero there."""
    try:
        with np.errstate(all="ignore"):
            return float(prior.logp(np.float64(x), numpy_namespace())) > -math.inf
    except Exception:
        return False


@lru_cache(maxsize=256)
def walls(prior: Prior) -> tuple[float, float]:
    """Return the values beyond which a density is exactly zero; infinite where it goes on.

    An sd's own zero is no wall. Of correlations, and of priors that cannot be drawn from, none is known.
    """
    drawn = None if prior.support == "correlation" else sample(prior, _FEW)
    if drawn is None or not np.all(np.isfinite(drawn)):
        return -math.inf, math.inf
    low, high = float(drawn.min()), float(drawn.max())
    reach = _FAR * ((high - low) or abs(high) or 1.0)
    bottom = max(low - reach, 0.0) if prior.support == "positive" else low - reach
    lower, upper = _edge(prior, low, bottom), _edge(prior, high, high + reach)
    # a density that falls to nothing at zero ends there
    return (-math.inf if abs(lower) <= 1e-9 * (high - low) else lower), upper


def _edge(prior: Prior, inside: float, outside: float) -> float:
    """Return the last value with a density, by bisection, or infinity where there is one outside too."""
    if _is_possible(prior, outside) or not _is_possible(prior, inside):
        return math.copysign(math.inf, outside - inside)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if _is_possible(prior, middle) else (inside, middle)
    return inside


def nearest_inside(prior: Prior, value: float) -> float:
    """Return a value, or where its prior density is zero the draw of the prior that is nearest to it."""
    if _is_possible(prior, value):
        return value
    drawn = sample(prior, _FEW)
    kept = [] if drawn is None else [one for one in drawn if np.isfinite(one) and _is_possible(prior, one)]
    return float(min(kept, key=lambda one: abs(one - value))) if kept else value
