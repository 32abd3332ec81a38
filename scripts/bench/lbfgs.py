"""L-BFGS-B from one start against lme4's ``refit``, GPBoost and statsmodels, with the deviance that each reaches."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.engines.lbfgs.likelihood import LbfgsML
from bayescompare.engines.lbfgs.search import Optimum, search
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.likelihood.products import compress
from bayescompare.model import Model
from bayescompare.seeds import generator
from bayescompare.simulation import simulate
from bench.rows import Row
from bench.samples import CORRELATED, INDEPENDENT, SCENARIO, SEED, frames
from bench.timing import BURST, interleaved, missing, quiet

__all__ = ["measure"]

_SECTION = "L-BFGS-B from one start, 50 groups x 10 rows, random slopes, one thread"
_SEARCH, _REFIT, _FIT, _FIT_INDEPENDENT, _FOUR, _BUILD = "search", "refit", "fit", "fit ||", "four starts", "build"
_RANDOM = np.random.SeedSequence(SEED)


@dataclass(frozen=True, slots=True)
class _Call:
    """Something to time, and the deviance at what it returns."""

    run: Callable[[], Any]
    deviance: Callable[[Any], float]


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds and deviance of one call on each data set."""

    seconds: list[float]
    deviances: list[float]

    @property
    def typical(self) -> float:
        """Median over data sets."""
        return median(self.seconds)


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section."""
    count, rounds = (4, 3) if quick else (10, 8)
    data = frames(count)
    before = _lme4(data, rounds)
    times = _timed([_calls(*each, rounds) for each in zip(range(count), data, strict=True)], rounds)
    after = _lme4(data, rounds)
    if before and after:
        seconds = [min(pair) for pair in zip(before.seconds, after.seconds, strict=True)]
        times["lme4"] = _Times(seconds, after.deviances)
    return _rows(times)


def _calls(replicate: int, frame: pd.DataFrame, rounds: int) -> dict[str, _Call]:
    """Return what is timed on one data set."""
    calls = _own_calls(replicate)
    if not missing("gpboost"):
        calls["gpboost"] = _gpboost(
            frame, build_problem(Model(INDEPENDENT), simulate(SCENARIO, replicate, SEED)), rounds
        )
    if not missing("statsmodels"):
        calls["statsmodels"] = _statsmodels(frame)
    return calls


def _timed(calls: Sequence[Mapping[str, _Call]], rounds: int) -> dict[str, _Times]:
    """Time the calls of each data set in turn."""
    found: dict[str, _Times] = {name: _Times([], []) for name in calls[0]}
    for each in calls:
        with quiet():
            measured = interleaved({name: call.run for name, call in each.items()}, rounds)
        for name, (seconds, value) in measured.items():
            found[name].seconds.append(seconds)
            found[name].deviances.append(each[name].deviance(value))
    return found


def _own_calls(replicate: int) -> dict[str, _Call]:
    """Return our own parts: products and search, whole fits, and building the problem."""
    dataset = simulate(SCENARIO, replicate, SEED)
    model = Model(CORRELATED)
    problem, apart = build_problem(model, dataset), build_problem(Model(INDEPENDENT), dataset)
    return {
        _SEARCH: _Call(lambda: _search(problem), lambda optimum: optimum.deviance),
        _REFIT: _Call(lambda: _refit(problem), lambda optimum: optimum.deviance),
        _FIT: _Call(lambda: LbfgsML(starts=1).fit([problem], [_RANDOM]), lambda fits: fits[0].objective),
        _FIT_INDEPENDENT: _Call(lambda: LbfgsML(starts=1).fit([apart], [_RANDOM]), lambda fits: fits[0].objective),
        _FOUR: _Call(lambda: LbfgsML().fit([problem], [_RANDOM]), lambda fits: fits[0].objective),
        _BUILD: _Call(lambda: build_problem(model, dataset), lambda _: float("nan")),
    }


def _refit(problem: Problem) -> Optimum:
    """Do what lme4's ``refit`` does: new cross-products for a response, and the search."""
    layout = problem.layout
    compress(y=problem.y, x=problem.x, z=problem.z, groups=problem.groups, count=len(layout.levels), layout=layout)
    return _search(problem)


def _search(problem: Problem) -> Optimum:
    """Find the estimates, as `LbfgsML` does from one start."""
    return search(problem, reml=False, starts=1, coordinates="cholesky", rng=generator(_RANDOM))


def _gpboost(frame: pd.DataFrame, problem: Problem, rounds: int) -> _Call:
    """Return GPBoost's fit of a model made before; each is used once, as a second fit starts where the first ended.

    Its deviance is ours at its estimates: the likelihood that it prints has a constant of its own.
    """
    import gpboost

    columns = np.column_stack([np.ones(len(frame)), frame["x"]])
    response, groups = frame["y"].to_numpy(), frame["subject"].to_numpy()
    with quiet():
        models = iter([
            gpboost.GPModel(
                group_data=groups,
                group_rand_coef_data=columns[:, 1:],
                ind_effect_group_rand_coef=[1],
                likelihood="gaussian",
                num_parallel_threads=1,
            )
            for _ in range(rounds * BURST)
        ])  # fmt: skip

    def at_its_estimates(fitted: Any) -> float:
        variances, coefficients = (np.ravel(found)[:size] for found, size in _estimates(fitted))
        return deviance(problem, np.concatenate([coefficients, np.sqrt(np.roll(variances, -1))]))

    return _Call(lambda: next(models).fit(y=response, X=columns), at_its_estimates)


def _estimates(fitted: Any) -> tuple[tuple[Any, int], tuple[Any, int]]:
    """Return GPBoost's variances (of the errors first) and coefficients, each with their number."""
    return (fitted.get_cov_pars(), 3), (fitted.get_coef(), 2)


def _statsmodels(frame: pd.DataFrame) -> _Call:
    """Return statsmodels' fit of a model made before."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    columns = np.column_stack([np.ones(len(frame)), frame["x"]])
    model = MixedLM(frame["y"].to_numpy(), columns, groups=frame["subject"].to_numpy(), exog_re=columns)
    return _Call(lambda: model.fit(reml=False), lambda fitted: -2 * float(fitted.llf))


def _lme4(data: Sequence[pd.DataFrame], rounds: int) -> _Times | None:
    """Return lme4's times in one R process, None where there is no R with lme4."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    wide = data[0][["subject", "x"]].assign(**{f"y{i}": frame["y"] for i, frame in enumerate(data, 1)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "responses.csv"
        wide.to_csv(path, index=False)
        command = [program, "--vanilla", str(Path(__file__).with_name("lme4_refit.R")), str(path), str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    pairs = [line.split() for line in done.stdout.splitlines()]
    return _Times([float(seconds) for seconds, _ in pairs], [float(value) for _, value in pairs])


def _rows(times: Mapping[str, _Times]) -> list[Row]:
    """Return the comparisons; every estimate of the same model must reach the same deviance."""
    absent = {name: missing(name) for name in ("gpboost", "statsmodels")}
    absent["lme4"] = "" if "lme4" in times else "no Rscript with lme4 here"
    alone = "GPBoost takes slopes as independent of intercepts, ours here as correlated"
    search, refit, fit = "search alone", "refit: new products and search", "fit, with SEs and conditional modes"
    listed = [
        (refit, _REFIT, "lme4", "lme4 refit", 10.0, _FIT, ""),
        (search, _SEARCH, "lme4", "lme4 refit", None, None, "without the products of the new response"),
        (search, _SEARCH, "gpboost", "GPBoost fit", 3.0, None, alone),
        (fit, _FIT, "gpboost", "GPBoost fit", 3.0, None, alone),
        ("fit of independent slopes", _FIT_INDEPENDENT, "gpboost", "GPBoost fit", 3.0, _FIT_INDEPENDENT, ""),
        (search, _SEARCH, "statsmodels", "statsmodels fit", 100.0, None, "statsmodels makes standard errors too"),
        (fit, _FIT, "statsmodels", "statsmodels fit", 100.0, _FIT, ""),
    ]
    rows = [
        Row(
            section=_SECTION,
            name=f"{name} / {title}",
            ours=times[own].typical,
            theirs=times[other].typical if other in times else None,
            wanted=wanted,
            note=absent[other] or note or _gap(times, same, other),
        )
        for name, own, other, title, wanted, same, note in listed
    ]
    rows.append(Row(section=_SECTION, name="fit from four starts (default)", ours=times[_FOUR].typical))
    rows.append(Row(section=_SECTION, name="building the problem from a data frame", ours=times[_BUILD].typical))
    return rows


def _gap(times: Mapping[str, _Times], own: str | None, other: str) -> str:
    """Say by how much their deviance is above ours on the same model."""
    if own is None or other not in times:
        return ""
    gaps = np.subtract(times[other].deviances, times[own].deviances)
    return f"their deviance less ours: median {np.median(gaps):.1e}, from {gaps.min():.1e} to {gaps.max():.1e}"
