"""When a run has converged: the decrease of the loss that its quadratic model still promises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["predicted_decrease"]

Array = npt.NDArray[np.float64]

# The quadratic model is believed within this distance along each of its axes.
_RADIUS = 1.0


def predicted_decrease(gradient: Callable[[Array], Array], x: Array) -> Array:
    """Return how far each replicate's loss would fall by its quadratic model, ``(R,)``.

    Half the squared Newton decrement where the Hessian is positive definite and the Newton step short; along an axis
    that is flat or bends downward, the fall within one unit. A log sd on its way to minus infinity has a decrease of
    a quarter of what the loss can still lose, so that runs towards a boundary stop too.

    Parameters
    ----------
    gradient
        Maps ``(R, k)`` to gradients ``(R, k)``, replicate by replicate.
    x : (R, k)
    """
    g = np.asarray(gradient(x), dtype=float)
    step = float(np.finfo(x.dtype).eps) ** 0.25
    moves = step * np.eye(x.shape[1], dtype=x.dtype)
    bend = np.stack([np.asarray(gradient(x + h) - gradient(x - h), dtype=float) for h in moves], axis=1) / (2 * step)
    usable = np.isfinite(g).all(axis=1) & np.isfinite(bend).all(axis=(1, 2))
    values, vectors = np.linalg.eigh(np.where(usable[:, None, None], (bend + np.swapaxes(bend, 1, 2)) / 2, 0.0))
    slope = np.abs(np.einsum("rki,rk->ri", vectors, np.where(usable[:, None], g, 0.0)))
    with np.errstate(over="ignore", invalid="ignore"):  # a run that has diverged is far away
        length = np.minimum(slope / np.maximum(values, 1e-300), _RADIUS)
        return np.where(usable, np.sum(slope * length - values * length**2 / 2, axis=1), np.inf)
