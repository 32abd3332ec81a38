"""Estimators by label: ``lbfgs-ml``, ``lbfgs-ml:starts=1,coordinates=log-sd``."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bayescompare.engines.base import Engine
from bayescompare.errors import EstimatorError, did_you_mean
from bayescompare.registry import Registry

__all__ = [
    "ESTIMATORS",
    "canonical",
    "estimator",
    "estimators",
    "names",
    "register",
    "settings",
    "split_labels",
    "weight",
]

#: Name -> (module and class, what it is). TensorFlow and PyMC load only when an estimator is made.
ESTIMATORS: Mapping[str, tuple[str, str]] = {
    "adam-pooled": ("bayescompare.engines.adam.pooled:AdamPooled", "Keras Dense and MSE; groups ignored"),
    "adam-embedding": ("bayescompare.engines.adam.embedding:AdamEmbedding", "Keras Embedding and MSE; level weights"),
    "adam-penalised": ("bayescompare.engines.adam.penalised:AdamPenalised", "Keras Embedding with a Gaussian penalty"),
    "adam-marginal": ("bayescompare.engines.adam.marginal:AdamMarginal", "Keras Adam on the marginal likelihood"),
    "adam-elbo": ("bayescompare.engines.adam.elbo:AdamElbo", "Gaussian variational posterior by Keras Adam"),
    "lbfgs-ml": ("bayescompare.engines.lbfgs.likelihood:LbfgsML", "maximum marginal likelihood by L-BFGS-B"),
    "lbfgs-reml": ("bayescompare.engines.lbfgs.likelihood:LbfgsREML", "restricted maximum likelihood by L-BFGS-B"),
    "lbfgs-map": ("bayescompare.engines.lbfgs.map:LbfgsMAP", "joint posterior mode by L-BFGS-B"),
    "nuts": ("bayescompare.engines.nuts.engine:Nuts", "the whole posterior, by PyMC and nutpie"),
    "quadrature": ("bayescompare.engines.quadrature.engine:Quadrature", "the exact posterior of one random intercept"),
}


def _check_class(item: Any, name: str = "") -> None:
    if not (isinstance(item, type) and issubclass(item, Engine)):
        raise EstimatorError(f"{item!r} is not a subclass of bayescompare.engines.base.Engine.")


_OTHERS: Registry[type[Engine]] = Registry(
    kind="estimator", group="bayescompare.estimators", check=_check_class, error=EstimatorError
)


def names() -> list[str]:
    """Return the names of all estimators: ours, those that were registered, and those of installed packages."""
    return [*ESTIMATORS, *(name for name in _OTHERS if name not in ESTIMATORS)]


def register(kind: type[Engine]) -> type[Engine]:
    """Register a class of estimators under its ``name``; usable as a decorator.

    Every process that fits must do so; a package does it by the entry point ``bayescompare.estimators``.

    Raises
    ------
    EstimatorError
        If it is no engine, or the name is taken.
    """
    _check_class(kind)
    if kind.name in ESTIMATORS:
        raise EstimatorError(f"The estimator {kind.name!r} is already registered; choose another name.")
    return _OTHERS.add(kind.name, kind)


def _class(name: str) -> type[Engine]:
    """Return the engine class of a name."""
    if name not in ESTIMATORS:
        if name not in _OTHERS:
            raise EstimatorError(f"There is no estimator {name!r}.{did_you_mean(name, names())}")
        return _OTHERS.get(name)
    module, _, attribute = ESTIMATORS[name][0].partition(":")
    found: type[Engine] = getattr(import_module(module), attribute)
    return found


def weight(engine: Engine) -> float:
    """Return about how long a fit takes, relative to the others."""
    return {"adam": 3.0, "lbfgs": 0.3, "nuts": 8.0, "quadrature": 0.5}.get(engine.engine, 1.0)


def settings(name: str) -> dict[str, Any]:
    """Return the settings of an estimator and their defaults."""
    return {field.name: field.default for field in fields(_class(name))}


def estimator(label: str) -> Engine:
    """Return the estimator of a label.

    Raises
    ------
    EstimatorError
        If the name or a setting is unknown, or a value is not of its kind.
    """
    name, _, rest = label.strip().partition(":")
    kind = _class(name)
    known = {field.name: field for field in fields(kind)}
    values: dict[str, Any] = {}
    for part in _pieces(rest):
        key, separator, text = (piece.strip() for piece in part.partition("="))
        if key not in known:
            hint = did_you_mean(key, known) if known else " It has no settings."
            hint = _belongs_to(key, text, known) or hint
            raise EstimatorError(f"{label!r}: {name} has no setting {key!r}.{hint}")
        if key in values:
            raise EstimatorError(f"{label!r}: {key} is given twice.")
        values[key] = _value(text if separator else "true", known[key], kind, label)
    return kind(**values)


def canonical(label: str) -> str:
    """Return a label as the results have it, without settings at their defaults; one that cannot be read as it is."""
    try:
        return estimator(label).label
    except EstimatorError:
        return label


def estimators(labels: str | Sequence[str]) -> list[Engine]:
    """Return the estimators of several labels, given as a list or with commas between them.

    A comma followed by ``name=`` belongs to the settings of the label before it.
    """
    return [estimator(label) for label in (split_labels(labels) if isinstance(labels, str) else labels)]


#: Arguments of Keras that users give as if they were settings, and the setting that takes them.
_INSIDE = {
    **dict.fromkeys(
        ("amsgrad", "beta_1", "beta_2", "epsilon", "use_ema", "ema_momentum", "clipvalue", "clipnorm", "weight_decay"),
        "optimizer=Adam",
    ),
    **dict.fromkeys(("decay_steps", "decay_rate"), "schedule=ExponentialDecay"),
}


def _belongs_to(key: str, text: str, known: Mapping[str, Any]) -> str:
    """Say where an argument of Keras is given, where it is none of our settings."""
    place = _INSIDE.get(key, "")
    if place.partition("=")[0] not in known:
        return ""
    return f" Give it to Keras, as in {place}({key}={text or True})."


def _pieces(text: str) -> list[str]:
    """Split at the commas that are not within parentheses or brackets."""
    pieces, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth <= 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece for piece in map(str.strip, pieces) if piece]


def split_labels(text: str) -> list[str]:
    """Split ``"lbfgs-ml:starts=1,coordinates=log-sd,nuts"`` into its two labels."""
    labels: list[str] = []
    for part in _pieces(text):
        if labels and ":" in labels[-1] and ":" not in part and part not in names():
            labels[-1] += f",{part}"
        else:
            labels.append(part)
    return labels


def _value(text: str, field: Field[Any], kind: type[Engine], label: str) -> Any:
    """Return a setting's value, read by the type of its field."""
    wanted = get_type_hints(kind)[field.name]
    options = get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else (wanted,)
    for option in options:
        try:
            return _convert(text, option)
        except ValueError:
            continue
    raise EstimatorError(f"{label!r}: {field.name} cannot be {text!r}; give {' or '.join(map(_describe, options))}.")


def _convert(text: str, option: Any) -> Any:
    """Read a text as one type, or raise ValueError."""
    if get_origin(option) is Literal:
        if text in get_args(option):
            return text
        raise ValueError
    if option is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if option in (int, float, str):
        return option(text)
    raise ValueError


def _describe(option: Any) -> str:
    """Name a type for a message."""
    if get_origin(option) is Literal:
        return " or ".join(repr(value) for value in get_args(option))
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(option, str(option))
