"""Run a sampler and return its draws as arrays, without a tree: building one takes as long as sampling."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import nutpie
import pyarrow as pa
import pymc as pm

from bayescompare.engines.nuts_compile import compiled_for, start_widths
from bayescompare.engines.nuts_model import UNBOUNDED, Parameterization, build_model
from bayescompare.likelihood.problem import Problem

__all__ = ["CannotStartError", "Run", "Schedule", "available_cores", "sample"]

Array = npt.NDArray[np.float64]

#: nutpie's names of the statistics -> ArviZ's, which those of PyMC's own sampler have already.
_NUTPIE = {
    "diverging": "diverging",
    "energy": "energy",
    "depth": "tree_depth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
    "maxdepth_reached": "reached_max_treedepth",
    "logp": "lp",
}


class CannotStartError(Exception):
    """The sampler found no point to start from, or broke down."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to sample, and how carefully."""

    chains: int
    draws: int
    tune: int
    target: float
    parameterization: Parameterization
    sampler: Literal["nutpie", "pymc"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a sampler returned.

    Parameters
    ----------
    unbounded : (chains, draws, k)
    stats
        ArviZ name -> (chains, draws).
    effects : (chains, draws, J, q), optional
        Random effects, where they were sampled.
    evaluations
        Gradient evaluations of the kept draws.
    """

    unbounded: Array
    stats: Mapping[str, npt.NDArray[Any]]
    effects: Array | None

    @property
    def evaluations(self) -> int:
        """Gradient evaluations of the kept draws; those of the warm-up are not counted."""
        return int(np.sum(self.stats["n_steps"]))


def available_cores(chains: int) -> int:
    """Return how many chains may run at once: the cores of this process, or ``BAYESCOMPARE_CORES`` if fewer."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("BAYESCOMPARE_CORES", "")
    return max(1, min(chains, cores, int(limit) if limit.isdigit() else cores))


def sample(problem: Problem, schedule: Schedule, seed: np.random.SeedSequence) -> Run:
    """Sample the posterior of a problem; the same seed gives the same bits, whatever the cores.

    Raises
    ------
    CannotStartError
        If the sampler found no point to start from.
    """
    runner = _by_nutpie if schedule.sampler == "nutpie" else _by_pymc
    return runner(problem, schedule, seed)


def _by_nutpie(problem: Problem, schedule: Schedule, seed: np.random.SeedSequence) -> Run:
    compiled = compiled_for(problem, schedule.parameterization)
    try:
        running = nutpie.sample(
            compiled,
            draws=schedule.draws,
            tune=schedule.tune,
            chains=schedule.chains,
            cores=available_cores(schedule.chains),
            seed=int(seed.generate_state(1, np.uint64)[0]),
            target_accept=schedule.target,
            progress_bar=False,
            save_warmup=False,
            return_raw_trace=True,
            blocking=False,
        )
        draws, stats = _waited_for(running).get_arrow_trace()
    except (RuntimeError, ValueError) as error:
        raise CannotStartError(str(error)) from error
    kept = slice(schedule.tune, schedule.tune + schedule.draws)
    name = problem.layout.b_name
    sampled = name in draws[0].schema.names
    return Run(
        unbounded=np.stack([_column(batch, UNBOUNDED)[kept] for batch in draws]),
        stats={to: np.stack([_column(batch, of)[kept, 0] for batch in stats]) for of, to in _NUTPIE.items()},
        effects=_shaped([_column(batch, name)[kept] for batch in draws], problem) if sampled else None,
    )


def _waited_for(running: Any) -> Any:
    """Return the trace of a running sampler; stop its threads where the waiting is interrupted.

    nutpie's own blocking call swallows an interrupt and returns what there is.
    """
    try:
        return running.wait()
    except BaseException:
        running.cancel()
        raise


def _column(batch: Any, name: str) -> npt.NDArray[Any]:
    """Return a column of an arrow batch, ``(rows, values a row)``."""
    column = pa.array(batch.column(name))
    values = column.flatten() if pa.types.is_nested(column.type) else column
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(len(column), -1)


def _shaped(effects: list[Array], problem: Problem) -> Array:
    """Return sampled random effects as ``(chains, draws, J, q)``."""
    stacked = np.stack(effects)
    return stacked.reshape(*stacked.shape[:2], len(problem.layout.levels), problem.layout.q)


def _by_pymc(problem: Problem, schedule: Schedule, seed: np.random.SeedSequence) -> Run:
    model = build_model(problem, schedule.parameterization, constant_priors=True)
    words = [int(word) for word in seed.generate_state(2 * schedule.chains, np.uint32)]
    widths = start_widths(problem, schedule.parameterization)
    starts = [_pymc_start(model, widths, word) for word in words[schedule.chains :]]
    with model:
        try:
            trace = pm.sample(
                draws=schedule.draws,
                tune=schedule.tune,
                chains=schedule.chains,
                cores=1,
                random_seed=words[: schedule.chains],
                initvals=starts,
                init="adapt_diag",
                target_accept=schedule.target,
                nuts_sampler="pymc",
                progressbar=False,
                quiet=True,
                compute_convergence_checks=False,
            )
        except (pm.exceptions.SamplingError, RuntimeError, ValueError) as error:
            raise CannotStartError(str(error)) from error
    posterior, name = trace["posterior"], problem.layout.b_name
    return Run(
        unbounded=posterior[UNBOUNDED].values,
        stats={name: trace["sample_stats"][name].values for name in _NUTPIE.values()},
        effects=posterior[name].values if name in posterior else None,
    )


def _pymc_start(model: Any, widths: Array, word: int) -> dict[str, Array]:
    """Return a random start as PyMC takes it, by variable."""
    values = widths * np.random.default_rng(word).uniform(-1.0, 1.0, len(widths))
    start, position = {}, 0
    for variable in model.free_RVs:
        shape = tuple(variable.shape.eval())
        size = int(np.prod(shape))
        start[variable.name] = values[position : position + size].reshape(shape)
        position += size
    return start
