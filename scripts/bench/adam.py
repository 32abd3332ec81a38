"""Adam a replicate, in a stack, against one Keras ``fit`` of the same example."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit
from bayescompare.likelihood.problem import Problem
from bench.rows import Row
from bench.samples import SEED, frames, problems
from bench.timing import missing, quiet, timed

__all__ = ["keras_fit", "keras_model", "measure"]

_SECTION = "Adam on 500 rows, 100 epochs, minibatches of 32"
_PRACTICE = "adam-marginal:lr=0.01,batch=3,epochs=100,scale=raw"
_LABELS = {"adam-pooled": 300.0, _PRACTICE: None, "adam-marginal": None}
_LONG, _LONG_MOST = "adam-marginal:steps=2000", 0.020
_EPOCHS, _BATCH, _RATE = 100, 32, 0.01


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section: ours without compiling, Keras's with its graph traced before."""
    if note := missing("keras", "tensorflow"):
        return [Row(section=_SECTION, name="adam-pooled / Keras fit", wanted=300.0, note=note)]
    replicates, rounds = (50, 1) if quick else (200, 3)
    stack = problems(replicates)
    engines = {label: estimator(label) for label in _LABELS}
    compiling = {label: timed(_fit, engine, stack)[0] for label, engine in engines.items()}
    ours: dict[str, list[tuple[float, list[Fit]]]] = {label: [] for label in _LABELS}
    theirs = []
    for frame in frames(rounds):
        for label, engine in engines.items():
            ours[label].append(timed(_fit, engine, stack))
        theirs.append(_keras_seconds(frame))
    keras = min(theirs)
    rows = []
    for label, wanted in _LABELS.items():
        seconds, fits = min(ours[label], key=lambda pair: pair[0])
        note = (
            f"{replicates} replicates in {seconds:.2f} s, of which {fits[0].seconds * replicates:.2f} s are updates; "
            f"the first time {compiling[label] - seconds:.1f} s more, to compile; "
            f"{median(fit.evaluations for fit in fits):.0f} updates"
        )
        name = f"{label} a replicate / one Keras fit"
        rows.append(Row(section=_SECTION, name=name, ours=seconds / replicates, theirs=keras, wanted=wanted, note=note))
    return [*rows, _long_runs(keras, replicates=20 if quick else 100)]


def _long_runs(keras: float, *, replicates: int) -> Row:
    """Return the time of many updates on all groups; what is wanted is a time, on two cores."""
    stack, engine = problems(replicates), estimator(_LONG)
    _fit(engine, stack)
    seconds, fits = timed(_fit, engine, stack)
    note = (
        f"{fits[0].evaluations} updates on all 50 groups, {replicates} replicates, judged; "
        f"updates alone {1000 * fits[0].seconds:.1f} ms"
    )
    name = f"{_LONG} a replicate / one Keras fit of 1,600 updates"
    return Row(section=_SECTION, name=name, ours=seconds / replicates, theirs=keras, limit=_LONG_MOST, note=note)


def _fit(engine: Engine, stack: Sequence[Problem]) -> list[Fit]:
    """Fit all replicates."""
    return engine.fit(stack, [np.random.SeedSequence(SEED, spawn_key=(i,)) for i in range(len(stack))])


def keras_model() -> Any:
    """Return the example: one dense unit, mean squared error, Adam."""
    import keras

    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(_RATE), loss="mse")
    return model


def keras_fit(model: Any, frame: pd.DataFrame, epochs: int = _EPOCHS) -> None:
    """Fit it as practice does."""
    model.fit(frame[["x"]].to_numpy(), frame["y"].to_numpy(), batch_size=_BATCH, epochs=epochs, verbose=0)


def _keras_seconds(frame: pd.DataFrame) -> float:
    """Return the seconds of ``fit``, its graph traced by one epoch before."""
    with quiet():
        model = keras_model()
        keras_fit(model, frame, epochs=1)
        return timed(keras_fit, model, frame)[0]
