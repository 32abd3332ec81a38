"""What the functions of a formula do, as R has them: the only functions that a formula can call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.model_frame.encodings import CONTRASTS, ENCODINGS
from bayescompare.model_frame.splines import bs, ns, whole

__all__ = ["TABLE"]

Array = npt.NDArray[np.float64]


def center(x: Any) -> Any:
    """Return ``x`` less its mean."""
    return scale(x, scale=False)


def log(x: Any, base: float | None = None) -> Any:
    """Return the natural logarithm, or that of a base."""
    return np.log(x) if base is None else np.log(x) / np.log(base)


def pmax(*x: Any) -> Any:
    """Return the largest in each row."""
    return reduce(np.maximum, x)


def pmin(*x: Any) -> Any:
    """Return the smallest in each row."""
    return reduce(np.minimum, x)


def poly(x: Any, degree: int = 1, raw: bool = False) -> Array:
    """Return orthonormal polynomials of degree 1 and more, by `formulae`; powers where ``raw``."""
    from formulae.transforms import Polynomial

    # as many columns as different values less one hold all there is to hold
    degree = whole("poly", "degree", degree, 1, len(np.unique(x)) - 1)
    return np.asarray(Polynomial()(np.asarray(x, dtype=np.float64), degree, raw))


def round_(x: Any, digits: int = 0) -> Array:
    """Return ``x`` to some digits, correctly rounded as in R since 4.0 (`numpy.round` makes 0.15 to 0.2)."""
    return np.array([round(float(value), int(digits)) for value in x], dtype=np.float64)


def scale(x: Any, center: bool | float = True, scale: bool | float = True) -> Any:
    """Return ``x`` less its mean, over its sd with ``n - 1``, or less and over numbers that are given."""
    moved = x - (np.mean(x) if center is True else float(center))
    if scale is False:
        return moved
    return moved / (np.sqrt(np.sum(moved**2) / (len(x) - 1)) if scale is True else float(scale))


_ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "abs": np.abs,
    "ceiling": np.ceil,
    "cos": np.cos,
    "exp": np.exp,
    "floor": np.floor,
    "log": log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "pmax": pmax,
    "pmin": pmin,
    "round": round_,
    "sin": np.sin,
    "sqrt": np.sqrt,
}

#: Function by its name in a formula; `bayescompare.formula.functions.FUNCTIONS` has the same names.
TABLE: Mapping[str, Callable[..., Any]] = {
    **ENCODINGS,
    **CONTRASTS,
    **_ELEMENTWISE,
    **{f"np.{name}": function for name, function in _ELEMENTWISE.items() if hasattr(np, name)},
    "I": lambda x: x,
    "bs": bs,
    "c": lambda *values: values,
    "center": center,
    "ns": ns,
    "poly": poly,
    "scale": scale,
    "standardize": scale,
}
