"""What a Gaussian variational posterior says of the natural parameters and the random effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import qmc

from bayescompare.engines.adam.elbo_gaussian import Gaussian
from bayescompare.engines.adam.scaling import Scaling
from bayescompare.fits import RandomEffects
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import natural_working

__all__ = ["Posterior"]

Array = npt.NDArray[np.float64]

# Draws of the parameters (2 to this power): their means, sds and quantiles are then within 0.01 variational sds.
_DRAWS = 12
# Draws for what there is much of: the points of a path, and the random effects.
_FEWER = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Reads vectors of a `Gaussian` in natural units, by draws from scrambled Sobol points.

    Parameters
    ----------
    layout
        With names.
    normals : (N, g)
        Standard normal draws; the same for all vectors, so that differences of what they say have no noise.
    """

    gaussian: Gaussian
    unit: Scaling
    layout: Layout
    normals: Array

    @classmethod
    def of(cls, gaussian: Gaussian, unit: Scaling, layout: Layout, rng: np.random.Generator) -> Posterior:
        """Return the posterior that reads by new draws."""
        points = qmc.Sobol(layout.size, rng=rng).random_base2(_DRAWS)
        return cls(gaussian=gaussian, unit=unit, layout=layout, normals=ndtri(np.clip(points, 1e-12, 1 - 1e-12)))

    def draws(self, x: Array) -> Array:
        """Return draws ``(N, k)`` of the natural parameters at a vector."""
        return self.unit.natural(self._coordinates(x[None], self.normals)[0], self.layout)

    def moments(self, x: Array) -> tuple[Array, Array]:
        """Return the means and sds ``(k,)`` of the natural parameters."""
        return moments(self.draws(x))

    def working_sds(self, x: Array) -> Array:
        """Return the sds of beta, log sds, Fisher z of the partial correlations and log sigma."""
        some = self.draws(x)[: 4 * _FEWER]
        return np.std([natural_working(theta, self.layout) for theta in some], axis=0)

    def path(self, x: Array) -> Array:
        """Return the means of the natural parameters at the points ``(T, size)`` of a path."""
        points = self._coordinates(x, self.normals[:_FEWER])
        count, draws, size = points.shape
        natural = self.unit.natural(points.reshape(-1, size), self.layout)
        return np.asarray(natural.reshape(count, draws, size).mean(axis=1))

    def random_effects(self, x: Array) -> RandomEffects | None:
        """Return means and sds of the natural random effects; None for a model without groups."""
        if not self.layout.q:
            return None
        f, normals = self.gaussian.factor(x[None], np), self.normals[:_FEWER]
        roots = self.unit.roots(self._coordinates(x[None], normals)[0], self.layout)
        # without columns in a mean-field Gaussian
        u = f.u[0] + np.einsum("jan,sn->sja", f.uv[0], normals[:, : f.uv.shape[3]])
        b = np.einsum("sab,sjb->sja", roots, u)
        given = f.ub[0] @ np.swapaxes(f.ub[0], 1, 2) + f.uu[0] @ np.swapaxes(f.uu[0], 1, 2)
        spread = np.einsum("sab,sac,jbc->ja", roots, roots, given, optimize=True) / len(roots)
        return RandomEffects(mode=b.mean(axis=0), sd=np.sqrt(b.var(axis=0) + spread))

    def _coordinates(self, x: Array, normals: Array) -> Array:
        """Return draws ``(T, S, g)`` of Adam's coordinates, in the layout's order, at vectors ``(T, size)``."""
        f, n = self.gaussian.factor(x, np), self.gaussian.n
        v = f.v[:, None] + normals[:, :n] @ np.swapaxes(f.vv, 1, 2)
        shared = np.concatenate([f.bv, f.bb], axis=2)
        b = f.b[:, None] + normals @ np.swapaxes(shared, 1, 2)
        return np.concatenate([b, v], axis=2)


def moments(draws: Array) -> tuple[Array, Array]:
    """Return means and sds of draws ``(N, k)``."""
    with np.errstate(over="ignore", invalid="ignore"):
        return draws.mean(axis=0), draws.std(axis=0)
