"""One run of a stack from start to end: calls of many updates, a record of the paths, stopping by replicate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import Minibatches
from bayescompare.engines.adam.loop import Loop
from bayescompare.engines.adam.optimizers import Rates
from bayescompare.engines.adam.stopping import predicted_decrease
from bayescompare.engines.deadline import Deadline
from bayescompare.likelihood.tensorflow import backend

__all__ = ["Plan", "Run", "optimize"]

Array = npt.NDArray[np.float64]
Tensor = Any

# Points of a path that are kept.
_POINTS = 200
# Updates between two looks at whether a replicate has converged, and in long runs the share of those made so far: with
# 45 parameters a look takes as long as 200 updates.
_LOOK, _LATER = 50, 0.1
# The most updates of one call, between two looks at the clock: a call takes as long as one or two updates.
_PIECE = 128
# A run goes on for a quarter of its updates below the tolerance: its last fifth is then at rest, if it is.
_CONFIRMED = 1.25
_NEVER = np.iinfo(np.int64).max
# Updates from which XLA's compilation pays, and how many more for each replicate. It saves the time between operations,
# 0.4 ms of an update, and nothing where each of them works on many replicates; compiling takes 1.3 s longer.
_XLA_PAYS, _XLA_PAYS_LATER = 3000, 50
# Parameters above which the Hessian at the end is not asked for.
_MANY = 40
# Updates that a run to convergence is taken to need.
_USUAL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How fast and how long to run, and on what.

    Parameters
    ----------
    rates
        Learning rates of ``count`` updates from one on.
    updates : (R,)
        The most updates of each replicate.
    batches
        Minibatches; all data in each update where None.
    tolerance
        A replicate stops where the predicted decrease of its loss is below, and has been for a
        fifth of its updates; None runs all updates.
    held
        Data of the validation; early stopping looks at the epoch's mean loss where there are none.
    seconds
        The most that all replicates together may take, without compiling; None for as long as it takes.
    jit_compile
        Whether XLA compiles the updates; ``auto`` where that pays.
    """

    rates: Rates
    updates: npt.NDArray[np.int32]
    batches: Minibatches | None = None
    tolerance: float | None = None
    held: Sequence[npt.NDArray[Any]] = ()
    seconds: float | None = None
    jit_compile: bool | Literal["auto"] = "auto"

    def by_xla(self) -> bool:
        """Return whether XLA compiles the updates."""
        if self.jit_compile != "auto":
            return self.jit_compile
        most = int(self.updates.max())
        usual = most if self.tolerance is None else min(most, _USUAL)
        return usual > _XLA_PAYS + _XLA_PAYS_LATER * len(self.updates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The end of one replicate's run.

    Parameters
    ----------
    x : (k,)
        Where it ended; the last point with a finite loss where it diverged.
    steps, path, loss : (T,), (T, k), (T,)
        Thinned record, on all data.
    decrease
        Predicted further decrease of the loss at the end, by its quadratic model; NaN where there are many parameters.
    converged
        Whether it stopped because the tolerance was met.
    stopped
        Whether it stopped because the loss no longer fell for some epochs.
    cut
        Whether it was still running when time was up.
    """

    x: Array
    steps: npt.NDArray[np.int64]
    path: Array
    loss: Array
    updates: int
    decrease: float
    converged: bool
    stopped: bool
    diverged: bool
    cut: bool


def optimize(
    loop: Loop,
    start: Array,
    data: Sequence[npt.NDArray[Any]],
    plan: Plan,
    progress: Callable[[float], None] | None = None,
) -> tuple[list[Run], float]:
    """Run a stack to its end; return a run for each replicate, and the seconds without compiling.

    Parameters
    ----------
    start : (R, k)
    data
        The objective's arrays, replicates as its docstring says.
    progress
        Called with the share that is done.
    """
    tf, _ = backend()
    with loop.lock, tf.device("/CPU:0"):
        recorder = _Recorder(loop, start, _tensors(loop, data), plan)
        recorder.compile()
        began, until = time.perf_counter(), Deadline(plan.seconds)
        while recorder.unfinished() and not until.passed():
            recorder.advance()
            if progress:
                progress(min(1.0, recorder.done / recorder.total))
        recorder.finish()
        return recorder.runs(), time.perf_counter() - began


def _tensors(loop: Loop, data: Sequence[npt.NDArray[Any]]) -> tuple[Tensor, ...]:
    """Return arrays as tensors, real ones in the loop's type."""
    return tuple(loop.tf.constant(np.asarray(a, dtype=loop.dtype if a.dtype.kind == "f" else a.dtype)) for a in data)


class _Recorder:
    """Drives a loop call by call, records the paths, and stops what has converged."""

    def __init__(self, loop: Loop, start: Array, data: tuple[Tensor, ...], plan: Plan) -> None:
        self.loop, self.data, self.plan = loop, data, plan
        self.total = int(plan.updates.max())
        self.own_every = [_every(int(own), plan.tolerance is not None) for own in plan.updates]
        self.every, self.chunk = min(self.own_every), min(_PIECE, self.total)
        self.held = _tensors(loop, plan.held)
        self.each = np.ones_like(plan.updates) if plan.batches is None else plan.batches.each
        self._advance = loop.advance_by_xla if plan.by_xla() else loop.advance
        self.start = np.asarray(start, dtype=loop.dtype)
        self.done, self.next_look = 0, _LOOK
        self.stopped = plan.updates.astype(np.int64)
        self.converged = np.zeros(len(start), dtype=bool)
        self.below_since = np.full(len(start), _NEVER)
        self.last = np.full(len(start), np.nan)
        self.steps: list[int] = []
        self.points: list[Array] = []
        self.losses: list[Array] = []

    def compile(self) -> None:
        """Trace and compile without an update, then record the start."""
        self.loop.reset(self.start)
        self._updates(0)
        self._record(0, self.loop.reported.numpy(), self.last)

    def unfinished(self) -> bool:
        """Return whether some replicate has updates to make."""
        return self.done < self.total and bool(np.any(self._running()))

    def _running(self) -> npt.NDArray[np.bool_]:
        """Return which replicates have updates to make."""
        return np.asarray(self.loop.active.numpy() & (self.done < self.stopped))

    def advance(self) -> None:
        """Make the updates of one call, and look for convergence now and then."""
        looks = self.plan.tolerance is not None
        until = self._look_at() if looks else self.total
        self._updates(min(self.chunk, until - self.done, self.total - self.done))
        if looks and self.done >= self.next_look:
            self._stop()
            self.next_look = self.done + max(_LOOK, int(_LATER * self.done))

    def _look_at(self) -> int:
        """Return the update after which convergence is looked for next: the first that is recorded."""
        return -(-self.next_look // self.every) * self.every

    def _updates(self, count: int) -> None:
        """Make some updates in one call, and record those that are to be; one trace serves all calls."""
        tf = self.loop.tf
        of_replicates = tf.constant(self.plan.updates), tf.constant(self.each)
        rates, batches = self._next(count)
        last, losses, points = self._advance(
            tf.constant(count), tf.constant(self.done), self.every, *of_replicates, rates, self.data, self.held, batches
        )
        recorded = range((self.done // self.every + 1) * self.every, self.done + count + 1, self.every)
        for step, loss, point in zip(recorded, losses.numpy(), points.numpy(), strict=False):
            self._record(step, point, loss)
        self.done, self.last = self.done + count, last.numpy()

    def finish(self) -> None:
        """Record the end, where it is not yet."""
        if self.steps[-1] != self.done:
            self._record(self.done, self.loop.reported.numpy(), self.last)

    def _evaluated(self, x: Any) -> tuple[Array, Array]:
        """Return losses and gradients on all data."""
        loss, gradient = self.loop.evaluate(self.loop.tf.constant(x), self.data)
        return loss.numpy().astype(float), gradient.numpy().astype(float)

    def _next(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Return rates ``(chunk,)`` and minibatches ``(chunk, R, B)`` of the next updates, padded to a chunk."""
        tf, plan, missing = self.loop.tf, self.plan, self.chunk - count
        rates = np.pad(plan.rates(self.done, count) if count else np.empty(0), (0, missing))
        batches = None if plan.batches is None else plan.batches.take(count)
        if batches is not None:
            batches = tf.constant(np.pad(batches, ((0, missing), (0, 0), (0, 0)), constant_values=-1))
        return tf.constant(rates, self.loop.optimizer.learning_rate.dtype), batches

    def _record(self, step: int, point: Array, loss: Array) -> None:
        self.steps.append(step)
        self.points.append(point.astype(float))
        self.losses.append(loss.astype(float))

    def _stop(self) -> None:
        """Freeze the replicates whose predicted decrease is and stays below the tolerance."""
        decrease = predicted_decrease(lambda x: self._evaluated(x)[1], self.loop.x.numpy())
        running = self._running()
        below = decrease < (self.plan.tolerance or 0.0)
        self.below_since = np.where(below, np.minimum(self.below_since, self.done), _NEVER)
        met = running & below & (self.done >= _CONFIRMED * self.below_since)
        self.stopped[met] = self.done
        self.converged |= met
        self.loop.active.assign(self.loop.active.numpy() & ~met)

    def runs(self) -> list[Run]:
        """Return each replicate's end and thinned path."""
        cut = self._running() & np.isfinite(self.losses[-1])
        ends = self.loop.settle(self.losses[-1])
        decrease = self._decrease(ends)
        stopped = self.loop.impatient.numpy()
        diverged = ~np.isfinite(self.losses[-1]) | (~self.loop.active.numpy() & ~self.converged & ~stopped)
        made = self.loop.made.numpy()
        steps, points, losses = np.array(self.steps), np.array(self.points), np.array(self.losses)
        runs = []
        for r, end in enumerate(ends):
            kept = _kept(steps, losses[:, r], int(made[r]), self.own_every[r])
            runs.append(
                Run(
                    x=end,
                    steps=np.minimum(steps[kept], made[r]),
                    path=points[kept, r],
                    loss=losses[kept, r],
                    updates=int(made[r]),
                    decrease=float(decrease[r]),
                    converged=bool(self.converged[r]),
                    stopped=bool(stopped[r]),
                    diverged=bool(diverged[r]),
                    cut=bool(cut[r]),
                )
            )
        return runs

    def _decrease(self, x: Array) -> Array:
        """Return the predicted decrease of the loss at some points; NaN where there are many parameters."""
        if x.shape[1] > _MANY:
            return np.full(len(x), np.nan)
        return predicted_decrease(lambda at: self._evaluated(at)[1], x.astype(self.loop.dtype))


def _every(total: int, looks: bool) -> int:
    """Return the updates from one record to the next, whatever the neighbours: `_POINTS` in a run at the most.

    Where convergence is looked for, runs may be short: more records, and a divisor of `_LOOK`.
    """
    wanted = max(1, -(-total // _POINTS))
    if looks:
        return max(c for c in (1, 2, 5, 10, 25, 50) if c <= max(1, wanted // 2))
    return int(2 ** np.ceil(np.log2(wanted)))


def _kept(steps: Any, loss: Array, made: int, every: int) -> Any:
    """Return the positions of at most `_POINTS` finite records, up to the first at or after a run's end."""
    until = np.concatenate([[True], steps[:-1] < made])
    kept = np.flatnonzero(until & np.isfinite(loss) & ((steps % every == 0) | (steps >= made)))
    return kept[np.unique(np.linspace(0, len(kept) - 1, min(len(kept), _POINTS)).round().astype(int))]
