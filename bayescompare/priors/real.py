"""Priors on the whole line, or on a part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bayescompare.errors import PriorError
from bayescompare.priors.base import Prior, Support

__all__ = ["Cauchy", "Flat", "Normal", "StudentT", "Uniform"]


@dataclass(frozen=True, repr=False)
class Normal(Prior):
    """Normal distribution with mean ``mu`` and sd ``sigma``."""

    mu: float = 0.0
    sigma: float = 1.0
    positive: ClassVar = ("sigma",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        return -0.5 * xp.square((x - self.mu) / self.sigma) - xp.log(self.sigma) - 0.5 * math.log(2 * math.pi)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return rng.normal(self.mu, self.sigma, shape)


@dataclass(frozen=True, repr=False)
class StudentT(Prior):
    """Student t distribution with ``nu`` degrees of freedom, centre ``mu`` and scale ``sigma``."""

    nu: float = 3.0
    mu: float = 0.0
    sigma: float = 1.0
    positive: ClassVar = ("nu", "sigma")

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        constant = xp.lgamma((self.nu + 1) / 2) - xp.lgamma(self.nu / 2) - 0.5 * xp.log(self.nu) - xp.log(self.sigma)
        kernel = -(self.nu + 1) / 2 * xp.log1p(xp.square((x - self.mu) / self.sigma) / self.nu)
        return kernel + constant - 0.5 * math.log(math.pi)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return self.mu + self.sigma * rng.standard_t(self.nu, shape)


@dataclass(frozen=True, repr=False)
class Cauchy(Prior):
    """Cauchy distribution with median ``alpha`` and scale ``beta``."""

    alpha: float = 0.0
    beta: float = 1.0
    positive: ClassVar = ("beta",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        return -math.log(math.pi) - xp.log(self.beta) - xp.log1p(xp.square((x - self.alpha) / self.beta))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return self.alpha + self.beta * rng.standard_cauchy(shape)


@dataclass(frozen=True, repr=False)
class Uniform(Prior):
    """Uniform distribution between ``lower`` and ``upper``; of an sd where ``lower`` is at least 0."""

    lower: float = 0.0
    upper: float = 1.0
    increasing: ClassVar = ("lower", "upper")

    @property
    def support(self) -> Support:  # type: ignore[override]  # its bounds decide
        """``"single"``, for any parameter but correlations, or ``"real"``."""
        return "single" if self.lower >= 0 else "real"

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        inside = (x >= self.lower) & (x <= self.upper)
        return xp.where(inside, -xp.log(self.upper - self.lower), -math.inf)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return rng.uniform(self.lower, self.upper, shape)


@dataclass(frozen=True, repr=False)
class Flat(Prior):
    """No information: a constant density, which cannot be drawn from."""

    support: ClassVar[Support] = "any"

    def logp(self, x: Any, xp: Any) -> Any:
        """Zero, in the shape of ``x``."""
        return 0.0 * x

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Refuse: the distribution is improper."""
        raise PriorError("Flat() is improper and cannot be drawn from; choose a proper prior to simulate from.")
