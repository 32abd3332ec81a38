"""Is there residual noise at all? Without it the likelihood has no maximum: it grows without bound as sigma falls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.errors import ModelError
from bayescompare.layout import Layout
from bayescompare.likelihood.products import Products

__all__ = ["refuse_no_noise", "residual_sd"]

Array = npt.NDArray[np.float64]

# Residual sd, as a share of the size of the least-squares residual and of the largest response, that rounding made.
_SHARE, _ROUNDING = 1e-10, 64 * float(np.finfo(float).eps)
# Singular value, over the largest, of a group's columns that depend on each other, and the same of the fixed effects'.
_DEPENDENT, _WITHIN = 1e-8, 1e-12


def residual_sd(data: Products) -> float:
    """Return the residual sd of a regression in each group on its random-effect columns, and on the fixed effects.

    Infinite where that leaves no rows: the sd is then known from the sizes of the groups' variances alone.
    """
    cross, rows = _beyond_reach(data)
    values, vectors = np.linalg.eigh(cross[:-1, :-1])
    kept = values > _WITHIN
    along = vectors[:, kept].T @ cross[:-1, -1]
    left = rows - int(kept.sum())
    if left < 1:
        return float("inf")
    return float(np.sqrt(max(cross[-1, -1] - np.sum(along**2 / values[kept]), 0.0) / left))


def _beyond_reach(data: Products) -> tuple[Array, int]:
    """Return cross-products ``(p + 1, p + 1)`` of the rows that the random effects do not reach, and their number."""
    q = data.r.shape[1] if len(data.r) else 0
    if not q:
        return data.within, data.n
    cross, rows = data.within, int(np.sum(np.maximum(data.rows - q, 0)))
    diagonal = np.abs(np.diagonal(data.r, axis1=1, axis2=2))
    doubtful = np.flatnonzero(diagonal.min(axis=1) <= _DEPENDENT * diagonal.max(axis=1))
    if not len(doubtful):
        return cross, rows
    left, size, _ = np.linalg.svd(data.r[doubtful])
    # of a group with fewer rows than effects the last ones are no rows
    there = np.arange(q) < data.rows[doubtful, None]
    free = there & (size <= _DEPENDENT * size[:, :1])
    turned = np.swapaxes(left, 1, 2) @ data.c[doubtful]
    found = turned[free]
    return cross + found.T @ found, rows + len(found)


def refuse_no_noise(data: Products, layout: Layout, y: Array, response: str) -> None:
    """Refuse data whose residuals are zero to rounding.

    Raises
    ------
    ModelError
        If their sd is 1e-10 of the least-squares residual's, or what rounding leaves of the response.
    """
    sd = residual_sd(data)
    if sd > max(_SHARE * data.scale if layout.q else 0.0, _ROUNDING * float(np.abs(y).max())):
        return
    own = f" once each level of {layout.factor!r} has its own effects" if layout.q else ""
    remedy = f"Fit {layout.factor!r} by fixed effects: least" if layout.q else "Least"
    raise ModelError(
        f"The residuals of {response!r} are zero to rounding{own} (sd {sd:.2g}): there is no residual noise to "
        f"estimate. {remedy} squares is exact here."
    )
