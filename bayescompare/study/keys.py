"""The keys of a study file and what their values may be."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from bayescompare.data.given import Given
from bayescompare.design import check_name, parse_covariate
from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import estimator
from bayescompare.errors import StudyError, did_you_mean
from bayescompare.formula import parse
from bayescompare.intervals import KINDS, REFITS
from bayescompare.intervals.kinds import FEWEST_REFITS
from bayescompare.priors import check_set, parse_prior
from bayescompare.study.faults import FAULTY, Faults, Key, Reader, each, one, read_table, table

__all__ = ["CONTRAST", "SCENARIO", "STUDY", "as_whole", "label_of", "poisson_mean"]

_POISSON = re.compile(r"poisson\(\s*([0-9.eE+-]+)\s*\)")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise StudyError(f"must be text, not {_shown(value)}.")
    return value


def _named(kind: str) -> Callable[[Any], str]:
    return lambda value: check_name(_text(value), kind)


def as_whole(least: int) -> Callable[[Any], int]:
    """Return a check of whole numbers of at least so much."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise StudyError(f"must be a whole number of at least {least}, not {_shown(value)}.")
        return value

    return check


def _truth_value(value: Any) -> bool:
    if not isinstance(value, bool):
        raise StudyError(f"must be true or false, not {_shown(value)}.")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise StudyError(f"must be a finite number, not {_shown(value)}.")
    return float(value)


def _between(low: float, high: float, *, ends: bool) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        number = _number(value)
        if not (low <= number <= high if ends else low < number < high):
            raise StudyError(f"must lie between {low:g} and {high:g}, not at {number:g}.")
        return number

    return check


def _seconds(value: Any) -> float:
    if _number(value) <= 0:
        raise StudyError(f"must be a number of seconds greater than 0, not {_shown(value)}.")
    return float(value)


def _positive(value: Any) -> float:
    if _number(value) <= 0:
        raise StudyError(f"must be a number greater than 0, not {_shown(value)}.")
    return float(value)


def _one_of(known: Mapping[str, Any], kind: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if _text(value) not in known:
            raise StudyError(f"there is no {kind} {value!r}.{did_you_mean(value, known)}")
        return value

    return check


def label_of(value: Any) -> str:
    """Return a label with all its settings: an engine's own may leave out those that change no result."""
    return str(Engine.label.__get__(estimator(_text(value))))


def _prior(value: Any) -> str:
    parse_prior(_text(value))
    return str(value).strip()


def _covariate(value: Any) -> str:
    parse_covariate(_text(value))
    return str(value).strip()


def _formula(value: Any) -> str:
    parse(_text(value))
    return str(value)


def poisson_mean(text: str) -> float:
    """Return the mean of ``"poisson(8)"``.

    Raises
    ------
    StudyError
        If it cannot be read.
    """
    match = _POISSON.fullmatch(text.strip())
    try:
        return _number(float(match[1] if match else ""))
    except ValueError:
        raise StudyError(f"{text!r} cannot be read; give a whole number, or 'poisson(8)'.") from None


def _rows(value: Any) -> int | str:
    if not isinstance(value, str):
        return as_whole(1)(value)
    if poisson_mean(value) < 1:
        raise StudyError(f"every group needs at least one row; {value!r} has a mean below 1.")
    return value.strip()


def _sizes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise StudyError("must be the rows of each of at least 2 groups, such as [5, 5, 20].")
    return tuple(as_whole(1)(size) for size in value)


def _true(value: Any) -> float | str:
    if not isinstance(value, str):
        return _number(value)
    return _prior(value)


def _fact(value: Any) -> float | str:
    """Return a level of a factor: a number or a text, as it is written."""
    if isinstance(value, str):
        return value
    return value if isinstance(value, int) and not isinstance(value, bool) else _number(value)


def _or_list(check: Callable[[Any], Any], what: str) -> Reader:
    """Return a reader of a value, or of a list of them: a factor of the grid."""
    several, single = each(check, what), one(check)
    return lambda value, path, faults: (several if isinstance(value, list | tuple) else single)(value, path, faults)


def _estimators(value: Any, path: str, faults: Faults) -> Any:
    """Read a list of labels; two that results would not tell apart are one too many."""
    found = each(label_of, "estimators")(value, path, faults)
    labels = [] if found is FAULTY else [estimator(label).label for label in found]
    for index, label in enumerate(labels):
        if label in labels[:index]:
            faults.add(f"{path}[{index}]", f"{label!r} is listed twice.")
    return found


def _sizes_or_list(value: Any, path: str, faults: Faults) -> Any:
    nested = isinstance(value, list | tuple) and bool(value) and isinstance(value[0], list | tuple)
    return (each(_sizes, "lists of sizes") if nested else one(_sizes))(value, path, faults)


def _always_list(check: Callable[[Any], Any], what: str) -> Reader:
    """Return a reader of a value or of a list of them, which gives a tuple either way."""
    several = each(check, what)

    def read(value: Any, path: str, faults: Faults) -> Any:
        if isinstance(value, list | tuple):
            return several(value, path, faults)
        found = faults.attempt(path, check, value)
        return found if found is FAULTY else (found,)

    return read


def _truth(value: Any, path: str, faults: Faults) -> Any:
    if isinstance(value, str):
        return faults.attempt(path, _one_of({"prior": None}, "truth but a table and"), value)
    return table(_or_list(_true, "numbers and distributions"))(value, path, faults)


def _priors(value: Any, path: str, faults: Faults) -> Any:
    """Read a table of priors, whose key ``set`` names a set, or the name of a set alone."""
    written = {"set": value} if isinstance(value, str) else value
    if not isinstance(written, Mapping) or "set" not in written:
        return table(one(_prior))(written, path, faults)
    named = faults.attempt(path if written is not value else f"{path}.set", check_set, written["set"])
    own = table(one(_prior))({key: item for key, item in written.items() if key != "set"}, path, faults)
    return own | ({} if named is FAULTY else {"set": named})


def _nominal(value: Any, path: str, faults: Faults) -> Any:
    """Read ``{ mean = 0, sd = 1 }``; either may be left out."""
    before = len(faults)
    read = read_table(value, {"mean": Key(one(_number), 0.0), "sd": Key(one(_positive), 1.0)}, path, faults)
    return FAULTY if len(faults) > before else read


def _optional(read: Reader) -> Reader:
    return lambda value, path, faults: None if value is None else read(value, path, faults)


def _tables(value: Any, path: str, faults: Faults) -> Any:
    if not isinstance(value, list | tuple) or (path == "scenario" and not value):
        faults.add(path, f"there must be at least one [[{path}]]." if value == [] else f"must be tables, [[{path}]].")
        return FAULTY
    return tuple(value)


#: The keys of a study; its scenarios and contrasts are read by themselves.
STUDY: Mapping[str, Key] = {
    "name": Key(one(_named("study"))),
    "title": Key(one(_text), ""),
    "description": Key(one(_text), ""),
    "replicates": Key(one(as_whole(1))),
    "seed": Key(one(as_whole(0)), 1),
    "level": Key(_always_list(_between(0, 1, ends=False), "levels"), (0.95,)),
    "intervals": Key(_optional(each(_one_of(KINDS, "kind of interval"), "kinds of intervals")), None),
    "refits": Key(one(as_whole(FEWEST_REFITS)), REFITS),
    "time_limit": Key(_optional(one(_seconds)), None),
    "block": Key(one(as_whole(1)), 50),
    "estimators": Key(_estimators, ()),
    "estimator": Key(_tables, ()),
    "priors": Key(_priors, {}),
    "nominal": Key(_nominal, {"mean": 0.0, "sd": 1.0}),
    "dispersed_starts": Key(one(as_whole(0)), 10),
    "scenario": Key(_tables),
    "contrast": Key(_tables, ()),
}

#: The keys of a scenario; those that may be a list make the grid.
SCENARIO: Mapping[str, Key] = {
    "name": Key(one(_named("scenario"))),
    "description": Key(one(_text), ""),
    "formula": Key(one(_formula)),
    "groups": Key(_or_list(as_whole(2), "whole numbers"), None),
    "rows": Key(_or_list(_rows, "numbers of rows"), None),
    "sizes": Key(_sizes_or_list, None),
    "imbalance": Key(_or_list(_between(0, 1, ends=True), "numbers"), 0.0),
    "covariates": Key(table(_or_list(_covariate, "distributions")), {}),
    "data": Key(_optional(one(Given.read)), None),
    "fraction": Key(one(as_whole(1)), 1),
    "part": Key(one(as_whole(0)), 0),
    "factors": Key(table(one(_fact)), {}),
    "fixed_design": Key(one(_truth_value), False),
    "priors": Key(_optional(_or_list(check_set, "names of sets of priors")), None),
    "truth": Key(_truth),
}

#: The keys of a contrast.
CONTRAST: Mapping[str, Key] = {"name": Key(one(_text)), "worse": Key(one(_text)), "base": Key(one(_text))}
