"""What the Adam estimators share around the loop: stacks of one shape, progress, time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from bayescompare.engines.base import Progress
from bayescompare.engines.deadline import timed_out
from bayescompare.fits import Fit
from bayescompare.likelihood.problem import Problem

__all__ = ["in_stacks", "marked", "shared_seconds"]

Seed = np.random.SeedSequence
FitStack = Callable[[Sequence[Problem], Sequence[Seed], Callable[[float], None], float | None], list[Fit]]


def in_stacks(
    problems: Sequence[Problem],
    seeds: Sequence[Seed],
    progress: Progress | None,
    limit: float | None,
    *,
    key: Callable[[Problem], Hashable],
    fit: FitStack,
) -> list[Fit]:
    """Fit the problems of each shape together, and return the fits in the order of the problems.

    Parameters
    ----------
    fit
        Given the problems and seeds of a stack, what to call with the share that is done, and the seconds that the
        whole stack may take.
    """
    stacks: dict[Hashable, list[int]] = {}
    for i, problem in enumerate(problems):
        stacks.setdefault(key(problem), []).append(i)
    found: dict[int, Fit] = {}
    for members in stacks.values():

        def share(part: float, done: int = len(found), size: int = len(members)) -> None:
            if progress:
                progress(done + int(part * size), len(problems))

        seconds = None if limit is None else limit * len(members)
        fits = fit([problems[i] for i in members], [seeds[i] for i in members], share, seconds)
        found |= dict(zip(members, fits, strict=True))
    if progress and problems:
        progress(len(problems), len(problems))
    return [found[i] for i in range(len(problems))]


def shared_seconds(seconds: float, members: Sequence[object]) -> float:
    """Return each replicate's share of the time of its stack."""
    return seconds / max(1, len(members))


def marked(fits: Sequence[Fit], cut: Sequence[bool], seconds: float | None) -> list[Fit]:
    """Return the fits of a stack that had so many seconds, those whose runs were cut short as timed out."""
    limit = (seconds or 0.0) / max(1, len(fits))
    return [timed_out(fit, limit) if short else fit for fit, short in zip(fits, cut, strict=True)]
