"""The standard normal draws of the ELBO: a replicate's own, whatever its stack."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import qmc

from bayescompare.likelihood.tensorflow import backend

__all__ = ["fixed_draws", "moving_draws", "points"]

Array = npt.NDArray[np.float64]
Tensor = Any

# A probability nearer to 0 or 1 is moved here: the normal's quantile is finite.
_EDGE = 1e-9


def points(rng: np.random.Generator, count: int, size: int) -> Array:
    """Return a Latin hypercube sample ``(count, size)`` of the unit cube."""
    return np.asarray(qmc.LatinHypercube(size, rng=rng).random(count))


def fixed_draws(rng: np.random.Generator, count: int, size: int) -> Array:
    """Return the standard normal draws ``(count, size)`` of a Latin hypercube sample."""
    return np.asarray(ndtri(np.clip(points(rng, count, size), _EDGE, 1 - _EDGE)))


def moving_draws(start: Tensor, step: Tensor) -> Tensor:
    """Return the standard normal draws of an update.

    The points of the start are shifted by the number of the update times an irrational number for each axis, modulo
    one (Richtmyer 1951; Cranley and Patterson 1976); those shifts fill the cube evenly. Each draw of each update is
    standard normal over the random start, so gradients are unbiased, and less noisy than with independent draws
    (Buchholz, Wenzel and Mandt 2018). It takes arithmetic only, so a replicate has the same draws in any stack,
    compiled in any way; the random numbers of TensorFlow and XLA differ.

    Parameters
    ----------
    start : (R, S, g)
        Points in the unit cube, each replicate's own.
    """
    tf, _ = backend()
    shift = tf.cast(step, tf.float64) * tf.constant(_shifts(int(start.shape[2])), tf.float64)
    moved = tf.cast(start, tf.float64) + shift
    inside = tf.clip_by_value(moved - tf.floor(moved), _EDGE, 1 - _EDGE)
    return tf.math.ndtri(inside)


def _shifts(size: int) -> Array:
    """Return the square roots of the first primes modulo one: no sum of multiples of them is a whole number."""
    primes = [k for k in range(2, 20 * size + 20) if all(k % d for d in range(2, int(k**0.5) + 1))]
    return np.sqrt(primes[:size]) % 1
