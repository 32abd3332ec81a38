"""What practice does first: Keras ``Dense(1)`` with a mean squared error, groups ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import plan
from bayescompare.engines.adam.judge import Verdict, judge
from bayescompare.engines.adam.loop import Objective, loop
from bayescompare.engines.adam.run import Plan, Run, optimize
from bayescompare.engines.adam.scaling import Scale, Scaling, intercept, scaling
from bayescompare.engines.adam.stack import check_settings, in_stacks, marked, shared_seconds
from bayescompare.engines.base import NOT_THERE, Engine, Progress, note_flags, status_of
from bayescompare.fits import Fit, Path, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend, backend_problem
from bayescompare.model import Model
from bayescompare.seeds import generator, seed_key

__all__ = ["AdamPooled"]

Array = npt.NDArray[np.float64]
Tensor = Any

_IGNORED = "groups are ignored: not estimated"


@dataclass(frozen=True)
class MeanSquaredError(Objective):
    """Mean squared error of ``X w``; the bias is the weight of a constant column.

    Data: ``X (R, n, p)``, ``y (R, n)`` padded to the most rows, and rows ``(R,)`` of each replicate.
    """

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None) -> Tensor:
        """Return the loss on all rows, or on a minibatch; its last one is a mean over the rows it has."""
        tf, _ = backend()
        columns, y, rows = data
        if batch is None:
            used = tf.range(y.shape[1])[None, :] < rows[:, None]
        else:
            used, picked = batch >= 0, tf.maximum(batch, 0)
            columns, y = tf.gather(columns, picked, batch_dims=1), tf.gather(y, picked, batch_dims=1)
        weight = tf.cast(used, x.dtype)
        error = tf.reduce_sum(columns * x[:, None, :], axis=2) - y
        return tf.reduce_sum(weight * error * error, axis=1) / tf.maximum(tf.reduce_sum(weight, axis=1), 1)


@dataclass(frozen=True, kw_only=True)
class AdamPooled(Engine):
    """Keras Adam on the mean squared error of a linear regression, groups ignored: the practice that is tested.

    ``Dense(1)`` on the columns other than the intercept, Glorot uniform start, bias zero; minibatches of rows
    reshuffled every epoch. Its ``sigma`` estimates ``sqrt(tau^2 + sigma^2)``.

    Parameters
    ----------
    lr, epochs, batch
        Learning rate, passes over the rows, rows in a minibatch.
    dtype
        Of weights and data.
    scale
        ``raw`` columns, or ``standardised`` columns and response.
    """

    name: ClassVar[str] = "adam-pooled"
    engine: ClassVar[str] = "adam"

    lr: float = 0.01
    epochs: int = 100
    batch: int = 32
    dtype: Literal["float32", "float64"] = "float32"
    scale: Scale = "raw"

    def __post_init__(self) -> None:
        """Refuse settings that cannot be run."""
        check_settings(self, positive=("lr",), at_least_one=("epochs", "batch"))

    def supports(self, model: Model) -> str | None:
        """Return why the engine cannot fit a model here, or None where it can."""
        return Engine.supports(self, model) or backend_problem()

    def fit(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[np.random.SeedSequence],
        progress: Progress | None = None,
        limit: float | None = None,
    ) -> list[Fit]:
        """Fit all problems in one compiled graph; see `Engine.fit`."""
        return in_stacks(problems, seeds, progress, limit, key=lambda problem: problem.layout.p, fit=self._fit_stack)

    def _fit_stack(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[np.random.SeedSequence],
        share: Any,
        seconds: float | None,
    ) -> list[Fit]:
        units = [scaling(problem, self.scale) for problem in problems]
        scaled = [_scaled(problem, unit) for problem, unit in zip(problems, units, strict=True)]
        start = np.array([_glorot(x, generator(seed, 0)) for (x, _), seed in zip(scaled, seeds, strict=True)])
        rows = [len(y) for _, y in scaled]
        batches, updates = plan(rows, self.batch, self.epochs, [generator(seed, 1) for seed in seeds])
        adam = loop(MeanSquaredError(), len(problems), start.shape[1], self.dtype)
        how = Plan(lr=self.lr, updates=updates, batches=batches, seconds=seconds)
        runs, together = optimize(adam, start, _padded(scaled), how, share)
        took = shared_seconds(together, runs)
        fits = [self._result(*each, took) for each in zip(problems, units, runs, seeds, strict=True)]
        return marked(fits, runs, seconds)

    def _result(self, problem: Problem, unit: Scaling, run: Run, seed: np.random.SeedSequence, seconds: float) -> Fit:
        layout = problem.layout
        beta = unit.centre + unit.fixed @ run.x
        best = _least_squares(problem, self.label)
        estimate, rss = _with_sigma(problem, beta)
        path = _path(problem, unit, run)
        least = _with_sigma(problem, best.estimate[layout.beta])[1]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            gap = float(problem.products.n * np.log(rss / least)) if least > 0 else float("nan")
        verdict = judge(run, path, estimate, best, gap, problem)
        flags = (*note_flags(problem), *verdict.flags)
        se, reason = _standard_errors(best, verdict)
        return Fit(
            estimator=self.label,
            layout=layout,
            status=status_of(flags),
            flags=flags,
            estimate=estimate,
            se=se,
            working_se=best.working_se if verdict.at_optimum else None,
            estimand=best.estimand,
            reason=reason,
            objective=rss / len(problem.y),
            gap_deviance=verdict.gap_deviance,
            gap_sd=verdict.gap_sd,
            grad_norm=_gradient(problem, beta, best),
            seconds=seconds,
            evaluations=run.updates,
            seed_key=seed_key(seed),
            own_optimum=best.estimate,
            path=path,
        )


def _scaled(problem: Problem, unit: Scaling) -> tuple[Array, Array]:
    """Return columns and response in Adam's units."""
    return problem.x @ unit.fixed / unit.unit, (problem.y - problem.x @ unit.centre) / unit.unit


def _padded(scaled: Sequence[tuple[Array, Array]]) -> list[npt.NDArray[Any]]:
    """Return the data of `MeanSquaredError`."""
    rows = np.array([len(y) for _, y in scaled], dtype=np.int32)
    columns = np.zeros((len(rows), int(rows.max()), scaled[0][0].shape[1]))
    responses = np.zeros(columns.shape[:2])
    for r, (x, y) in enumerate(scaled):
        columns[r, : len(y)], responses[r, : len(y)] = x, y
    return [columns, responses, rows]


def _glorot(columns: Array, rng: np.random.Generator) -> Array:
    """Return weights drawn as Keras's ``GlorotUniform`` does for ``Dense(1)``, and a zero for the bias."""
    constant = intercept(columns) if columns.shape[1] else None
    inputs = columns.shape[1] - (constant is not None)
    limit = np.sqrt(6.0 / (inputs + 1))
    weights: Array = rng.uniform(-limit, limit, columns.shape[1])
    if constant is not None:
        weights[constant] = 0.0
    return weights


def _with_sigma(problem: Problem, beta: Array) -> tuple[Array, float]:
    """Return the estimates ``(k,)`` at some fixed effects, and the residual sum of squares."""
    layout = problem.layout
    with np.errstate(over="ignore", invalid="ignore"):
        rss = float(np.sum((problem.y - problem.x @ beta) ** 2))
    theta = np.full(layout.size, np.nan)
    theta[layout.beta] = beta
    theta[layout.sigma] = np.sqrt(rss / (len(problem.y) - layout.p))
    return theta, rss


def _least_squares(problem: Problem, label: str) -> Fit:
    """Return the optimum of the mean squared error, exactly, with its nominal standard errors."""
    layout, (n, p) = problem.layout, problem.x.shape
    basis, upper = np.linalg.qr(problem.x)
    beta = np.linalg.solve(upper, basis.T @ problem.y)
    beta = beta + np.linalg.solve(upper, basis.T @ (problem.y - problem.x @ beta))
    theta, _ = _with_sigma(problem, beta)
    sigma, of_log_sigma = theta[layout.sigma], 1 / np.sqrt(2 * (n - p))
    se, working_se = np.full((2, layout.size), np.nan)
    se[layout.beta] = working_se[layout.beta] = sigma * np.sqrt(np.sum(np.linalg.inv(upper) ** 2, axis=1))
    se[layout.sigma] = sigma * of_log_sigma
    estimand = ["least squares"] * layout.size
    estimand[layout.sigma] = "sqrt(tau^2 + sigma^2)" if layout.q else "residual sd"
    missing = range(layout.p, layout.size - 1)
    for k in missing:
        estimand[k] = ""
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.OK,
        estimate=theta,
        se=se,
        working_se=working_se,
        estimand=tuple(estimand),
        reason=tuple(_IGNORED if k in missing else "" for k in range(layout.size)),
    )


def _standard_errors(best: Fit, verdict: Verdict) -> tuple[Array, tuple[str, ...]]:
    """Return the nominal standard errors where the fit has arrived, else NaN and the reason."""
    if verdict.at_optimum:
        return best.se, best.reason
    return np.full(len(best.se), np.nan), tuple(reason or NOT_THERE for reason in best.reason)


def _path(problem: Problem, unit: Scaling, run: Run) -> Path:
    """Return the path in natural units, with the loss in squared units of the response."""
    layout = problem.layout
    loss = run.loss * unit.unit**2
    values = np.full((len(run.steps), layout.size), np.nan)
    values[:, layout.beta] = unit.centre + run.path @ unit.fixed.T
    values[:, layout.sigma] = np.sqrt(loss * len(problem.y) / (len(problem.y) - layout.p))
    return Path(steps=run.steps, values=values, loss=loss)


def _gradient(problem: Problem, beta: Array, best: Fit) -> float:
    """Return the largest slope of ``n log RSS`` in deviance a standard error."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = problem.y - problem.x @ beta
        slope = -2 * len(error) * (problem.x.T @ error) / (error @ error)
    return float(np.max(np.abs(slope) * best.se[problem.layout.beta], initial=0.0))
