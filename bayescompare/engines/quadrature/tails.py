"""How fast the marginal posteriors fall off far out: which posteriors are proper, and which moments exist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.quadrature.density import Density
from bayescompare.layout import Layout
from bayescompare.priors import Prior

__all__ = ["Rates", "rates"]

Array = npt.NDArray[np.float64]

# Logs of two values so large that a prior is a power there.
_LARGE = 200.0, 300.0
# Eigenvalue, of a matrix whose eigenvalues are at most one, that is zero.
_ZERO = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The powers with which densities by the log fall off as a parameter grows; a moment exists if of lower order.

    Parameters
    ----------
    sd, sigma
    beta : (p,)
        Infinite where it is faster than any power.
    """

    sd: float
    sigma: float
    beta: Array

    def in_order(self, layout: Layout) -> Array:
        """Return them in the layout's order."""
        out = np.empty(layout.size)
        out[layout.beta], out[layout.sd], out[layout.sigma] = self.beta, self.sd, self.sigma
        return out


def rates(density: Density) -> Rates:
    """Return the rates of a posterior.

    As the sd grows the likelihood of ``J`` groups falls as ``sd^-(J - d)``, where ``d`` is the number of directions of
    the fixed effects with flat priors that move whole groups; as sigma grows as ``sigma^-(n - p)``, ``p`` the
    number of flat priors (Hobert and Casella 1996, theorem 1; Gelman 2006, section 3).
    """
    like = density.likelihood
    flat = like.weights == 0
    moved = _moved_groups(density, flat)
    of_sd, of_sigma = _prior_rate(density.of_sd), _prior_rate(density.of_sigma)
    groups = np.count_nonzero(like.r)
    sd = groups - moved.shape[1] + of_sd
    sigma = like.products.n - np.count_nonzero(flat) + of_sigma + min(0.0, of_sd)
    reached = np.any(np.abs(like.inverse @ moved) > _ZERO * np.abs(like.inverse).max(initial=0.0), axis=1)
    of_beta = np.where(reached, min(sd, sigma), sigma)
    return Rates(sd=float(sd), sigma=float(sigma), beta=np.where(flat, of_beta, np.inf))


def _prior_rate(prior: Prior) -> float:
    """Return the power with which a prior density by the log falls off, infinite if faster than any."""
    first, second = Density.log_prior(prior, np.array(_LARGE))
    return np.inf if second == -np.inf else float((first - second) / (_LARGE[1] - _LARGE[0]))


def _moved_groups(density: Density, flat: npt.NDArray[np.bool_]) -> Array:
    """Return a basis ``(p, d)`` of the directions of ``delta`` with flat priors that nothing within groups tells of."""
    data = density.likelihood.products
    p = len(data.rx)
    basis, _ = np.linalg.qr(data.rx[:, flat])
    values, vectors = np.linalg.eigh(basis.T @ data.within[:p, :p] @ basis)
    return np.asarray(basis @ vectors[:, values < _ZERO])
