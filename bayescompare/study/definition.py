"""A study as it is written in TOML, checked as a whole before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from bayescompare.comparison.verdicts import Contrast
from bayescompare.design import Covariate, Design, Scenario, check_name, parse_covariate
from bayescompare.engines.base import Engine
from bayescompare.engines.catalog import estimator
from bayescompare.errors import BayesCompareError, StudyError, did_you_mean
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model
from bayescompare.priors import Prior, parse_prior
from bayescompare.simulation import simulate

__all__ = ["DEFAULT_STUDY", "Study", "available", "load"]

DEFAULT_STUDY = "adam-random-effects"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _covariate(value: Any) -> Any:
    return parse_covariate(value) if isinstance(value, str) else value


class _Scenario(_Strict):
    """One scenario of the file."""

    name: str
    description: str = ""
    formula: str
    groups: int
    rows: int | tuple[int, ...] | str
    covariates: dict[str, Annotated[Covariate, BeforeValidator(_covariate)]] = Field(default_factory=dict)
    fixed_design: bool = False
    truth: dict[str, float]

    @model_validator(mode="after")
    def _whole(self) -> _Scenario:
        self.scenario()
        return self

    def scenario(self) -> Scenario:
        """Return the scenario as the simulator takes it."""
        rows: Any = self.rows
        if isinstance(rows, str):
            mean = rows.removeprefix("poisson(").removesuffix(")")
            try:
                rows = ("poisson", float(mean))
            except ValueError:
                raise StudyError(
                    f"rows = {self.rows!r} cannot be read; give a number, a list, or 'poisson(8)'."
                ) from None
        design = Design(groups=self.groups, rows=rows, covariates=self.covariates, fixed=self.fixed_design)
        return Scenario(
            name=self.name, formula=self.formula, design=design, truth=self.truth, description=self.description
        )


class _Contrast(_Strict):
    """Two scenarios that differ in one thing."""

    name: str
    worse: str
    base: str


class Study(_Strict):
    """A study: scenarios, estimators, replicates, seed.

    Parameters
    ----------
    name, title, description
        What it is called and what it asks.
    estimators
        Labels.
    priors
        Parameter to prior, as typed; the others have the defaults.
    contrasts
        Pairs of scenarios that differ in one thing, for claim 4.
    """

    name: str
    title: str = ""
    description: str = ""
    replicates: Annotated[int, Field(ge=1, le=100_000)]
    seed: Annotated[int, Field(ge=0)] = 1
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    estimators: tuple[str, ...]
    priors: dict[str, str] = Field(default_factory=dict)
    dispersed_starts: Annotated[int, Field(ge=0, le=1000)] = 10
    scenario: tuple[_Scenario, ...]
    contrast: tuple[_Contrast, ...] = ()

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        return check_name(value, "study")

    @field_validator("estimators")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        labels = [estimator(label).label for label in value]
        twice = {label for label in labels if labels.count(label) > 1}
        if twice or not labels:
            raise StudyError(f"{sorted(twice)[0]} is listed twice." if twice else "no estimator is listed.")
        return value

    @field_validator("priors")
    @classmethod
    def _priors(cls, value: dict[str, str]) -> dict[str, str]:
        for text in value.values():
            parse_prior(text)
        return value

    @model_validator(mode="after")
    def _fitting_together(self) -> Study:
        names = [one.name for one in self.scenario]
        twice = {name for name in names if names.count(name) > 1}
        if twice or not names:
            raise StudyError(f"the scenario {sorted(twice)[0]!r} is there twice." if twice else "there is no scenario.")
        for one in self.contrast:
            for name in (one.worse, one.base):
                if name not in names:
                    raise StudyError(
                        f"contrast {one.name!r}: there is no scenario {name!r}.{did_you_mean(name, names)}"
                    )
        faults = list(self._unfitting())
        if faults:
            raise StudyError("\n  ".join(faults))
        return self

    def _unfitting(self) -> Iterator[str]:
        """Say which scenarios cannot be simulated or fitted, on the first data set of each."""
        for one in self.scenarios():
            try:
                build_problem(self.model(one), simulate(one, 0, self.seed))
            except BayesCompareError as error:
                yield f"the scenario {one.name!r}: {error}"

    def changed(self, **changes: Any) -> Study:
        """Return the study with other values, checked again.

        Raises
        ------
        StudyError
            If a value is not possible.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return _checked(values | changes, f"The study {self.name}")

    def engines(self) -> list[Engine]:
        """Return the estimators as objects."""
        return [estimator(label) for label in self.estimators]

    def scenarios(self) -> list[Scenario]:
        """Return the scenarios as the simulator takes them."""
        return [one.scenario() for one in self.scenario]

    def contrasts(self) -> list[Contrast]:
        """Return the pairs of scenarios as the verdicts take them."""
        return [Contrast(name=one.name, worse=one.worse, base=one.base) for one in self.contrast]

    def model(self, scenario: Scenario) -> Model:
        """Return the model of a scenario."""
        priors: dict[str, Prior | str] = dict(self.priors)
        return Model(scenario.formula, priors=priors)


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
        raise StudyError(f"{where} is not TOML: {error}.") from None
    return _checked(values, where)


def _checked(values: dict[str, Any], where: str) -> Study:
    """Return the study of some values, or every fault of theirs."""
    try:
        return Study.model_validate(values)
    except ValidationError as error:
        faults = "\n".join(f"  {_place(one['loc'])}: {_said(one)}" for one in error.errors())
        count = error.error_count()
        raise StudyError(f"{where} has {count} fault{'s' * (count > 1)}:\n{faults}") from None


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


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the study"


def _said(fault: Any) -> str:
    """Return a fault in our own words where it is ours."""
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, BayesCompareError):
        return str(cause)
    if fault["type"] == "extra_forbidden":
        *table, key = fault["loc"]
        owners: dict[str, type[BaseModel]] = {"scenario": _Scenario, "contrast": _Contrast}
        owner = owners[str(table[0])] if table else Study
        return f"{fault['msg']}.{did_you_mean(str(key), owner.model_fields)}"
    return str(fault["msg"])
