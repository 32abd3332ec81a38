"""Relative factors with any effect, or pair of effects, first in its block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout
from bayescompare.likelihood import kernel
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
    rows, columns : (f,)
        Cells of the entries.
    place
        Row of the first effect.
    lower : (q, q)
        ``L``.
    """

    def __init__(self, problem: Problem, first: tuple[int, ...] = ()) -> None:
        layout = problem.layout
        blocks = [list(range(block.start, block.stop)) for block in layout.block_slices]
        ordered = [[k for k in first if k in block] + [k for k in block if k not in first] for block in blocks]
        self._order = np.array([k for block in ordered for k in block], dtype=np.intp)
        self.place = next((block[0] for block, new in zip(blocks, ordered, strict=True) if set(first) & set(new)), 0)
        self._layout = replace(layout, blocks=tuple(tuple(layout.effects[k] for k in block) for block in ordered))
        self._rotation, self.lower = np.zeros((layout.q, layout.q)), np.zeros((layout.q, layout.q))
        scaled = problem.products.t_inverse[:, self._order]
        for block in layout.block_slices:
            self._rotation[block, block], self.lower[block, block] = _ql(scaled[block, block])
        cells = [(i, j) for block in blocks for i in block for j in block if j <= i]
        self.rows = np.array([i for i, _ in cells], dtype=np.intp)
        self.columns = np.array([j for _, j in cells], dtype=np.intp)

    def cell(self, row: int, column: int) -> int:
        """Return the position of an entry, counted from the first effect's row and column."""
        return int(np.flatnonzero((self.rows == self.place + row) & (self.columns == self.place + column))[0])

    def root(self, entries: Array) -> Array:
        """Return the root ``(q, q)`` of the rotated data."""
        return self._rotation @ kernel.relative_factor(entries, self.rows, self.columns, len(self._order))

    def gradient(self, by_root: Array) -> Array:
        """Return the gradient by the entries, given that by the root."""
        return np.asarray((self._rotation.T @ by_root)[self.rows, self.columns])

    def entries(self, theta: Array, layout: Layout) -> Array:
        """Return the entries ``(f,)`` at natural parameters ``(k,)``."""
        matrix = correlation_matrix(np.nan_to_num(theta[layout.cor]), layout)[np.ix_(self._order, self._order)]
        cor = np.array([matrix[i, j] for i, j in layout.pairs])
        root = covariance_root(theta[layout.sd][self._order], cor, self._layout) / theta[layout.sigma]
        return np.asarray((self.lower @ root)[self.rows, self.columns])


def _ql(a: Array) -> tuple[Array, Array]:
    """Return the orthogonal and the lower triangular factor of a square matrix."""
    orthogonal, upper = np.linalg.qr(a[:, ::-1])
    return orthogonal[:, ::-1], upper[::-1, ::-1]
