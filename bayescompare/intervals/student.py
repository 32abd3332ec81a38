"""Intervals from an estimate, a standard error and the degrees of freedom of a t distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from bayescompare.fits import Basis

__all__ = ["Student", "of_fixed_effects"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Student(Basis):
    """Symmetric intervals on the natural scale: estimate plus or minus a quantile times the standard error.

    Parameters
    ----------
    estimate, se, df : (k,)
        In the layout's order; NaN where there is no interval, infinite degrees of freedom for the normal quantile.
    reasons : (k,)
    """

    estimate: Array
    se: Array
    df: Array
    reasons: tuple[str, ...]

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds."""
        tail = (1 + level) / 2
        width = np.where(np.isinf(self.df), ndtri(tail), stdtrit(self.df, tail)) * self.se
        return np.column_stack([self.estimate - width, self.estimate + width])

    @property
    def reason(self) -> tuple[str, ...]:
        """Why there is none, or what is to be known of the degrees of freedom."""
        return self.reasons


def of_fixed_effects(estimate: Array, se: Array, df: Array, reasons: tuple[str, ...], size: int) -> Student:
    """Return the intervals of ``p`` fixed effects; the other parameters of ``size`` have none, and no reason."""
    p = len(estimate)
    padded = [np.concatenate([values, np.full(size - p, np.nan)]) for values in (estimate, se, df)]
    return Student(estimate=padded[0], se=padded[1], df=padded[2], reasons=(*reasons, *[""] * (size - p)))
