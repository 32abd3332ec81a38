"""A time limit: when a fit must stop, and what a fit is that was cut short."""

from __future__ import annotations

import math
from dataclasses import replace
from time import monotonic

from bayescompare.fits import Fit, Flag, Status

__all__ = ["Deadline", "nothing_yet", "timed_out"]


class Deadline:
    """When work must stop, by a clock that nobody sets.

    Parameters
    ----------
    limit
        Seconds from now; None is never.

    Attributes
    ----------
    cut
        Whether `passed` was ever answered with yes: who asks leaves out what it would have done next.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = math.inf if limit is None else limit
        self.cut = False
        self._at = monotonic() + self.limit if limit is not None else math.inf

    def left(self) -> float | None:
        """Return the seconds that are left, at least zero; None without a limit."""
        return None if math.isinf(self._at) else max(0.0, self._at - monotonic())

    def passed(self) -> bool:
        """Whether time is up. Ask only where there is something left to do."""
        self.cut = self.cut or monotonic() >= self._at
        return self.cut


def timed_out(fit: Fit, limit: float) -> Fit:
    """Return a fit as one that its limit of so many seconds cut short."""
    said = f"timed out after {limit:g} s; what there was is reported"
    return replace(
        fit,
        status=Status.TIMEOUT,
        flags=(*fit.flags, Flag.PARTIAL),
        message="; ".join(filter(None, (said, fit.message))),
    )


def nothing_yet(limit: float) -> str:
    """Return the message of a fit that had no estimate when its time was up."""
    return f"timed out after {limit:g} s, before there was an estimate"
