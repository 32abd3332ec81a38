"""A three-way study a data set, against a loop over statsmodels, Keras and Bambi."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from bayescompare.engines.catalog import estimators
from bayescompare.fitting import fit_batch
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from bayescompare.simulation import simulate
from bench.adam import keras_fit, keras_model
from bench.nuts import bambi_ess, bambi_fit
from bench.rows import Row
from bench.samples import CORRELATED, SCENARIO, SEED, frames
from bench.timing import missing, quiet, timed

__all__ = ["measure"]

_SECTION = "A whole three-way study, a data set"
_POINTS = ("lbfgs-ml", "adam-marginal")
#: What is equal to the loop's -> the sampler: its number of draws, or, at no smaller an ESS, the default study's.
_SAMPLERS = {"as many draws": "nuts", "no smaller an ESS": "nuts:draws=500,effects=false"}
_WANTED = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    """Seconds of each part, and the minimum bulk ESS, a mean over data sets."""

    seconds: dict[str, float]
    ess: float

    @property
    def total(self) -> float:
        """Seconds of all parts."""
        return sum(self.seconds.values())


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section: simulating, building and fitting, all compiled before."""
    count, loops = (10, 1) if quick else (50, 2)
    note = missing("statsmodels", "keras", "tensorflow", "bambi")
    if not note:
        _naive(frames(1)[0])
    for sampler in _SAMPLERS.values():
        _study(range(count), sampler)
    ours: dict[str, list[_Timed]] = {name: [] for name in _SAMPLERS}
    theirs: list[_Timed] = []
    for i in range(loops):
        for name, sampler in _SAMPLERS.items():
            ours[name].append(_study(range(count * (i + 1), count * (i + 2)), sampler))
        if not note:
            theirs.append(_naive(frames(i + 2)[-1]))
    return [_row(name, _fastest(ours[name]), _fastest(theirs) if theirs else None, count, note) for name in _SAMPLERS]


def _fastest(runs: Sequence[_Timed]) -> _Timed:
    return min(runs, key=lambda run: run.total)


def _row(name: str, ours: _Timed, theirs: _Timed | None, count: int, note: str) -> Row:
    """Return the row of a sampler, with the parts of both sides and the ESS of both."""
    parts = ", ".join(f"{part} {1e3 * seconds / count:.1f} ms" for part, seconds in ours.seconds.items())
    about = f"{count} data sets: {parts}; min. bulk ESS {ours.ess:.0f}"
    if theirs:
        loop = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in theirs.seconds.items())
        about += f"; theirs: {loop}; min. bulk ESS {theirs.ess:.0f}"
    return Row(
        section=_SECTION,
        name=f"{' + '.join((*_POINTS, _SAMPLERS[name]))} / loop of statsmodels + Keras + Bambi, {name}",
        ours=ours.total / count,
        theirs=theirs.total if theirs else None,
        wanted=_WANTED,
        note=note or about,
    )


def _study(replicates: Sequence[int], sampler: str) -> _Timed:
    """Time each part of our study of some replicates."""
    seconds: dict[str, float] = {}
    seconds["data"], batch = timed(_problems, replicates)
    for engine in estimators([*_POINTS, sampler]):
        seconds[engine.label], fits = timed(fit_batch, batch, [engine], SEED, SCENARIO.name, replicates)
    return _Timed(seconds=seconds, ess=fmean(found[0].diagnostics["ess_bulk_min"] for found in fits))


def _problems(replicates: Sequence[int]) -> list[Problem]:
    """Simulate and build the problems."""
    model = Model(CORRELATED)
    return [build_problem(model, simulate(SCENARIO, replicate, SEED)) for replicate in replicates]


def _naive(frame: pd.DataFrame) -> _Timed:
    """Time the three packages on one data set, as one would write the loop."""
    import statsmodels.formula.api as formulas

    with quiet():
        calls = {
            "statsmodels": lambda: formulas.mixedlm("y ~ x", frame, groups="subject", re_formula="~x").fit(reml=False),
            "Keras": lambda: keras_fit(keras_model(), frame),
            "Bambi": lambda: bambi_fit(frame),
        }
        found = {name: timed(call) for name, call in calls.items()}
    return _Timed(seconds={name: one[0] for name, one in found.items()}, ess=bambi_ess(found["Bambi"][1]))
