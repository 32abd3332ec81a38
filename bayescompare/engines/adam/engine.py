"""What the Adam estimators share: their settings, and the way from problems to runs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import Epoch, Minibatches, in_order, shuffled
from bayescompare.engines.adam.calls import Call
from bayescompare.engines.adam.judge import End, Margins
from bayescompare.engines.adam.loop import Objective, Patience, loop
from bayescompare.engines.adam.optimizers import COUPLED, rates, read_optimizer, read_schedule
from bayescompare.engines.adam.run import Plan, Run, optimize
from bayescompare.engines.adam.scaling import Scale, Scaling, scaling
from bayescompare.engines.adam.stack import in_stacks, marked, shared_seconds
from bayescompare.engines.base import Engine, Progress, note_flags, status_of
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend_problem
from bayescompare.model import Model
from bayescompare.seeds import generator, seed_key

__all__ = ["AdamEngine", "Member"]

Array = npt.NDArray[np.float64]
Seed = np.random.SeedSequence
# Members, their seeds, and the numbers of their restarts.
_Rows = Sequence[tuple["Member", Seed, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A problem, ready for Adam.

    Parameters
    ----------
    problem
        As it was given.
    train
        What Adam sees of it.
    held
        What is held out for validation, or None.
    unit
        The units that Adam works in.
    """

    problem: Problem
    train: Problem
    held: Problem | None
    unit: Scaling


@dataclass(frozen=True, kw_only=True)
class AdamEngine(Engine):
    """A Keras optimizer on a loss, many data sets in one compiled graph.

    Parameters
    ----------
    lr
        Learning rate, or the first one of ``schedule``.
    schedule
        A schedule of `keras.optimizers.schedules`, as in ``CosineDecay(decay_steps=1000)``; constant where empty.
    optimizer
        Any Keras optimizer with its arguments, as in ``Adam(beta_2=0.99,amsgrad=True)`` or ``SGD(momentum=0.9)``.
        ``use_ema=True`` reports its averaged weights.
    batch
        Rows (or groups) in a minibatch; all where None.
    epochs, steps
        Passes over the data, or number of updates.
    shuffle
        Whether each epoch has a new order.
    validation_split
        Share of the rows (or groups), from the end and before shuffling, that is held out.
    patience
        Epochs without a lower loss after which a run stops, as Keras's ``EarlyStopping`` does: the loss of
        what is held out, or where nothing is, the mean over the epoch's minibatches.
    min_delta
        By which a loss must be lower to count.
    restore_best
        Whether a run returns to the epoch of its lowest loss.
    restarts
        Runs from dispersed starts; the one with the lowest loss is reported.
    dtype
        Of parameters and data.
    jit_compile
        Whether XLA compiles the updates, as Keras's ``compile`` has it; ``auto`` where that pays within one run. A
        study of many blocks, each compiled once, may want ``true``.
    scale
        ``raw`` columns, or ``standardised`` columns and response.
    premature, oscillating
        Standard errors from its own optimum above which a fit is flagged, and that the last fifth of its
        path may span.
    """

    engine: ClassVar[str] = "adam"

    lr: float = 0.01
    schedule: str = ""
    optimizer: str = "Adam"
    batch: int | None = None
    epochs: int | None = None
    steps: int | None = None
    shuffle: bool = True
    validation_split: float = 0.0
    patience: int | None = None
    min_delta: float = 0.0
    restore_best: bool = False
    restarts: int = 1
    dtype: Literal["float32", "float64"] = "float64"
    jit_compile: bool | Literal["auto"] = "auto"
    scale: Scale = "standardised"
    premature: float = 0.1
    oscillating: float = 0.25

    def __post_init__(self) -> None:
        """Refuse settings that cannot be run, or that would be ignored."""
        _check(self)

    @property
    def call(self) -> Call:
        """The optimizer."""
        return read_optimizer(self.optimizer)

    @property
    def stops_early(self) -> Patience | None:
        """The rule of early stopping, if there is one."""
        if self.patience is None:
            return None
        return Patience(epochs=self.patience, least=self.min_delta, restores=self.restore_best)

    @property
    def margins(self) -> Margins:
        """The thresholds of the flags."""
        return Margins(premature=self.premature, oscillating=self.oscillating)

    def supports(self, model: Model) -> str | None:
        """Return why the engine cannot fit a model here, or None where it can."""
        elsewhere = [repr(prior) for prior in model.own_priors.values() if not prior.in_tensorflow]
        if self.uses_priors and elsewhere:
            return f"{elsewhere[0]} has no density in TensorFlow; nuts and lbfgs-map can use it"
        return Engine.supports(self, model) or backend_problem()

    def fit(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[Seed],
        progress: Progress | None = None,
        limit: float | None = None,
    ) -> list[Fit]:
        """Fit all problems in one compiled graph; see `Engine.fit`."""
        members = {id(problem): self.member(problem) for problem in problems}

        def stack(alike: Sequence[Problem], own: Sequence[Seed], share: Any, seconds: float | None) -> list[Fit]:
            return self._fit_stack([members[id(problem)] for problem in alike], own, share, seconds)

        return in_stacks(problems, seeds, progress, limit, key=lambda one: self.shape(members[id(one)]), fit=stack)

    def member(self, problem: Problem) -> Member:
        """Return a problem ready for Adam: split, and in its units."""
        train, held = self.split(problem) if self.validation_split else (problem, None)
        return Member(problem=problem, train=train, held=held, unit=scaling(train, self.scale))

    @abstractmethod
    def split(self, problem: Problem) -> tuple[Problem, Problem]:
        """Return what is trained on, and what is held out."""

    @abstractmethod
    def shape(self, member: Member) -> Hashable:
        """Return what members must share to be run in one stack."""

    @abstractmethod
    def objective(self, member: Member) -> Objective:
        """Return the loss of members of one shape."""

    @abstractmethod
    def data(self, problems: Sequence[Problem], units: Sequence[Scaling]) -> list[npt.NDArray[Any]]:
        """Return the data of the loss."""

    def noise(self, rows: _Rows) -> Sequence[Array]:
        """Return the random numbers of the loss, which follow its data: a replicate's by its own seed."""
        return ()

    @abstractmethod
    def start(self, member: Member, rng: np.random.Generator) -> Array:
        """Return a start ``(k,)`` in Adam's units."""

    @abstractmethod
    def epoch(self, member: Member, rng: np.random.Generator) -> Epoch | None:
        """Return the minibatches of an epoch; None where each update sees all data."""

    @abstractmethod
    def end(self, member: Member, runs: Sequence[Run], seed: Seed) -> End:
        """Return what the best of some runs, which comes first, is worth."""

    def rows_of(self, member: Member, rng: np.random.Generator) -> Epoch | None:
        """Return minibatches of rows."""
        count = len(member.train.y)
        if self.batch is None:
            return None
        return shuffled(count, self.batch, rng) if self.shuffle else in_order(count, self.batch)

    @property
    def to_convergence(self) -> bool:
        """Whether a run ends where it has converged."""
        return False

    def step_limit(self, run: Run) -> tuple[Flag, ...]:
        """Return the flag of a run that was to end by itself and did not."""
        ended = run.converged or run.stopped or run.diverged or run.cut
        return () if ended or not (self.to_convergence or self.patience is not None) else (Flag.STEP_LIMIT,)

    def _fit_stack(
        self, members: Sequence[Member], seeds: Sequence[Seed], share: Callable[[float], None], seconds: float | None
    ) -> list[Fit]:
        rows = [(member, seed, restart) for member, seed in zip(members, seeds, strict=True)
                for restart in range(self.restarts)]  # fmt: skip
        stacks = [[row] for row in rows] if self.call.name in COUPLED else [rows]
        runs, took = self._run_stacks(stacks, seconds, share)
        own = [runs[i : i + self.restarts] for i in range(0, len(runs), self.restarts)]
        ranked = [sorted(each, key=lambda run: _rank(run)) for each in own]
        each = shared_seconds(took, members)
        fits = [self._fit(*one, each) for one in zip(members, ranked, seeds, strict=True)]
        return marked(fits, [any(run.cut for run in each) for each in own], seconds)

    def _fit(self, member: Member, runs: Sequence[Run], seed: Seed, seconds: float) -> Fit:
        """Return the fit of some runs, of which the best comes first."""
        end = self.end(member, runs, seed)
        flags = (*note_flags(member.problem), *end.verdict.flags, *self.step_limit(runs[0]))
        return Fit(
            estimator=self.label,
            layout=member.problem.layout,
            status=status_of(flags),
            flags=flags,
            message=end.message,
            estimate=end.estimate,
            se=end.se,
            working_se=end.working_se,
            estimand=end.estimand,
            reason=end.reason,
            objective=end.objective,
            gap_deviance=end.verdict.gap_deviance,
            gap_sd=end.verdict.gap_sd,
            grad_norm=end.grad_norm,
            seconds=seconds,
            evaluations=sum(each.updates for each in runs),
            seed_key=seed_key(seed),
            own_optimum=end.own_optimum,
            random_effects=end.random_effects,
            variational=end.variational,
            path=end.paths[0],
            restarts=tuple(end.paths[1:]),
            diagnostics=end.verdict.diagnostics,
            info=end.info,
        )

    def _run_stacks(
        self, stacks: Sequence[_Rows], seconds: float | None, share: Callable[[float], None]
    ) -> tuple[list[Run], float]:
        """Run one stack after another."""
        runs: list[Run] = []
        took, each = 0.0, None if seconds is None else seconds / len(stacks)
        for done, stack in enumerate(stacks):

            def part(of_this: float, done: int = done) -> None:
                share((done + of_this) / len(stacks))

            found, spent = self._run(stack, each, part)
            runs, took = [*runs, *found], took + spent
        return runs, took

    def _run(self, rows: _Rows, seconds: float | None, share: Callable[[float], None]) -> tuple[list[Run], float]:
        """Run some rows of one shape in a stack."""
        members = [member for member, _, _ in rows]
        start = np.array([self._start(member, seed, restart) for member, seed, restart in rows])
        compiled = loop(self.objective(members[0]), len(rows), start.shape[1], self.dtype, self.call, self.stops_early)
        units = [member.unit for member in members]
        held = [member.held for member in members if member.held is not None]
        plan = replace(
            self._plan(rows),
            seconds=seconds,
            held=self.data(held, units) if held else (),
            jit_compile=self.jit_compile,
        )
        data = [*self.data([member.train for member in members], units), *self.noise(rows)]
        return optimize(compiled, start, data, plan, share)

    def _start(self, member: Member, seed: Seed, restart: int) -> Array:
        """Return the start of a run; those of restarts are dispersed by a standard normal in Adam's units."""
        start = self.start(member, generator(seed, 0, *([restart] if restart else [])))
        return start + generator(seed, 3, restart).standard_normal(len(start)) if restart else start

    def _plan(self, rows: _Rows) -> Plan:
        """Return how long to run, and on what."""
        epochs = [self.epoch(member, generator(seed, 1, *([restart] if restart else [])))
                  for member, seed, restart in rows]  # fmt: skip
        given = [epoch for epoch in epochs if epoch is not None]
        batches = Minibatches(given) if given else None
        each = np.ones(len(rows), dtype=np.int64) if batches is None else batches.each.astype(np.int64)
        updates = np.full(len(rows), self.steps) if self.steps is not None else each * (self.epochs or 0)
        most = np.iinfo(np.int32).max
        call = read_schedule(self.schedule) if self.schedule else None
        return Plan(rates=rates(self.lr, call), updates=np.minimum(updates, most).astype(np.int32), batches=batches)


def _rank(run: Run) -> float:
    """Return the loss at the end of a run, infinity where there is none."""
    loss = float(run.loss[-1]) if len(run.loss) else np.inf
    return np.inf if run.diverged or not np.isfinite(loss) else loss


# Settings that only count together with another.
_NEEDS = {
    "min_delta": "patience", "restore_best": "patience", "validation_split": "patience",
}  # fmt: skip


def _check(engine: AdamEngine) -> None:
    """Refuse settings that are out of range, or that would be ignored."""
    name = engine.name
    for setting in ("lr", "premature", "oscillating"):
        value = getattr(engine, setting)
        if not (np.isfinite(value) and value > 0):
            raise EstimatorError(f"{name}: {setting} must be a positive number, not {value}.")
    for setting in ("batch", "epochs", "steps", "restarts"):
        value = getattr(engine, setting)
        if value is not None and value < 1:
            raise EstimatorError(f"{name}: {setting} must be at least 1, not {value}.")
    if engine.patience is not None and engine.patience < 0:
        raise EstimatorError(f"{name}: patience must be zero or more epochs, not {engine.patience}.")
    if engine.jit_compile not in (True, False, "auto"):
        raise EstimatorError(f"{name}: jit_compile must be true, false or auto, not {engine.jit_compile!r}.")
    if not 0 <= engine.validation_split < 1:
        raise EstimatorError(f"{name}: validation_split must be a share from 0 to below 1.")
    if not (np.isfinite(engine.min_delta) and engine.min_delta >= 0):
        raise EstimatorError(f"{name}: min_delta must be zero or more, not {engine.min_delta}.")
    defaults = {one.name: one.default for one in type(engine).__dataclass_fields__.values()}
    for setting, other in _NEEDS.items():
        if getattr(engine, setting) != defaults[setting] and getattr(engine, other) is None:
            raise EstimatorError(f"{name}: {setting} has a meaning with {other} only; give it too, or leave it out.")
    if engine.steps is not None and engine.epochs not in (None, defaults["epochs"]):
        raise EstimatorError(f"{name}: give epochs or steps, not both.")
    read_optimizer(engine.optimizer)
    _check_schedule(engine, defaults["lr"])


def _check_schedule(engine: AdamEngine, lr: object) -> None:
    schedule = read_schedule(engine.schedule) if engine.schedule else None
    if schedule is not None and schedule.name == "PiecewiseConstantDecay" and engine.lr != lr:
        raise EstimatorError(f"{engine.name}: PiecewiseConstantDecay has its own rates; leave lr out.")
