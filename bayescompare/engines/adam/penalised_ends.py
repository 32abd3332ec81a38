"""What the end of a penalised run is worth: beside the mixed-model equations, or beside a local mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.henderson import Henderson, penalty
from bayescompare.engines.adam.joint import joint_deviance, resting
from bayescompare.engines.adam.judge import End, Margins, Outcome, Verdict, judge
from bayescompare.engines.adam.levels import LevelRows, residuals
from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.fits import Fit, Flag, RandomEffects, Status
from bayescompare.likelihood.coordinates import natural_working
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.tensorflow import root_rows
from bayescompare.likelihood.wald import curvature

__all__ = ["FixedRows", "at_fixed_variances", "at_learned_variances", "maximum_likelihood"]

Array = npt.NDArray[np.float64]

_JOINT = "joint mode (no maximum exists)"
_NO_ERROR = "the joint density has no maximum: no standard error"
_PASSED = "The joint density has a local mode; the run went past it, towards a singular covariance of the effects."
_NONE = (
    "The joint density has no local mode near the ML estimate: from there an sd goes to zero, "
    "or a correlation to plus or minus one."
)
# Step of the differences by log sds and Fisher z.
_STEP = 1e-5


@dataclass(frozen=True, kw_only=True)
class FixedRows(LevelRows):
    """Rows with the variances that their penalty takes, ``theta (k,)`` in natural units."""

    theta: Array


def maximum_likelihood(problem: LevelRows) -> Array:
    """Return the ML estimate ``(k,)``, found by L-BFGS-B."""
    return LbfgsML().fit([problem], [np.random.SeedSequence(0)])[0].estimate


def _spread(problem: LevelRows, effects: Array, fill: Array) -> Array:
    """Return effects of the levels that the rows have at their places among all ``(J, q)``; others are ``fill``."""
    out = np.tile(fill, (problem.count, 1))
    out[problem.kept] = effects
    return out


def at_fixed_variances(
    problem: FixedRows, outcome: Outcome, effects: Array, margins: Margins, *, source: str, label: str
) -> End:
    """Return the end of a run on `PenalisedDeviance`, judged by the mixed-model equations.

    Parameters
    ----------
    outcome
        Its estimate has fixed effects only; its gap is not known.
    effects : (J, q)
    source
        Where the variances come from.
    """
    layout, theta = problem.layout, problem.theta
    equations, price = Henderson(problem=problem, theta=theta), penalty(theta, problem)
    modes, sds = equations.effects
    modes = _spread(problem, modes, np.zeros(layout.q))
    sds = _spread(problem, sds, theta[layout.sd])
    best = _best(problem, equations, source, label)
    beta = outcome.estimate[layout.beta]
    with np.errstate(all="ignore"):
        away = effects - modes
        fitted = residuals(problem, beta, effects) - residuals(problem, equations.beta, modes)
        gap = _cost(fitted, away, theta[layout.sigma], price.precision)
        error = residuals(problem, beta, effects)
        objective = _cost(error, effects, theta[layout.sigma], price.precision)
        per_sd = np.max(np.abs(away) / np.where(sds > 0, sds, np.inf), initial=0.0)
    verdict = judge(replace(outcome, gap=gap), best, layout, margins)
    se, working_se, reason = verdict.errors(best)
    slopes = _slopes(problem, error, effects, theta[layout.sigma], price.precision)
    return End(
        estimate=outcome.estimate,
        se=se,
        working_se=working_se,
        estimand=best.estimand,
        reason=reason,
        objective=objective,
        grad_norm=float(np.max(np.abs([*(slopes[0] * equations.beta_se), *(slopes[1] * sds).ravel()]))),
        own_optimum=best.estimate,
        random_effects=RandomEffects(mode=effects, sd=sds),
        paths=outcome.paths,
        verdict=replace(verdict, diagnostics={**verdict.diagnostics, "effects_sd": float(per_sd)}),
        info={"fixed_variances": dict(zip(layout.labels[layout.p :], theta[layout.p :].tolist(), strict=True))},
    )


def _cost(error: Array, effects: Array, sigma: float, precision: Array) -> float:
    """Return ``|e|^2 / sigma^2 + sum_j b_j' S^-1 b_j``."""
    return float(error @ error / sigma**2 + np.einsum("ja,ab,jb->", effects, precision, effects))


def _slopes(problem: LevelRows, error: Array, effects: Array, sigma: float, precision: Array) -> tuple[Array, Array]:
    """Return the gradient of `_cost` by the fixed effects ``(p,)`` and the effects ``(J, q)``."""
    with np.errstate(all="ignore"):
        per_level = np.zeros((problem.count, problem.layout.q))
        np.add.at(per_level, problem.level, problem.z * error[:, None])
        return -2 * problem.x.T @ error / sigma**2, 2 * effects @ precision - 2 * per_level / sigma**2


def _best(problem: FixedRows, equations: Henderson, source: str, label: str) -> Fit:
    """Return the solution of the mixed-model equations as a fit: fixed effects, and nothing else estimated."""
    layout = problem.layout
    estimate, se = np.full((2, layout.size), np.nan)
    estimate[layout.beta], se[layout.beta] = equations.beta, equations.beta_se
    rest = layout.size - layout.p
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.OK,
        estimate=estimate,
        se=se,
        working_se=se,
        estimand=(*(f"GLS at {source} variances",) * layout.p, *("",) * rest),
        reason=(*("",) * layout.p, *(f"fixed at {source} value: not estimated",) * rest),
    )


def at_learned_variances(problem: LevelRows, outcome: Outcome, effects: Array, margins: Margins, *, label: str) -> End:
    """Return the end of a run on `JointDeviance`: in a local mode, or degenerate; neither has a gap.

    Parameters
    ----------
    outcome
        Its gap is not known.
    effects : (J, q)
    """
    layout, theta = problem.layout, outcome.estimate
    nearest = resting(problem, theta).theta
    known = resting(problem, maximum_likelihood(problem)).theta
    mode = None if nearest is None or outcome.diverged else (nearest if known is None else known)
    best = None if mode is None else _mode(problem, mode, label)
    verdict = judge(replace(outcome, gap=0.0), best, layout, margins)
    flags = [flag for flag in verdict.flags if flag is not Flag.PREMATURE]
    flags += [Flag.LOCAL_MODE] if mode is not None else []
    flags += [Flag.NOT_STATIONARY] if Flag.PREMATURE in verdict.flags else []
    diagnostics, nan = {**verdict.diagnostics, "local_mode_sd": verdict.gap_sd}, float("nan")
    collapses = nearest is None and bool(np.isfinite(theta).all())
    flags += [Flag.DEGENERATE] if collapses else []
    return End(
        estimate=theta,
        se=np.full(layout.size, np.nan),
        estimand=(_JOINT,) * layout.size,
        reason=(_NO_ERROR,) * layout.size,
        objective=joint_deviance(problem, theta, effects),
        grad_norm=_steepness(problem, theta, effects),
        own_optimum=mode,
        random_effects=_with_sds(problem, theta, effects),
        message="" if not collapses else (_NONE if known is None else _PASSED),
        paths=outcome.paths,
        verdict=Verdict(gap_deviance=nan, gap_sd=nan, flags=tuple(flags), margins=margins, diagnostics=diagnostics),
        info={} if known is None else {"local_mode": dict(zip(layout.labels, known.tolist(), strict=True))},
    )


def _mode(problem: LevelRows, mode: Array, label: str) -> Fit:
    """Return a local mode as a fit; distances to it are in standard errors of the marginal likelihood there."""
    layout, bend = problem.layout, curvature(problem, mode, reml=False)
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.OK,
        estimate=mode,
        se=bend.se,
        working_se=bend.working_se,
        estimand=(_JOINT,) * layout.size,
        reason=bend.reason,
    )


def _with_sds(problem: LevelRows, theta: Array, effects: Array) -> RandomEffects | None:
    """Return the effects with their sds given the parameters."""
    found = conditional_effects(problem, theta) if np.isfinite(theta).all() else None
    if found is None:
        return None
    return RandomEffects(mode=effects, sd=_spread(problem, found.sd, theta[problem.layout.sd]))


def _steepness(problem: LevelRows, theta: Array, effects: Array) -> float:
    """Return the largest slope of `joint_deviance`.

    By orthonormal fixed effects, effects in units of their sds, log sds, Fisher z and log sigma.
    """
    layout, sigma = problem.layout, theta[problem.layout.sigma]
    w = natural_working(theta, layout)
    moved = w[layout.p : layout.sigma]
    if not np.isfinite(w).all():
        return float("nan")
    with np.errstate(all="ignore"):
        error = residuals(problem, theta[layout.beta], effects)
        precision = np.linalg.inv(_covariance(moved, problem))
        of_beta, of_effects = _slopes(problem, error, effects, sigma, precision)
        of_delta = np.linalg.solve(problem.products.rx.T, of_beta) if layout.p else of_beta
        moves = _STEP * np.eye(len(moved))
        up, down = (np.array([_density(moved + sign * h, problem, effects) for h in moves]) for sign in (1, -1))
        of_sigma = 2 * len(error) - 2 * error @ error / sigma**2
        scaled = (of_effects * theta[layout.sd]).ravel()
        return float(np.max(np.abs([*of_delta, *scaled, *(up - down) / (2 * _STEP), of_sigma])))


def _covariance(variances: Array, problem: LevelRows) -> Array:
    """Return ``S`` at log sds and Fisher z ``(q + m,)``."""
    layout = problem.layout
    rows = root_rows(list(variances[: layout.q]), list(variances[layout.q :]), layout, np)
    root = np.array([[0.0 if entry is None else entry for entry in row] for row in rows])
    return np.asarray(root @ root.T)


def _density(variances: Array, problem: LevelRows, effects: Array) -> float:
    """Return ``J log|S| + sum_j b_j' S^-1 b_j``."""
    covariance = _covariance(variances, problem)
    pulled: Sequence[float] = np.linalg.solve(covariance, effects.T @ effects).diagonal().tolist()
    return float(problem.count * np.linalg.slogdet(covariance)[1] + sum(pulled))
