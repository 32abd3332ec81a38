"""A study: scenarios, estimators, replicates, seed; checked as a whole when it is made."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

from bayescompare.comparison.verdicts import Contrast
from bayescompare.design import Scenario
from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import canonical, estimator
from bayescompare.errors import StudyError, did_you_mean
from bayescompare.model import Model
from bayescompare.priors import Prior
from bayescompare.priors.names import naming
from bayescompare.study.check import check
from bayescompare.study.difference import difference
from bayescompare.study.grid import Table
from bayescompare.study.own import kinds_of, readable, record_of

__all__ = ["DEFAULT_STUDY", "Study", "available", "load"]

DEFAULT_STUDY = "adam-random-effects"

_SETTINGS = (
    "name", "title", "description", "replicates", "seed", "intervals", "refits", "time_limit", "block", "estimators",
    "priors", "nominal", "dispersed_starts",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, init=False)
class Study:
    """A study: scenarios, estimators, replicates, seed.

    It is made of the keys of a study file (`docs/studies.md` has them all), by `load`, by
    `from_dict`, or as ``Study(name=..., scenario=[{...}], ...)``.

    Parameters
    ----------
    name, title, description
        What it is called and what it asks.
    levels
        Probabilities of the intervals; verdicts are by the first.
    intervals
        Kinds of intervals, or None for all that an estimator has.
    refits
        Of a bootstrap, where the intervals have one.
    time_limit
        Seconds a fit, or None.
    block
        Replicates a task; no result depends on it.
    estimators
        Labels.
    priors
        Parameter to prior, as typed; the others have the defaults.
    nominal
        ``mean`` and ``sd`` of the response that priors which scale with data are made for, where the truth is drawn
        from them.
    tables
        The scenarios as written.
    own_priors
        Priors that are not ours, by name: where each comes from and the hash of its source, so that another density is
        another study.
    scenario
        The scenarios of their grids, one by one.
    kinds
        The classes of these priors.
    contrast
        Pairs of scenarios that differ in one thing, for claim 4.
    """

    name: str
    title: str
    description: str
    replicates: int
    seed: int
    levels: tuple[float, ...]
    intervals: tuple[str, ...] | None
    refits: int
    time_limit: float | None
    block: int
    estimators: tuple[str, ...]
    priors: Mapping[str, str]
    nominal: Mapping[str, float]
    dispersed_starts: int
    tables: tuple[Table, ...]
    contrast: tuple[Contrast, ...]
    own_priors: Mapping[str, Mapping[str, Any]] = field(repr=False)
    scenario: tuple[Scenario, ...] = field(repr=False, compare=False)
    kinds: Mapping[str, type[Prior]] = field(repr=False, compare=False)
    _by_name: Mapping[str, Scenario] = field(repr=False, compare=False)

    def __init__(self, **values: Any) -> None:
        """Check the values, which are those of a study file."""
        self._fill(values, "The study")

    def _fill(self, values: Mapping[str, Any], where: str, *, trial: bool = True) -> None:
        written = {key: value for key, value in values.items() if key != "own_priors"}
        with naming(readable(values.get("own_priors", {}))):
            found = check(written, where, trial=trial)
        kinds = kinds_of(found.scenarios)
        read = found.values | {"kinds": kinds, "own_priors": {name: record_of(kind) for name, kind in kinds.items()}}
        read |= {"tables": found.tables, "scenario": found.scenarios, "contrast": found.contrasts}
        read["levels"] = read.pop("level")
        read["_by_name"] = {one.name: one for one in found.scenarios}
        for name, value in read.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, where: str = "The study", trial: bool = True) -> Self:
        """Return the study of the values of a file, or of `as_dict`.

        Parameters
        ----------
        where
            What to call it in messages.
        trial
            Simulate a data set of each design, to see whether the model can be fitted to it. A
            worker need not: its study was checked before.

        Raises
        ------
        StudyError
            With every fault and its path.
        """
        study = object.__new__(cls)
        study._fill(values, where, trial=trial)
        return study

    def as_dict(self) -> dict[str, Any]:
        """Return the study in JSON types, with all defaults: equal studies give equal values."""
        values = {name: getattr(self, name) for name in _SETTINGS} | {
            "level": self.levels,
            "scenario": [table.as_dict() for table in self.tables],
            "contrast": [{"name": one.name, "worse": one.worse, "base": one.base} for one in self.contrast],
            **({"own_priors": self.own_priors} if self.own_priors else {}),
        }
        plain: dict[str, Any] = json.loads(json.dumps(values))
        return plain

    def difference(self, other: Study) -> list[str]:
        """Return what is changed in another study, a line a path, such as ``replicates: 80 -> 200``."""
        return difference(self.as_dict(), other.as_dict())

    def changed(self, **changes: Any) -> Study:
        """Return the study with other values, checked again.

        Raises
        ------
        StudyError
            If a value is not possible.
        """
        with naming(self.kinds):
            return type(self).from_dict(self.as_dict() | changes, where=f"The study {self.name}")

    @property
    def level(self) -> float:
        """The level that verdicts are made at."""
        return self.levels[0]

    def engines(self) -> list[Engine]:
        """Return the estimators as objects."""
        return list(self._by_label.values())

    def engine(self, label: str) -> Engine:
        """Return the estimator of a label, however its settings are written, with those that the label leaves out.

        Raises
        ------
        StudyError
            If there is none.
        """
        found = label if label in self._by_label else canonical(label)
        if found not in self._by_label:
            raise StudyError(f"The study {self.name} has no estimator {label!r}.{did_you_mean(label, self._by_label)}")
        return self._by_label[found]

    @cached_property
    def _by_label(self) -> dict[str, Engine]:
        engines = (estimator(label) for label in self.estimators)
        return {engine.label: engine for engine in engines}

    def scenarios(self) -> list[Scenario]:
        """Return the scenarios as the simulator takes them."""
        return list(self.scenario)

    def named(self, name: str) -> Scenario:
        """Return a scenario by its name.

        Raises
        ------
        StudyError
            If there is none.
        """
        found = self._by_name.get(name)
        if found is None:
            raise StudyError(f"The study {self.name} has no scenario {name!r}.{did_you_mean(name, self._by_name)}")
        return found

    def contrasts(self) -> list[Contrast]:
        """Return the pairs of scenarios as the verdicts take them."""
        return list(self.contrast)

    def model(self, scenario: Scenario) -> Model:
        """Return the model of a scenario."""
        return Model(scenario.formula, priors=dict(scenario.priors))


def available() -> dict[str, str]:
    """Return the bundled studies by name, each with its title."""
    return {name: tomllib.loads(text.read_text("utf-8")).get("title", "") for name, text in sorted(_bundled().items())}


def load(source: str | Path) -> Study:
    """Return a bundled study by its name, or the study of a TOML file.

    Raises
    ------
    StudyError
        If there is none, or with every fault of the file and its place.
    """
    text, where = _text(source)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{where} is not TOML: {_placed(str(error), text)}") from None
    for key in {"priors_from", "own_priors"} & set(values):
        raise StudyError(
            f"{where}: {key}: a study names no file of code. Give it on the command line, --priors-from FILE.py, or "
            "load it by bayescompare.load_priors."
        )
    return Study.from_dict(values, where=where)


def _placed(message: str, text: str) -> str:
    """Return a syntax error with its line, and the text of it."""
    lines = text.splitlines() or [""]
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
    said = re.sub(r" \(at .*\)$", "", message)
    hint = ": the key or table is there twice" if re.search("[Oo]verwrite|[Dd]uplicate|Cannot declare", said) else ""
    shown = lines[min(line, len(lines)) - 1].strip()[:100]
    return f"line {line}, column {column}: {said}{hint}.\n  {shown}"


def _bundled() -> dict[str, Traversable]:
    """Return the files of the studies that come with the package, by name."""
    folder = files("bayescompare.study") / "studies"
    return {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}


def _text(source: str | Path) -> tuple[str, str]:
    """Return the text of a study and what to call it in messages."""
    bundled = _bundled()
    if str(source) in bundled:
        return bundled[str(source)].read_text("utf-8"), f"The study {source}"
    path = Path(source)
    if path.suffix != ".toml":
        raise StudyError(
            f"There is no study {str(source)!r}.{did_you_mean(str(source), bundled)} A file must end in .toml."
        )
    try:
        return path.read_text("utf-8"), str(path)
    except OSError as error:
        raise StudyError(f"Cannot read the study {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not UTF-8 text (byte {error.start}).") from None
