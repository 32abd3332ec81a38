"""Wald intervals: symmetric on the scale on which the estimate is nearest to normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from bayescompare.fits import Basis, Fit

__all__ = ["Wald", "wald"]

Array = npt.NDArray[np.float64]


def wald(fit: Fit, level: float) -> Array:
    """Return ``(k, 2)`` bounds: natural scale for beta, log for sds, Fisher z for correlations."""
    layout, estimate, se = fit.layout, fit.estimate, fit.se
    quantile = ndtri((1 + level) / 2)
    out = np.column_stack([estimate - quantile * se, estimate + quantile * se])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for k in (*range(layout.sd.start, layout.sd.stop), layout.sigma):
            width = np.exp(quantile * se[k] / estimate[k])
            out[k] = estimate[k] / width, estimate[k] * width
        for k in range(layout.cor.start, layout.cor.stop):
            width = quantile * se[k] / ((1 - estimate[k]) * (1 + estimate[k]))
            out[k] = np.tanh(np.arctanh(estimate[k]) - width), np.tanh(np.arctanh(estimate[k]) + width)
    out[~np.isfinite(se)] = np.nan
    return out


@dataclass(frozen=True, slots=True)
class Wald(Basis):
    """A fit's own estimates and standard errors."""

    fit: Fit

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds."""
        return wald(self.fit, level)

    @property
    def reason(self) -> tuple[str, ...]:
        """Why there is none: what the fit says."""
        return self.fit.reason
