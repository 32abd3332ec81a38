"""Problems whose levels differ in their rows, and gradients by differences, for objectives with level weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bayescompare.engines.adam.levels import LevelEngine
from bayescompare.engines.adam.loop import Objective
from bayescompare.likelihood.problem import Problem, problem_from_frame
from bayescompare.likelihood.tensorflow import backend
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame

Array = np.ndarray


def problem_of(
    y: Array, x: Array, z: Array, groups: Array, *, coefs: Sequence[str] = (), blocks: Sequence[Sequence[str]] = ()
) -> Problem:
    """Return the problem of some columns."""
    frame = ModelFrame(
        response="y",
        y=y,
        X=x,
        coefs=tuple(coefs) or ("Intercept", "x", "w")[: x.shape[1]],
        Z=z,
        blocks=tuple(map(tuple, blocks)) or ((("Intercept", "x")[: z.shape[1]],) if z.shape[1] else ()),
        factor="g" if z.shape[1] else None,
        levels=tuple(f"level {k}" for k in range(groups.max() + 1)) if z.shape[1] else (),
        groups=groups if z.shape[1] else np.zeros_like(groups),
    )
    return problem_from_frame(frame, Model("y ~ 1 + x + (1 + x | g)"))


def simulated(
    seed: int, *, levels: int = 12, rows: int = 75, sd: tuple[float, float] = (1.0, 0.7), q: int = 2, noise: float = 1.0
) -> Problem:
    """Return random intercepts and slopes in shuffled rows; every level has at least four."""
    rng = np.random.default_rng(seed)
    g = rng.permutation(np.concatenate([np.arange(levels).repeat(4), rng.integers(0, levels, rows - 4 * levels)]))
    x = rng.normal(1.0, 2.0, size=rows)
    b = rng.normal(size=(levels, 2)) * sd
    y = 3 + 2 * x + b[g, 0] + (b[g, 1] * x if q == 2 else 0.0) + noise * rng.normal(size=rows)
    columns = np.column_stack([np.ones(rows), x])
    return problem_of(y, columns, columns[:, :q], g)


def seeds(count: int) -> list[np.random.SeedSequence]:
    """Return seeds of replicates."""
    return [np.random.SeedSequence(13, spawn_key=(r,)) for r in range(count)]


def indicators(problem: Problem) -> Array:
    """Return the columns ``(n, J q)`` of the level weights."""
    count = len(problem.layout.levels)
    out = np.zeros((len(problem.y), count, problem.layout.q))
    out[np.arange(len(problem.y)), problem.groups] = problem.z
    return out.reshape(len(problem.y), -1)


def loss_and_gradient(objective: Objective, x: Array, data: Sequence[Any], batch: Array | None) -> tuple[Array, Array]:
    """Return the losses ``(R,)`` and their gradients ``(R, k)`` by TensorFlow."""
    tf, _ = backend()
    tensors = tuple(tf.constant(array) for array in data)
    with tf.GradientTape() as tape:
        at = tf.constant(x)
        tape.watch(at)
        loss = objective.loss(at, tensors, None if batch is None else tf.constant(batch))
    return loss.numpy(), tape.gradient(loss, at).numpy()


def assert_gradient(engine: LevelEngine, problems: Sequence[Problem], batch: Array | None, seed: int = 0) -> None:
    """Compare an objective's gradient with central differences, at a point away from its start."""
    members = [engine.member(problem) for problem in problems]
    objective = engine.objective(members[0])
    data = engine.data([member.train for member in members], [member.unit for member in members])
    rng = np.random.default_rng(seed)
    x = np.array([engine.start(member, rng) for member in members])
    x += 0.5 * rng.normal(size=x.shape)
    _, gradient = loss_and_gradient(objective, x, data, batch)
    step = 1e-6
    for k in range(x.shape[1]):
        move = step * np.eye(x.shape[1])[k]
        up, down = (loss_and_gradient(objective, x + sign * move, data, batch)[0] for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, k], (up - down) / (2 * step), rtol=2e-6, atol=2e-5)
