"""Regression on a dummy for each level and effect, in closed form: what an embedding can say, and what it cannot.

With a weight for each level and effect the design ``[X, Z]`` is singular: a constant can move from the intercept to
the weights. What the data do say are the linear functions that no such move changes. One move for each effect is
settled by asking that its weights have mean zero over the levels; a covariate that is constant within levels can
move into them in another way, and its effect remains unknown (Searle 1971, chapter 5: estimable functions).

All of it is read from the rotated data of `bayescompare.likelihood.kernel`: for level ``j`` the rows that its effects
reach are ``C_j = R_j a_j`` and the others, whose cross-products are ``W``, do not depend on the weights. So ``W``
gives the fixed effects that vary within levels, ``R_j^-1 (C_j,y - C_j,x delta)`` the weights, for all levels at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.engines.adam.levels import LevelRows, residuals

__all__ = ["Dummies"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Singular values of a level's columns, of unit mean square over all rows, below which they are dependent.
_DEPENDENT = 1e-9
# Share of a direction of X that varies within levels below which none does.
_WITHIN = 1e-11
# Relative size below which a part of a direction is rounding.
_ROUNDING = 1e-8


@dataclass(frozen=True, kw_only=True)
class Dummies:
    """The dummy regression of some rows; ``J`` counts the levels that they have.

    Attributes
    ----------
    rank
        Of ``[X, Z]``.
    whole : (J,)
        Levels with rows enough for all their weights; the means are taken over them.
    centred : (q,)
        Effects whose column the fixed effects have, so that the mean of the weights can move there.
    beta_known, effects_known : (p,), (J, q)
        What is estimable when it has.
    """

    problem: LevelRows

    @cached_property
    def _split(self) -> tuple[Array, Mask, Array]:
        """Return ``R_j^+ (J, q, q)``, which singular values count ``(J, q)``, and ``W`` with what ``R_j`` misses."""
        d = self.problem.products
        left, values, right = np.linalg.svd(d.r)
        counts = values > _DEPENDENT * np.sqrt(d.rows)[:, None]
        inverse = np.where(counts, 1 / np.where(counts, values, 1.0), 0.0)
        pseudo = np.einsum("jba,jb,jcb->jac", right, inverse, left)
        missed = np.where(counts, 0.0, 1.0)[:, :, None] * (np.swapaxes(left, 1, 2) @ d.c)
        return pseudo, counts, d.within + np.einsum("jka,jkb->ab", missed, missed)

    @cached_property
    def _within(self) -> tuple[Array, Array]:
        """Return the inverse ``(p, p)`` of the rest of ``X'X``, and a basis of the directions that have none."""
        within = self._split[2][:-1, :-1]
        values, vectors = np.linalg.eigh(within)
        counts = values > _WITHIN
        return (vectors[:, counts] / values[counts]) @ vectors[:, counts].T, vectors[:, ~counts]

    @cached_property
    def rank(self) -> int:
        """Return the rank of ``[X, Z]``."""
        return int(self._split[1].sum()) + self.problem.layout.p - self._within[1].shape[1]

    @cached_property
    def whole(self) -> Mask:
        """Return which levels have rows enough for all their weights."""
        return np.asarray(self._split[1].all(axis=1))

    @cached_property
    def _taken(self) -> Array:
        """Return ``C (p, q)`` with ``X C_e = Z_e`` where the fixed effects have the column of an effect, else zero."""
        problem = self.problem
        if not problem.layout.p:
            return np.zeros((0, problem.layout.q))
        rx = problem.products.rx
        basis = solve_triangular(rx, problem.x.T, trans="T").T
        delta = basis.T @ problem.z
        left = np.sqrt(np.sum((problem.z - basis @ delta) ** 2, axis=0))
        same = left <= _ROUNDING * np.sqrt(np.sum(problem.z**2, axis=0))
        return np.asarray(solve_triangular(rx, delta) * same)

    @cached_property
    def centred(self) -> Mask:
        """Return which effects' means can move into the fixed effects."""
        return np.asarray((self._taken != 0).any(axis=0))

    @cached_property
    def _per_coefficient(self) -> tuple[Array, Array]:
        """Return the weights ``(J, q, q)`` that rotated responses are, and those ``(J, q, p)`` that ``X delta`` is."""
        d = self.problem.products
        weights = d.t @ self._split[0]
        return weights, weights @ d.c[:, :, :-1]

    def mean(self, effects: Array) -> Array:
        """Return the means ``(..., q)`` of effects ``(..., J, q)`` that move into the fixed effects."""
        whole = effects[..., self.whole, :]
        return (
            whole.mean(axis=-2) * self.centred
            if self.whole.any()
            else np.zeros((*effects.shape[:-2], len(self.centred)))
        )

    def project(self, beta: Array, effects: Array) -> tuple[Array, Array]:
        """Return fixed effects ``(T, p)`` and weights ``(T, J, q)`` with means moved from these into those."""
        mean = self.mean(effects)
        return beta + mean @ self._taken.T, effects - mean[..., None, :]

    @cached_property
    def _moves(self) -> Array:
        """Return directions ``(p, m)`` of ``delta`` that the weights can make up for, means and all."""
        problem, free = self.problem, self._within[1]
        if not (free.shape[1] and self.centred.any() and self.whole.any()):
            return free
        size = np.sqrt(np.sum(problem.z**2, axis=0))
        means = (self.mean(self._per_coefficient[1].transpose(2, 0, 1)) * size).T @ free
        _, values, right = np.linalg.svd(means)
        full = np.zeros(free.shape[1])
        full[: len(values)] = values
        return np.asarray(free @ right[full <= _ROUNDING].T)

    @cached_property
    def beta_known(self) -> Mask:
        """Return which fixed effects are estimable ``(p,)``."""
        inverse = self._inverse_rx
        moved = np.abs(inverse @ self._moves).max(axis=1, initial=0.0)
        return np.asarray(moved <= _ROUNDING * np.sqrt(np.sum(inverse**2, axis=1)))

    @cached_property
    def effects_known(self) -> Mask:
        """Return which weights are estimable ``(J, q)``."""
        size = np.sqrt(np.sum(self.problem.z**2, axis=0))
        moved = np.abs(self._per_coefficient[1] @ self._moves).max(axis=2, initial=0.0)
        return np.asarray((moved * size <= _ROUNDING) & self.whole[:, None])

    @cached_property
    def _inverse_rx(self) -> Array:
        rx = self.problem.products.rx
        return np.asarray(solve_triangular(rx, np.eye(len(rx)))) if len(rx) else rx

    @cached_property
    def fit(self) -> tuple[Array, Array]:
        """Return a least-squares solution, not projected: fixed effects ``(p,)``, and weights ``(J, q)``."""
        d = self.problem.products
        delta = self._within[0] @ self._split[2][:-1, -1]
        effects = np.einsum("jab,jb->ja", self._per_coefficient[0], d.c @ np.append(-delta, 1.0))
        return d.beta(delta) if len(delta) else d.beta0, effects

    @cached_property
    def rss(self) -> float:
        """Return the least residual sum of squares."""
        beta, effects = self.fit
        return float(np.sum(residuals(self.problem, beta, self.spread(effects)) ** 2))

    def spread(self, effects: Array, fill: float = 0.0) -> Array:
        """Return effects ``(J, q)`` of the levels that the rows have at their places among all levels."""
        out = np.full((self.problem.count, self.problem.layout.q), fill)
        out[self.problem.kept] = effects
        return out

    @cached_property
    def unit_errors(self) -> tuple[Array, Array]:
        """Return the standard errors of projected fixed effects ``(p,)`` and weights ``(J, q)``, for ``sigma = 1``."""
        own, per_delta = self._per_coefficient
        inverse, whole, centred = self._within[0], self.whole, self.centred.astype(float)
        count = max(1, int(whole.sum()))
        taken = self.problem.products.rx @ self._taken * centred
        gram = own @ np.swapaxes(own, 1, 2)
        of_mean = centred[:, None] * gram[whole].sum(axis=0) * centred / count**2
        mean_delta = centred[:, None] * per_delta[whole].sum(axis=0) / count
        through = np.eye(len(inverse)) - taken @ mean_delta
        of_delta = through @ inverse @ through.T + taken @ of_mean @ taken.T
        of_beta = np.einsum("ab,bc,ac->a", self._inverse_rx, of_delta, self._inverse_rx)
        direct = np.einsum("jaa->ja", gram) * (1 - 2 * centred / count) + np.diag(of_mean)
        apart = per_delta - mean_delta
        of_effects = direct + np.einsum("jab,bc,jac->ja", apart, inverse, apart)
        known = np.where(self.effects_known, of_effects, np.nan)
        return np.sqrt(np.where(self.beta_known, of_beta, np.nan)), np.sqrt(known)
