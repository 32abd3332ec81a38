"""A measure of one estimator over the scenarios of a study: what lolly and nested-loop plots are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.reporting.formats import count, plain
from bayescompare.reporting.palette import Look

__all__ = ["Dot", "Measure", "Series", "broken", "denominators", "extremes", "span"]

Array = npt.NDArray[np.float64]
#: What lies this many times the spread of the middle four fifths beyond it is cut, with an arrow.
_FAR = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A measure of one scenario with its 95 % Monte Carlo interval.

    Parameters
    ----------
    value, lower, upper
        NaN where the number is refused.
    used, total
        Fits behind it, and fits that were asked for.
    reason
        Why there is no number.
    where
        The scenario in words.
    """

    value: float
    lower: float
    upper: float
    used: int
    total: int
    reason: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure as it is drawn.

    Parameters
    ----------
    name
        In words.
    reference
        Where sticks begin, and a line is dashed.
    share
        Whether it lies between zero and one: then the axis holds all numbers.
    """

    name: str
    reference: float
    share: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A measure of one estimator, a dot a scenario; None where it has no such measure."""

    look: Look
    dots: Sequence[Dot | None]

    def column(self, name: str) -> Array:
        """Return ``value``, ``lower`` or ``upper`` of every scenario, NaN where there is none."""
        return np.array([np.nan if dot is None else getattr(dot, name) for dot in self.dots], dtype=float)


def _dots(series: Sequence[Series]) -> Iterator[tuple[Look, Dot]]:
    return ((one.look, dot) for one in series for dot in one.dots if dot is not None)


def span(series: Sequence[Series], measure: Measure) -> tuple[float, float]:
    """Return the part of the axis to show: all intervals, unless some are far from the rest, and the reference."""
    bounds = np.concatenate([one.column(name) for one in series for name in ("value", "lower", "upper")])
    bounds = bounds[np.isfinite(bounds)]
    also = [measure.reference - 0.1 * measure.share, measure.reference]
    if not len(bounds):
        bounds = np.array([*also, max(also) + 1])
    first, last = np.quantile(bounds, [0.1, 0.9])
    reach = np.inf if measure.share or first == last else _FAR * (last - first)
    low = min([max(float(bounds.min()), float(first - reach)), *also])
    high = max([min(float(bounds.max()), float(last + reach)), *also])
    pad = 0.04 * (high - low) or 0.05 * abs(high) or 0.5
    return low - pad, high + pad


def broken(*ends: Array) -> Array:
    """Return the ends of line segments one after the other, with a gap after each: one path for all of them."""
    return np.stack([*ends, np.full(len(ends[0]), np.nan)], axis=1).ravel()


def denominators(series: Sequence[Series]) -> str:
    """Return the fits behind the dots: of all of them, or from the fewest to the most."""
    found = sorted({(dot.used, dot.total) for _, dot in _dots(series)})
    if not found:
        return "no fits"
    return f"n = {count(*found[0])}" + (f" to {count(*found[-1])}" if len(found) > 1 else " each")


def extremes(series: Sequence[Series]) -> str:
    """Return the smallest and the largest number in words, with their intervals and denominators."""
    found = [(dot.value, k, look, dot) for k, (look, dot) in enumerate(_dots(series)) if np.isfinite(dot.value)]
    if not found:
        return "There is no number."
    return f"Smallest {_words(*min(found)[2:])}; largest {_words(*max(found)[2:])}."


def _words(look: Look, dot: Dot) -> str:
    error = (dot.upper - dot.lower) / 4
    shown = f"{plain(dot.value, error)} [{plain(dot.lower, error)}, {plain(dot.upper, error)}]"
    return f"{shown} of {look.label} in {dot.where}, n = {count(dot.used, dot.total)}"
