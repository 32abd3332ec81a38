"""Estimators that cost nothing, or misbehave; loading this module registers them, in workers too."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from bayescompare.engines.base import Engine, OneByOne, Progress, status_of
from bayescompare.engines.catalog import register
from bayescompare.fits import Draws, Fit, Flag, Status
from bayescompare.likelihood.problem import Problem


def _fit(label: str, problem: Problem, seed: np.random.SeedSequence) -> Fit:
    layout = problem.layout
    return Fit(
        estimator=label,
        layout=layout,
        status=Status.OK,
        estimate=np.random.default_rng(seed).normal(size=layout.size),
        se=np.ones(layout.size),
        estimand=("noise",) * layout.size,
        reason=("",) * layout.size,
    )


@register
@dataclass(frozen=True, kw_only=True)
class Noise(OneByOne):
    """Random numbers; for ``seconds`` a fit it keeps a core busy, then it rests for others."""

    name: ClassVar[str] = "mock-noise"
    engine: ClassVar[str] = "lbfgs"
    seconds: float = 0.0
    rest: float = 0.0

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence) -> Fit:
        until = time.perf_counter() + self.seconds
        while time.perf_counter() < until:
            pass
        time.sleep(self.rest)
        return _fit(self.label, problem, seed)


@register
@dataclass(frozen=True, kw_only=True)
class Poison(Engine):
    """Kills its process on some data sets, raises or hangs on others: those whose first response is a certain one."""

    name: ClassVar[str] = "mock-poison"
    engine: ClassVar[str] = "lbfgs"
    kills: float = -np.inf
    raises: float = -np.inf
    hangs: float = -np.inf

    def fit(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[np.random.SeedSequence],
        progress: Progress | None = None,
    ) -> list[Fit]:
        for problem in problems:
            first = problem.y[0]
            if first < self.kills:
                os.kill(os.getpid(), signal.SIGKILL)
            if first < self.raises:
                raise RuntimeError("this data set is too sad <b>to fit</b>")
            while first < self.hangs:
                time.sleep(1)
        return [_fit(self.label, problem, seed) for problem, seed in zip(problems, seeds, strict=True)]


@register
@dataclass(frozen=True, kw_only=True)
class Drawn(OneByOne):
    """Draws of noise that fail the gate in seven fits of eight."""

    name: ClassVar[str] = "mock-drawn"
    engine: ClassVar[str] = "lbfgs"

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence) -> Fit:
        values = np.exp(0.1 * np.random.default_rng(seed).normal(size=(2, 30, problem.layout.size)))
        failed = values[0, 0, 0] > np.exp(-0.115)
        found = _fit(self.label, problem, seed)
        flags = (Flag.RHAT,) if failed else ()
        return replace(found, draws=Draws(values=values), flags=flags, status=status_of(flags))


@register
@dataclass(frozen=True, kw_only=True)
class Once(OneByOne):
    """Kills its process the first time that it is asked, by the witness of a file."""

    name: ClassVar[str] = "mock-once"
    engine: ClassVar[str] = "lbfgs"

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence) -> Fit:
        witness = Path(os.environ["BAYESCOMPARE_TEST_WITNESS"])
        if not witness.exists():
            witness.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return _fit(self.label, problem, seed)
