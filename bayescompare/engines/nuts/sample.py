"""Run a sampler and return its draws as arrays, without a tree: building one takes as long as sampling."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import nutpie
import pyarrow as pa
import pymc as pm

from bayescompare.engines.deadline import Deadline
from bayescompare.engines.nuts.compile import compiled_for, exact_arithmetic
from bayescompare.engines.nuts.model import UNBOUNDED, Parameterization, build_model
from bayescompare.engines.nuts.start import starts
from bayescompare.likelihood.problem import Problem

__all__ = ["CannotStartError", "NoDrawsError", "Run", "Schedule", "available_cores", "prepare", "sample"]

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


class NoDrawsError(Exception):
    """Time was up before there was a draw after the warm-up."""


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


def prepare(problem: Problem, schedule: Schedule) -> None:
    """Compile what is compiled once for many fits: that is not a fit's own time."""
    if schedule.sampler == "nutpie":
        compiled_for(problem, schedule.parameterization)


def sample(problem: Problem, schedule: Schedule, seed: np.random.SeedSequence, until: Deadline) -> Run:
    """Sample the posterior of a problem; the same seed gives the same bits, whatever the cores.

    Parameters
    ----------
    until
        When it passes, the draws are those that there are: of the chains, and as many of each, that are the
        most draws in all when each chain gives as many.

    Raises
    ------
    CannotStartError
        If the sampler found no point to start from.
    NoDrawsError
        If time was up before there was a draw.
    """
    runner = _by_nutpie if schedule.sampler == "nutpie" else _by_pymc
    return runner(problem, schedule, seed, until)


def _by_nutpie(problem: Problem, schedule: Schedule, seed: np.random.SeedSequence, until: Deadline) -> Run:
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
        draws, stats = _waited_for(running, until).get_arrow_trace()
    except (RuntimeError, ValueError) as error:
        raise CannotStartError(str(error)) from error
    chains, count = _evened([batch.num_rows - schedule.tune for batch in draws])
    draws, stats = [draws[c] for c in chains], [stats[c] for c in chains]
    kept = slice(schedule.tune, schedule.tune + count)
    name = problem.layout.b_name
    sampled = name in draws[0].schema.names
    return Run(
        unbounded=np.stack([_column(batch, UNBOUNDED)[kept] for batch in draws]),
        stats={to: np.stack([_column(batch, of)[kept, 0] for batch in stats]) for of, to in _NUTPIE.items()},
        effects=_shaped([_column(batch, name)[kept] for batch in draws], problem) if sampled else None,
    )


def _evened(lengths: Sequence[int]) -> tuple[list[int], int]:
    """Return which chains to keep and how many draws of each, so that they are the most in all."""
    counts = sorted((count for count in lengths if count > 0), reverse=True)
    if not counts:
        raise NoDrawsError
    shortest = max(range(len(counts)), key=lambda k: (k + 1) * counts[k])
    return [c for c, count in enumerate(lengths) if count >= counts[shortest]], counts[shortest]


def _waited_for(running: Any, until: Deadline) -> Any:
    """Return the trace of a running sampler; stop its threads where time is up or the waiting is interrupted.

    nutpie's own blocking call swallows an interrupt and returns what there is.
    """
    try:
        return running.wait(timeout=until.left())
    except TimeoutError:
        until.cut = True
        return running.abort()
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


def _by_pymc(problem: Problem, schedule: Schedule, seed: np.random.SeedSequence, until: Deadline) -> Run:
    model = build_model(problem, schedule.parameterization, constant_priors=True)
    words = [int(word) for word in seed.generate_state(2 * schedule.chains, np.uint32)]
    start = starts(problem, schedule.parameterization)
    points = [_pymc_start(model, start(word)) for word in words[schedule.chains :]]
    with model, exact_arithmetic():
        try:
            trace = pm.sample(
                draws=schedule.draws,
                tune=schedule.tune,
                chains=schedule.chains,
                cores=1,
                random_seed=words[: schedule.chains],
                initvals=points,
                init="adapt_diag",
                target_accept=schedule.target,
                nuts_sampler="pymc",
                progressbar=False,
                quiet=True,
                compute_convergence_checks=False,
                callback=partial(_stop_pymc, until, schedule),
            )
        except (pm.exceptions.SamplingError, RuntimeError, ValueError) as error:
            if until.cut:
                raise NoDrawsError from error
            raise CannotStartError(str(error)) from error
    posterior, name = trace["posterior"], problem.layout.b_name
    return Run(
        unbounded=posterior[UNBOUNDED].values,
        stats={name: trace["sample_stats"][name].values for name in _NUTPIE.values()},
        effects=posterior[name].values if name in posterior else None,
    )


def _stop_pymc(until: Deadline, schedule: Schedule, *, draw: Any, **_: Any) -> None:
    """Stop a chain after a draw when time is up, as an interrupt would; PyMC evens the chains by itself."""
    is_last = (draw.chain + 1, draw.draw_idx + 1) == (schedule.chains, schedule.tune + schedule.draws)
    if not is_last and until.passed():
        raise KeyboardInterrupt


def _pymc_start(model: Any, values: Array) -> dict[str, Array]:
    """Return a starting point as PyMC takes it, by variable."""
    start, position = {}, 0
    for variable in model.free_RVs:
        shape = tuple(variable.shape.eval())
        size = int(np.prod(shape))
        start[variable.name] = values[position : position + size].reshape(shape)
        position += size
    return start
