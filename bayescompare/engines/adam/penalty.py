"""Losses with a Gaussian penalty on the level weights, the variances known or parameters too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bayescompare.engines.adam.levels import effects_of_rows, split_weights
from bayescompare.engines.adam.loop import Objective
from bayescompare.engines.adam.rows import seen
from bayescompare.layout import Layout
from bayescompare.likelihood.tensorflow import backend, root_rows

__all__ = ["JointDeviance", "PenalisedDeviance"]

Tensor = Any

_LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class PenalisedDeviance(Objective):
    """``RSS / sigma^2 + sum_j b_j' S^-1 b_j``, whose optimum solves Henderson's mixed-model equations.

    Henderson (1950). Data: ``X (R, n, p)``, ``Z (R, n, q)``, ``y (R, n)`` and levels ``(R, n)`` padded to the most
    rows, rows ``(R,)`` of each replicate, the number ``(R,)`` that it is trained on, ``1 / sigma^2 (R,)`` and
    ``S^-1 (R, q, q)`` in Adam's units.

    Parameters
    ----------
    levels
        Number ``J`` of levels.
    """

    levels: int

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None = None) -> Tensor:
        """Return the loss, or its estimate from a minibatch: its squared errors count for all, the penalty once."""
        tf, _ = backend()
        *rows, precision, penalty = data
        weights, squares = _squares(x, rows, batch, self.levels)
        pulled = tf.reduce_sum(weights[:, :, :, None] * penalty[:, None], axis=2)
        return squares * precision + tf.reduce_sum(pulled * weights, axis=(1, 2))


@dataclass(frozen=True)
class JointDeviance(Objective):
    """-2 log joint density of response and random effects, by beta, the effects, log sds, Fisher z and log sigma.

    ``n log(2 pi sigma^2) + RSS / sigma^2 + sum_j (log|2 pi S| + b_j' S^-1 b_j)``. It has no minimum. Data: as of
    `PenalisedDeviance` up to the number of rows trained on, then ``(R,)`` what it is larger in the user's units.

    Parameters
    ----------
    layout
        Numbers of coefficients and effects; names do not matter.
    levels
        Number ``J`` of levels.
    """

    layout: Layout
    levels: int

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None = None) -> Tensor:
        """Return the loss, or its estimate from a minibatch: its rows count for all, the effects' density once."""
        tf, _ = backend()
        *rows, constant = data
        layout, total = self.layout, rows[-1]
        weights, squares = _squares(x, rows, batch, self.levels)
        *variances, log_sigma = tf.unstack(x[:, layout.p + self.levels * layout.q :], axis=1)
        deviance = total * (_LOG_2PI + 2 * log_sigma) + squares * tf.exp(-2 * log_sigma) + constant
        root = root_rows(variances[: layout.q], variances[layout.q :], layout, tf)
        solved: list[Tensor] = []
        for k, row in enumerate(root):
            rest = weights[:, :, k]
            for entry, known in zip(row, solved, strict=False):
                rest = rest if entry is None else rest - entry[:, None] * known
            solved.append(rest / row[k][:, None])
            deviance += self.levels * (_LOG_2PI + 2 * tf.math.log(row[k])) + tf.reduce_sum(solved[k] ** 2, axis=1)
        return deviance


def _squares(x: Tensor, rows: Any, batch: Tensor | None, levels: int) -> tuple[Tensor, Tensor]:
    """Return the weights ``(R, J, q)``, and the sum of squared errors of all rows, or its estimate."""
    tf, _ = backend()
    *given, count, total = rows
    (columns, z, y, level), used = seen(given, count, batch)
    beta, weights = split_weights(x, columns.shape[2], z.shape[2], levels)
    weight = tf.cast(used, x.dtype)
    error = tf.reduce_sum(columns * beta[:, None, :], axis=2) + effects_of_rows(weights, z, level) - y
    share = total / tf.maximum(tf.reduce_sum(weight, axis=1), 1)
    return weights, share * tf.reduce_sum(weight * error * error, axis=1)
