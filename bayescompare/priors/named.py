"""The named priors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bayescompare.errors import PriorError
from bayescompare.priors.base import Prior, Support

__all__ = ["LKJ", "Flat", "HalfCauchy", "HalfNormal", "HalfStudentT", "InverseGamma", "Normal"]


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
class Flat(Prior):
    """No information: a constant density, which cannot be drawn from."""

    support: ClassVar[Support] = "any"

    def logp(self, x: Any, xp: Any) -> Any:
        """Zero, in the shape of ``x``."""
        return 0.0 * x

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Refuse: the distribution is improper."""
        raise PriorError("Flat() is improper and cannot be drawn from; choose a proper prior to simulate from.")


@dataclass(frozen=True, repr=False)
class LKJ(Prior):
    """Distribution of a correlation matrix, density proportional to ``det(R)^(eta - 1)``.

    Lewandowski, Kurowicka and Joe (2009); ``eta = 1`` is uniform over correlation matrices.
    """

    eta: float = 1.0
    support: ClassVar[Support] = "correlation"
    positive: ClassVar = ("eta",)

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density by the correlations, at the Cholesky factor ``x (..., d, d)``."""
        d = int(x.shape[-1])
        log_det = 2 * sum(xp.log(x[..., i, i]) for i in range(1, d))
        return (self.eta - 1) * log_det - self._log_constant(d, xp)

    def _log_constant(self, d: int, xp: Any) -> Any:
        """Return the log of the integral of ``det(R)^(eta - 1)``, by the vine's beta variables."""
        total = 0.0
        for level in range(1, d):
            shape = self.eta + (d - 1 - level) / 2
            log_beta = 2 * xp.lgamma(shape) - xp.lgamma(2 * shape)
            total = total + (d - level) * ((2 * shape - 1) * math.log(2) + log_beta)
        return total

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws of the Cholesky factor; the last two entries of ``shape`` are ``d, d``."""
        *batch, d, _ = shape
        factor = np.zeros((*batch, d, d))
        for i in range(d):
            left = np.ones(batch)
            for j in range(i):
                b = self.eta + (d - 2 - j) / 2
                partial = 2 * rng.beta(b, b, tuple(batch)) - 1
                factor[..., i, j] = partial * left
                left = left * np.sqrt((1 - partial) * (1 + partial))
            factor[..., i, i] = left
        return factor
