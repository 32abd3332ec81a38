"""A Keras optimizer on a stack of replicates: one compiled loop, in which each replicate is a run of its own.

Adam's update is elementwise, so one optimizer on stacked variables ``(R, k)`` is ``R`` optimizers. All replicates
make their first update together; one that has finished, or whose loss is not finite, is frozen by a mask. Nothing
in the loop mixes replicates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.calls import Call
from bayescompare.engines.adam.optimizers import averages, optimizer
from bayescompare.likelihood.tensorflow import backend

__all__ = ["Loop", "Objective", "Patience", "loop"]

Array = npt.NDArray[np.float64]
Tensor = Any

_ADAM = Call("Adam")


class Objective(ABC):
    """A loss of a stack of replicates; hashable, and without data, so that a compiled loop can be used again."""

    @abstractmethod
    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None = None) -> Tensor:
        """Return the losses ``(R,)`` at ``x (R, k)``, on the rows or groups ``batch (R, B)`` (-1: none), or on all.

        Parameters
        ----------
        step
            Number of the update, for losses that draw random numbers; None where the loss is to be
            judged, which must not depend on chance.
        """


@dataclass(frozen=True)
class Patience:
    """Early stopping as Keras has it: after each epoch the loss is looked at.

    Parameters
    ----------
    epochs
        Without a lower loss, after which a replicate stops.
    least
        By which the loss must be lower to count.
    restores
        Whether a replicate returns to where its loss was lowest.
    """

    epochs: int
    least: float = 0.0
    restores: bool = False


class Loop:
    """A compiled loop for stacks of one shape; `reset` makes it new.

    Parameters
    ----------
    call
        The optimizer.
    patience
        Rule of early stopping, on the validation data where there are any, else on the epoch's mean loss.
    """

    def __init__(
        self,
        objective: Objective,
        replicates: int,
        size: int,
        dtype: str,
        call: Call = _ADAM,
        patience: Patience | None = None,
    ) -> None:
        tf, _ = backend()
        self.tf, self._objective, self._patience = tf, objective, patience
        self.dtype, self.lock = dtype, Lock()
        zeros, none = tf.zeros((replicates, size), dtype), tf.zeros(replicates, dtype)
        self.x, self._last, self._best_x = (tf.Variable(zeros) for _ in range(3))
        self.active = tf.Variable(tf.ones(replicates, tf.bool))
        self.impatient = tf.Variable(tf.zeros(replicates, tf.bool))
        self.made, self._wait = (tf.Variable(tf.zeros(replicates, tf.int32)) for _ in range(2))
        self._best, self._sum, self._seen = (tf.Variable(none) for _ in range(3))
        self.optimizer = optimizer(call)
        self.optimizer.build([self.x])
        self._fresh = [(variable, np.asarray(variable)) for variable in self.optimizer.variables]
        averaged = [variable for variable in self.optimizer.variables if variable.name.endswith("_average")]
        self._average = averaged[-1] if averages(call) else None
        self.reported = self.x if self._average is None else tf.Variable(zeros)
        # functions of this loop alone: TensorFlow warns where one method is traced for many objects
        self.advance = tf.function(lambda *given: self._advance(*given), autograph=False)
        self.advance_by_xla = tf.function(lambda *given: self._advance(*given), autograph=False, jit_compile=True)
        self.evaluate = tf.function(lambda *given: self._evaluate(*given), autograph=False)

    def reset(self, start: Array) -> None:
        """Put every replicate at its start, with an optimizer that has seen nothing."""
        for variable in (self.x, self._last, self._best_x, self.reported):
            variable.assign(start)
        self.active.assign(np.ones(len(start), dtype=bool))
        self.impatient.assign(np.zeros(len(start), dtype=bool))
        self._best.assign(np.full(len(start), np.inf))
        for variable in (self.made, self._wait, self._sum, self._seen):
            variable.assign(np.zeros(len(start)))
        for variable, value in self._fresh:
            variable.assign(value)

    def _evaluate(self, x: Tensor, data: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return the losses ``(R,)`` on all data and their gradients ``(R, k)``."""
        return self._value_and_gradient(x, data, None, None)

    def _value_and_gradient(
        self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        with self.tf.GradientTape() as tape:
            tape.watch(x)
            loss = self._objective.loss(x, data, batch, step)
        return loss, tape.gradient(loss, x)

    def _advance(
        self,
        count: Tensor,
        done: Tensor,
        every: int,
        updates: Tensor,
        each: Tensor,
        rates: Tensor,
        data: tuple[Tensor, ...],
        held: tuple[Tensor, ...],
        batches: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Make ``count`` updates after ``done``, and record each one whose number ``every`` divides.

        Parameters
        ----------
        updates, each : (R,)
            The most updates of each replicate, and those of its epoch.
        rates : (chunk,)
            Learning rates.
        data, held
            Of the objective, and those of its validation.
        batches : (chunk, R, B)
            Minibatches.

        Returns
        -------
        last : (R,)
            Losses on all data at the end.
        losses, points : (places, R), (places, R, k)
            Records, as many as there are; what is after them is not defined.
        """
        tf, places = self.tf, rates.shape[0] // every + 1

        def body(t: Tensor, losses: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            self.optimizer.learning_rate = rates[t]
            self._step(updates, each, data, held, None if batches is None else batches[t])
            place = (done + t + 1) // every - done // every - 1

            def recorded() -> tuple[Tensor, Tensor]:
                loss = self._objective.loss(self.reported, data, None)
                return losses.write(place, loss), points.write(place, self.reported.read_value())

            now = (done + t + 1) % every == 0
            return (t + 1, *tf.cond(now, recorded, lambda: (losses, points)))

        empty = [tf.TensorArray(self.dtype, places, element_shape=one) for one in (self.x.shape[:1], self.x.shape)]
        _, losses, points = tf.while_loop(lambda t, *_: t < count, body, [0, *empty], parallel_iterations=1)
        return self._objective.loss(self.reported, data, None), losses.stack(), points.stack()

    def _step(
        self,
        updates: Tensor,
        each: Tensor,
        data: tuple[Tensor, ...],
        held: tuple[Tensor, ...],
        batch: Tensor | None,
    ) -> None:
        """Let Keras update the stack, then put back the replicates that are not running, or have diverged."""
        tf = self.tf
        before = self.x.read_value()
        step = tf.cast(self.optimizer.iterations, updates.dtype)
        loss, gradient = self._value_and_gradient(before, data, batch, step)
        finite = tf.math.is_finite(loss) & tf.reduce_all(tf.math.is_finite(gradient), axis=1)
        running = self.active & (step < updates)
        moves = running & finite
        self._last.assign(tf.where(moves[:, None], before, self._last))
        self.optimizer.apply([gradient], [self.x])
        back = tf.where((running & ~finite)[:, None], self._last, before)
        self.x.assign(tf.where(moves[:, None], self.x, back))
        if self._average is not None:
            self.reported.assign(tf.where(moves[:, None], tf.convert_to_tensor(self._average), self.reported))
        self.made.assign_add(tf.cast(moves, self.made.dtype))
        self.active.assign(self.active & (finite | ~running))
        if self._patience is not None:
            size = tf.ones_like(loss) if batch is None else tf.reduce_sum(tf.cast(batch >= 0, loss.dtype), axis=1)
            self._sum.assign_add(tf.where(moves, loss * size, tf.zeros_like(loss)))
            self._seen.assign_add(tf.where(moves, size, tf.zeros_like(loss)))
            ends = moves & (self.made % each == 0)
            tf.cond(tf.reduce_any(ends), lambda: self._look(ends, each, held), lambda: None)

    def _look(self, ends: Tensor, each: Tensor, held: tuple[Tensor, ...]) -> None:
        """Look at the loss of the replicates whose epoch ends, and stop those that have waited long enough."""
        tf, patience = self.tf, self._patience
        assert patience is not None
        none = tf.zeros_like(self._sum)
        loss = self._objective.loss(self.x, held, None) if held else self._sum / self._seen
        better = ends & (loss - patience.least < self._best)
        self._best_x.assign(tf.where((better | (ends & (self.made == each)))[:, None], self.x, self._best_x))
        self._best.assign(tf.where(better, loss, self._best))
        self._wait.assign(tf.where(ends, tf.where(better, tf.zeros_like(self._wait), self._wait + 1), self._wait))
        self._sum.assign(tf.where(ends, none, self._sum))
        self._seen.assign(tf.where(ends, none, self._seen))
        stops = ends & ~better & (self._wait >= patience.epochs) & (self.made > each)
        self.impatient.assign(self.impatient | stops)
        self.active.assign(self.active & ~stops)

    def settle(self, loss: Array) -> Array:
        """Step back where the loss at the end is not finite, and to the best epoch where that is asked for.

        Return the end ``(R, k)``.
        """
        end = self.reported.numpy()
        if self._patience is not None and self._patience.restores:
            end = np.where(np.isfinite(self._best.numpy())[:, None], self._best_x.numpy(), end)
        return np.where(np.isfinite(loss)[:, None], end, self._last.numpy()).astype(float)


def loop(
    objective: Objective,
    replicates: int,
    size: int,
    dtype: str,
    call: Call = _ADAM,
    patience: Patience | None = None,
) -> Loop:
    """Return the loop of an objective and a shape, made once; Keras keeps rates in its default type of real numbers."""
    _, keras = backend()
    return _loop(objective, replicates, size, dtype, call, patience, keras.config.floatx())


@lru_cache(maxsize=16)
def _loop(
    objective: Objective,
    replicates: int,
    size: int,
    dtype: str,
    call: Call,
    patience: Patience | None,
    floatx: str,
) -> Loop:
    return Loop(objective, replicates, size, dtype, call, patience)
