"""The posterior density of (log sd, log sigma), up to a constant, and the problems that it is not for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError
from bayescompare.likelihood.integrated import Integrated
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import Flat, Normal, Prior, numpy_namespace
from bayescompare.priors.answers import density

__all__ = ["Density", "refusal"]

Array = npt.NDArray[np.float64]

# Logs beyond which a user's density may overflow.
_FAR = 60.0


def refusal(problem: Problem) -> str:
    """Return why a problem's posterior is not found by quadrature, empty where it is."""
    layout = problem.layout
    if layout.q != 1:
        found = f"{layout.q} random effects a group ({', '.join(layout.effects)})" if layout.q else "none"
        return f"quadrature is for models with one random effect a group, such as (1 | g); this one has {found}"
    others = [
        f"{prior!r} on beta[{coef}]"
        for coef, prior in zip(layout.coefs, problem.priors.beta, strict=True)
        if not isinstance(prior, Normal | Flat)
    ]
    if others:
        return f"quadrature needs Normal or Flat priors of fixed effects, and there is {', '.join(others)}"
    return ""


@dataclass(frozen=True, kw_only=True)
class Density:
    """The log posterior density by ``u = log sd`` and ``v = log sigma``, up to the constants of improper priors.

    ``log p(y | sd, sigma) + log p(sd) + u + log p(sigma) + v``, the fixed and random effects integrated out.
    """

    likelihood: Integrated
    of_sd: Prior
    of_sigma: Prior

    @classmethod
    def of(cls, problem: Problem) -> Density:
        """Return the density of a problem that is not refused."""
        normals = [
            (prior.mu, prior.sigma) if isinstance(prior, Normal) else (0.0, np.inf) for prior in problem.priors.beta
        ]
        centres, widths = np.array(normals, dtype=float).reshape(-1, 2).T
        return cls(
            likelihood=Integrated.of(problem.products, centres, widths),
            of_sd=problem.priors.sd[0],
            of_sigma=problem.priors.sigma,
        )

    def __call__(self, u: Array, v: Array) -> Array:
        """Return the log density at points ``(N,)``, minus infinity where it is zero."""
        prior = self.log_prior(self.of_sd, u) + self.log_prior(self.of_sigma, v)
        out = np.full(len(u), -np.inf)
        inside = np.flatnonzero(prior > -np.inf)
        out[inside] = prior[inside] + self.likelihood.log(np.exp(u[inside]), np.exp(v[inside]))
        # beyond what floating point holds
        return np.where(np.isnan(out), -np.inf, out)

    @staticmethod
    def log_prior(prior: Prior, log_x: Array) -> Array:
        """Return the log prior density of an sd by its log; minus infinity so far out that it is not a number.

        Raises
        ------
        PriorError
            If it raises, is not a number, or is infinite, at a value that a parameter may have.
        """
        found = np.full(log_x.shape, -np.inf)
        far = np.abs(log_x) > _FAR
        found[~far] = _values(prior, np.exp(log_x[~far]))
        wrong = np.isnan(found) | (found == np.inf)
        if np.any(wrong):
            k = int(np.argmax(wrong))
            raise PriorError(
                f"The log density of {prior!r} is {found[k]} at {np.exp(log_x[k]):.6g}; it must be a number or -inf."
            )
        if np.any(far):
            with suppress(PriorError):
                found[far] = _values(prior, np.exp(log_x[far]))
            found[np.isnan(found) | (found == np.inf)] = -np.inf
        return found + log_x


def _values(prior: Prior, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(density(prior, x, numpy_namespace()), dtype=float), x.shape)
