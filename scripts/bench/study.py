"""A three-way study a data set, against a loop over statsmodels, Keras and Bambi."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bayescompare.engines.catalog import estimators
from bayescompare.fitting import fit_batch
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from bayescompare.simulation import simulate
from bench.adam import keras_fit, keras_model
from bench.nuts import bambi_fit
from bench.rows import Row
from bench.samples import CORRELATED, SCENARIO, SEED, frames
from bench.timing import missing, quiet, timed

__all__ = ["measure"]

_SECTION = "A whole three-way study, a data set"
_ENGINES = ("lbfgs-ml", "adam-marginal", "nuts")
_WANTED = 100.0


def measure(*, quick: bool) -> list[Row]:
    """Return the row of this section: simulating, building and fitting, all compiled before."""
    count, loops = (10, 1) if quick else (50, 2)
    first = _study(range(count))
    note = missing("statsmodels", "keras", "tensorflow", "bambi")
    if not note:
        _naive(frames(1)[0])
    halves, theirs = [], []
    for i in range(loops):
        halves.append(_study(range(count * (i + 1), count * (i + 2))))
        if not note:
            theirs.append(_naive(frames(i + 2)[-1]))
    best = min(halves, key=lambda parts: sum(parts.values()))
    ours = sum(best.values())
    parts = ", ".join(f"{name} {1e3 * seconds / count:.1f} ms" for name, seconds in best.items())
    about = f"{count} data sets: {parts}; the first time {sum(first.values()) - ours:.1f} s more, to load and compile"
    if theirs:
        loop = min(theirs, key=lambda parts: sum(parts.values()))
        about += "; theirs: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in loop.items())
    return [
        Row(
            section=_SECTION,
            name=f"{' + '.join(_ENGINES)} / loop of statsmodels + Keras + Bambi",
            ours=ours / count,
            theirs=sum(loop.values()) if theirs else None,
            wanted=_WANTED,
            note=note or about,
        )
    ]


def _study(replicates: Sequence[int]) -> dict[str, float]:
    """Return the seconds of each part of our study of some replicates."""
    seconds: dict[str, float] = {}
    seconds["data"], batch = timed(_problems, replicates)
    for engine in estimators(list(_ENGINES)):
        seconds[engine.label], _ = timed(fit_batch, batch, [engine], SEED, SCENARIO.name, replicates)
    return seconds


def _problems(replicates: Sequence[int]) -> list[Problem]:
    """Simulate and build the problems."""
    model = Model(CORRELATED)
    return [build_problem(model, simulate(SCENARIO, replicate, SEED)) for replicate in replicates]


def _naive(frame: pd.DataFrame) -> dict[str, float]:
    """Return the seconds of the three packages on one data set, as one would write the loop."""
    import statsmodels.formula.api as formulas

    with quiet():
        calls = {
            "statsmodels": lambda: formulas.mixedlm("y ~ x", frame, groups="subject", re_formula="~x").fit(reml=False),
            "Keras": lambda: keras_fit(keras_model(), frame),
            "Bambi": lambda: bambi_fit(frame),
        }
        return {name: timed(call)[0] for name, call in calls.items()}
