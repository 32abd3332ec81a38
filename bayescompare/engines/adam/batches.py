"""Minibatches: which rows (or groups) each update of each replicate sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["plan"]

Index = npt.NDArray[np.int32]


def _reshuffled(count: int, batch: int, epochs: int, rng: np.random.Generator) -> Index:
    """Return ``(epochs * ceil(count / batch), batch)`` indices, a new order every epoch, its end padded by -1."""
    updates = -(-count // batch)
    order = np.full((epochs, updates * batch), -1, dtype=np.int32)
    order[:, :count] = rng.permuted(np.tile(np.arange(count, dtype=np.int32), (epochs, 1)), axis=1)
    return order.reshape(-1, batch)


def plan(counts: Sequence[int], batch: int, epochs: int, rngs: Sequence[np.random.Generator]) -> tuple[Index, Index]:
    """Return the indices ``(updates, R, batch)`` of every update, -1 where there is none, and each replicate's updates.

    Parameters
    ----------
    counts
        Rows (or groups) of each replicate, shuffled by its own generator.
    """
    orders = [_reshuffled(count, batch, epochs, rng) for count, rng in zip(counts, rngs, strict=True)]
    updates = np.array([len(order) for order in orders], dtype=np.int32)
    out = np.full((int(updates.max()), len(orders), batch), -1, dtype=np.int32)
    for replicate, order in enumerate(orders):
        out[: len(order), replicate] = order
    return out, updates
