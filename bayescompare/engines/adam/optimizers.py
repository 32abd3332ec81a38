"""Keras's optimizers and learning rate schedules, by name and with their own arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.calls import Call, read_call
from bayescompare.errors import EstimatorError
from bayescompare.likelihood.tensorflow import backend

__all__ = ["COUPLED", "ELEMENTWISE", "SCHEDULES", "Rates", "averages", "optimizer", "rates", "read_optimizer",
           "read_schedule"]  # fmt: skip

Rates = Callable[[int, int], npt.NDArray[np.float64]]

_COMMON = ("weight_decay", "clipvalue", "use_ema", "ema_momentum", "ema_overwrite_frequency")
_ADAM = ("beta_1", "beta_2", "epsilon")

#: Optimizers that treat every number by itself, so that a stack of replicates is as many runs; and their arguments.
ELEMENTWISE: Mapping[str, tuple[str, ...]] = {
    name: (*own, *_COMMON)
    for name, own in {
        "Adam": (*_ADAM, "amsgrad"),
        "AdamW": (*_ADAM, "amsgrad"),
        "Adamax": _ADAM,
        "Nadam": _ADAM,
        "Adadelta": ("rho", "epsilon"),
        "Adagrad": ("initial_accumulator_value", "epsilon"),
        "Ftrl": (
            "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
            "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta",
        ),
        "Lion": ("beta_1", "beta_2"),
        "RMSprop": ("rho", "momentum", "epsilon", "centered"),
        "SGD": ("momentum", "nesterov"),
    }.items()
}  # fmt: skip

#: Those whose step depends on all numbers of a variable: each replicate is run by itself.
COUPLED: Mapping[str, tuple[str, ...]] = {
    "Lamb": (*_ADAM, *_COMMON),
    "Adafactor": ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step", *_COMMON),
}

_REFUSED = {
    "Muon": "it is for matrices of weights",
    "LossScaleOptimizer": "it wraps another",
    "MultiOptimizer": "it wraps others",
    "ScheduleFreeAdamW": "it evaluates at other weights than it reports",
}

#: Keras's learning rate schedules, and their arguments; ``lr`` is the initial learning rate of those that have one.
SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "CosineDecay": ("decay_steps", "alpha", "warmup_target", "warmup_steps"),
    "CosineDecayRestarts": ("first_decay_steps", "t_mul", "m_mul", "alpha"),
    "ExponentialDecay": ("decay_steps", "decay_rate", "staircase"),
    "InverseTimeDecay": ("decay_steps", "decay_rate", "staircase"),
    "PiecewiseConstantDecay": ("boundaries", "values"),
    "PolynomialDecay": ("decay_steps", "end_learning_rate", "power", "cycle"),
}


def read_optimizer(text: str) -> Call:
    """Return an optimizer as a call.

    Raises
    ------
    EstimatorError
        If it cannot be used here, with the reason.
    """
    name = text.partition("(")[0].strip()
    if name in _REFUSED:
        raise EstimatorError(f"{name} cannot be used here: {_REFUSED[name]}.")
    if "clipnorm" in text:
        raise EstimatorError(
            "clipnorm and global_clipnorm cannot be used here: replicates are run in one stack, whose norm would "
            "tie them to each other; clipvalue clips each number by itself."
        )
    return read_call(text, {**ELEMENTWISE, **COUPLED}, "optimizer")


def read_schedule(text: str) -> Call:
    """Return a schedule as a call.

    Raises
    ------
    EstimatorError
        If there is no such schedule, or it lacks what it needs.
    """
    if "initial_learning_rate" in text:
        raise EstimatorError("The initial learning rate of a schedule is lr: leave initial_learning_rate out.")
    call = read_call(text, SCHEDULES, "learning rate schedule")
    needed = SCHEDULES[call.name][:2] if call.name == "PiecewiseConstantDecay" else SCHEDULES[call.name][:1]
    needed = (*needed, "decay_rate") if "decay_rate" in SCHEDULES[call.name] else needed
    missing = [name for name in needed if name not in dict(call.arguments)]
    if missing:
        raise EstimatorError(f"{call.name} needs {' and '.join(missing)}.")
    return call


def optimizer(call: Call) -> Any:
    """Return a new Keras optimizer."""
    _, keras = backend()
    try:
        return getattr(keras.optimizers, call.name)(**dict(call.arguments))
    except (ValueError, TypeError) as error:
        raise EstimatorError(f"{call}: {error}") from error


def averages(call: Call) -> bool:
    """Return whether an optimizer reports averages of its weights."""
    return bool(dict(call.arguments).get("use_ema"))


def rates(lr: float, call: Call | None) -> Rates:
    """Return the learning rates of ``count`` updates from one on, as a function of these two."""
    if call is None:
        return lambda first, count: np.full(count, lr)
    table = _table(lr, call)
    return lambda first, count: np.asarray(table(first, count), dtype=float)


@lru_cache(maxsize=32)
def _table(lr: float, call: Call) -> Callable[[int, int], npt.NDArray[Any]]:
    """Return a function that asks a schedule for many updates at once."""
    tf, keras = backend()
    given = dict(call.arguments) | ({} if call.name == "PiecewiseConstantDecay" else {"initial_learning_rate": lr})
    try:
        schedule = getattr(keras.optimizers.schedules, call.name)(**given)
    except (ValueError, TypeError) as error:
        raise EstimatorError(f"{call}: {error}") from error
    signature = [tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.int32)]

    @tf.function(input_signature=signature, autograph=False)
    def table(first: Any, count: Any) -> Any:
        steps = first + tf.range(count)
        return tf.map_fn(lambda step: tf.cast(schedule(step), tf.float32), steps, fn_output_signature=tf.float32)

    return lambda first, count: np.asarray(table(tf.constant(first), tf.constant(count)))
