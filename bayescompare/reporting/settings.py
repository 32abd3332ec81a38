"""Settings of estimators in words, for a methods section."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["default_words", "described", "in_words"]

#: Setting -> words, with the value in braces; the same for every estimator that has it.
_WORDS: Mapping[str, str] = {
    "lr": "learning rate {}",
    "epochs": "{} epochs",
    "tolerance": "a tolerance of {}",
    "limit": "at most {} updates",
    "half_life": "a learning rate halved after {} updates",
    "dtype": "numbers of type {}",
    "scale": "{} columns",
    "starts": "{} dispersed starts",
    "coordinates": "coordinates {}",
    "chains": "{} chains",
    "draws": "{} draws a chain",
    "tune": "{} tuning steps a chain",
    "target": "a target acceptance rate of {}",
    "parameterization": "the {} parameterization",
    "sampler": "the sampler of {}",
}
_BATCH: Mapping[str, str] = {"adam-pooled": "minibatches of {} rows", "adam-marginal": "minibatches of {} groups"}
_SWITCHES: Mapping[tuple[str, str], str] = {
    ("effects", "false"): "no draws of the random effects",
    ("map", "true"): "the log prior added",
}
_ONE: Mapping[str, str] = {"starts": "a single start", "epochs": "one epoch", "chains": "one chain"}


def in_words(label: str) -> str:
    """Return the settings of a label that are not the defaults, ``"learning rate 0.01, 100 epochs"``.

    A setting that has no words here is left as it was typed.
    """
    name, _, rest = label.partition(":")
    return ", ".join(_setting(name, *part.partition("=")[::2]) for part in rest.split(",") if part)


def described(label: str) -> str:
    """Return an estimator with its settings in words, those that matter by default among them."""
    words = ", ".join(filter(None, [in_words(label), default_words(label)]))
    name = label.partition(":")[0]
    return f"{name} ({words})" if words else name


def default_words(label: str) -> str:
    """Return what an estimator does where its label does not say otherwise, as far as a reader must know."""
    name, _, rest = label.partition(":")
    given = {part.partition("=")[0] for part in rest.split(",")}
    return "run to convergence" if name == "adam-marginal" and not given & {"epochs", "steps"} else ""


def _setting(name: str, setting: str, value: str) -> str:
    if (setting, value) in _SWITCHES:
        return _SWITCHES[setting, value]
    if value == "1" and setting in _ONE:
        return _ONE[setting]
    words = _BATCH.get(name) if setting == "batch" else _WORDS.get(setting)
    return words.replace("{}", value) if words and value else f"{setting} = {value}" if value else setting
