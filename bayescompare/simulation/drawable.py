"""Which priors a truth can be drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from bayescompare.errors import PriorError
from bayescompare.priors import Prior
from bayescompare.priors.answers import drawn

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
            found = drawn(law, np.random.default_rng(0), shape)
    except PriorError as error:
        return str(error).rstrip(".")
    if law.support == "correlation":
        return ""
    lost = ~np.isfinite(found) | ((found == 0) & (law.support == "positive"))
    share = float(np.mean(lost))
    return f"{share:.0%} of the draws of {law!r} are zero or infinite in float64" if share else ""
