"""Keras Adam on the marginal likelihood: the function that L-BFGS-B minimises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import plan
from bayescompare.engines.adam.criterion import Criterion, Likelihood, PosteriorDensity
from bayescompare.engines.adam.judge import Verdict, judge
from bayescompare.engines.adam.loop import Objective, loop
from bayescompare.engines.adam.run import Plan, Run, optimize
from bayescompare.engines.adam.scaling import Scale, Scaling, scaling
from bayescompare.engines.adam.stack import check_settings, in_stacks, marked, shared_seconds
from bayescompare.engines.base import NOT_THERE, Engine, Progress, note_flags, status_of
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag, Path
from bayescompare.layout import Layout
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend, backend_problem, log_prior, pack, relative_roots
from bayescompare.likelihood.tensorflow import deviance as group_deviances
from bayescompare.model import Model
from bayescompare.priors import PriorSet
from bayescompare.seeds import below, generator, seed_key

__all__ = ["AdamMarginal", "MarginalDeviance"]

Array = npt.NDArray[np.float64]
Tensor = Any

_NO_OPTIMUM = "no optimum of the objective is known"
# Deviance by which Adam must be lower for its end to count as the better optimum.
_BETTER = 1e-6


@dataclass(frozen=True)
class MarginalDeviance(Objective):
    """-2 log marginal likelihood, less 2 log prior density where there are priors.

    Data: packed groups ``(D, R, J)``; ``shift (R, p)`` and ``slope (R, p, p)`` such that ``delta = shift + slope b``;
    ``t_inverse (R, q, q)`` for the scaled effects; ``log_unit (R,)``; and with priors their constants ``(R, c)``,
    ``centre``, ``fixed`` and ``effects`` of `Scaling`.

    Parameters
    ----------
    layout
        Numbers of coefficients and effects; names do not matter.
    priors
        Kinds of the priors; their numbers are data.
    """

    layout: Layout
    priors: PriorSet | None = None

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None) -> Tensor:
        """Return the deviance of all groups, or its unbiased estimate from a minibatch of groups."""
        tf, _ = backend()
        groups, shift, slope, t_inverse, log_unit, *prior_data = data
        layout = self.layout
        b, log_sigma = x[:, layout.beta], x[:, layout.sigma]
        delta = shift + tf.reduce_sum(slope * b[:, None, :], axis=2)
        lam = None
        if layout.q:
            lam = relative_roots(x[:, layout.sd], x[:, layout.cor], log_sigma, t_inverse, layout)
        total = _total(groups, batch, lambda picked: group_deviances(delta, lam, log_sigma + log_unit, picked))
        return total - 2 * self._log_prior(x, log_unit, prior_data) if self.priors else total

    def _log_prior(self, x: Tensor, log_unit: Tensor, prior_data: Sequence[Tensor]) -> Tensor:
        tf, _ = backend()
        layout, (constants, centre, fixed, effects) = self.layout, prior_data
        beta = centre + tf.reduce_sum(fixed * x[:, None, layout.beta], axis=2)
        zero = tf.zeros_like(log_unit)
        root = relative_roots(x[:, layout.sd] + log_unit[:, None], x[:, layout.cor], zero, effects, layout)
        assert self.priors is not None
        priors = self.priors.with_constants(tf.unstack(constants, axis=1))
        return log_prior(priors, beta, root, tf.exp(x[:, layout.sigma] + log_unit))


def _total(groups: Tensor, batch: Tensor | None, deviances: Any) -> Tensor:
    """Return the sum over all groups, or the mean over those of a minibatch times their number."""
    tf, _ = backend()
    if batch is None:
        return tf.reduce_sum(deviances(groups), axis=1)
    picked = tf.gather(tf.transpose(groups, (1, 2, 0)), tf.maximum(batch, 0), batch_dims=1)
    used = tf.cast(batch >= 0, groups.dtype)
    total = tf.reduce_sum(used * deviances(tf.transpose(picked, (2, 0, 1))), axis=1)
    return total * groups.shape[2] / tf.maximum(tf.reduce_sum(used, axis=1), 1)


# Settings that only a run to convergence reads.
_TO_CONVERGENCE = ("tolerance", "limit", "half_life")


@dataclass(frozen=True, kw_only=True)
class AdamMarginal(Engine):
    """Keras Adam on the marginal likelihood, in log sds, Fisher z of partial correlations, log sigma and beta.

    By default it runs on all groups until the loss promises to fall by less than ``tolerance``. With ``epochs`` it
    stops after so many passes, as practice does; ``batch`` makes each update see so many groups only.

    Parameters
    ----------
    lr
        Learning rate.
    batch
        Groups in a minibatch; all where None. Needs ``epochs``.
    epochs
        Passes over the groups; None runs to convergence.
    tolerance
        Predicted decrease of the deviance at which a run has converged.
    limit
        The most updates of a run to convergence.
    half_life
        Updates after which the learning rate of a run to convergence has halved (Keras's
        ``InverseTimeDecay``); at a constant rate Adam leaves the optimum again.
    dtype
        Of parameters and data.
    scale
        ``raw`` columns, or ``standardised`` columns and response.
    map
        Add the log prior: the joint mode over the natural parameters.
    """

    name: ClassVar[str] = "adam-marginal"
    engine: ClassVar[str] = "adam"

    lr: float = 0.03
    batch: int | None = None
    epochs: int | None = None
    tolerance: float = 1e-6
    limit: int = 5000
    half_life: int = 600
    dtype: Literal["float32", "float64"] = "float64"
    scale: Scale = "standardised"
    map: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that cannot be run."""
        check_settings(self, positive=("lr", "tolerance"), at_least_one=("batch", "epochs", "limit", "half_life"))
        if self.batch is not None and self.epochs is None:
            raise EstimatorError(
                f"{self.name}: minibatches at a constant learning rate do not converge; say how long to run, "
                f"as in {self.name}:batch={self.batch},epochs=100."
            )
        idle = [f.name for f in fields(self) if f.name in _TO_CONVERGENCE and getattr(self, f.name) != f.default]
        if self.epochs is not None and idle:
            raise EstimatorError(
                f"{self.name}: {idle[0]} is of a run to convergence; leave it out, or leave out epochs."
            )

    @property
    def uses_priors(self) -> bool:  # type: ignore[override]  # a setting decides
        """Whether the model's priors enter."""
        return self.map

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
        return in_stacks(problems, seeds, progress, limit, key=self._objective, fit=self._fit_stack)

    def _objective(self, problem: Problem) -> tuple[MarginalDeviance, int]:
        """Return the compiled part of a problem, and its number of groups."""
        layout = problem.layout
        shape = Layout(coefs=("",) * layout.p, factor="", blocks=tuple(("",) * len(block) for block in layout.blocks))
        if not self.map:
            return MarginalDeviance(shape), len(layout.levels)
        kinds = replace(problem.priors.with_constants([0.0] * len(problem.priors.constants())), layout=shape)
        return MarginalDeviance(shape, kinds), len(layout.levels)

    def _fit_stack(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[np.random.SeedSequence],
        share: Any,
        seconds: float | None,
    ) -> list[Fit]:
        objective, groups = self._objective(problems[0])
        units = [scaling(problem, self.scale) for problem in problems]
        start = np.array(
            [_start(problem.layout, generator(seed, 0)) for problem, seed in zip(problems, seeds, strict=True)]
        )
        adam = loop(objective, len(problems), start.shape[1], self.dtype)
        data = _data(problems, units, with_priors=self.map)
        how = replace(self._plan(len(problems), max(1, groups), seeds), seconds=seconds)
        runs, together = optimize(adam, start, data, how, share)
        took = shared_seconds(together, runs)
        fits = [self._result(*each, took) for each in zip(problems, units, runs, seeds, strict=True)]
        return marked(fits, runs, seconds)

    def _plan(self, replicates: int, groups: int, seeds: Sequence[np.random.SeedSequence]) -> Plan:
        if self.epochs is None:
            most = np.full(replicates, self.limit, dtype=np.int32)
            return Plan(lr=self.lr, updates=most, tolerance=self.tolerance, half_life=self.half_life)
        if self.batch is None or self.batch >= groups:
            return Plan(lr=self.lr, updates=np.full(replicates, self.epochs, dtype=np.int32))
        rngs = [generator(seed, 1) for seed in seeds]
        batches, updates = plan([groups] * replicates, self.batch, self.epochs, rngs)
        return Plan(lr=self.lr, updates=updates, batches=batches)

    def _result(self, problem: Problem, unit: Scaling, run: Run, seed: np.random.SeedSequence, seconds: float) -> Fit:
        layout = problem.layout
        estimate = unit.natural(run.x[None], layout)[0]
        path = Path(steps=run.steps, values=unit.natural(run.path, layout), loss=run.loss)
        criterion = PosteriorDensity(problem) if self.map else Likelihood(problem)
        objective = criterion.value(estimate)
        best, gap = _own_optimum(criterion, estimate, objective, below(seed, 2))
        verdict = judge(run, path, estimate, best, gap, problem)
        flags = (*note_flags(problem), *verdict.flags, *self._step_limit(run))
        se, working_se, reason = _standard_errors(criterion, estimate, verdict, best)
        return Fit(
            estimator=self.label,
            layout=layout,
            status=status_of(flags),
            flags=flags,
            estimate=estimate,
            se=se,
            working_se=working_se,
            estimand=(criterion.estimand,) * layout.size,
            reason=reason,
            objective=objective,
            gap_deviance=verdict.gap_deviance,
            gap_sd=verdict.gap_sd,
            grad_norm=criterion.steepness(estimate, best),
            seconds=seconds,
            evaluations=run.updates,
            seed_key=seed_key(seed),
            own_optimum=None if best is None else best.estimate,
            random_effects=conditional_effects(problem, estimate) if np.isfinite(estimate).all() else None,
            path=path,
        )

    def _step_limit(self, run: Run) -> tuple[Flag, ...]:
        """Return the flag of a run to convergence that did not get there."""
        ended = run.converged or run.diverged or run.cut
        return () if ended or self.epochs is not None else (Flag.STEP_LIMIT,)


def _own_optimum(
    criterion: Criterion, estimate: Array, objective: float, seed: np.random.SeedSequence
) -> tuple[Fit | None, float]:
    """Return the best known optimum of Adam's own objective, and how far above it Adam ended."""
    found = criterion.optimum(seed)
    if Flag.DEGENERATE in found.flags or not np.isfinite(found.estimate[-1]):
        return None, float("nan")
    gap = objective - criterion.value(found.estimate)
    if gap < -_BETTER:
        return replace(found, estimate=estimate), 0.0
    return found, gap


def _standard_errors(
    criterion: Criterion, theta: Array, verdict: Verdict, best: Fit | None
) -> tuple[Array, Array | None, tuple[str, ...]]:
    """Return standard errors, natural and working, where the run has arrived, else NaN and the reason.

    A parameter that has none at the optimum, as at a boundary, has none beside it either.
    """
    if best is None or not verdict.at_optimum:
        reason = NOT_THERE if best is not None else _NO_OPTIMUM
        return np.full(len(theta), np.nan), None, (reason,) * len(theta)
    se, working_se, reasons = criterion.standard_errors(theta)
    known = np.isfinite(best.se)
    stated = tuple(
        own if k else f"the optimum is {other}" for own, other, k in zip(reasons, best.reason, known, strict=True)
    )
    return np.where(known, se, np.nan), np.where(known, working_se, np.nan), stated


def _start(layout: Layout, rng: np.random.Generator) -> Array:
    """Return a start in Adam's units: log sds and log sigma ~ N(0, 1), all else zero."""
    start = np.zeros(layout.size)
    start[layout.sd] = rng.standard_normal(layout.q)
    start[layout.sigma] = rng.standard_normal()
    return start


def _data(problems: Sequence[Problem], units: Sequence[Scaling], *, with_priors: bool) -> list[Array]:
    """Return the data of `MarginalDeviance`."""
    products = [problem.products for problem in problems]
    pairs = list(zip(products, units, strict=True))
    data = [
        pack(products),
        np.array([each.delta(unit.centre) for each, unit in pairs]),
        np.array([each.rx @ unit.fixed for each, unit in pairs]),
        np.array([each.t_inverse @ unit.effects for each, unit in pairs]),
        np.array([np.log(unit.unit) for unit in units]),
    ]
    if with_priors:
        data += [
            np.array([problem.priors.constants() for problem in problems]),
            np.array([unit.centre for unit in units]),
            np.array([unit.fixed for unit in units]),
            np.array([unit.effects for unit in units]),
        ]
    return data
