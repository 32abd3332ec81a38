r"""From partial correlations to correlations, for numbers and for symbols alike.

A block of ``d`` effects has canonical partial correlations ``p_ij = tanh z_ij``, row by row of
its lower triangle (Lewandowski, Kurowicka and Joe 2009). Row ``i`` of the Cholesky factor of its
correlation matrix is ``f_ij = p_ij prod_{k<j} sqrt(1 - p_ik^2)``, ``f_ii`` the product alone, and

    log |d cor / d z| = sum_{j < i} (d - j) / 2 log(1 - p_ij^2),    j = 0, 1, ...:

exponent ``(d - j - 2) / 2`` from correlations to partials (their equation 2 and section 2.4), and
1 from the partials to their Fisher z. ``log(1 - p^2)`` is carried along, since ``1 - p^2`` is
zero in floating point from ``z = 19`` on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bayescompare.layout import Layout

__all__ = ["Partials", "correlations", "factor_entries", "log_jacobian"]


@dataclass(frozen=True, kw_only=True)
class Partials:
    """Partial correlations, one scalar (or array, or symbol) each, in the order of `Layout.pairs`.

    Parameters
    ----------
    value
        ``tanh z``.
    log_rest
        ``log(1 - value^2)``.
    """

    value: Sequence[Any]
    log_rest: Sequence[Any]

    @classmethod
    def of(cls, z: Sequence[Any], tanh: Any, xp: Any) -> Partials:
        """Return the partials of Fisher z values."""
        return cls(value=[tanh(one) for one in z], log_rest=[_log_rest(one, xp) for one in z])


def _log_rest(z: Any, xp: Any) -> Any:
    """Return ``log(1 - tanh(z)^2) = -2 log cosh z``, finite for any ``z``."""
    return 2 * (math.log(2) - xp.abs(z) - xp.log1p(xp.exp(-2 * xp.abs(z))))


def factor_entries(partials: Partials, layout: Layout, xp: Any) -> list[list[Any]]:
    """Return the entries of the ``(q, q)`` Cholesky factor; plain numbers where it is zero, and 1.0 in first rows."""
    entries: list[list[Any]] = [[0.0] * layout.q for _ in range(layout.q)]
    position = 0
    for block in layout.block_slices:
        for i in range(block.start, block.stop):
            log_left: Any = 0.0
            for j in range(block.start, i):
                left = xp.exp(0.5 * log_left) if j > block.start else 1.0
                entries[i][j] = partials.value[position] * left
                log_left = log_left + partials.log_rest[position]
                position += 1
            entries[i][i] = xp.exp(0.5 * log_left) if i > block.start else 1.0
    return entries


def correlations(entries: Sequence[Sequence[Any]], layout: Layout) -> list[Any]:
    """Return the ``m`` correlations of a Cholesky factor."""
    return [sum(entries[i][k] * entries[j][k] for k in range(_first(i, layout), i + 1)) for i, j in layout.pairs]


def _first(effect: int, layout: Layout) -> int:
    """Return the first effect of an effect's block."""
    return next(block.start for block in layout.block_slices if block.start <= effect < block.stop)


def log_jacobian(partials: Partials, layout: Layout) -> Any:
    """Return ``log |d cor / d z|``."""
    blocks = {effect: block for block in layout.block_slices for effect in range(block.start, block.stop)}
    total: Any = 0.0
    for (column, row), log_rest in zip(layout.pairs, partials.log_rest, strict=True):
        block = blocks[row]
        total = total + 0.5 * (block.stop - column) * log_rest
    return total
