"""Minibatches: which rows (or groups) each update of each replicate sees, drawn as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Epoch", "Minibatches", "in_order", "shuffled", "whole"]

Index = npt.NDArray[np.int32]

#: Returns the next epoch of a replicate: indices ``(updates, B)``, -1 where there is none.
Epoch = Callable[[], Index]


def shuffled(count: int, batch: int, rng: np.random.Generator) -> Epoch:
    """Return epochs of ``ceil(count / batch)`` updates, in a new order each, the last one smaller."""
    return lambda: _cut(rng.permutation(count).astype(np.int32), batch)


def in_order(count: int, batch: int) -> Epoch:
    """Return epochs in the order of the units."""
    found = _cut(np.arange(count, dtype=np.int32), batch)
    return lambda: found


def whole(batches: Index, rng: np.random.Generator | None) -> Epoch:
    """Return epochs of batches that stay as they are, in a new order each where there is a generator."""
    return lambda: batches if rng is None else batches[rng.permutation(len(batches))]


def _cut(order: Index, batch: int) -> Index:
    updates = -(-len(order) // batch)
    out = np.full(updates * batch, -1, dtype=np.int32)
    out[: len(order)] = order
    return out.reshape(updates, batch)


class Minibatches:
    """The minibatches of a stack, epoch after epoch.

    Parameters
    ----------
    epochs
        Of each replicate.

    Attributes
    ----------
    each : (R,)
        Updates in an epoch of each replicate.
    """

    def __init__(self, epochs: Sequence[Epoch]) -> None:
        self._epochs = epochs
        self._left = [epoch() for epoch in epochs]
        self.each = np.array([len(found) for found in self._left], dtype=np.int32)
        self._width = max(found.shape[1] for found in self._left)

    def take(self, count: int) -> Index:
        """Return the next updates ``(count, R, B)``."""
        out = np.full((count, len(self._epochs), self._width), -1, dtype=np.int32)
        for r, epoch in enumerate(self._epochs):
            while len(self._left[r]) < count:
                self._left[r] = np.concatenate([self._left[r], epoch()])
            found = self._left[r][:count]
            out[:, r, : found.shape[1]], self._left[r] = found, self._left[r][count:]
        return out
