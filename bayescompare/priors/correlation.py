"""Priors of correlation matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bayescompare.priors.base import Prior, Support

__all__ = ["LKJ"]


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
