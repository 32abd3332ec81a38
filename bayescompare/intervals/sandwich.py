r"""Cluster-robust intervals of least squares: what ignoring groups does to standard errors, and what mends it.

With ``U = X R_x^-1``, ``G_j = U_j' U_j`` and the residuals ``e_j`` of group ``j``, the variance of the fixed effects is

    R_x^-1 (sum_j K_j U_j' e_j e_j' U_j K_j) R_x^-T

with ``K_j = I`` for CR0 (Liang and Zeger 1986, the sandwich without a correction) and ``K_j = (I - G_j)^{+1/2}``,
the root of the pseudo-inverse, for CR2 (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018, with the identity as
the working model): ``U_j' A_j = K_j U_j'`` for their adjustment ``A_j = (I - H_jj)^{+1/2}``, so that no matrix is as
large as a group. CR0 goes with the normal quantile, CR2 with the Satterthwaite degrees of freedom of these papers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from bayescompare.engines.base import Engine
from bayescompare.engines.lbfgs.likelihood import LbfgsML, LbfgsREML
from bayescompare.fits import Fit
from bayescompare.intervals.student import Student, of_fixed_effects
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.products import Products

__all__ = ["cluster_robust", "cr0", "cr2"]

Array = npt.NDArray[np.float64]

_NO_GROUPS = "no groups: nothing to cluster by"
_ALONE = "estimated within single groups: no cluster-robust standard error"
# Share of the leverage that a group must leave to the others to count as not all of it.
_ALL = 1e-10


def cr0(problem: Problem, fit: Fit, engine: Engine, seed: np.random.SeedSequence) -> Student | None:
    """Return CR0 intervals of the fixed effects of least squares; see `cr2`."""
    return _made(problem, fit, engine, corrected=False)


def cr2(problem: Problem, fit: Fit, engine: Engine, seed: np.random.SeedSequence) -> Student | None:
    """Return CR2 intervals of the fixed effects of least squares, clustered by the model's groups.

    That is ``adam-pooled`` where it is at its optimum, otherwise the reason; and (restricted) maximum likelihood of
    a model without groups, where there is nothing to cluster by. None for others.
    """
    return _made(problem, fit, engine, corrected=True)


def _made(problem: Problem, fit: Fit, engine: Engine, *, corrected: bool) -> Student | None:
    layout = problem.layout
    train = _pooled(problem, engine)
    least_squares = train is not None or (isinstance(engine, LbfgsML | LbfgsREML) and not layout.q)
    if not least_squares or not layout.p:
        return None
    estimate, nothing = fit.estimate[layout.beta], np.full(layout.p, np.nan)
    if train is None or not layout.q:
        return of_fixed_effects(estimate, nothing, nothing, (_NO_GROUPS,) * layout.p, layout.size)
    if not np.isfinite(fit.se[layout.beta]).all():
        return of_fixed_effects(estimate, nothing, nothing, fit.reason[layout.beta], layout.size)
    se, df = cluster_robust(train.products, corrected=corrected)
    reasons = tuple("" if np.isfinite(one) else _ALONE for one in se)
    return of_fixed_effects(estimate, se, df, reasons, layout.size)


def _pooled(problem: Problem, engine: Engine) -> Problem | None:
    """Return what a pooled estimator was trained on; None of others, for whom nothing of Adam's is loaded."""
    if engine.engine != "adam":
        return None
    from bayescompare.engines.adam.pooled import AdamPooled

    if not isinstance(engine, AdamPooled):
        return None
    return engine.split(problem)[0] if engine.validation_split else problem


def cluster_robust(data: Products, *, corrected: bool) -> tuple[Array, Array]:
    """Return standard errors ``(p,)`` of the least-squares coefficients, and degrees of freedom.

    NaN for a coefficient whose every group determines its own share of it: its residuals say nothing of its error.

    Parameters
    ----------
    corrected
        CR2 in place of CR0, whose degrees of freedom are infinite.
    """
    p = len(data.beta0)
    crossed = np.swapaxes(data.c, 1, 2) @ data.c + data.w
    leverage = crossed[:, :p, :p]
    score = crossed[:, :p, p] - leverage @ crossed[:, :p, p].sum(axis=0)
    k = _inverse_roots(leverage) if corrected else np.broadcast_to(np.eye(p), leverage.shape)
    along = solve_triangular(data.rx, np.eye(p), trans="T")
    scores = (k @ score[:, :, None])[:, :, 0] @ along
    own, shared = _traces(k, leverage, along)
    known = own > _ALL * np.sum(along**2, axis=0)
    se = np.where(known, np.sqrt(np.sum(scores**2, axis=0)), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = own**2 / shared if corrected else np.full(p, np.inf)
    return se, np.where(known, df, np.nan)


def _inverse_roots(leverage: Array) -> Array:
    """Return ``(I - G_j)^{+1/2}``, ``(J, p, p)``: the inverse root, zero where a group determines a direction alone."""
    values, vectors = np.linalg.eigh(np.eye(leverage.shape[1]) - leverage)
    left = values > _ALL
    roots = np.where(left, 1 / np.sqrt(np.where(left, values, 1.0)), 0.0)
    return np.asarray(vectors * roots[:, None, :] @ np.swapaxes(vectors, 1, 2))


def _traces(k: Array, leverage: Array, along: Array) -> tuple[Array, Array]:
    """Return the traces ``(p,)`` of ``B`` and ``B^2``: the estimated variance is a quadratic form with its eigenvalues.

    ``B_ij = delta_ij d_i - q_i' q_j`` with ``d_j = a' K_j G_j K_j a`` and ``q_j = G_j K_j a`` in orthonormal
    coordinates, ``a`` the column of ``along``.
    """
    moved = k @ along
    q = leverage @ moved
    d, square = np.sum(moved * q, axis=1), np.sum(q**2, axis=1)
    gram = np.einsum("jak,jbk->kab", q, q)
    return np.sum(d - square, axis=0), np.sum(d**2 - 2 * d * square, axis=0) + np.sum(gram**2, axis=(1, 2))
