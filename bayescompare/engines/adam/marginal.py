"""Keras Adam on the marginal likelihood: the function that L-BFGS-B minimises."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import Epoch, in_order, shuffled, whole
from bayescompare.engines.adam.calls import Call
from bayescompare.engines.adam.criterion import Criterion, Likelihood, PosteriorDensity
from bayescompare.engines.adam.engine import AdamEngine, Member
from bayescompare.engines.adam.judge import End, Outcome, Verdict, judge
from bayescompare.engines.adam.loop import Objective
from bayescompare.engines.adam.optimizers import rates
from bayescompare.engines.adam.pieces import by_group, cut_rows, part, split_at
from bayescompare.engines.adam.run import Plan, Run
from bayescompare.engines.adam.scaling import Scaling
from bayescompare.engines.base import NOT_THERE
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag, Path
from bayescompare.layout import Layout
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend, log_prior, pack, relative_roots
from bayescompare.likelihood.tensorflow import deviance as group_deviances
from bayescompare.priors import PriorSet
from bayescompare.seeds import below

__all__ = ["AdamMarginal", "MarginalDeviance"]

Array = npt.NDArray[np.float64]
Tensor = Any

_NO_OPTIMUM = "no optimum of the objective is known"
# Deviance by which Adam must be lower for its end to count as the better optimum.
_BETTER = 1e-6


@dataclass(frozen=True)
class MarginalDeviance(Objective):
    """-2 log marginal likelihood, less 2 log prior density where there are priors.

    Data: packed groups ``(D, R, J)``; the share of the data in each ``(R, J)``; ``shift (R, p)`` and
    ``slope (R, p, p)`` such that ``delta = shift + slope b``; ``t_inverse (R, q, q)`` for the scaled effects;
    ``log_unit (R,)``; and with priors their constants ``(R, c)``, ``centre``, ``fixed`` and ``effects`` of `Scaling`.

    Parameters
    ----------
    layout
        Numbers of coefficients and effects; names do not matter.
    priors
        Kinds of the priors; their numbers are data.
    """

    layout: Layout
    priors: PriorSet | None = None

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None = None) -> Tensor:
        """Return the deviance of all groups, or its estimate from a minibatch of groups."""
        tf, _ = backend()
        groups, shares, shift, slope, t_inverse, log_unit, *prior_data = data
        layout = self.layout
        b, log_sigma = x[:, layout.beta], x[:, layout.sigma]
        delta = shift + tf.reduce_sum(slope * b[:, None, :], axis=2)
        lam = None
        if layout.q:
            lam = relative_roots(x[:, layout.sd], x[:, layout.cor], log_sigma, t_inverse, layout)
        of = partial(group_deviances, delta, lam, log_sigma + log_unit)
        total = of(groups, together=True) if batch is None else _estimated(groups, shares, batch, of)
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


def _estimated(groups: Tensor, shares: Tensor, batch: Tensor, deviances: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the sum over a minibatch by the share of the data that it is."""
    tf, _ = backend()
    place = tf.maximum(batch, 0)
    picked = tf.gather(tf.transpose(groups, (1, 2, 0)), place, batch_dims=1)
    used = tf.cast(batch >= 0, groups.dtype)
    total = tf.reduce_sum(used * deviances(tf.transpose(picked, (2, 0, 1))), axis=1)
    share = tf.reduce_sum(used * tf.gather(shares, place, batch_dims=1), axis=1)
    return total / tf.where(share > 0, share, tf.ones_like(share))


# Settings that only a run to convergence reads.
_TO_CONVERGENCE = ("tolerance", "limit", "half_life")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member(Member):
    """A problem ready for the marginal likelihood, with the pieces ``(batches, B)`` of each batch of rows."""

    table: npt.NDArray[np.int32] | None = None


@dataclass(frozen=True, kw_only=True)
class AdamMarginal(AdamEngine):
    """Keras Adam on the marginal likelihood, in log sds, Fisher z of partial correlations, log sigma and beta.

    By default it runs on all groups until the loss promises to fall by less than ``tolerance``. With ``epochs`` or
    ``steps`` it stops after so many, as practice does; ``batch`` makes each update see so many groups only, an
    unbiased estimate of the gradient. ``of=rows`` cuts batches of rows from the data sorted by group, as deep
    mixed models do: rows of one group in different batches count as independent, which is another
    objective. See `AdamEngine` for the settings that all Adam estimators share.

    Parameters
    ----------
    of
        What a minibatch, and the validation split, is made of.
    tolerance
        Predicted decrease of the deviance at which a run has converged.
    limit
        The most updates of a run to convergence.
    half_life
        Updates after which the learning rate of a run to convergence without a ``schedule`` has halved (Keras's
        ``InverseTimeDecay``); at a constant rate Adam leaves the optimum again.
    map
        Add the log prior: the joint mode over the natural parameters.
    """

    name: ClassVar[str] = "adam-marginal"

    lr: float = 0.03
    of: Literal["groups", "rows"] = "groups"
    tolerance: float = 1e-6
    limit: int = 5000
    half_life: int = 600
    map: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that cannot be run, or that would be ignored."""
        AdamEngine.__post_init__(self)
        for setting in _TO_CONVERGENCE:
            if not (np.isfinite(getattr(self, setting)) and getattr(self, setting) > 0):
                raise EstimatorError(f"{self.name}: {setting} must be positive, not {getattr(self, setting)}.")
        if self.to_convergence:
            for setting, meaning in {"batch": "minibatches", "patience": "early stopping"}.items():
                value = getattr(self, setting)
                if value is not None:
                    raise EstimatorError(
                        f"{self.name}: a run to convergence has no {meaning}; say how long to run at the most, "
                        f"as in {self.name}:{setting}={value},epochs=100."
                    )
        idle = [f.name for f in fields(self) if f.name in _TO_CONVERGENCE and getattr(self, f.name) != f.default]
        if not self.to_convergence and idle:
            raise EstimatorError(
                f"{self.name}: {idle[0]} is of a run to convergence; leave it out, or leave out epochs and steps."
            )
        if self.of == "rows" and self.batch is None:
            raise EstimatorError(f"{self.name}: of=rows needs batch, the rows in a minibatch.")

    @property
    def to_convergence(self) -> bool:
        """Whether a run ends where it has converged."""
        return self.epochs is None and self.steps is None

    @property
    def uses_priors(self) -> bool:  # type: ignore[override]  # a setting decides
        """Whether the model's priors enter."""
        return self.map

    def split(self, problem: Problem) -> tuple[Problem, Problem]:
        """Hold out the last groups, or the last rows sorted by group."""
        rows = by_group(problem)
        units = rows if self.of == "rows" or not problem.layout.q else problem.groups[rows]
        count = len(rows) if units is rows else len(problem.layout.levels)
        at = split_at(count, self.validation_split, "rows" if units is rows else "groups")
        edge = at if units is rows else int(np.searchsorted(units, at))
        train = part(problem, rows[:edge])
        return train, part(problem, rows[edge:], like=train)

    def member(self, problem: Problem) -> Member:
        """Return a problem ready for Adam; of rows, with its groups cut at the edges of the batches."""
        found = AdamEngine.member(self, problem)
        if self.of == "groups" or self.batch is None:
            return found
        if not problem.layout.q:
            raise EstimatorError(f"{self.name}: of=rows cuts groups at the edges of batches, and there are no groups.")
        train, table = cut_rows(found.train, by_group(found.train), self.batch)
        held = found.held
        if held is not None:
            held, _ = cut_rows(held, by_group(held), self.batch, like=train)
        return _Member(problem=problem, train=train, held=held, unit=found.unit, table=table)

    def shape(self, member: Member) -> Hashable:
        """Return the compiled part, and the number of groups where minibatches are made of them."""
        return self.objective(member), len(member.problem.layout.levels)

    def objective(self, member: Member) -> MarginalDeviance:
        """Return the deviance, without data."""
        layout, priors = member.problem.layout, member.problem.priors
        shape = Layout(coefs=("",) * layout.p, factor="", blocks=tuple(("",) * len(block) for block in layout.blocks))
        kinds = replace(priors.with_constants([0.0] * len(priors.constants())), layout=shape) if self.map else None
        return MarginalDeviance(shape, kinds)

    def data(self, problems: Sequence[Problem], units: Sequence[Scaling]) -> list[npt.NDArray[Any]]:
        """Return the data of `MarginalDeviance`."""
        return _data(problems, units, by_rows=self.of == "rows", with_priors=self.map)

    def start(self, member: Member, rng: np.random.Generator) -> Array:
        """Return log sds and log sigma ~ N(0, 1), all else zero, in Adam's units."""
        return _start(member.problem.layout, rng)

    def epoch(self, member: Member, rng: np.random.Generator) -> Epoch | None:
        """Return minibatches of groups, or of the pieces of batches of rows."""
        if isinstance(member, _Member) and member.table is not None:
            return whole(member.table, rng if self.shuffle else None)
        groups = max(1, len(member.train.layout.levels))
        if self.batch is None or self.batch >= groups:
            return None
        return shuffled(groups, self.batch, rng) if self.shuffle else in_order(groups, self.batch)

    def _plan(self, rows: Sequence[tuple[Member, np.random.SeedSequence, int]]) -> Plan:
        plan = AdamEngine._plan(self, rows)
        if not self.to_convergence:
            return plan
        updates = np.full(len(rows), self.limit, dtype=np.int32)
        halving = Call("InverseTimeDecay", (("decay_steps", self.half_life), ("decay_rate", 1.0)))
        own = plan.rates if self.schedule else rates(self.lr, halving)
        return replace(plan, rates=own, updates=updates, tolerance=self.tolerance)

    def end(self, member: Member, runs: Sequence[Run], seed: np.random.SeedSequence) -> End:
        """Return the run with the lowest loss, judged by the optimum of what it was trained on."""
        run, layout = runs[0], member.problem.layout
        estimate = member.unit.natural(run.x[None], layout)[0]
        paths = [Path(steps=r.steps, values=member.unit.natural(r.path, layout), loss=r.loss) for r in runs]
        criterion = PosteriorDensity(member.train) if self.map else Likelihood(member.train)
        objective = criterion.value(estimate)
        best, gap = _own_optimum(criterion, estimate, objective, below(seed, 2))
        outcome = Outcome(estimate=estimate, paths=paths, decrease=run.decrease, diverged=run.diverged, gap=gap)
        verdict = judge(outcome, best, layout, self.margins)
        se, working_se, reason = _standard_errors(criterion, estimate, verdict, best)
        return End(
            estimate=estimate,
            se=se,
            working_se=working_se,
            estimand=(self._estimand(criterion, member),) * layout.size,
            reason=reason,
            objective=objective,
            grad_norm=criterion.steepness(estimate, best),
            own_optimum=None if best is None else best.estimate,
            random_effects=conditional_effects(member.problem, estimate) if np.isfinite(estimate).all() else None,
            paths=paths,
            verdict=verdict,
        )

    def _estimand(self, criterion: Criterion, member: Member) -> str:
        """Say what the optimum is of, where it is not of the likelihood of all data."""
        said = criterion.estimand
        if isinstance(member, _Member):
            said += f" of rows in batches of {self.batch}"
        return said if member.held is None else f"{said}, the last {self.validation_split:.0%} held out"


def _own_optimum(
    criterion: Criterion, estimate: Array, objective: float, seed: np.random.SeedSequence
) -> tuple[Fit | None, float]:
    """Return the best known optimum of Adam's own objective, and how far above it Adam ended."""
    found = criterion.optimum(seed)
    if Flag.DEGENERATE in found.flags or not np.isfinite(found.estimate[-1]):
        return None, float("nan")
    gap = objective - criterion.value(found.optimum)
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


def _data(problems: Sequence[Problem], units: Sequence[Scaling], *, by_rows: bool, with_priors: bool) -> list[Array]:
    """Return the data of `MarginalDeviance`; data sets of fewer groups are filled up with groups without rows."""
    products = [problem.products for problem in problems]
    pairs = list(zip(products, units, strict=True))
    packed = [pack([each])[:, 0] for each in products]
    most = max(each.shape[1] for each in packed)
    shares = np.zeros((len(packed), most))
    for row, each in zip(shares, packed, strict=True):
        size = each[-1] if by_rows else np.ones(each.shape[1])
        row[: len(size)] = size / size.sum()
    data = [
        np.stack([np.pad(each, ((0, 0), (0, most - each.shape[1]))) for each in packed], axis=1),
        shares,
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
