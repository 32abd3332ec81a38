"""What is simulated: groups, rows, covariates and true parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bayescompare.data.given import Given
from bayescompare.errors import NameRefusedError, StudyError, did_you_mean
from bayescompare.formula.parse import parse
from bayescompare.priors import DEFAULT, Prior, check_set, parse_prior

__all__ = ["COVARIATES", "Covariate", "Design", "Scenario", "check_name", "parse_covariate"]

Array = npt.NDArray[np.floating]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{d}{i}" for d in ("COM", "LPT") for i in range(10))}

Sampler = Callable[[np.random.Generator, int, Sequence[float]], Array]

#: Distribution of a covariate -> (arguments with their defaults, sampler).
COVARIATES: Mapping[str, tuple[Mapping[str, float], Sampler]] = {
    "normal": ({"mean": 0.0, "sd": 1.0}, lambda rng, n, a: rng.normal(a[0], a[1], n)),
    "uniform": ({"low": 0.0, "high": 1.0}, lambda rng, n, a: rng.uniform(a[0], a[1], n)),
    "lognormal": ({"mean": 0.0, "sd": 1.0}, lambda rng, n, a: rng.lognormal(a[0], a[1], n)),
    "bernoulli": ({"p": 0.5}, lambda rng, n, a: (rng.uniform(size=n) < a[0]).astype(float)),
    "sequence": ({"start": 0.0, "step": 1.0}, lambda _, n, a: a[0] + a[1] * np.arange(n)),
}


def check_name(name: str, kind: str) -> str:
    """Return a name that is a safe file name on every system.

    Raises
    ------
    NameRefusedError
        If it is not: it must match ``[A-Za-z0-9][A-Za-z0-9_.-]{0,63}``, and not be a device of Windows.
    """
    if not _NAME.fullmatch(name) or name.split(".")[0].upper() in _RESERVED:
        raise NameRefusedError(
            f"The {kind} name {name[:80]!r} is refused: use 1 to 64 letters, digits, '_', '.' or '-', "
            "a letter or digit first, and no device name such as CON."
        )
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """A predictor's distribution.

    Parameters
    ----------
    distribution
        A name out of `COVARIATES`; ``sequence`` counts within each group.
    arguments
        Numbers in the order of the distribution's own.
    level
        ``row`` draws a value a row, ``group`` one a group.
    """

    distribution: str
    arguments: tuple[float, ...]
    level: str = "row"

    def __str__(self) -> str:
        """Return the distribution as it may be typed."""
        return f"{self.distribution}({', '.join(f'{value:g}' for value in self.arguments)}) by {self.level}"

    def draw(self, rng: np.random.Generator, groups: npt.NDArray[np.intp]) -> Array:
        """Return values ``(n,)`` for rows of the given groups, which are sorted."""
        sampler = COVARIATES[self.distribution][1]
        if self.level == "group":
            return sampler(rng, int(groups[-1]) + 1, self.arguments)[groups]
        if self.distribution == "sequence":
            return np.concatenate([sampler(rng, int(size), self.arguments) for size in np.bincount(groups)])
        return sampler(rng, len(groups), self.arguments)


@lru_cache(maxsize=1024)
def parse_covariate(text: str) -> Covariate:
    """Read ``"normal(0, 1)"``, ``"uniform(low=0, high=10)"`` or ``"bernoulli(0.5) by group"``.

    Raises
    ------
    StudyError
        If the distribution, an argument or a value cannot be read.
    """
    match = re.fullmatch(r"\s*([a-z]+)\s*(?:\(([^()]*)\))?\s*(?:by\s+(row|group))?\s*", text)
    if not match:
        raise StudyError(
            f"Cannot read the covariate {text!r}; write one such as 'normal(0, 1)' or 'normal(0, 1) by group'."
        )
    name, arguments, level = match.groups()
    if name not in COVARIATES:
        raise StudyError(f"There is no covariate distribution {name!r}.{did_you_mean(name, COVARIATES)}")
    known = COVARIATES[name][0]
    values = dict(known)
    for position, part in enumerate(filter(None, (piece.strip() for piece in (arguments or "").split(",")))):
        key, separator, value = (piece.strip() for piece in part.rpartition("="))
        key = key if separator else list(known)[position] if position < len(known) else part
        if key not in known:
            raise StudyError(f"{text!r}: {name} has no argument {key!r}.{did_you_mean(key, known)}")
        try:
            values[key] = float(value)
        except ValueError:
            raise StudyError(f"{text!r}: {key} must be a number, not {value!r}.") from None
    _check_covariate(text, values)
    return Covariate(distribution=name, arguments=tuple(values.values()), level=level or "row")


def _check_covariate(text: str, values: Mapping[str, float]) -> None:
    """Refuse values that the distribution cannot have."""
    if not all(np.isfinite(value) for value in values.values()):
        raise StudyError(f"{text!r}: arguments must be finite numbers.")
    if values.get("sd", 1.0) <= 0:
        raise StudyError(f"{text!r}: sd must be greater than 0.")
    if not 0 <= values.get("p", 0.5) <= 1:
        raise StudyError(f"{text!r}: p must lie between 0 and 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Groups, their sizes, and covariates.

    Parameters
    ----------
    groups
        Number of groups ``J``.
    rows
        Rows of every group, the rows of each, or ``("poisson", mean)``: one plus a Poisson
        variable of that mean less one, drawn anew in each replicate.
    covariates
        Name to distribution.
    fixed
        Keep covariates and drawn sizes of the first replicate in all.
    imbalance
        From 0 to 1: the sizes of the groups go in even steps from ``(1 - imbalance) rows`` to
        ``(1 + imbalance) rows``, each rounded to the nearest whole number (a half to the even
        one, which keeps the total at ``groups rows``) and at least 1.
    """

    groups: int
    rows: int | tuple[int, ...] | tuple[str, float]
    covariates: Mapping[str, Covariate] = field(default_factory=dict)
    fixed: bool = False
    imbalance: float = 0.0

    def __post_init__(self) -> None:
        """Refuse sizes that are not sizes."""
        if self.groups < 2:
            raise StudyError(f"A design needs at least 2 groups, not {self.groups}.")
        if not 0 <= self.imbalance <= 1:
            raise StudyError(f"imbalance must lie between 0 and 1, not {self.imbalance!r}.")
        if self.imbalance and not isinstance(self.rows, int):
            raise StudyError("imbalance goes with one number of rows; sizes that are given or drawn have their own.")
        if min(self._given(), default=0) < 1:
            raise StudyError(f"Every group needs at least one row; rows = {self.rows!r}.")

    def _given(self) -> Sequence[float]:
        """Return the numbers of rows, or their mean."""
        if isinstance(self.rows, int):
            return [self.rows]
        if self.rows and self.rows[0] == "poisson":
            return [float(self.rows[1])]
        if len(self.rows) != self.groups:
            raise StudyError(f"rows gives {len(self.rows)} sizes for {self.groups} groups; give one a group.")
        return [float(size) for size in self.rows]

    def sizes(self, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """Return the rows of each group, ``(J,)``."""
        if isinstance(self.rows, int):
            even = [self.rows] * self.groups
            return np.array(_uneven(self.groups, self.rows, self.imbalance) if self.imbalance else even, dtype=np.intp)
        if self.rows[0] == "poisson":
            return np.asarray(1 + rng.poisson(float(self.rows[1]) - 1, self.groups), dtype=np.intp)
        return np.asarray(self.rows, dtype=np.intp)


def _uneven(groups: int, rows: int, imbalance: float) -> list[int]:
    """Return sizes in even steps about ``rows``, by exact fractions."""
    spread = Fraction(repr(float(imbalance)))
    steps = (1 - spread + 2 * spread * Fraction(j, groups - 1) for j in range(groups))
    return [max(1, round(rows * step)) for step in steps]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A model, a design and a truth: everything but the random numbers.

    Parameters
    ----------
    truth
        Flat label (``"beta[x]"``, ``"sd_subject[Intercept]"``, ``"sigma"``) or variable (``"beta"``,
        ``"sd_subject"``, ``"cor_subject"``) to true value, or to a distribution, as an object or as
        it is typed, from which each replicate draws its own. Fixed effects and correlations that are
        not given are zero; sds and sigma must be given. ``"prior"`` draws all parameters from ``priors``.
    priors
        The model's own priors, and under ``set`` the name of the set of the others.
    nominal
        Mean and sd of the response for which the priors that scale with data are made, where ``truth = "prior"``.
    base
        Name of the study file's scenario that it came from; its own name otherwise.
    factors
        Where it came from a grid: each field that was a list, and its value here.
    design
        What is simulated beside the response; or the rows of a user's data, which are in every data set.
    """

    name: str
    formula: str
    design: Design | Given
    truth: Mapping[str, float | Prior | str] | Literal["prior"]
    description: str = ""
    priors: Mapping[str, Prior | str] = field(default_factory=dict)
    nominal: tuple[float, float] = (0.0, 1.0)
    base: str = ""
    factors: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the name, and read the distributions that are texts."""
        check_name(self.name, "scenario")
        if isinstance(self.truth, str) and self.truth != "prior":
            raise StudyError(f"truth must be a table of parameters, or 'prior', not {self.truth!r}.")
        if not isinstance(self.truth, str):
            object.__setattr__(self, "truth", _read(self.truth))
        if not (np.all(np.isfinite(self.nominal)) and self.nominal[1] > 0):
            raise StudyError(f"nominal is a finite mean and an sd greater than 0, not {self.nominal!r}.")
        named = {"set": check_set(self.priors["set"])} if "set" in self.priors else {}
        own = {key: prior for key, prior in self.priors.items() if key != "set"}
        object.__setattr__(self, "priors", named | _read(own))
        object.__setattr__(self, "base", self.base or self.name)

    @property
    def groups(self) -> int:
        """Number of groups."""
        return self.design.groups if isinstance(self.design, Design) else len(self._sizes(self.design))

    @property
    def rows(self) -> int | str | tuple[int, ...]:
        """Rows a group, as in a study file; of given rows that differ, their range."""
        if isinstance(self.design, Given):
            sizes = self._sizes(self.design) or (self.design.rows,)
            return sizes[0] if len(set(sizes)) == 1 else f"{min(sizes)} to {max(sizes)}"
        rows: Any = self.design.rows
        return f"poisson({rows[1]:g})" if isinstance(rows, tuple) and rows[0] == "poisson" else rows

    def _sizes(self, given: Given) -> tuple[int, ...]:
        return given.sizes(parse(self.formula).grouping)

    @property
    def covariates(self) -> Mapping[str, Covariate]:
        """Name to distribution; none of given rows."""
        return self.design.covariates if isinstance(self.design, Design) else {}

    @property
    def fixed_design(self) -> bool:
        """Whether all replicates have the covariates and sizes of the first."""
        return isinstance(self.design, Given) or self.design.fixed

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario in JSON types, for a report."""
        truth = self.truth if isinstance(self.truth, str) else {key: _plain(one) for key, one in self.truth.items()}
        return {
            "name": self.name,
            "base": self.base,
            "factors": dict(self.factors),
            "description": self.description,
            "formula": self.formula,
            "groups": self.groups,
            "rows": list(self.rows) if isinstance(self.rows, tuple) else self.rows,
            "imbalance": self.design.imbalance if isinstance(self.design, Design) else 0.0,
            "fixed_design": self.fixed_design,
            "covariates": {name: str(covariate) for name, covariate in self.covariates.items()},
            "truth": truth,
            "prior_set": str(self.priors.get("set", DEFAULT)),
            **({"nominal": list(self.nominal)} if self.truth == "prior" else {}),
            **({"data": self.design.source} if isinstance(self.design, Given) else {}),
        }


def _read[T](values: Mapping[str, T | str]) -> dict[str, T | Prior]:
    return {key: parse_prior(value) if isinstance(value, str) else value for key, value in values.items()}


def _plain(value: float | Prior | str) -> float | str:
    return float(value) if isinstance(value, int | float) else str(value)
