"""What practice does with groups: a Keras ``Embedding`` weight per level and effect beside ``Dense(1)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.dummies import Dummies
from bayescompare.engines.adam.engine import Member
from bayescompare.engines.adam.judge import End, Outcome, judge
from bayescompare.engines.adam.levels import (
    LevelEngine,
    LevelRows,
    effects_of_rows,
    residuals,
    split_weights,
    trained_rows,
)
from bayescompare.engines.adam.loop import Objective
from bayescompare.engines.adam.rows import padded, scaled, seen
from bayescompare.engines.adam.run import Run
from bayescompare.engines.adam.scaling import Scale, Scaling
from bayescompare.fits import Fit, Path, RandomEffects, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend

__all__ = ["AdamEmbedding", "LevelSquaredError"]

Array = npt.NDArray[np.float64]
Tensor = Any

_FIXED = "least squares, levels weighed equally"
_SD = "sd of the level weights: sqrt(tau^2 + sigma^2/n)"
_ROOT_MEAN_SQUARE = "root mean square of the level weights: sqrt(tau^2 + sigma^2/n)"
_COR = "correlation of the level weights"
_SIGMA = "residual sd"

_STANDS_IN = "not estimable: the level weights can take its place"
_UNKNOWN = "not estimable: fixed effects can take the place of the level weights"
_FEW = "not estimable: fewer than two levels have rows enough for their weights"
_SATURATED = "not estimable: as many weights as rows"
_NO_ERROR = "no standard error: a summary of the level weights"
_NOT_CENTRED = "no fixed effect takes the mean of these weights: they are not centred; " + _NO_ERROR


@dataclass(frozen=True)
class LevelSquaredError(Objective):
    """Mean squared error of ``X w + sum_e Z_e W[level, e]``: Keras's ``Dense`` and one ``Embedding``.

    Data: ``X (R, n, p)``, ``Z (R, n, q)``, ``y (R, n)`` and levels ``(R, n)`` padded to the most rows, and rows
    ``(R,)`` of each replicate.

    Parameters
    ----------
    levels
        Number ``J`` of levels.
    """

    levels: int

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None = None) -> Tensor:
        """Return the loss on all rows, or on a minibatch; its last one is a mean over the rows it has."""
        tf, _ = backend()
        *given, rows = data
        (columns, z, y, level), used = seen(given, rows, batch)
        beta, weights = split_weights(x, columns.shape[2], z.shape[2], self.levels)
        weight = tf.cast(used, x.dtype)
        error = tf.reduce_sum(columns * beta[:, None, :], axis=2) + effects_of_rows(weights, z, level) - y
        return tf.reduce_sum(weight * error * error, axis=1) / tf.maximum(tf.reduce_sum(weight, axis=1), 1)


@dataclass(frozen=True, kw_only=True)
class AdamEmbedding(LevelEngine):
    """Keras Adam on the mean squared error of a regression with a weight for each level and effect.

    ``Dense(1)`` on the columns other than the intercept and an ``Embedding`` for the levels, added: Glorot uniform
    and uniform(-0.05, 0.05) starts, minibatches of rows reshuffled every epoch. Nothing shrinks the weights: the
    optimum is regression on dummies.

    The weights are not identified beside the fixed effects. What is reported is the solution whose weights have mean
    zero over the levels, each counted once, and the fixed effects that go with it; where the fixed effects lack the
    column of an effect its weights stay as they are. ``sd`` is that of these weights (divided by the number of levels
    less one; a root mean square where they are not centred), which estimates ``sqrt(tau^2 + sigma^2/n)``, n the rows
    of a level, and so not the sd of the effects. Effects of covariates that are constant within levels are not
    estimable. See `AdamEngine` for the settings.
    """

    name: ClassVar[str] = "adam-embedding"

    batch: int | None = 32
    epochs: int | None = 100
    dtype: Literal["float32", "float64"] = "float32"
    scale: Scale = "raw"

    def objective(self, member: Member) -> LevelSquaredError:
        """Return the mean squared error."""
        return LevelSquaredError(len(member.problem.layout.levels))

    def data(self, problems: Sequence[Problem], units: Sequence[Scaling]) -> list[npt.NDArray[Any]]:
        """Return the data of `LevelSquaredError`."""
        rows = [problem for problem in problems if isinstance(problem, LevelRows)]
        pairs = [scaled(problem, unit) for problem, unit in zip(rows, units, strict=True)]
        return [
            padded([columns for columns, _ in pairs]),
            padded([problem.z @ unit.effects for problem, unit in zip(rows, units, strict=True)]),
            padded([y for _, y in pairs]),
            padded([problem.level for problem in rows]),
            np.array([len(problem.y) for problem in rows], dtype=np.int32),
        ]

    def end(self, member: Member, runs: Sequence[Run], seed: np.random.SeedSequence) -> End:
        """Return the run with the lowest loss, judged by dummy regression on what it was trained on."""
        train, run, layout = trained_rows(member), runs[0], member.problem.layout
        dummies = Dummies(problem=train)
        best = _optimum(dummies, self.label)
        (beta,), (effects,) = self.coefficients(member, run.x[None])
        rss = float(np.sum(residuals(train, beta, effects) ** 2))
        paths = [self._path(member, dummies, each) for each in runs]
        estimate, projected = _summaries(dummies, beta[None], effects[None], np.array([rss]))
        gap = _gap(dummies, beta, effects)
        n = len(train.y)
        with np.errstate(divide="ignore", invalid="ignore"):
            decrease = n * run.decrease / (run.loss[-1] if len(run.loss) else np.nan)
        outcome = Outcome(estimate=estimate[0], paths=paths, decrease=decrease, diverged=run.diverged, gap=gap)
        verdict = judge(outcome, best, layout, self.margins)
        se, working_se, reason = verdict.errors(best)
        return End(
            message=_left_out(dummies),
            estimate=estimate[0],
            se=se,
            working_se=working_se,
            estimand=best.estimand,
            reason=reason,
            objective=rss / n,
            grad_norm=_gradient(dummies, beta, effects),
            own_optimum=best.estimate,
            random_effects=_level_weights(dummies, projected[0], estimate[0, layout.sigma], verdict.at_optimum),
            paths=paths,
            verdict=verdict,
        )

    def _path(self, member: Member, dummies: Dummies, run: Run) -> Path:
        """Return the path in natural units, with the loss in squared units of the response."""
        loss = run.loss * member.unit.unit**2
        beta, effects = self.coefficients(member, run.path)
        values, _ = _summaries(dummies, beta, effects, loss * len(member.train.y))
        return Path(steps=run.steps, values=values, loss=loss)


def _summaries(dummies: Dummies, beta: Array, effects: Array, rss: Array) -> tuple[Array, Array]:
    """Return estimates ``(T, k)`` and projected weights ``(T, J, q)`` of the levels that the rows have.

    Parameters
    ----------
    beta, effects, rss : (T, p), (T, J, q), (T,)
        Fixed effects, weights of all levels, residual sums of squares.
    """
    layout, problem = dummies.problem.layout, dummies.problem
    theta = np.full((len(beta), layout.size), np.nan)
    with np.errstate(all="ignore"):
        fixed, weights = dummies.project(beta, effects[:, problem.kept] if layout.q else effects)
        theta[:, layout.beta] = np.where(dummies.beta_known, fixed, np.nan)
        weights = np.where(dummies.effects_known, weights, np.nan)
        theta[:, layout.p : layout.sigma] = _moments(dummies, weights)
        left = len(problem.y) - dummies.rank
        theta[:, layout.sigma] = np.sqrt(rss / left) if left > 0 else np.nan
    return theta, weights


def _moments(dummies: Dummies, weights: Array) -> Array:
    """Return sds and correlations ``(T, q + m)`` of projected weights ``(T, J, q)`` over the whole levels."""
    layout, whole = dummies.problem.layout, weights[:, dummies.whole]
    count = whole.shape[1]
    products = np.einsum("tja,tjb->tab", whole, whole)
    freedom = np.where(dummies.centred, count - 1, count)
    sd = np.sqrt(np.einsum("taa->ta", products) / freedom)
    if count < 2:
        sd = np.full_like(sd, np.nan)
    size = np.sqrt(np.einsum("taa->ta", products))
    cor = [np.clip(products[:, i, j] / (size[:, i] * size[:, j]), -1, 1) + 0 * sd[:, i] for i, j in layout.pairs]
    return np.column_stack([sd, *cor])


def _optimum(dummies: Dummies, label: str) -> Fit:
    """Return dummy regression, with its nominal standard errors."""
    problem, layout = dummies.problem, dummies.problem.layout
    beta, effects = dummies.fit
    theta, _ = _summaries(dummies, beta[None], dummies.spread(effects)[None], np.array([dummies.rss]))
    left = len(problem.y) - dummies.rank
    of_log_sigma = 1 / np.sqrt(2 * left) if left > 0 else np.nan
    sigma = theta[0, layout.sigma]
    se, working_se = np.full((2, layout.size), np.nan)
    se[layout.beta] = working_se[layout.beta] = sigma * dummies.unit_errors[0]
    working_se[layout.sigma], se[layout.sigma] = of_log_sigma, sigma * of_log_sigma
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.OK,
        estimate=theta[0],
        se=se,
        working_se=working_se,
        estimand=_estimands(dummies, theta[0]),
        reason=_reasons(dummies, theta[0]),
    )


def _estimands(dummies: Dummies, theta: Array) -> tuple[str, ...]:
    """Return what each number estimates, nothing where there is none."""
    layout = dummies.problem.layout
    sds = [_SD if centred else _ROOT_MEAN_SQUARE for centred in dummies.centred]
    said = [*[_FIXED] * layout.p, *sds, *[_COR] * layout.m, _SIGMA]
    return tuple(what if np.isfinite(value) else "" for what, value in zip(said, theta, strict=True))


def _reasons(dummies: Dummies, theta: Array) -> tuple[str, ...]:
    """Return why there is no number, or no standard error."""
    layout, few = dummies.problem.layout, dummies.whole.sum() < 2
    there = [_NO_ERROR if centred else _NOT_CENTRED for centred in dummies.centred] + [_NO_ERROR] * layout.m
    present = [*[""] * layout.p, *there, ""]
    absent = [*[_STANDS_IN] * layout.p, *[_FEW if few else _UNKNOWN] * (layout.q + layout.m), _SATURATED]
    return tuple(a if np.isfinite(v) else b for a, b, v in zip(present, absent, theta, strict=True))


def _left_out(dummies: Dummies) -> str:
    """Say how many levels the means and sds leave out."""
    layout, left = dummies.problem.layout, int(np.sum(~dummies.whole))
    if not left or not layout.q:
        return ""
    return (
        f"{left} of {len(layout.levels)} levels of {layout.factor} have too few rows for their weights: "
        "the level means and sds leave them out."
    )


def _gap(dummies: Dummies, beta: Array, effects: Array) -> float:
    """Return ``n log(RSS / least RSS)``; the difference is the sum of squares of the fitted values' difference."""
    problem, (best, weights) = dummies.problem, dummies.fit
    away = residuals(problem, beta, effects) - residuals(problem, best, dummies.spread(weights))
    with np.errstate(over="ignore", invalid="ignore"):
        return float(len(away) * np.log1p(np.sum(away**2) / dummies.rss)) if dummies.rss > 0 else float("nan")


def _gradient(dummies: Dummies, beta: Array, effects: Array) -> float:
    """Return the largest slope of ``n log RSS`` in deviance a standard error of what is estimable."""
    problem, layout = dummies.problem, dummies.problem.layout
    error = residuals(problem, beta, effects)
    with np.errstate(all="ignore"):
        factor = -2 * len(error) / (error @ error)
        per_level = np.zeros((problem.count, layout.q))
        np.add.at(per_level, problem.level, problem.z * error[:, None])
        sigma = np.sqrt(dummies.rss / max(1, len(error) - dummies.rank))
        of_beta, of_effects = (sigma * each for each in dummies.unit_errors)
        slopes = np.abs([*(problem.x.T @ error) * of_beta, *(per_level[problem.kept] * of_effects).ravel()])
        return float(np.nanmax(np.abs(factor) * slopes)) if np.isfinite(slopes).any() else float("nan")


def _level_weights(dummies: Dummies, weights: Array, sigma: float, at_optimum: bool) -> RandomEffects | None:
    """Return the projected weights of all levels, NaN where the rows do not tell them."""
    if not dummies.problem.layout.q:
        return None
    errors = sigma * dummies.unit_errors[1] if at_optimum else np.full_like(weights, np.nan)
    return RandomEffects(mode=dummies.spread(weights, np.nan), sd=dummies.spread(errors, np.nan))
