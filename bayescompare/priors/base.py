"""The contract of a prior: a log density, a way to draw, and a support."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy.special import erf, gammaln

from bayescompare.errors import PriorError

__all__ = ["Functions", "Prior", "Support", "numpy_namespace"]

Support = Literal["real", "positive", "correlation", "single", "any"]


class Functions(SimpleNamespace):
    """The functions that ``logp`` may use; another name is refused with a list of them."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"xp has no function {name!r}; it has {', '.join(sorted(vars(self)))}")


def numpy_namespace() -> Functions:
    """Return the functions that ``logp`` may use, for NumPy arrays."""
    return Functions(
        abs=np.abs,
        erf=erf,
        exp=np.exp,
        expm1=np.expm1,
        lgamma=gammaln,
        log=np.log,
        log1p=np.log1p,
        logaddexp=np.logaddexp,
        maximum=np.maximum,
        minimum=np.minimum,
        sqrt=np.sqrt,
        square=np.square,
        sum=np.sum,
        tanh=np.tanh,
        where=np.where,
        stack=np.stack,
    )


@dataclasses.dataclass(frozen=True)
class Prior(ABC):
    """A prior distribution of one parameter.

    Subclass it as a frozen dataclass whose fields are numbers, and write three things: ``logp``,
    ``draw`` and ``support``. Use only functions of ``xp`` on ``x`` and on the fields, since both
    may be arrays or symbols: the same three lines serve NumPy, PyTensor and Keras.

    Attributes
    ----------
    support
        ``"real"``, ``"positive"``, ``"correlation"``, ``"single"`` (a real or a positive number), or ``"any"``.
    positive, fractions, increasing
        Names of the fields that must be greater than zero, between 0 and 1, and each greater than the one before.
    in_tensorflow
        Whether ``logp`` works with Keras; estimators of TensorFlow say where it does not.
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Print as typed, also where the author's dataclass would print in its own way."""
        super().__init_subclass__(**keywords)
        if "__repr__" not in vars(cls):
            type.__setattr__(cls, "__repr__", cls.__repr__)

    support: ClassVar[Support] = "real"
    positive: ClassVar[tuple[str, ...]] = ()
    fractions: ClassVar[tuple[str, ...]] = ()
    increasing: ClassVar[tuple[str, ...]] = ()
    in_tensorflow: ClassVar[bool] = True

    @abstractmethod
    def logp(self, x: Any, xp: Any) -> Any:
        """Return the log density at ``x``, elementwise, in the parameter's own units.

        For ``support = "correlation"`` ``x`` is the Cholesky factor ``(..., d, d)`` of the
        correlation matrix, and the density is with respect to its free correlations.
        """

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return independent draws of the given shape (the last two are ``d, d`` for correlations)."""

    def __post_init__(self) -> None:
        """Refuse fields that are not finite numbers, or not as large as they must be."""
        for name, value in self.constants().items():
            if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
                raise PriorError(f"{self!r}: {name} must be a number, not {value!r}.")
            if not math.isfinite(value):
                raise PriorError(f"{self!r}: {name} must be finite, not {value!r}.")
            if name in self.positive and value <= 0:
                raise PriorError(f"{self!r}: {name} must be greater than 0, not {value!r}.")
            if name in self.fractions and not 0 < value < 1:
                raise PriorError(f"{self!r}: {name} must be between 0 and 1, not {value!r}.")
        for smaller, larger in pairwise(self.increasing):
            if not getattr(self, smaller) < getattr(self, larger):
                raise PriorError(f"{self!r}: {smaller} must be less than {larger}.")

    def suits(self, values: Support) -> bool:
        """Return whether it can be set on a parameter with ``"real"``, ``"positive"`` or ``"correlation"`` values."""
        return self.support in (values, "any") or (self.support == "single" and values != "correlation")

    def constants(self) -> dict[str, Any]:
        """Return the fields, in their order."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def with_constants(self, values: list[Any]) -> Self:
        """Return the same prior with arrays or symbols for its fields, unchecked."""
        copy = object.__new__(type(self))
        for field, value in zip(dataclasses.fields(self), values, strict=True):
            object.__setattr__(copy, field.name, value)
        return copy

    def __repr__(self) -> str:
        """Print as it is typed."""
        values = {
            name: f"{value:.6g}" if isinstance(value, float) else repr(value)
            for name, value in self.constants().items()
        }
        if len(values) == 1:
            return f"{type(self).__name__}({next(iter(values.values()))})"
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in values.items())})"
