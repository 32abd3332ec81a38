"""Options that hold more than one value, as typed."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from bayescompare.data import Dataset
from bayescompare.design import parse_covariate
from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import split_labels
from bayescompare.errors import InputError
from bayescompare.intervals import check_kinds
from bayescompare.intervals.rows import check_level
from bayescompare.model import Model
from bayescompare.priors import Prior, check_set, parse_assignment

__all__ = [
    "covariates_of",
    "formula_first",
    "kinds_of",
    "labels_of",
    "levels_of",
    "nominal_of",
    "pair_of",
    "parts_of",
    "priors_of",
    "references_of",
    "refuse_swapped",
    "targets_of",
    "under_of",
]


def parts_of(texts: Sequence[str] | None) -> list[str] | None:
    """Read ``["a,b", "c"]``, an option with commas between that was given again; None stays None."""
    return None if texts is None else [part.strip() for text in texts for part in text.split(",") if part.strip()]


def labels_of(texts: Sequence[str] | None) -> list[str] | None:
    """Read ``["lbfgs-ml:starts=1,coordinates=log-sd", "nuts"]``; None stays None."""
    return None if texts is None else [label for text in texts for label in split_labels(text)]


def levels_of(texts: Sequence[str]) -> tuple[float, ...]:
    """Read ``["0.95,0.89"]``.

    Raises
    ------
    InputError
        If it is not a list of different numbers between 0 and 1.
    """
    text = ",".join(texts)
    try:
        levels = tuple(check_level(float(part)) for part in text.split(","))
    except InputError:
        raise
    except ValueError:
        raise InputError(
            f"--level {text!r} cannot be read; write numbers with commas between, such as 0.95,0.89."
        ) from None
    if len(set(levels)) < len(levels):
        raise InputError(f"--level {text!r} names a level twice; give each once.")
    return levels


def kinds_of(texts: Sequence[str] | None) -> tuple[str, ...] | None:
    """Read ``["wald,profile"]``; None stays None.

    Raises
    ------
    InputError
        If a kind is not known, or named twice.
    """
    kinds = parts_of(texts)
    return None if kinds is None else check_kinds(kinds)


def pair_of(texts: Sequence[str] | None, model: Model, data: Dataset) -> tuple[str, str] | None:
    """Read ``["sd_subject[days],sigma"]``, and look for the parameters in the model before anything is fitted.

    Raises
    ------
    InputError
        If these are not two parameters of the model whose contours can be drawn.
    """
    if texts is None:
        return None
    from bayescompare.comparison.contours import contour_pair
    from bayescompare.likelihood.problem import build_problem

    layout = build_problem(model, data).layout
    return contour_pair(layout, [name for text in texts for name in _names(text, layout.labels)])


def _names(text: str, labels: Sequence[str]) -> list[str]:
    """Split a text at commas, but not a label that has a comma in it."""
    if text.strip() in labels:
        return [text.strip()]
    for comma in re.finditer(",", text):
        pair = [text[: comma.start()].strip(), text[comma.end() :].strip()]
        if set(pair) <= set(labels):
            return pair
    return [part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def priors_of(texts: Sequence[str], named: str | None = None) -> dict[str, Prior | str]:
    """Read ``["sd_subject=HalfNormal(50)", ...]``, and the name of a set for the others.

    Raises
    ------
    InputError
        If one cannot be read, or a parameter is given two.
    """
    priors: dict[str, Prior | str] = {} if named is None else {"set": check_set(named)}
    for name, prior in map(parse_assignment, texts):
        if name in priors:
            raise InputError(f"--prior gives {name!r} two priors, {priors[name]} and {prior}; give it one.")
        priors[name] = prior
    return priors


def formula_first(one: str, other: str) -> tuple[str, str]:
    """Return formula and data, whichever came first: a text with ``~`` that is no file is the formula."""
    first, second = ("~" in text and not Path(text).exists() for text in (one, other))
    return (other, one) if second and not first else (one, other)


def refuse_swapped(data: str, formula: str) -> None:
    """Refuse a formula in the place of the data.

    Raises
    ------
    InputError
        With the command as it should be.
    """
    if formula_first(formula, data) != (formula, data):
        raise InputError(
            f"The data come first, then the formula: bayescompare fit {shlex.quote(formula)} {shlex.quote(data)}"
        )


def references_of(texts: Sequence[str]) -> dict[str, str]:
    """Read ``["treatment=placebo", ...]``.

    Raises
    ------
    InputError
        If one cannot be read, or a column is given two levels.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, separator, level = (part.strip() for part in text.partition("="))
        if not separator or not name or not level:
            raise InputError(f"--reference {text!r} cannot be read; write a column and its level: treatment=placebo.")
        if name in found:
            raise InputError(f"--reference gives {name!r} two levels, {found[name]!r} and {level!r}; give it one.")
        found[name] = level
    return found


def covariates_of(texts: Sequence[str]) -> dict[str, str]:
    """Read ``["x=uniform(0, 10)", ...]``.

    Raises
    ------
    InputError
        If one cannot be read, or a predictor is given two.
    """
    found: dict[str, str] = {}
    for text in texts:
        # a name may have brackets of its own, as dose (mg/L)
        equals = text.rfind("=", 0, text.rfind("(") if "(" in text else None)
        name, law = text[: max(equals, 0)].strip(), text[equals + 1 :].strip()
        if not name:
            raise InputError(f'--covariate {text!r} cannot be read; write "x=uniform(0, 10)".')
        if name in found:
            raise InputError(f"--covariate gives {name!r} two distributions; give it one.")
        parse_covariate(law)
        found[name] = law
    return found


def nominal_of(text: str | None) -> tuple[float, float] | None:
    """Read ``"0,1"``, a mean and an sd; None stays None.

    Raises
    ------
    InputError
        If these are not two numbers, or the sd is not greater than 0.
    """
    if text is None:
        return None
    try:
        mean, sd = map(float, text.split(","))
    except ValueError:
        raise InputError(f"--nominal {text!r} cannot be read; write a mean and an sd, such as 0,1.") from None
    if not (math.isfinite(mean) and math.isfinite(sd) and sd > 0):
        raise InputError(f"--nominal {text!r}: the mean must be finite, and the sd greater than 0.")
    return mean, sd


def targets_of(texts: Sequence[str]) -> dict[str, float]:
    """Read ``["coverage=0.01,bias=0.1", ...]``.

    Raises
    ------
    InputError
        If one cannot be read, or a measure is given twice.
    """
    targets: dict[str, float] = {}
    for text in parts_of(texts) or []:
        measure, separator, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value)
        except ValueError:
            raise InputError(
                f"--target-mcse {text!r} cannot be read; write a measure and its error: coverage=0.01."
            ) from None
        if not separator or measure in targets:
            raise InputError(f"--target-mcse {text!r}: give each measure once, such as coverage=0.01.")
        targets[measure] = number
    return targets


def under_of(texts: Sequence[str] | None, model: Model, data: Dataset, engines: Sequence[Engine]) -> Sequence[str]:
    """Return alternative priors, tried on the data before anything is fitted.

    Raises
    ------
    InputError
        If one cannot be read or set, or no estimator uses priors.
    """
    if not texts:
        return []
    from bayescompare.comparison.alternatives import alternatives, under
    from bayescompare.comparison.sensitivity import refuse_without_priors
    from bayescompare.likelihood.problem import build_problem

    refuse_without_priors(engines)
    problem = build_problem(model, data)
    for other in alternatives(texts, model).values():
        under(problem, other)
    return texts
