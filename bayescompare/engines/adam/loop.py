"""Keras Adam on a stack of replicates: one compiled loop, in which each replicate is a run of its own.

Adam's update is elementwise, so one optimizer on stacked variables ``(R, k)`` is ``R`` optimizers. All replicates
make their first update together; one that has finished, or whose loss is not finite, is frozen by a mask. Nothing
in the loop mixes replicates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.likelihood.tensorflow import backend

__all__ = ["Loop", "Objective", "loop"]

Array = npt.NDArray[np.float64]
Tensor = Any


class Objective(ABC):
    """A loss of a stack of replicates; hashable, and without data, so that a compiled loop can be used again."""

    @abstractmethod
    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None) -> Tensor:
        """Return the losses ``(R,)`` at ``x (R, k)``, on the rows or groups ``batch (R, B)`` (-1: none), or on all."""


class Loop:
    """A compiled Adam loop for stacks of one shape; `reset` makes it new."""

    def __init__(self, objective: Objective, replicates: int, size: int, dtype: str) -> None:
        tf, keras = backend()
        self.tf, self._objective = tf, objective
        self.dtype, self.lock = dtype, Lock()
        zeros = tf.zeros((replicates, size), dtype)
        self.x, self._last = tf.Variable(zeros), tf.Variable(zeros)
        self.active = tf.Variable(tf.ones(replicates, tf.bool))
        self.made = tf.Variable(tf.zeros(replicates, tf.int32))
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build([self.x])
        self._fresh = [(variable, np.asarray(variable)) for variable in self.optimizer.variables]
        # functions of this loop alone: TensorFlow warns where one method is traced for many objects
        self.advance = tf.function(lambda *given: self._advance(*given), autograph=False)
        self.advance_by_xla = tf.function(lambda *given: self._advance(*given), autograph=False, jit_compile=True)
        self.evaluate = tf.function(lambda *given: self._evaluate(*given), autograph=False)

    def reset(self, start: Array, lr: float) -> None:
        """Put every replicate at its start, with an optimizer that has seen nothing."""
        self.x.assign(start)
        self._last.assign(start)
        self.active.assign(np.ones(len(start), dtype=bool))
        self.made.assign(np.zeros(len(start), dtype=np.int32))
        for variable, value in self._fresh:
            variable.assign(value)
        self.optimizer.learning_rate = lr

    def _evaluate(self, x: Tensor, data: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return the losses ``(R,)`` on all data and their gradients ``(R, k)``."""
        return self._value_and_gradient(x, data, None)

    def _value_and_gradient(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None) -> tuple[Tensor, Tensor]:
        with self.tf.GradientTape() as tape:
            tape.watch(x)
            loss = self._objective.loss(x, data, batch)
        return loss, tape.gradient(loss, x)

    def _advance(
        self, first: Tensor, end: Tensor, updates: Tensor, data: tuple[Tensor, ...], batches: Tensor | None
    ) -> None:
        """Make the updates from ``first`` to before ``end`` of a chunk, whose minibatches are ``batches``."""

        def body(t: Tensor) -> Tensor:
            self._step(updates, data, None if batches is None else batches[t])
            return t + 1

        self.tf.while_loop(lambda t: t < end, body, [first], parallel_iterations=1)

    def _step(self, updates: Tensor, data: tuple[Tensor, ...], batch: Tensor | None) -> None:
        """Let Keras update the stack, then put back the replicates that are not running, or have diverged."""
        tf = self.tf
        before = self.x.read_value()
        loss, gradient = self._value_and_gradient(before, data, batch)
        finite = tf.math.is_finite(loss) & tf.reduce_all(tf.math.is_finite(gradient), axis=1)
        running = self.active & (tf.cast(self.optimizer.iterations, updates.dtype) < updates)
        moves = running & finite
        self._last.assign(tf.where(moves[:, None], before, self._last))
        self.optimizer.apply([gradient], [self.x])
        held = tf.where((running & ~finite)[:, None], self._last, before)
        self.x.assign(tf.where(moves[:, None], self.x, held))
        self.made.assign_add(tf.cast(moves, self.made.dtype))
        self.active.assign(self.active & (finite | ~running))

    def settle(self, loss: Array) -> Array:
        """Step back where the loss at the end is not finite; return the end ``(R, k)``."""
        self.x.assign(np.where(np.isfinite(loss)[:, None], self.x.numpy(), self._last.numpy()))
        return np.asarray(self.x.numpy(), dtype=float)


@lru_cache(maxsize=16)
def loop(objective: Objective, replicates: int, size: int, dtype: str) -> Loop:
    """Return the loop of an objective and a shape, made once."""
    return Loop(objective, replicates, size, dtype)
