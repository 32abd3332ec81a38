"""B-splines and natural splines with the knots and columns of R's package splines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.errors import FormulaError

__all__ = ["bs", "ns", "whole"]

Array = npt.NDArray[np.float64]
type Knots = float | Sequence[float] | None

_MOST = 200


def bs(
    x: Any,
    df: int | None = None,
    knots: Knots = None,
    degree: int = 3,
    intercept: bool = False,
    Boundary_knots: Sequence[float] | None = None,
) -> Array:
    """Return a basis of B-splines, without its first column unless ``intercept``.

    Parameters
    ----------
    x : (n,)
        Numbers.
    df
        Number of columns; inner knots are then at quantiles.
    knots
        Inner knots, in place of ``df``.
    degree
        Degree of the pieces.
    intercept
        Whether the basis holds the constant.
    Boundary_knots
        The outer knots; the range of ``x`` where None.
    """
    degree = whole("bs", "degree", degree, 1)
    values, ends = _values("bs", x), _ends("bs", x, Boundary_knots)
    inner = _inner("bs", values, ends, df, knots, degree + (1 if intercept else 0))
    basis = _basis(inner, ends, degree)(values)
    return basis if intercept else basis[:, 1:]


def ns(
    x: Any,
    df: int | None = None,
    knots: Knots = None,
    intercept: bool = False,
    Boundary_knots: Sequence[float] | None = None,
) -> Array:
    """Return a basis of natural cubic splines, which are straight lines beyond the outer knots.

    The B-splines with a second derivative of zero at both ends are those orthogonal to the two second
    derivatives; R takes the columns from their Householder reflections, and so do we.

    Parameters
    ----------
    x, df, knots, intercept, Boundary_knots
        As for `bs`.
    """
    values, ends = _values("ns", x), _ends("ns", x, Boundary_knots)
    inner = _inner("ns", values, ends, df, knots, 2 if intercept else 1)
    basis = _basis(inner, ends, 3)
    within = np.clip(values, *ends)
    # beyond the outer knots a straight line goes on
    columns = basis(within) + (values - within)[:, None] * basis(within, 1)
    first = 0 if intercept else 1
    reflections, _ = np.linalg.qr(basis(ends, 2)[:, first:].T, mode="complete")
    return np.asarray(columns[:, first:] @ reflections[:, 2:])


def _values(name: str, x: Any) -> Array:
    values = np.asarray(x)
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise FormulaError(f"{name}() is for one column of numbers, such as {name}(x, df=4).")
    return values.astype(np.float64)


def _ends(name: str, x: Any, given: Sequence[float] | None) -> Array:
    ends = np.sort(np.asarray([np.min(x), np.max(x)] if given is None else given, dtype=np.float64))
    if ends.shape != (2,) or ends[0] == ends[1]:
        raise FormulaError(f"{name}() needs two different boundary knots, such as Boundary.knots=c(0, 10).")
    return ends


def _inner(name: str, x: Array, ends: Array, df: int | None, knots: Knots, fewest: int) -> Array:
    """Return the inner knots: those given, or at quantiles of what is between the outer knots."""
    if knots is not None:
        inner = np.sort(np.atleast_1d(np.asarray(knots, dtype=np.float64)))
        if len(inner) and not ends[0] < inner[0] <= inner[-1] < ends[1]:
            raise FormulaError(f"{name}() has knots from {inner[0]:g} to {inner[-1]:g}; they lie between "
                               f"{ends[0]:g} and {ends[1]:g}.")  # fmt: skip
        return inner
    if df is None:
        return np.empty(0)
    between = x[(ends[0] <= x) & (x <= ends[1])]
    return np.quantile(between, np.linspace(0, 1, whole(name, "df", df, fewest) - fewest + 2)[1:-1])


def whole(name: str, argument: str, value: Any, fewest: int, most: int = _MOST) -> int:
    """Return a whole number that a function was given.

    Raises
    ------
    FormulaError
        If it is none, or out of reach.
    """
    if not isinstance(value, int | float) or value != round(value) or not fewest <= value <= most:
        shown = value if isinstance(value, int | float | str) else type(value).__name__
        raise FormulaError(f"{name}() has {argument}={shown}; here it is a whole number from {fewest} to {most}.")
    return int(value)


def _basis(inner: Array, ends: Array, degree: int) -> Any:
    """Return the function of ``x`` (and the order of a derivative) to all B-splines."""
    from scipy.interpolate import BSpline

    knots = np.concatenate(([ends[0]] * (degree + 1), inner, [ends[1]] * (degree + 1)))
    return BSpline(knots, np.eye(len(knots) - degree - 1), degree)
