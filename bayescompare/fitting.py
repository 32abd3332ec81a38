"""One data set, several estimators."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from bayescompare.data import Dataset, read_data
from bayescompare.engines.base import Engine, Progress, failed_fit, within
from bayescompare.engines.catalog import canonical
from bayescompare.engines.catalog import estimators as read_estimators
from bayescompare.engines.conflict import conflicts, likeliest, with_conflicts
from bayescompare.engines.exactness import checked
from bayescompare.engines.optima import judged
from bayescompare.errors import EstimatorError, InputError, LabelError, PriorError, nearest
from bayescompare.fits import Fit, Status
from bayescompare.intervals import REFITS, check_kinds, check_refits, with_bases
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from bayescompare.seeds import below, sequence

__all__ = ["DEFAULT_ESTIMATORS", "Announce", "Fits", "fit", "fit_batch"]

DEFAULT_ESTIMATORS = ("adam-marginal", "lbfgs-ml", "lbfgs-reml", "nuts")

# Place below a fit's seed of what is drawn for its intervals.
_DRAWN = 1000

#: Called with (what is running, done, total).
Announce = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Fits(Mapping[str, Fit]):
    """The fits of one data set, by estimator label.

    Parameters
    ----------
    problem
        What was fitted.
    seed
        Root seed.
    intervals
        Kinds of intervals that were asked for.
    refits, time_limit
        As they were asked for.
    seconds
        Wall time of all fits together.
    data
        The data set, with columns that the model does not use.
    """

    by_label: Mapping[str, Fit] = field(repr=False)
    engines: tuple[Engine, ...]
    problem: Problem = field(repr=False)
    seed: int
    intervals: tuple[str, ...] | None = None
    refits: int = REFITS
    time_limit: float | None = None
    source: str = ""
    seconds: float = float("nan")
    data: Dataset | None = field(default=None, repr=False)

    def __getitem__(self, label: str) -> Fit:
        """Return the fit of a label, however its settings are written.

        Raises
        ------
        LabelError
            If there is none; it is a KeyError too.
        """
        found = label if label in self.by_label else canonical(str(label))
        if found not in self.by_label:
            near = nearest(str(label), self.by_label)
            raise LabelError(f"{label!r} is not among the fits: {', '.join(self.by_label)}.{near}")
        return self.by_label[found]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the labels in the order they were asked for."""
        return iter(self.by_label)

    def __len__(self) -> int:
        """Return the number of fits."""
        return len(self.by_label)


def _one_engine(
    engine: Engine,
    problems: Sequence[Problem],
    seeds: Sequence[np.random.SeedSequence],
    announce: Announce | None,
    limit: float | None,
) -> list[Fit]:
    """Fit a batch by one engine; what the engine cannot do is a row with its reason."""
    label = engine.label
    reason = engine.supports(problems[0].model)
    if reason:
        return [failed_fit(label, problem.layout, reason, Status.NOT_APPLICABLE) for problem in problems]
    try:
        return within(engine.fit, limit)(problems, seeds, _progress(announce, label))
    except EstimatorError as error:
        return [failed_fit(label, problem.layout, str(error), Status.NOT_APPLICABLE) for problem in problems]
    except PriorError as error:
        # a prior that only this engine cannot use: the others go on
        return [failed_fit(label, problem.layout, str(error)) for problem in problems]


def _held_against_priors(fits: list[Fit], problem: Problem, engines: Sequence[Engine]) -> list[Fit]:
    """Flag fits that used priors with which the data disagree."""
    if not any(engine.uses_priors for engine in engines):
        return fits
    ml = likeliest(problem)
    return [
        with_conflicts(fit, conflicts(problem, fit, ml)) if engine.uses_priors else fit
        for fit, engine in zip(fits, engines, strict=True)
    ]


def _progress(announce: Announce | None, what: str) -> Progress | None:
    return None if announce is None else partial(announce, what)


@lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:
    """Return the thread pools of the libraries that are loaded; looked for anew when there are more modules."""
    return ThreadpoolController()


def fit_batch(
    problems: Sequence[Problem],
    engines: Sequence[Engine],
    seed: int,
    scenario: str,
    replicates: Sequence[int],
    announce: Announce | None = None,
    limit: float | None = None,
    kinds: Sequence[str] | None = None,
    refits: int = REFITS,
) -> list[list[Fit]]:
    """Fit problems of one shape by each engine, and judge fits of one objective by the best of them.

    Parameters
    ----------
    seed, scenario, replicates
        Coordinates of the random numbers.
    limit
        Seconds that a fit may take; see `Engine.fit`.
    kinds
        Of intervals that the fits are made ready for; the usual ones where None. Their time is not limited.
    refits
        Of a bootstrap.

    Returns
    -------
    list
        For each problem its fits, in the order of the engines.
    """
    columns = []
    # matrices of a few columns gain nothing from threads, and their spinning slows all else
    with _pools(len(sys.modules)).limit(limits=1, user_api="blas"):
        for engine in engines:
            seeds = [sequence(seed, scenario, replicate, engine.engine) for replicate in replicates]
            columns.append(_one_engine(engine, problems, seeds, announce, limit))
        rows = [judged(fits) for fits in zip(*columns, strict=True)]
        rows = [checked(fits, problem) for fits, problem in zip(rows, problems, strict=True)]
        rows = [_held_against_priors(fits, problem, engines) for fits, problem in zip(rows, problems, strict=True)]
        for fits, problem, replicate in zip(rows, problems, replicates, strict=True):
            for place, engine in enumerate(engines):
                drawn = below(sequence(seed, scenario, replicate, engine.engine), _DRAWN)
                said = _progress(announce, f"{engine.label}: bootstrap")
                fits[place] = with_bases(fits[place], problem, engine, drawn, kinds, refits=refits, progress=said)
    return rows


def fit(
    model: Model | str,
    data: Any,
    estimators: str | Sequence[str | Engine] = DEFAULT_ESTIMATORS,
    *,
    seed: int = 1,
    na: str | None = None,
    time_limit: float | None = None,
    intervals: Sequence[str] | None = None,
    refits: int = REFITS,
    announce: Announce | None = None,
) -> Fits:
    """Fit one data set by several estimators.

    Parameters
    ----------
    model
        A model, or its formula.
    data
        A data frame, a `Dataset`, a path, or the name of a bundled data set.
    estimators
        Labels or engines.
    seed
        Root seed: the same seed gives the same fits.
    na
        ``error`` refuses missing values in the columns used, ``drop`` drops their rows; what the `Dataset` was
        read with, otherwise ``error``, where None.
    time_limit
        Seconds that each estimator may take; one that takes longer is cut short, and what there was is kept.
    intervals
        Kinds of intervals (`intervals.KINDS`), such as ``["wald", "profile"]``; the usual ones where None.
    refits
        Of a bootstrap, which is made where ``intervals`` name it.
    announce
        Called with what is running and how far it is.

    Raises
    ------
    InputError
        If model, data or estimators cannot be used; nothing has run then.
    """
    model = Model(model) if isinstance(model, str) else model
    given = [estimators] if isinstance(estimators, Engine) else estimators
    engines = read_estimators(given) if isinstance(given, str) else [
        one if isinstance(one, Engine) else read_estimators(one)[0] for one in given
    ]  # fmt: skip
    _refuse_twins(engines)
    _refuse_no_time(time_limit)
    kinds = None if intervals is None else check_kinds(intervals)
    check_refits(refits)
    dataset = read_data(data, na=na)
    problem = build_problem(model, dataset)
    started = time.perf_counter()
    fits = fit_batch([problem], engines, seed, "fit", [0], announce, time_limit, kinds, refits)[0]
    return Fits(
        by_label={one.estimator: _with_path(one, problem) for one in fits},
        engines=tuple(engines),
        problem=problem,
        seed=seed,
        intervals=kinds,
        refits=refits,
        time_limit=time_limit,
        source=dataset.source,
        seconds=time.perf_counter() - started,
        data=dataset,
    )


def _with_path(fit: Fit, problem: Problem) -> Fit:
    """Return a fit with the path of its search, where it kept its way."""
    way = fit.info.get("way")
    return fit if way is None else replace(fit, path=way.path(problem))


def _refuse_twins(engines: Sequence[Engine]) -> None:
    """Refuse an empty list, and a label that is asked for twice."""
    labels = [engine.label for engine in engines]
    if not labels:
        raise EstimatorError("No estimator was asked for; name at least one, such as lbfgs-ml.")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise EstimatorError(f"The estimator {twice[0]!r} is asked for twice; name each once.")


def _refuse_no_time(limit: float | None) -> None:
    """Refuse a limit in which nothing can run."""
    if limit is not None and not (np.isfinite(limit) and limit > 0):
        raise InputError(f"The time limit must be a number of seconds greater than 0, not {limit:g}.")
