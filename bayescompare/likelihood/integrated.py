r"""The likelihood of a model with one random effect a group, with the fixed effects integrated out too.

With one effect ``Lambda`` is a number, and groups whose ``r_j`` are equal share a weight: in the symbols of
`bayescompare.likelihood.kernel`

    log|V / sigma^2| = sum_u n_u log(1 + r_u^2 Lambda^2),    H = W + sum_u S_u / (1 + r_u^2 Lambda^2),

``S_u`` the sum of ``C_j' C_j`` over the ``n_u`` groups with ``r_j = r_u``; where many ``r_j`` differ, polynomials in
``log r`` share out their sums among a few. Under Normal priors
``N(m_k, s_k^2)``, or flat ones, on the fixed effects ``delta`` is Gaussian given sd and sigma, with precision
``A / sigma^2`` and mean ``A^-1 g``:

    A = M + sigma^2 P,    g = v + sigma^2 R_x^-T D (m - beta_0),    P = R_x^-T D R_x^-1,    D = diag(1 / s_k^2),

    int L p(beta) dbeta = L p(beta) |_mean (2 pi)^(p/2) sigma^p |A|^(-1/2) / |R_x|:

Lindley and Smith (1972). Everything is evaluated at the mean, where the terms are sums of squares: nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre
from scipy.linalg import solve_triangular

from bayescompare.fits import RandomEffects
from bayescompare.likelihood import integrated_kernel as kernel
from bayescompare.likelihood.products import Products

__all__ = ["Integrated"]

Array = npt.NDArray[np.float64]

_LOG_2PI = float(np.log(2 * np.pi))
# Relative difference below which two groups have the same ``r``.
_DIGITS = 12
# Nodes that stand for a stretch of ``log r``.
_NODES = 16


def _merged(log_r: Array, products: Array) -> tuple[Array, Array, Array]:
    """Return ``log r_u (U,)``, ``n_u`` and ``S_u`` of groups with ``log r_j (J,)`` and ``C_j' C_j``.

    ``log(1 + r^2 Lambda^2)`` and ``1 / (1 + r^2 Lambda^2)`` are analytic in ``log r`` up to ``pi / 2`` from the real
    line, whatever ``Lambda``: over a stretch of one they are polynomials through 16 Gauss-Legendre nodes to 1e-13. So a
    stretch with more values than that is as good as its nodes, each with the sums times its Lagrange polynomial.
    """
    at, member = np.unique(np.round(log_r, _DIGITS), return_inverse=True)
    counts = np.bincount(member, minlength=len(at)).astype(float)
    sums = np.zeros((len(at), *products.shape[1:]))
    np.add.at(sums, member, products)
    stretch = np.floor(at)
    parts = [_interpolated(at[one], counts[one], sums[one]) for k in np.unique(stretch) for one in [stretch == k]]
    log_u, n_u, s_u = (np.concatenate(each) for each in zip(*parts, strict=True))
    return log_u, n_u, s_u


def _interpolated(at: Array, counts: Array, sums: Array) -> tuple[Array, Array, Array]:
    """Return what stands for the groups of one stretch: themselves, where they are no more than the nodes."""
    if len(at) <= _NODES:
        return at, counts, sums
    x, w = legendre.leggauss(_NODES)
    degrees = np.arange(_NODES)
    low, width = at[0], at[-1] - at[0]
    inside = legendre.legvander(2 * (at - low) / width - 1, _NODES - 1)
    shares = inside @ (legendre.legvander(x, _NODES - 1) * w[:, None] * (degrees + 0.5)).T
    return low + (x + 1) / 2 * width, counts @ shares, np.einsum("uk,uab->kab", shares, sums)


@dataclass(frozen=True, kw_only=True)
class Integrated:
    """The likelihood at (sd, sigma), the random and the fixed effects integrated out.

    Parameters
    ----------
    products
        Of a model with one random effect a group.
    r, c : (J,), (J, p + 1)
        Rotated data, as in the products.
    squares, counts, sums : (U,), (U,), (U, p + 1, p + 1)
        ``r^2``, number of groups and sum of ``C'C`` of the groups with one ``r``.
    inverse : (p, p)
        ``R_x^-1``.
    away, weights : (p,)
        ``beta_0 - m`` and ``1 / s^2`` of the priors; zero where flat.
    precision, pull : (p, p), (p,)
        What the priors add to the precision of ``delta``, and to precision times mean.
    constant
        Log of the priors' and of ``R_x``'s constants.
    """

    products: Products
    r: Array
    c: Array
    squares: Array
    counts: Array
    sums: Array
    inverse: Array
    away: Array
    weights: Array
    precision: Array
    pull: Array
    constant: float

    @classmethod
    def of(cls, products: Products, centres: Array, widths: Array) -> Integrated:
        """Return that of products under Normal priors.

        Parameters
        ----------
        centres, widths : (p,)
            Means and sds of the priors of the fixed effects; an infinite sd is a flat prior, of density one.
        """
        r, c = np.sign(products.t_inverse[0, 0]) * products.r[:, 0, 0], products.c[:, 0, :].copy()
        with np.errstate(divide="ignore"):
            log_r, counts, sums = _merged(np.log(np.abs(r)), c[:, :, None] * c[:, None, :])
        p, weights = len(products.rx), widths**-2.0
        inverse = solve_triangular(products.rx, np.eye(p)) if p else np.zeros((0, 0))
        away = np.where(weights > 0, products.beta0 - centres, 0.0)
        normals = np.log(widths[weights > 0]) + _LOG_2PI / 2
        return cls(
            products=products,
            r=r,
            c=c,
            squares=np.exp(2 * log_r),
            counts=counts,
            sums=sums,
            inverse=np.ascontiguousarray(inverse),
            away=away,
            weights=weights,
            precision=inverse.T @ (weights[:, None] * inverse),
            pull=-inverse.T @ (weights * away),
            constant=-float(normals.sum()) - products.log_det_x / 2,
        )

    @property
    def _given(self) -> tuple[Array, Array, Array, Array, Array, Array]:
        """What the kernels need of data and priors."""
        return self.squares, self.counts, self.sums, self.products.within, self.precision, self.pull

    def _at(self, sd: Array, sigma: Array) -> tuple[Array, Array]:
        """Return relative sds of the rotated effect, and sigmas, as the kernels take them."""
        return np.ascontiguousarray(abs(self.products.t_inverse[0, 0]) * sd / sigma), np.ascontiguousarray(sigma)

    def log(self, sd: Array, sigma: Array) -> Array:
        """Return the log of likelihood times prior of the fixed effects, integrated, at points ``(N,)``."""
        prior = self.inverse, self.away, self.weights
        found = kernel.log_integrals(*self._at(sd, sigma), float(self.products.n), *self._given, *prior)
        return np.asarray(found + self.constant)

    def fixed_effects(self, sd: Array, sigma: Array) -> tuple[Array, Array]:
        """Return means and sds ``(N, p)`` of the fixed effects given sd and sigma."""
        means, sds = kernel.moments(*self._at(sd, sigma), *self._given, self.inverse)
        return self.products.beta0 + means, sds

    def random_effects(self, sd: Array, sigma: Array, shares: Array) -> RandomEffects:
        """Return means and sds of the random effects over points ``(N,)`` with shares that sum to one."""
        mean, spread = kernel.effects(*self._at(sd, sigma), sd, shares, *self._given, self.r, self.c)
        return RandomEffects(mode=mean[:, None], sd=spread[:, None])
