"""Priors of standard deviations that were made for variance components."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bayescompare.errors import PriorError
from bayescompare.priors.base import Prior, Support

__all__ = ["BoundaryAvoiding", "InverseGamma", "PCPrior", "UniformVariance"]


@dataclass(frozen=True, repr=False)
class InverseGamma(Prior):
    """Inverse gamma distribution of the *variance*: of the square of the sd that it is set on.

    The density of the sd ``x`` is that of ``x^2`` times ``2 x``.
    """

    alpha: float
    beta: float
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("alpha", "beta")

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density of the sd."""
        constant = self.alpha * xp.log(self.beta) - xp.lgamma(self.alpha) + math.log(2)
        return constant - (2 * self.alpha + 1) * xp.log(x) - self.beta / xp.square(x)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws of the sd."""
        with np.errstate(divide="ignore", over="ignore"):
            return np.sqrt(self.beta / rng.gamma(self.alpha, 1.0, shape))


@dataclass(frozen=True, repr=False)
class UniformVariance(Prior):
    """Uniform distribution of the *variance* between 0 and ``upper``; the sd goes to its root.

    The density of the sd ``x`` is ``2 x / upper``. One of the priors that Gelman (2006) warns of.
    """

    upper: float
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("upper",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density of the sd."""
        inside = (x >= 0) & (xp.square(x) <= self.upper)
        return xp.where(inside, xp.log(2 * xp.abs(x)) - xp.log(self.upper), -math.inf)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return np.sqrt(rng.uniform(0, self.upper, shape))


@dataclass(frozen=True, repr=False)
class PCPrior(Prior):
    """Penalised-complexity prior of an sd: exponential, with ``P(sd > u) = alpha``.

    Simpson, Rue, Riebler, Martins and Sorbye (2017): the rate is ``-log(alpha) / u``.
    """

    u: float
    alpha: float = 0.01
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("u",)
    fractions: ClassVar = ("alpha",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        rate = -xp.log(self.alpha) / self.u
        return xp.log(rate) - rate * x

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return rng.exponential(-self.u / math.log(self.alpha), shape)


@dataclass(frozen=True, repr=False)
class BoundaryAvoiding(Prior):
    """Density proportional to the sd, which keeps a mode off zero; improper.

    The limit of a gamma distribution of shape 2 as its rate goes to 0: Chung, Rabe-Hesketh, Dorie,
    Gelman and Liu (2013).
    """

    support: ClassVar[Support] = "positive"

    def logp(self, x: Any, xp: Any) -> Any:
        """Log of the sd."""
        return xp.log(x)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Refuse: the distribution is improper."""
        raise PriorError(
            "BoundaryAvoiding() is improper and cannot be drawn from; choose a proper prior to simulate from, "
            "such as Gamma(alpha=2, beta=0.1)."
        )
