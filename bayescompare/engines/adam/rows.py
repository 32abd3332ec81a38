"""Rows of a stack, padded to the most of any replicate, and what Keras starts its weights from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.scaling import Scaling, intercept
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend

__all__ = ["glorot", "padded", "scaled", "seen"]

Array = npt.NDArray[np.float64]
Tensor = Any


def scaled(problem: Problem, unit: Scaling) -> tuple[Array, Array]:
    """Return columns ``(n, p)`` and response ``(n,)`` in Adam's units."""
    return problem.x @ unit.fixed / unit.unit, (problem.y - problem.x @ unit.centre) / unit.unit


def padded(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return arrays ``(n_r, ...)`` of different lengths as one ``(R, n, ...)``, filled up with zeros."""
    out = np.zeros((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for r, array in enumerate(arrays):
        out[r, : len(array)] = array
    return out


def seen(arrays: Sequence[Tensor], rows: Tensor, batch: Tensor | None) -> tuple[Sequence[Tensor], Tensor]:
    """Return what an update sees of arrays ``(R, n, ...)``, and which of it are rows and not padding, ``(R, B)``.

    Parameters
    ----------
    rows : (R,)
        Rows of each replicate.
    batch : (R, B)
        Positions of the rows of a minibatch, -1 where there is none; all rows where None.
    """
    tf, _ = backend()
    if batch is None:
        return arrays, tf.range(arrays[0].shape[1])[None, :] < rows[:, None]
    picked = tf.maximum(batch, 0)
    return [tf.gather(array, picked, batch_dims=1) for array in arrays], batch >= 0


def glorot(columns: Array, rng: np.random.Generator) -> Array:
    """Return weights drawn as Keras's ``GlorotUniform`` does for ``Dense(1)``, and a zero for the bias.

    Parameters
    ----------
    columns : (n, p)
        The bias is the weight of the constant one, where there is one.
    """
    constant = intercept(columns) if columns.shape[1] else None
    inputs = columns.shape[1] - (constant is not None)
    limit = np.sqrt(6.0 / (inputs + 1))
    weights: Array = rng.uniform(-limit, limit, columns.shape[1])
    if constant is not None:
        weights[constant] = 0.0
    return weights
