r"""The Gaussian that stands for a posterior: where its numbers are in a vector, and its factor.

The coordinates are those that Adam works in: fixed effects ``b``, the ``v`` of log sds, Fisher z of the partial
correlations and log sigma, and standard normal effects ``u_j`` of each group, so that a group's random effects are
``D L u_j``. With ``e`` standard normal

    v = m_v + F_vv e_v,    b = m_b + F_bv e_v + F_bb e_b,    u_j = m_j + F_jv e_v + F_jb e_b + F_jj e_j

with lower triangular ``F_vv``, ``F_bb`` and ``F_jj``. Effects of two groups are dependent through ``v`` and ``b`` only.
That costs the full-rank Gaussian nothing: the precision of the best one is the mean of minus the Hessian of the log
density (Opper and Archambeau 2009), and groups are independent given ``v`` and ``b``, so it is zero between them.
The mean-field Gaussian has diagonal ``F_vv``, ``F_bb`` and ``F_jj``, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.layout import Layout

__all__ = ["Factor", "Gaussian"]

Array = npt.NDArray[np.float64]
Tensor = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Means and factor of a stack of Gaussians; see the module for the symbols.

    Parameters
    ----------
    v, b, u : (R, n), (R, p), (R, J, q)
        Means.
    vv, bv, bb : (R, n, n), (R, p, n), (R, p, p)
    uv, ub, uu : (R, J, q, n), (R, J, q, p), (R, J, q, q)
        Blocks of the factor.
    log_scale, log_scale_u : (R, n + p), (R, J, q)
        Logs of its diagonal.
    """

    v: Tensor
    b: Tensor
    u: Tensor
    vv: Tensor
    bv: Tensor
    bb: Tensor
    uv: Tensor
    ub: Tensor
    uu: Tensor
    log_scale: Tensor
    log_scale_u: Tensor


@dataclass(frozen=True)
class Gaussian:
    """Positions of the numbers of a Gaussian in a vector ``x``.

    They are the means of the parameters in the layout's order, then those of ``u`` group after group; the logs of the
    factor's diagonal in the same order; and for a full-rank Gaussian the rest of the factor of ``(v, b)``, then that
    of each group.

    Parameters
    ----------
    layout
        Numbers of coefficients and effects; names do not matter.
    groups
        ``J``.
    full
        Whether it is full-rank.
    """

    layout: Layout
    groups: int
    full: bool

    @property
    def n(self) -> int:
        """Number of variance parameters."""
        return self.layout.size - self.layout.p

    @property
    def effects(self) -> int:
        """Number of random effects of all groups."""
        return self.groups * self.layout.q

    @property
    def means(self) -> int:
        """Number of coordinates."""
        return self.layout.size + self.effects

    @cached_property
    def _below(self) -> tuple[int, int]:
        """Numbers below the diagonal: those of ``(v, b)``, and those of a group."""
        g, q = self.layout.size, self.layout.q
        return (g * (g - 1) // 2, q * g + q * (q - 1) // 2) if self.full else (0, 0)

    @property
    def size(self) -> int:
        """Length of ``x``."""
        shared, own = self._below
        return 2 * self.means + shared + self.groups * own

    def start(self, v: Array, scale: float) -> Array:
        """Return a vector with means zero but for ``v (n,)``, and sds of ``scale``."""
        x = np.zeros(self.size)
        x[self.layout.p : self.layout.size] = v
        x[self.means : 2 * self.means] = np.log(scale)
        return x

    def units(self, x: Array) -> Array:
        """Return steps for the numbers of ``x``: sds for means and what is below the diagonal, else ones."""
        p, g, q, full = self.layout.p, self.layout.size, self.layout.q, self.full
        sds = np.exp(x[self.means : 2 * self.means])
        shared = np.concatenate([sds[p:g], sds[:p]])[np.tril_indices(g, -1)[0]]
        own = sds[g:].reshape(self.groups, q)
        rows = [np.repeat(own, g, axis=1), own[:, np.tril_indices(q, -1)[0]]]
        return np.concatenate([sds, np.ones(self.means), *([shared, np.hstack(rows).ravel()] if full else [])])

    def factor(self, x: Tensor, xp: Any) -> Factor:
        """Return the factors of vectors ``(R, size)``.

        Parameters
        ----------
        xp
            NumPy or TensorFlow.
        """
        p, g, n, q, groups = self.layout.p, self.layout.size, self.n, self.layout.q, self.groups
        count = int(x.shape[0])
        logs = x[:, self.means : 2 * self.means]
        # from the layout's order, which begins with b, to that of the factor
        log_scale = xp.concat([logs[:, p:g], logs[:, :p]], axis=1)
        log_scale_u = xp.reshape(logs[:, g:], (count, groups, q))
        shared = _triangle(x[:, 2 * self.means :][:, : self._below[0]], log_scale, xp, self.full)
        rest = xp.reshape(x[:, 2 * self.means + self._below[0] :], (count, groups, self._below[1]))
        coupling = xp.reshape(rest[:, :, : q * g], (count, groups, q, g if self.full else 0))
        return Factor(
            v=x[:, p:g],
            b=x[:, :p],
            u=xp.reshape(x[:, g : self.means], (count, groups, q)),
            vv=shared[:, :n, :n],
            bv=shared[:, n:, :n],
            bb=shared[:, n:, n:],
            uv=coupling[..., :n],
            ub=coupling[..., n:],
            uu=_triangle(rest[:, :, q * g :], log_scale_u, xp, self.full),
            log_scale=log_scale,
            log_scale_u=log_scale_u,
        )


def _triangle(below: Tensor, log_diagonal: Tensor, xp: Any, full: bool) -> Tensor:
    """Return lower triangular matrices ``(..., d, d)`` of their numbers below the diagonal, row by row."""
    d = int(log_diagonal.shape[-1])
    dtype = np.dtype(getattr(log_diagonal.dtype, "as_numpy_dtype", log_diagonal.dtype))
    diagonal = xp.exp(log_diagonal)[..., None] * np.eye(d, dtype=dtype)
    if not full or d < 2:
        return diagonal
    places = np.zeros((d * (d - 1) // 2, d * d), dtype=dtype)
    rows, columns = np.tril_indices(d, -1)
    places[np.arange(len(rows)), rows * d + columns] = 1
    return diagonal + xp.reshape(below @ places, tuple(map(int, diagonal.shape)))
