"""How a search by SciPy's L-BFGS-B keeps its time limit, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeResult

from bayescompare.engines.base import NOT_THERE
from bayescompare.engines.deadline import Deadline, timed_out
from bayescompare.fits import Fit, Flag

__all__ = ["cut_short", "halting", "outcome"]

# SciPy's status of a search that its callback stopped.
_HALTED = 99


def halting(until: Deadline) -> Callable[[npt.NDArray[Any]], None] | None:
    """Return SciPy's callback, asked after each iteration, that stops a search when its time is up."""
    if np.isinf(until.limit):
        return None

    def callback(xk: npt.NDArray[Any]) -> None:
        if until.passed():
            raise StopIteration

    return callback


def outcome(found: OptimizeResult) -> str:
    """Return SciPy's message where a search did not succeed and was not stopped."""
    return "" if found.success or found.status == _HALTED else str(found.message)


def cut_short(fit: Fit, limit: float) -> Fit:
    """Return a fit as one that its limit cut short; where it was not at rest yet, it has no standard errors."""
    if Flag.NOT_STATIONARY in fit.flags:
        size = len(fit.estimate)
        fit = replace(fit, se=np.full(size, np.nan), working_se=None, reason=(NOT_THERE,) * size)
    return timed_out(fit, limit)
