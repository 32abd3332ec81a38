"""What objectives with a weight for each level share: rows that know their level, and weights in natural units."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import Epoch
from bayescompare.engines.adam.engine import AdamEngine, Member
from bayescompare.engines.adam.loop import Objective
from bayescompare.engines.adam.pieces import split_rows
from bayescompare.engines.adam.rows import glorot, scaled
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend

__all__ = ["LevelEngine", "LevelRows", "effects_of_rows", "residuals", "split_weights", "trained_rows"]

Array = npt.NDArray[np.float64]
Tensor = Any

# Keras's ``RandomUniform``, with which an ``Embedding`` starts.
_LIMIT = 0.05


@dataclass(frozen=True, kw_only=True)
class LevelRows(Problem):
    """Rows that a run is trained on, or that are held out, beside the levels of all rows.

    Parameters
    ----------
    level : (n,)
        Index of each row's level among those of all rows; ``groups`` counts those that these rows have.
    count
        Levels of all rows.
    trained
        Rows that the run is trained on.
    """

    level: npt.NDArray[np.int32]
    count: int
    trained: int

    @classmethod
    def of(cls, problem: Problem, whole: Problem, trained: int, **more: Any) -> Self:
        """Return rows of a whole problem."""
        place = {name: k for k, name in enumerate(whole.layout.levels)}
        kept = np.array([place[name] for name in problem.layout.levels], dtype=np.int32)
        level = kept[problem.groups] if len(kept) else np.zeros(len(problem.y), dtype=np.int32)
        given = {field.name: getattr(problem, field.name) for field in fields(Problem)}
        return cls(**given, level=level, count=len(place), trained=trained, **more)

    @property
    def kept(self) -> npt.NDArray[np.intp]:
        """Positions, among the levels of all rows, of the levels that these rows have."""
        return np.unique(self.level) if self.count else np.zeros(0, dtype=np.intp)


def trained_rows(member: Member) -> LevelRows:
    """Return what a member is trained on."""
    assert isinstance(member.train, LevelRows)
    return member.train


def split_weights(x: Tensor, p: int, q: int, count: int) -> tuple[Tensor, Tensor]:
    """Return fixed effects ``(R, p)`` and level weights ``(R, J, q)`` of ``x (R, k)``."""
    tf, _ = backend()
    return x[:, :p], tf.reshape(x[:, p : p + count * q], (x.shape[0], count, q))


def effects_of_rows(weights: Tensor, z: Tensor, level: Tensor) -> Tensor:
    """Return ``sum_e z_e w[level, e]``, ``(R, B)``: what ``Embedding`` adds to each row."""
    tf, _ = backend()
    if not z.shape[2]:
        return tf.zeros(z.shape[:2], weights.dtype)
    return tf.reduce_sum(tf.gather(weights, level, batch_dims=1) * z, axis=2)


@dataclass(frozen=True, kw_only=True)
class LevelEngine(AdamEngine):
    """Keras Adam on fixed effects and a weight for each level and effect, in minibatches of rows.

    Adam's coordinates are the fixed effects, the weights level after level, and what an objective adds. See
    `AdamEngine` for the settings.
    """

    def split(self, problem: Problem) -> tuple[Problem, Problem]:
        """Hold out the last rows; levels that only they have are weights all the same."""
        return split_rows(problem, self.validation_split)

    def member(self, problem: Problem) -> Member:
        """Return a problem ready for Adam, its rows with their levels."""
        found = AdamEngine.member(self, problem)
        trained = len(found.train.y)
        held = None if found.held is None else LevelRows.of(found.held, problem, trained)
        return replace(found, train=LevelRows.of(found.train, problem, trained), held=held)

    def shape(self, member: Member) -> Hashable:
        """Return the compiled part, and the numbers of columns and levels."""
        layout = member.problem.layout
        return self.objective(member), layout.p, layout.q, len(layout.levels)

    def start(self, member: Member, rng: np.random.Generator) -> Array:
        """Return weights as Keras draws them for ``Dense`` and ``Embedding``."""
        layout = member.problem.layout
        weights = rng.uniform(-_LIMIT, _LIMIT, layout.q * len(layout.levels))
        return np.concatenate([glorot(scaled(member.train, member.unit)[0], rng), weights])

    def epoch(self, member: Member, rng: np.random.Generator) -> Epoch | None:
        """Return minibatches of rows."""
        return self.rows_of(member, rng)

    @abstractmethod
    def objective(self, member: Member) -> Objective:
        """Return the loss of members of one shape."""

    def coefficients(self, member: Member, x: Array) -> tuple[Array, Array]:
        """Return fixed effects ``(T, p)`` and level weights ``(T, J, q)`` in natural units of ``x (T, k)``."""
        layout, unit = member.problem.layout, member.unit
        count, q = len(layout.levels), layout.q
        weights = x[:, layout.p : layout.p + count * q].reshape(len(x), count, q)
        with np.errstate(over="ignore", invalid="ignore"):
            return unit.centre + x[:, layout.beta] @ unit.fixed.T, unit.unit * weights @ unit.effects.T


def residuals(problem: LevelRows, beta: Array, effects: Array) -> Array:
    """Return ``y - X beta - Z b``, ``(n,)``, at fixed effects ``(p,)`` and effects ``(J, q)`` of all levels."""
    left = problem.y - problem.x @ beta
    if not problem.layout.q:
        return left
    return np.asarray(left - np.einsum("iq,iq->i", problem.z, effects[problem.level]))
