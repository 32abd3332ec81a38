"""Relative factors with any effect, or pair of effects, first in its block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import correlation_matrix, covariance_root
from bayescompare.likelihood.problem import Problem

__all__ = ["Triangle"]

Array = npt.NDArray[np.float64]


class Triangle:
    """The unbounded entries of the blocks' lower triangles, the effects of a block in an order of choice.

    With the effects reordered, ``T^-1 = G L`` block by block (an orthogonal and a lower triangular matrix). A lower
    triangular ``Lambda`` is then the root ``G Lambda`` of the rotated data and the root ``L^-1 Lambda``, lower
    triangular too, of ``S / sigma^2`` in the user's columns: its first row has the first effect's sd alone.

    Parameters
    ----------
    first
        Effects that come first in their block, in this order.

    Attributes
    ----------
    corner : (d, d)
        ``L`` of the block of the first effect; its entries are the first ones, row by row.
    """

    def __init__(self, problem: Problem, first: tuple[int, ...] = ()) -> None:
        layout = problem.layout
        blocks = [list(range(block.start, block.stop)) for block in layout.block_slices]
        ordered = [[k for k in first if k in block] + [k for k in block if k not in first] for block in blocks]
        self._order = np.array([k for block in ordered for k in block], dtype=np.intp)
        self._layout = replace(layout, blocks=tuple(tuple(layout.effects[k] for k in block) for block in ordered))
        rotation, self._lower = np.zeros((layout.q, layout.q)), np.zeros((layout.q, layout.q))
        scaled = problem.products.t_inverse[:, self._order]
        for block in layout.block_slices:
            rotation[block, block], self._lower[block, block] = _ql(scaled[block, block])
        # the block of the first effect before the others
        blocks.sort(key=lambda block: not set(first) & set(block))
        self.corner = self._lower[np.ix_(blocks[0], blocks[0])] if blocks else self._lower
        cells = [(i, j) for block in blocks for i in block for j in block if j <= i]
        self._cells = np.array(cells, dtype=np.intp).reshape(-1, 2).T
        by_cell = np.zeros((layout.q, layout.q, len(cells)))
        for k, (i, j) in enumerate(cells):
            by_cell[:, j, k] = rotation[:, i]
        self._map, self._shape = by_cell.reshape(layout.q**2, len(cells)), rotation.shape

    def root(self, entries: Array) -> Array:
        """Return the root ``(q, q)`` of the rotated data."""
        return (self._map @ entries).reshape(self._shape)

    def gradient(self, by_root: Array) -> Array:
        """Return the gradient by the entries, given that by the root."""
        return by_root.ravel() @ self._map

    def entries(self, theta: Array, layout: Layout) -> Array:
        """Return the entries ``(f,)`` at natural parameters ``(k,)``."""
        matrix = correlation_matrix(np.nan_to_num(theta[layout.cor]), layout)[np.ix_(self._order, self._order)]
        cor = np.array([matrix[i, j] for i, j in layout.pairs])
        root = covariance_root(theta[layout.sd][self._order], cor, self._layout) / theta[layout.sigma]
        return np.asarray((self._lower @ root)[*self._cells])


def _ql(a: Array) -> tuple[Array, Array]:
    """Return the orthogonal and the lower triangular factor of a square matrix."""
    orthogonal, upper = np.linalg.qr(a[:, ::-1])
    return orthogonal[:, ::-1], upper[::-1, ::-1]
