"""Keras Adam on the evidence lower bound: a Gaussian that stands for the posterior, with intervals."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.batches import Epoch, in_order, shuffled
from bayescompare.engines.adam.calls import Call
from bayescompare.engines.adam.elbo_draws import fixed_draws, points
from bayescompare.engines.adam.elbo_gaussian import Gaussian
from bayescompare.engines.adam.elbo_objective import Data, NegativeElbo, data_of
from bayescompare.engines.adam.elbo_optimum import Bound, best_known, laplace
from bayescompare.engines.adam.elbo_posterior import Posterior, moments
from bayescompare.engines.adam.engine import AdamEngine, Member
from bayescompare.engines.adam.judge import End, Outcome, Verdict, judge
from bayescompare.engines.adam.optimizers import rates
from bayescompare.engines.adam.run import Plan, Run
from bayescompare.engines.adam.scaling import Scaling
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag, Path, Status
from bayescompare.layout import Layout
from bayescompare.likelihood.problem import Problem
from bayescompare.seeds import below, generator

__all__ = ["AdamElbo"]

Array = npt.NDArray[np.float64]
Seed = np.random.SeedSequence

# Fixed draws that the losses of a path are taken on, and those that an end is judged on.
_PATH, _JUDGE = 64, 1000
# Of the falling rate: with it the last fifth of a run is at rest, with a cosine it is not.
_POWER = 3.0
# Sds of the first Gaussian.
_NARROW = 0.1


@dataclass(frozen=True, kw_only=True)
class AdamElbo(AdamEngine):
    """Keras Adam on the evidence lower bound (ELBO) of a Gaussian variational posterior, by reparametrisation.

    The Gaussian is over fixed effects, log sds, Fisher z of the partial correlations, log sigma and non-centred random
    effects, in the units of ``scale``; see `elbo_gaussian` for its factor and `elbo_objective` for what is in closed
    form. ``batch`` makes each update see so many groups only, their part of the ELBO scaled up. Adam forgets its early
    gradients sooner than it does by default (``beta_2``): at a start with a small sigma they may be a million times
    those of the end, and would hold the run back for thousands of updates. See `AdamEngine` for the settings that all
    Adam estimators share.

    Parameters
    ----------
    family
        ``mean-field``: all coordinates independent; ``full-rank``: any covariance.
    draws
        Draws of the variance parameters in each update.
    decay
        Whether a run without a ``schedule`` lets its rate fall to zero over all its updates, as the cube of what is
        left of them: gradients are noisy, so that at a constant rate the end is as far off as the rate is high.
    """

    name: ClassVar[str] = "adam-elbo"
    uses_priors: ClassVar[bool] = True

    lr: float = 0.1
    optimizer: str = "Adam(beta_2=0.99)"
    epochs: int | None = 5000
    family: Literal["mean-field", "full-rank"] = "mean-field"
    draws: int = 10
    decay: bool = True

    def __post_init__(self) -> None:
        """Refuse settings that cannot be run, or that would be ignored."""
        AdamEngine.__post_init__(self)
        if self.draws < 1:
            raise EstimatorError(f"{self.name}: draws must be at least 1, not {self.draws}.")
        if self.validation_split:
            raise EstimatorError(
                f"{self.name}: validation_split cannot be used: effects of groups that are held out are not fitted."
            )
        if self.schedule and not self.decay:
            raise EstimatorError(f"{self.name}: a schedule says how the rate falls; leave decay out.")

    def split(self, problem: Problem) -> tuple[Problem, Problem]:
        """Refuse: nothing is held out."""
        raise EstimatorError(f"{self.name}: nothing can be held out.")

    def shape(self, member: Member) -> Hashable:
        """Return the compiled part."""
        return self.objective(member)

    def gaussian(self, layout: Layout) -> Gaussian:
        """Return the family for a layout."""
        shape = Layout(coefs=("",) * layout.p, factor="", blocks=tuple(("",) * len(block) for block in layout.blocks))
        return Gaussian(shape, max(1, len(layout.levels)) if layout.q else 1, self.family == "full-rank")

    def objective(self, member: Member) -> NegativeElbo:
        """Return -2 ELBO, without data."""
        priors, gaussian = member.problem.priors, self.gaussian(member.problem.layout)
        kinds = priors.with_constants([0.0] * len(priors.constants()))
        return NegativeElbo(gaussian, replace(kinds, layout=gaussian.layout))

    def data(self, problems: Sequence[Problem], units: Sequence[Scaling]) -> list[npt.NDArray[Any]]:
        """Return the data of `NegativeElbo` but for the draws."""
        return data_of(problems, units)

    def noise(self, rows: Sequence[tuple[Member, Seed, int]]) -> list[Array]:
        """Return the draws: the same fixed ones for all restarts."""
        sizes = [member.problem.layout.size for member, _, _ in rows]
        moving = [points(generator(seed, 4, restart), self.draws, size)
                  for (_, seed, restart), size in zip(rows, sizes, strict=True)]  # fmt: skip
        fixed = [fixed_draws(generator(seed, 5), _PATH, size)
                 for (_, seed, _), size in zip(rows, sizes, strict=True)]  # fmt: skip
        return [np.array(moving), np.array(fixed)]

    def start(self, member: Member, rng: np.random.Generator) -> Array:
        """Return a narrow Gaussian: means of log sds and log sigma ~ N(0, 1), the others zero, in Adam's units."""
        layout = member.problem.layout
        v = np.zeros(layout.size - layout.p)
        v[: layout.q], v[-1] = rng.standard_normal(layout.q), rng.standard_normal()
        return self.gaussian(layout).start(v, _NARROW)

    def epoch(self, member: Member, rng: np.random.Generator) -> Epoch | None:
        """Return minibatches of groups."""
        groups = max(1, len(member.problem.layout.levels))
        if self.batch is None or self.batch >= groups:
            return None
        return shuffled(groups, self.batch, rng) if self.shuffle else in_order(groups, self.batch)

    def _plan(self, rows: Sequence[tuple[Member, Seed, int]]) -> Plan:
        plan = AdamEngine._plan(self, rows)
        if self.schedule or not self.decay:
            return plan
        updates = int(plan.updates.max())
        falling = Call("PolynomialDecay", (("decay_steps", updates), ("end_learning_rate", 0.0), ("power", _POWER)))
        return replace(plan, rates=rates(self.lr, falling))

    def end(self, member: Member, runs: Sequence[Run], seed: Seed) -> End:
        """Return the run with the lowest loss, judged by the best known Gaussian of its family."""
        run, layout = runs[0], member.problem.layout
        posterior = Posterior.of(self.gaussian(layout), member.unit, layout, generator(seed, 6))
        bound, start = self._bound(member, seed)
        objective = bound(run.x)[0]
        best = best_known(bound, run.x, start) if np.isfinite(objective) else None
        values = posterior.draws(run.x)
        estimate, se = moments(values)
        paths = [Path(steps=r.steps, values=posterior.path(r.path), loss=r.loss) for r in runs]
        outcome = Outcome(
            estimate=estimate,
            paths=paths,
            decrease=run.decrease,
            diverged=run.diverged,
            gap=float("nan") if best is None else objective - best[1],
        )
        there = None if best is None else _optimum(self.label, posterior, best[0])
        verdict = _with_sds(judge(outcome, there, layout, self.margins), se, there)
        return End(
            estimate=estimate,
            se=se,
            working_se=posterior.working_sds(run.x),
            estimand=("variational mean",) * layout.size,
            reason=("",) * layout.size,
            objective=objective,
            grad_norm=bound.steepness(run.x),
            own_optimum=None if there is None else there.estimate,
            random_effects=posterior.random_effects(run.x),
            variational=values,
            paths=paths,
            verdict=verdict,
        )

    def _bound(self, member: Member, seed: Seed) -> tuple[Bound, Array]:
        """Return -2 ELBO on the fixed draws that an end is judged on, and a start for its optimum."""
        problem, unit, objective = member.problem, member.unit, self.objective(member)
        judged = fixed_draws(generator(seed, 7), _JUDGE, problem.layout.size)
        data = [*data_of([problem], [unit]), judged[None, :1], judged[None]]
        start = laplace(objective.gaussian, problem, unit, Data(*data), below(seed, 2))
        return Bound.of(objective, data), start


def _optimum(label: str, posterior: Posterior, x: Array) -> Fit:
    """Return the best known Gaussian as a fit, for judging another."""
    layout = posterior.layout
    estimate, se = posterior.moments(x)
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.OK,
        estimate=estimate,
        se=se,
        working_se=posterior.working_sds(x),
        estimand=("variational mean",) * layout.size,
        reason=("",) * layout.size,
    )


def _with_sds(verdict: Verdict, se: Array, optimum: Fit | None) -> Verdict:
    """Return the verdict where the sds, which are estimates too, may be farther off than the means.

    Their distance is in sds as well: it is by how much an end of an interval of one sd moves.
    """
    if optimum is None:
        return verdict
    away = float(np.max(np.abs(se - optimum.se) / optimum.se))
    late = away > verdict.margins.premature and not {Flag.PREMATURE, Flag.WORSE_OPTIMUM} & set(verdict.flags)
    flags = (Flag.PREMATURE, *verdict.flags) if late else verdict.flags
    return replace(verdict, gap_sd=max(verdict.gap_sd, away), flags=flags)
