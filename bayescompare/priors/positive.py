"""Priors of standard deviations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bayescompare.priors.base import Prior, Support

__all__ = ["Exponential", "Gamma", "HalfCauchy", "HalfNormal", "HalfStudentT", "LogNormal"]


@dataclass(frozen=True, repr=False)
class HalfNormal(Prior):
    """Normal distribution of mean 0 and sd ``sigma``, folded at zero."""

    sigma: float = 1.0
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("sigma",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        return -0.5 * xp.square(x / self.sigma) - xp.log(self.sigma) + 0.5 * math.log(2 / math.pi)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return np.abs(rng.normal(0, self.sigma, shape))


@dataclass(frozen=True, repr=False)
class HalfStudentT(Prior):
    """Student t distribution with ``nu`` degrees of freedom and scale ``sigma``, folded at zero."""

    nu: float = 3.0
    sigma: float = 1.0
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("nu", "sigma")

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        constant = xp.lgamma((self.nu + 1) / 2) - xp.lgamma(self.nu / 2) - 0.5 * xp.log(self.nu) - xp.log(self.sigma)
        kernel = -(self.nu + 1) / 2 * xp.log1p(xp.square(x / self.sigma) / self.nu)
        return kernel + constant + math.log(2) - 0.5 * math.log(math.pi)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return np.abs(self.sigma * rng.standard_t(self.nu, shape))


@dataclass(frozen=True, repr=False)
class HalfCauchy(Prior):
    """Cauchy distribution of scale ``beta``, folded at zero (Gelman 2006)."""

    beta: float = 1.0
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("beta",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        return math.log(2 / math.pi) - xp.log(self.beta) - xp.log1p(xp.square(x / self.beta))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return np.abs(self.beta * rng.standard_cauchy(shape))


@dataclass(frozen=True, repr=False)
class Exponential(Prior):
    """Exponential distribution with rate ``lam``: mean ``1 / lam``."""

    lam: float = 1.0
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("lam",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        return xp.log(self.lam) - self.lam * x

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return rng.exponential(1 / self.lam, shape)


@dataclass(frozen=True, repr=False)
class Gamma(Prior):
    """Gamma distribution with shape ``alpha`` and rate ``beta``: mean ``alpha / beta``."""

    alpha: float = 2.0
    beta: float = 1.0
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("alpha", "beta")

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        constant = self.alpha * xp.log(self.beta) - xp.lgamma(self.alpha)
        return constant + (self.alpha - 1) * xp.log(x) - self.beta * x

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return rng.gamma(self.alpha, 1 / self.beta, shape)


@dataclass(frozen=True, repr=False)
class LogNormal(Prior):
    """Distribution whose log is normal with mean ``mu`` and sd ``sigma``."""

    mu: float = 0.0
    sigma: float = 1.0
    support: ClassVar[Support] = "positive"
    positive: ClassVar = ("sigma",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density."""
        log_x = xp.log(x)
        kernel = -0.5 * xp.square((log_x - self.mu) / self.sigma)
        return kernel - log_x - xp.log(self.sigma) - 0.5 * math.log(2 * math.pi)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws."""
        return np.exp(rng.normal(self.mu, self.sigma, shape))
