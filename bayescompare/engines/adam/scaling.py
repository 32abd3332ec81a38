"""The units that Adam works in: the user's own columns, or standardised ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag

from bayescompare.layout import Layout
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import root_rows

__all__ = ["Scale", "Scaling", "intercept", "scaling"]

Array = npt.NDArray[np.float64]
Scale = Literal["raw", "standardised"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Maps from Adam's coordinates to natural parameters.

    Adam's coordinates are fixed effects ``b``, log sds, Fisher z of the partial correlations and log sigma, all in
    the scaled columns and response.

    Parameters
    ----------
    unit
        Units of the response in one unit of Adam's.
    centre, fixed : (p,), (p, p)
        ``beta = centre + fixed b``.
    effects : (q, q)
        Natural random effects are ``unit * effects`` times the scaled ones.
    """

    unit: float
    centre: Array
    fixed: Array
    effects: Array

    def roots(self, x: Array, layout: Layout) -> Array:
        """Return roots ``(S, q, q)`` of the covariance of the natural effects at Adam's coordinates ``(S, k)``."""
        return np.asarray(self.unit * self.effects @ _roots(x, layout))

    def natural(self, x: Array, layout: Layout) -> Array:
        """Return natural parameters ``(S, k)`` of Adam's coordinates ``(S, k)``."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            root = self.roots(x, layout)
            sd = np.sqrt(np.sum(root**2, axis=2))
            rows = root / sd[:, :, None]
            cor = [np.clip(np.sum(rows[:, i] * rows[:, j], axis=1), -1, 1) for i, j in layout.pairs]
            sigma = self.unit * np.exp(x[:, layout.sigma])
        beta = self.centre + x[:, layout.beta] @ self.fixed.T
        return np.column_stack([beta, sd, *cor, sigma])


def _roots(x: Array, layout: Layout) -> Array:
    """Return the roots ``D L`` ``(S, q, q)`` at Adam's coordinates ``(S, k)``."""
    out = np.zeros((len(x), layout.q, layout.q))
    rows = root_rows(list(x[:, layout.sd].T), list(x[:, layout.cor].T), layout, np)
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            if entry is not None:
                out[:, i, j] = entry
    return out


def intercept(columns: Array) -> int | None:
    """Return the position of the first constant column, or None."""
    found = np.flatnonzero((columns == columns[:1]).all(axis=0) & (columns[0] != 0))
    return int(found[0]) if len(found) else None


def _standardiser(columns: Array) -> Array:
    """Return ``M`` such that ``columns M`` has unit sds, and means of zero where a constant column can take them."""
    constant = intercept(columns)
    if constant is None:
        return np.diag(1 / np.sqrt(np.mean(columns**2, axis=0)))
    level, spread = columns[0, constant], columns.std(axis=0)
    spread[constant] = level
    matrix = np.diag(1 / spread)
    matrix[constant] -= np.where(np.arange(len(spread)) == constant, 0.0, columns.mean(axis=0) / (spread * level))
    return matrix


def scaling(problem: Problem, scale: Scale) -> Scaling:
    """Return the raw units of a problem, or those of its standardised columns and response.

    Random effects of one block are standardised together, as if the columns of the formula had been: centred where
    the block has an intercept, since that leaves the model the same.
    """
    layout, (p, q) = problem.layout, (problem.layout.p, problem.layout.q)
    if scale == "raw":
        return Scaling(unit=1.0, centre=np.zeros(p), fixed=np.eye(p), effects=np.eye(q))
    constant = intercept(problem.x) if p else None
    centre = np.zeros(p)
    if constant is not None:
        centre[constant] = problem.y.mean() / problem.x[0, constant]
    unit = float(np.sqrt(np.mean((problem.y - problem.x @ centre) ** 2)))
    blocks = [_standardiser(problem.z[:, block]) for block in layout.block_slices]
    return Scaling(
        unit=unit,
        centre=centre,
        fixed=unit * _standardiser(problem.x) if p else np.zeros((0, 0)),
        effects=block_diag(*blocks) if q else np.zeros((0, 0)),
    )
