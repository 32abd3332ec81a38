"""The contract of an engine: settings that name themselves, and a batch of problems in, fits out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from inspect import signature
from typing import Any, ClassVar

import numpy as np

from bayescompare.fits import Fit, Flag, Status
from bayescompare.layout import Layout
from bayescompare.likelihood.problem import Problem
from bayescompare.model import Model

__all__ = ["NOT_THERE", "Engine", "OneByOne", "Progress", "failed_fit", "note_flags", "status_of", "within"]

#: Called with (done, total) as a batch goes on.
Progress = Callable[[int, int], None]

#: Why an estimate has no standard error that was not taken at an optimum.
NOT_THERE = "not at an optimum"

#: Flags that are facts about the fit and not faults of it.
HARMLESS = frozenset(
    {
        Flag.BOUNDARY,
        Flag.NO_GROUPING,
        Flag.SCALED,
        Flag.RETRIED,
        Flag.ROWS_DROPPED,
        Flag.UNUSED_LEVELS,
        Flag.TWO_VALUES,
        Flag.OTHER_VERSIONS,
    }
)


@dataclass(frozen=True, kw_only=True)
class Engine(ABC):
    """An estimator: a frozen object whose fields are its settings.

    Subclass it as a frozen dataclass with defaults for all fields; every field can then be set
    in a label, as in ``lbfgs-ml:starts=1``.

    Attributes
    ----------
    name
        The estimator's name, the first part of its label.
    uses_priors
        Whether the model's priors enter; others say "prior not used".
    engine
        ``adam``, ``lbfgs``, ``nuts`` or ``quadrature``.
    """

    name: ClassVar[str]
    engine: ClassVar[str]
    uses_priors: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """The name, and the settings that differ from the default."""
        changed = [
            f.name if value is True else f"{f.name}={value}"
            for f in fields(self)
            if (value := getattr(self, f.name)) != f.default
        ]
        return f"{self.name}:{','.join(changed)}" if changed else self.name

    def supports(self, model: Model) -> str | None:
        """Return why the engine cannot fit a model, or None where it can."""
        return None if model.family == "gaussian" else f"{self.name} does not fit the {model.family} family"

    @abstractmethod
    def fit(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[np.random.SeedSequence],
        progress: Progress | None = None,
        limit: float | None = None,
    ) -> list[Fit]:
        """Fit problems that share their model and their numbers of columns and groups.

        A numerical failure of one problem is a fit with a status, never an exception; the result
        of a problem does not depend on its neighbours.

        Parameters
        ----------
        progress
            Called as the batch goes on.
        limit
            Seconds that each fit may take. Problems that run together, in one stack, have the limit times their
            number together, and those of them that have ended by then are whole. What is done once for many fits,
            such as compiling, and what is done after a fit, such as judging it, does not count. A fit that is
            cut short has the status ``timeout``; if it has an estimate it has the flag ``partial`` too (see
            `bayescompare.engines.deadline.timed_out`). A fit that ends in time is to the last bit the fit
            without a limit. An engine whose ``fit`` has no such parameter is called without: its fits run to their end.
        """


@dataclass(frozen=True, kw_only=True)
class OneByOne(Engine):
    """An engine that gains nothing from a stack: it fits each problem by itself."""

    def fit(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[np.random.SeedSequence],
        progress: Progress | None = None,
        limit: float | None = None,
    ) -> list[Fit]:
        """Fit each problem; see `Engine.fit`."""
        fits, fit_one = [], within(self.fit_one, limit)
        for done, (problem, seed) in enumerate(zip(problems, seeds, strict=True), 1):
            fits.append(fit_one(problem, seed))
            if progress:
                progress(done, len(problems))
        return fits

    @abstractmethod
    def fit_one(self, problem: Problem, seed: np.random.SeedSequence) -> Fit:
        """Fit one problem.

        It may have a further parameter ``limit: float | None = None``: seconds that it may take, as `Engine.fit`
        says. One that has none runs to its end.
        """


def within[Result](fit: Callable[..., Result], limit: float | None) -> Callable[..., Result]:
    """Return an engine's ``fit`` or ``fit_one`` with its limit set, if it has one and takes one."""
    takes_one = limit is not None and "limit" in signature(fit).parameters
    return partial(fit, limit=limit) if takes_one else fit


def status_of(flags: Sequence[Flag], status: Status = Status.OK) -> Status:
    """Return ``flagged`` if any flag is a fault, else ``ok``; the status of a fit without a regular end stays."""
    if status not in (Status.OK, Status.FLAGGED):
        return status
    return Status.FLAGGED if any(flag not in HARMLESS for flag in flags) else Status.OK


def note_flags(problem: Problem) -> tuple[Flag, ...]:
    """Return the flags that come from formula and data, the same for every engine."""
    return tuple(Flag(note.flag) for note in problem.notes)


def failed_fit(label: str, layout: Layout, message: str, status: Status = Status.FAILED, **more: Any) -> Fit:
    """Return the row of a fit that has no estimate."""
    nothing = np.full(layout.size, np.nan)
    return Fit(
        estimator=label,
        layout=layout,
        status=status,
        message=message,
        estimate=nothing,
        se=nothing,
        estimand=("",) * layout.size,
        reason=(message,) * layout.size,
        **more,
    )
