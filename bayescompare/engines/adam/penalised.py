"""A Keras ``Embedding`` with a Gaussian penalty on its weights: random effects as deep learning regularises them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.calls import Call
from bayescompare.engines.adam.engine import Member
from bayescompare.engines.adam.henderson import penalty
from bayescompare.engines.adam.judge import End, Outcome
from bayescompare.engines.adam.levels import LevelEngine, LevelRows, trained_rows
from bayescompare.engines.adam.loop import Objective
from bayescompare.engines.adam.optimizers import rates
from bayescompare.engines.adam.penalised_ends import (
    FixedRows,
    at_fixed_variances,
    at_learned_variances,
    maximum_likelihood,
)
from bayescompare.engines.adam.penalty import JointDeviance, PenalisedDeviance
from bayescompare.engines.adam.rows import padded, scaled
from bayescompare.engines.adam.run import Plan, Run
from bayescompare.engines.adam.scaling import Scaling
from bayescompare.errors import EstimatorError
from bayescompare.fits import Path
from bayescompare.formula import parse
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import correlation_matrix
from bayescompare.likelihood.problem import Problem
from bayescompare.model import Model

__all__ = ["AdamPenalised"]

Array = npt.NDArray[np.float64]

_SOURCES = {"ml": "the ML", "given": "the given"}


@dataclass(frozen=True, kw_only=True)
class AdamPenalised(LevelEngine):
    """Keras Adam on fixed effects and level weights with a Gaussian penalty, ``RSS / sigma^2 + sum_j b_j' S^-1 b_j``.

    At known variances its optimum solves Henderson's mixed-model equations: the fixed effects are generalised least
    squares, the weights best linear unbiased predictions. It then does not estimate sds, correlations and sigma:
    they are the ML values (found by L-BFGS-B), or given. ``variances=learned`` minimises -2 log joint density of
    response and weights over the variances too. That density has no maximum, it grows without bound as an sd goes to
    zero or a correlation to plus or minus one: a run ends there (``degenerate``), or in a local mode that exists
    where the ML variance is above about ``3 sigma^2 / n``, n the rows of a level (``local_mode``). Weights and fixed
    effects start as Keras has them, log sds, Fisher z and log sigma at zero, in Adam's units.

    Where each update sees all rows, as by default, the rate of a run without a ``schedule`` falls to zero over the
    run (Keras's ``CosineDecay``); in minibatches it is constant. See `AdamEngine` for the settings that all share.

    Parameters
    ----------
    variances
        ``ml``, ``given`` or ``learned``.
    sds, cors
        Given sds of the effects, and correlations of the pairs, in the order of the report and with ``;`` between
        them, as in ``sds=1.0;0.5``; correlations are zero where not given. Units are the response's.
    sigma
        Given residual sd.
    """

    name: ClassVar[str] = "adam-penalised"

    lr: float = 0.3
    epochs: int | None = 3000
    variances: Literal["ml", "given", "learned"] = "ml"
    sds: str = ""
    cors: str = ""
    sigma: float | None = None

    def __post_init__(self) -> None:
        """Refuse settings that cannot be run, or that would be ignored."""
        LevelEngine.__post_init__(self)
        idle = [name for name in ("sds", "cors", "sigma") if getattr(self, name) not in ("", None)]
        if self.variances != "given":
            if idle:
                raise EstimatorError(
                    f"{self.name}: {idle[0]} has a meaning with variances=given only; give that too, or leave it out."
                )
            return
        if not self.sds or self.sigma is None:
            raise EstimatorError(
                f"{self.name}: variances=given needs sds, one a random effect, and sigma, as in "
                f"{self.name}:variances=given,sds=1.0;0.5,sigma=1."
            )
        if not (isfinite(self.sigma) and self.sigma > 0):
            raise EstimatorError(f"{self.name}: sigma must be a positive number, not {self.sigma}.")
        if any(value < 0 for value in _numbers(self.sds, "sds")):
            raise EstimatorError(f"{self.name}: sds={self.sds!r} has a negative number, and sds are zero or more.")
        _numbers(self.cors, "cors")

    def supports(self, model: Model) -> str | None:
        """Return why the engine cannot fit a model here, or None where it can."""
        if parse(model.formula).factor is None:
            return f"{self.name} penalises the weights of levels, and the formula has no grouping factor"
        return LevelEngine.supports(self, model)

    def member(self, problem: Problem) -> Member:
        """Return a problem ready for Adam, with its variances where these are fixed."""
        found = LevelEngine.member(self, problem)
        train = trained_rows(found)
        if self.variances == "learned":
            return found
        theta = maximum_likelihood(train) if self.variances == "ml" else self._given(problem.layout)
        held = None if found.held is None else FixedRows.of(found.held, problem, train.trained, theta=theta)
        return replace(found, train=FixedRows.of(train, problem, train.trained, theta=theta), held=held)

    def _given(self, layout: Layout) -> Array:
        """Return the given variances among parameters ``(k,)``."""
        theta = np.full(layout.size, np.nan)
        sds = _numbers(self.sds, "sds")
        cors = _numbers(self.cors, "cors") or [0.0] * layout.m
        for name, values, wanted in (("sds", sds, layout.effects), ("cors", cors, layout.pair_names)):
            if len(values) != len(wanted):
                raise EstimatorError(
                    f"{self.name}: {name}={getattr(self, name)!r} has {len(values)} of the {len(wanted)} numbers "
                    f"that the model asks for ({'; '.join(wanted) or 'none'})."
                )
        theta[layout.sd], theta[layout.cor], theta[layout.sigma] = sds, cors, self.sigma
        if layout.m and np.linalg.eigvalsh(correlation_matrix(theta[layout.cor], layout))[0] < -1e-9:
            raise EstimatorError(f"{self.name}: no random effects have the correlations cors={self.cors!r}.")
        return theta

    def objective(self, member: Member) -> Objective:
        """Return the penalised deviance, or the joint one."""
        layout = member.problem.layout
        if self.variances != "learned":
            return PenalisedDeviance(len(layout.levels))
        shape = Layout(coefs=("",) * layout.p, factor="", blocks=tuple(("",) * len(block) for block in layout.blocks))
        return JointDeviance(shape, len(layout.levels))

    def data(self, problems: Sequence[Problem], units: Sequence[Scaling]) -> list[npt.NDArray[Any]]:
        """Return the data of `PenalisedDeviance` or `JointDeviance`."""
        rows = [problem for problem in problems if isinstance(problem, LevelRows)]
        pairs = [scaled(problem, unit) for problem, unit in zip(rows, units, strict=True)]
        return [
            padded([columns for columns, _ in pairs]),
            padded([_reached(problem, unit) for problem, unit in zip(rows, units, strict=True)]),
            padded([y for _, y in pairs]),
            padded([problem.level for problem in rows]),
            np.array([len(problem.y) for problem in rows], dtype=np.int32),
            np.array([float(problem.trained) for problem in rows]),
            *_variances(rows, units),
        ]

    def start(self, member: Member, rng: np.random.Generator) -> Array:
        """Return weights as Keras draws them, and zeros for what is learned of the variances."""
        layout, first = member.problem.layout, LevelEngine.start(self, member, rng)
        return np.append(first, np.zeros(layout.size - layout.p)) if self.variances == "learned" else first

    def coefficients(self, member: Member, x: Array) -> tuple[Array, Array]:
        """Return fixed effects ``(T, p)`` and weights ``(T, J, q)`` in natural units; those out of reach are zero."""
        beta, effects = LevelEngine.coefficients(self, member, x)
        train = member.train
        return beta, effects @ penalty(train.theta, train).reach.T if isinstance(train, FixedRows) else effects

    def _natural(self, member: Member, x: Array) -> Array:
        """Return parameters ``(T, k)`` of ``x (T, k)``; those that are fixed are NaN."""
        layout = member.problem.layout
        if self.variances == "learned":
            own = np.column_stack([x[:, layout.beta], x[:, layout.p + len(layout.levels) * layout.q :]])
            return member.unit.natural(own, layout)
        out = np.full((len(x), layout.size), np.nan)
        out[:, layout.beta] = self.coefficients(member, x)[0]
        return out

    def _plan(self, rows: Sequence[tuple[Member, np.random.SeedSequence, int]]) -> Plan:
        plan, updates = LevelEngine._plan(self, rows), self.steps or self.epochs
        if self.schedule or self.batch is not None or updates is None:
            return plan
        return replace(plan, rates=rates(self.lr, Call("CosineDecay", (("decay_steps", updates),))))

    def end(self, member: Member, runs: Sequence[Run], seed: np.random.SeedSequence) -> End:
        """Return the run with the lowest loss, judged on what it was trained on."""
        run, train = runs[0], trained_rows(member)
        paths = [Path(steps=r.steps, values=self._natural(member, r.path), loss=r.loss) for r in runs]
        estimate, effects = self._natural(member, run.x[None])[0], self.coefficients(member, run.x[None])[1][0]
        nan = float("nan")
        outcome = Outcome(estimate=estimate, paths=paths, decrease=run.decrease, diverged=run.diverged, gap=nan)
        if isinstance(train, FixedRows):
            source = _SOURCES[self.variances]
            return at_fixed_variances(train, outcome, effects, self.margins, source=source, label=self.label)
        return at_learned_variances(train, outcome, effects, self.margins, label=self.label)


def _numbers(text: str, name: str) -> list[float]:
    """Return the numbers of a text with ``;`` between them."""
    try:
        found = [float(part) for part in text.split(";") if part.strip()]
    except ValueError:
        found = [float("nan")]
    if not all(map(isfinite, found)):
        raise EstimatorError(f"adam-penalised: {name}={text!r} is not numbers with ';' between them, as in 1.0;0.5.")
    return found


def _reached(problem: LevelRows, unit: Scaling) -> Array:
    """Return the columns ``(n, q)`` of the effects in Adam's units, on what their covariance can reach."""
    columns = problem.z @ unit.effects
    if not isinstance(problem, FixedRows):
        return columns
    inside = np.linalg.solve(unit.effects, penalty(problem.theta, problem).reach @ unit.effects)
    return np.asarray(columns @ inside)


def _variances(problems: Sequence[LevelRows], units: Sequence[Scaling]) -> list[Array]:
    """Return ``1 / sigma^2`` and ``S^-1`` in Adam's units, or what the joint deviance is larger in the user's."""
    pairs = list(zip(problems, units, strict=True))
    fixed = [(problem, unit) for problem, unit in pairs if isinstance(problem, FixedRows)]
    if fixed:
        return [
            np.array([(unit.unit / problem.theta[problem.layout.sigma]) ** 2 for problem, unit in fixed]),
            np.array([_scaled_precision(problem, unit) for problem, unit in fixed]),
        ]
    return [np.array([_larger(problem, unit) for problem, unit in pairs])]


def _scaled_precision(problem: FixedRows, unit: Scaling) -> Array:
    effects = unit.unit * unit.effects
    return np.asarray(effects.T @ penalty(problem.theta, problem).precision @ effects)


def _larger(problem: LevelRows, unit: Scaling) -> float:
    size = np.linalg.slogdet(unit.unit * unit.effects)[1]
    return float(2 * problem.trained * np.log(unit.unit) + 2 * problem.count * size)
