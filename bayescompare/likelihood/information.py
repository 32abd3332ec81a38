r"""The information on the covariance of the response, given the fixed effects and without them.

In the metric of ``V_0 = I + sum_i V_ii``, the covariance at relative sds of one, large groups do not outweigh small
ones:

    F_kl = tr(P V_k P V_l),    P = V_0^-1 - V_0^-1 X (X' V_0^-1 X)^-1 X' V_0^-1.

As ``P V_0 P = P``, the residual variance enters as ``V_0``: ``F_00 = n - p`` and ``F_0k = tr(P V_k)``. With
``G_j = R_j' B_j^-1 R_j`` and ``U_j = R_j' B_j^-1 C_j L^-T``, ``L L' = M``, in the symbols of
`bayescompare.likelihood.kernel`, the block of ``Z' P Z`` of groups ``i`` and ``j`` is ``G_i [i = j] - U_i U_j'``: ``F``
is made of sums over groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.layout import Layout
from bayescompare.likelihood import kernel
from bayescompare.likelihood.products import Products

__all__ = ["Blocks", "entries_of", "information"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Sums over groups of what the blocks of ``Z' P Z`` are made of.

    Parameters
    ----------
    gg, gw : (q, q, q, q)
        Sums of ``G_ab G_cd`` and ``G_ab W_cd``, ``W = U U'``.
    g, w : (q, q)
        Sums of ``G`` and of ``W``.
    each, u : (J, q, q), (J, q, p)
        ``G_j`` and ``U_j``.
    root : (p, p)
        ``R_x^-1 L^-T``: its rows times ``sigma`` are a root of the covariance of the fixed effects.
    """

    gg: Array
    gw: Array
    g: Array
    w: Array
    each: Array
    u: Array
    root: Array

    @classmethod
    def of(cls, data: Products) -> Blocks:
        """Return those of a problem with random effects."""
        q, p = data.r.shape[1], len(data.rx)
        _, h, roots, solved, inverse = kernel.forward(np.eye(q), data.r, data.c, data.within)
        turned = np.swapaxes(roots, 1, 2)
        g = turned @ inverse @ roots
        lower = np.linalg.cholesky(h[:p, :p])
        u = turned @ solved[:, :, :p] @ solve_triangular(lower, np.eye(p), lower=True).T
        w = u @ np.swapaxes(u, 1, 2)
        flat, square = g.reshape(-1, q * q), (q, q, q, q)
        return cls(
            gg=(flat.T @ flat).reshape(square),
            gw=(flat.T @ w.reshape(-1, q * q)).reshape(square),
            g=g.sum(axis=0),
            w=w.sum(axis=0),
            each=g,
            u=u,
            root=solve_triangular(data.rx, solve_triangular(lower, np.eye(p), lower=True).T),
        )

    def along(self, direction: Array) -> Array:
        """Return ``sum_j U_j' E U_j`` ``(p, p)`` of a symmetric ``E (q, q)``."""
        moved = np.tensordot(direction, self.u, axes=(1, 1))
        return np.asarray(np.tensordot(self.u, moved, axes=((0, 1), (1, 0))))

    def across(self, direction: Array) -> Array:
        """Return ``L^-1 X' V_0^-1 V_E P V_E V_0^-1 X L^-T`` ``(p, p)`` of a symmetric ``E (q, q)``."""
        moved, along = direction @ self.u, self.along(direction)
        return np.asarray(np.tensordot(moved, self.each @ moved, axes=((0, 1), (0, 1))) - along @ along)


def entries_of(layout: Layout) -> Array:
    """Return the symmetric matrices ``(q + m, q, q)`` of the free entries of ``S``: variances, then covariances."""
    places = [*((i, i) for i in range(layout.q)), *layout.pairs]
    found = np.zeros((len(places), layout.q, layout.q))
    for k, (i, j) in enumerate(places):
        found[k, i, j] = found[k, j, i] = 1.0
    return found


def information(blocks: Blocks, entries: Array, n: int) -> tuple[Array, Array]:
    """Return ``F`` without fixed effects and with them, each ``(q + m + 1, q + m + 1)``; ``V_0`` is the last."""
    count, q2 = len(entries), entries[0].size
    flat = entries.reshape(count, q2)
    # tr(E_k G E_l W) = sum of E_ab G_bc E_cd W_da
    whole, cross = (
        flat @ sums.transpose(3, 0, 1, 2).reshape(q2, q2) @ flat.T for sums in (blocks.gg, blocks.gw)
    )  # fmt: skip
    along = np.array([blocks.along(one).ravel() for one in entries])
    left = whole - cross - cross.T + along @ along.T
    g, w = blocks.g.ravel(), blocks.w.ravel()
    return _bordered(whole, flat @ g, n), _bordered(left, flat @ (g - w), n - len(blocks.root))


def _bordered(inner: Array, edge: Array, corner: float) -> Array:
    return np.block([[inner, edge[:, None]], [edge[None, :], np.array([[corner]])]])
