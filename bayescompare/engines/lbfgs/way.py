"""The way of a search by L-BFGS-B, kept as it was and made into a path only where one is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.lbfgs.search import Space, Visits, space_of
from bayescompare.fits import Path
from bayescompare.likelihood import kernel
from bayescompare.likelihood.coordinates import natural_from_root
from bayescompare.likelihood.problem import Problem

__all__ = ["Way", "natural_of"]

Array = npt.NDArray[np.float64]

# A correlation closer to one than rounding is one.
_CEILING = 1 - 1e-12


def natural_of(problem: Problem, root: Array, delta: Array, sigma: float) -> Array:
    """Return the natural parameters ``(k,)`` of a relative root, fixed effects and residual sd of a search."""
    data, layout = problem.products, problem.layout
    sd, cor = natural_from_root(sigma * (data.t @ root), layout)
    cor = np.where(np.abs(cor) > _CEILING, np.sign(cor), cor)
    return np.concatenate([data.beta(delta), sd, cor, [sigma]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a search visited from the start that won, in its own coordinates.

    Parameters
    ----------
    visits
        Deviance and point of each evaluation, those of the safeguards at zero included, and of the end.
    reml, coordinates
        As `search.search` takes them.
    """

    visits: Visits
    reml: bool
    coordinates: str

    def path(self, problem: Problem) -> Path:
        """Return the path; steps are evaluations, and of a line search only what lowered the deviance is on it.

        Making one takes about as long as the search did, which is why a study does without.
        """
        space = space_of(problem, reml=self.reml, coordinates=self.coordinates)
        kept = _lowering(self.visits)
        offset = problem.products.log_det_x if self.reml else 0.0
        return Path(
            steps=kept,
            values=np.array([_natural(problem, space, self.visits[k][1]) for k in kept]),
            loss=np.array([self.visits[k][0] + offset for k in kept]),
        )


def _lowering(visits: Visits) -> npt.NDArray[np.int64]:
    """Return the positions of the visits that are lower than all before, and of the end, once."""
    values = np.array([value for value, _ in visits[:-1]])
    before = np.fmin.accumulate(np.concatenate([[np.inf], values]))[:-1]
    kept = np.flatnonzero(values < before)
    ended = len(kept) and np.array_equal(visits[kept[-1]][1], visits[-1][1])
    return np.append(kept[:-1] if ended else kept, len(values)).astype(np.int64)


def _natural(problem: Problem, space: Space, point: Array) -> Array:
    d, root = space.data, space.root(point)
    _, _, _, delta, sigma, _ = kernel.profiled(root, d.r, d.c, d.within, float(d.n), space.reml, 0.0)
    return natural_of(problem, root, delta, float(sigma))
