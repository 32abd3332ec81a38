"""Which priors a truth can be drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from bayescompare.priors import Prior

__all__ = ["undrawable", "why_undrawable"]

#: Draws by which a prior is tried.
_TRIED = 1000


def undrawable(laws: Mapping[str, Prior]) -> str:
    """Return which of some priors, by their parameters, cannot be drawn from and why; nothing where all can."""
    return next((f"{key}: {why}" for key, law in laws.items() if (why := why_undrawable(law))), "")


@lru_cache(maxsize=256)
def why_undrawable(law: Prior) -> str:
    """Return why a prior cannot be drawn from, or nothing.

    An improper one has no draws; of one that overflows float64 only a part of the draws would be left, and those are
    not its law.
    """
    shape = (_TRIED, 2, 2) if law.support == "correlation" else (_TRIED,)
    try:
        with np.errstate(all="ignore"):
            drawn = np.asarray(law.draw(np.random.default_rng(0), shape), dtype=float)
    except Exception as error:
        # a user's prior may raise anything: what it says is the reason
        return str(error).rstrip(".") or f"{law!r} raises {type(error).__name__}"
    if law.support == "correlation":
        return ""
    lost = ~np.isfinite(drawn) | ((drawn == 0) & (law.support == "positive"))
    share = float(np.mean(lost))
    return f"{share:.0%} of the draws of {law!r} are zero or infinite in float64" if share else ""
