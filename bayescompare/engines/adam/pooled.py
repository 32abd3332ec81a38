"""What practice does first: Keras ``Dense(1)`` with a mean squared error, groups ignored."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import Epoch
from bayescompare.engines.adam.engine import AdamEngine, Member
from bayescompare.engines.adam.judge import End, Outcome, judge
from bayescompare.engines.adam.loop import Objective
from bayescompare.engines.adam.pieces import split_rows
from bayescompare.engines.adam.rows import glorot, padded, scaled, seen
from bayescompare.engines.adam.run import Run
from bayescompare.engines.adam.scaling import Scale, Scaling
from bayescompare.fits import Fit, Path, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend

__all__ = ["AdamPooled"]

Array = npt.NDArray[np.float64]
Tensor = Any

_IGNORED = "groups are ignored: not estimated"


@dataclass(frozen=True)
class MeanSquaredError(Objective):
    """Mean squared error of ``X w``; the bias is the weight of a constant column.

    Data: ``X (R, n, p)``, ``y (R, n)`` padded to the most rows, and rows ``(R,)`` of each replicate.
    """

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None = None) -> Tensor:
        """Return the loss on all rows, or on a minibatch; its last one is a mean over the rows it has."""
        tf, _ = backend()
        *given, rows = data
        (columns, y), used = seen(given, rows, batch)
        weight = tf.cast(used, x.dtype)
        error = tf.reduce_sum(columns * x[:, None, :], axis=2) - y
        return tf.reduce_sum(weight * error * error, axis=1) / tf.maximum(tf.reduce_sum(weight, axis=1), 1)


@dataclass(frozen=True, kw_only=True)
class AdamPooled(AdamEngine):
    """Keras Adam on the mean squared error of a linear regression, groups ignored: the practice that is tested.

    ``Dense(1)`` on the columns other than the intercept, Glorot uniform start, bias zero; minibatches of rows
    reshuffled every epoch. Its ``sigma`` estimates ``sqrt(tau^2 + sigma^2)``. See `AdamEngine` for the settings.
    """

    name: ClassVar[str] = "adam-pooled"

    batch: int | None = 32
    epochs: int | None = 100
    dtype: Literal["float32", "float64"] = "float32"
    scale: Scale = "raw"

    def split(self, problem: Problem) -> tuple[Problem, Problem]:
        """Hold out the last rows."""
        return split_rows(problem, self.validation_split)

    def shape(self, member: Member) -> Hashable:
        """Return the number of columns."""
        return member.problem.layout.p

    def objective(self, member: Member) -> MeanSquaredError:
        """Return the mean squared error."""
        return MeanSquaredError()

    def data(self, problems: Sequence[Problem], units: Sequence[Scaling]) -> list[npt.NDArray[Any]]:
        """Return the data of `MeanSquaredError`."""
        pairs = [scaled(problem, unit) for problem, unit in zip(problems, units, strict=True)]
        columns, responses = ([pair[k] for pair in pairs] for k in (0, 1))
        return [padded(columns), padded(responses), np.array([len(y) for y in responses], dtype=np.int32)]

    def start(self, member: Member, rng: np.random.Generator) -> Array:
        """Return weights as Keras draws them."""
        return glorot(scaled(member.train, member.unit)[0], rng)

    def epoch(self, member: Member, rng: np.random.Generator) -> Epoch | None:
        """Return minibatches of rows."""
        return self.rows_of(member, rng)

    def end(self, member: Member, runs: Sequence[Run], seed: np.random.SeedSequence) -> End:
        """Return the run with the lowest loss, judged by least squares on what it was trained on."""
        train, run, layout = member.train, runs[0], member.problem.layout
        beta = member.unit.centre + member.unit.fixed @ run.x
        best = _least_squares(train, self.label)
        estimate, rss = _with_sigma(train, beta)
        paths = [_path(train, member.unit, each) for each in runs]
        least = _with_sigma(train, best.estimate[layout.beta])[1]
        n = train.products.n
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            gap = float(n * np.log(rss / least)) if least > 0 else float("nan")
            decrease = n * run.decrease / (run.loss[-1] if len(run.loss) else np.nan)
        outcome = Outcome(estimate=estimate, paths=paths, decrease=decrease, diverged=run.diverged, gap=gap)
        verdict = judge(outcome, best, layout, self.margins)
        se, working_se, reason = verdict.errors(best)
        return End(
            estimate=estimate,
            se=se,
            working_se=working_se,
            estimand=best.estimand,
            reason=reason,
            objective=rss / n,
            grad_norm=_gradient(train, beta, best),
            own_optimum=best.estimate,
            paths=paths,
            verdict=verdict,
        )


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
