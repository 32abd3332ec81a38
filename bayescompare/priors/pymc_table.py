"""PyMC's distributions of one real number: their arguments, which may be read from a text, and where they live.

PyMC itself is asked for a density or for draws only (`bayescompare.priors.pymc_density`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, make_dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.priors.base import Prior, Support

__all__ = ["PREFIX", "TABLE", "FromPyMC", "Kind", "arguments", "kind_of"]

#: What the names begin with, as PyMC's users write them.
PREFIX = "pm."


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of PyMC's distributions.

    Parameters
    ----------
    needed, others
        Arguments without and with a default of PyMC's.
    positive, increasing
        As of `Prior`.
    support
        ``"bounds"`` where the arguments ``lower`` and ``upper`` decide.
    least
        The default of ``lower``.
    """

    support: str
    needed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    increasing: tuple[str, ...] = ()
    least: float = 0.0


def _real(needed: str = "", others: str = "", positive: str = "") -> Kind:
    return _kind("real", needed, others, positive)


def _half(needed: str = "", others: str = "", positive: str = "") -> Kind:
    return _kind("positive", needed, others, positive)


def _kind(support: str, needed: str, others: str, positive: str, **more: Any) -> Kind:
    return Kind(
        support=support,
        needed=tuple(needed.split()),
        others=tuple(others.split()),
        positive=tuple(positive.split()),
        **more,
    )


#: The distributions by their names in PyMC; the arguments are those of ``dist``, in the order in which they are typed.
TABLE: Mapping[str, Kind] = {
    "AsymmetricLaplace": _real("kappa mu b", "", "kappa b"),
    "Beta": _kind("single", "alpha beta", "", "alpha beta"),
    "Cauchy": _real("alpha beta", "", "beta"),
    "ChiSquared": _half("nu", "", "nu"),
    "ExGaussian": _real("nu", "mu sigma", "nu sigma"),
    "Exponential": _half("", "lam", "lam"),
    "Gamma": _half("alpha beta", "", "alpha beta"),
    "Gumbel": _real("mu beta", "", "beta"),
    "HalfCauchy": _half("beta", "", "beta"),
    "HalfNormal": _half("", "sigma", "sigma"),
    "HalfStudentT": _half("nu", "sigma", "nu sigma"),
    "InverseGamma": _half("alpha beta", "", "alpha beta"),
    "Kumaraswamy": _kind("single", "a b", "", "a b"),
    "Laplace": _real("mu b", "", "b"),
    "LogNormal": _half("", "mu sigma", "sigma"),
    "Logistic": _real("", "mu s", "s"),
    "Moyal": _real("", "mu sigma", "sigma"),
    "Normal": _real("", "mu sigma", "sigma"),
    "Pareto": _half("alpha m", "", "alpha m"),
    "Rice": _half("nu sigma", "", "nu sigma"),
    "SkewNormal": _real("", "alpha mu sigma", "sigma"),
    "SkewStudentT": _real("a b", "mu sigma", "a b sigma"),
    "StudentT": _real("nu", "mu sigma", "nu sigma"),
    "Triangular": _kind("bounds", "lower upper c", "", "", increasing=("lower", "c", "upper")),
    "TruncatedNormal": _kind(
        "bounds", "", "mu sigma lower upper", "sigma", increasing=("lower", "upper"), least=-math.inf
    ),
    "Uniform": _kind("bounds", "lower upper", "", "", increasing=("lower", "upper")),
    "Wald": _half("mu lam", "", "mu lam"),
    "Weibull": _half("alpha beta", "", "alpha beta"),
}


@dataclass(frozen=True, repr=False)
class FromPyMC(Prior):
    """A distribution of PyMC's; its fields are the arguments that were given."""

    distribution: ClassVar[str] = ""
    in_tensorflow: ClassVar[bool] = False

    def logp(self, x: Any, xp: Any) -> Any:
        """Log density, by PyMC."""
        from bayescompare.priors.pymc_density import log_density

        return log_density(self, x)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draws, by PyMC."""
        from bayescompare.priors.pymc_density import draws

        return draws(self, rng, shape)

    def __repr__(self) -> str:
        """Print as it is typed, arguments by name."""
        given = (
            f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value!r}"
            for name, value in self.constants().items()
        )
        return f"{PREFIX}{self.distribution}({', '.join(given)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what was given: the class is made again."""
        return _again, (self.distribution, self.constants())


def _again(name: str, values: Mapping[str, float]) -> FromPyMC:
    return kind_of(name, tuple(values))(**values)


def arguments(name: str) -> tuple[str, ...]:
    """Return the arguments of a distribution, in the order in which they are typed.

    Raises
    ------
    PriorError
        If PyMC has no such distribution of one real number.
    """
    if name not in TABLE:
        ours = " Write Flat() for a flat density." if name in ("Flat", "HalfFlat") else did_you_mean(name, TABLE)
        raise PriorError(f"{PREFIX}{name} is none of PyMC's distributions that can be a prior here.{ours}")
    return (*TABLE[name].needed, *TABLE[name].others)


def kind_of(name: str, given: Collection[str]) -> type[FromPyMC]:
    """Return the class of a distribution with these arguments.

    Raises
    ------
    PriorError
        If one is missing.
    """
    known, needed = arguments(name), TABLE[name].needed
    if set(needed) - set(given):
        raise PriorError(f"{PREFIX}{name} needs {', '.join(needed)}.")
    return _made(name, tuple(one for one in known if one in given))


@cache
def _made(name: str, given: tuple[str, ...]) -> type[FromPyMC]:
    """Return the class, made once: what is compiled for a prior goes by its class."""
    entry = TABLE[name]
    support: Any = property(_support_of_bounds) if entry.support == "bounds" else entry.support
    values = {
        "distribution": name,
        "support": support,
        "positive": tuple(one for one in entry.positive if one in given),
        "increasing": tuple(one for one in entry.increasing if one in given),
        "__module__": __name__,
        "__repr__": FromPyMC.__repr__,
        "__doc__": f"PyMC's {name}.",
    }
    typed = [(one, float, field()) for one in given]
    return make_dataclass(f"{PREFIX}{name}", typed, bases=(FromPyMC,), namespace=values, frozen=True, repr=False)


def _support_of_bounds(prior: FromPyMC) -> Support:
    """Return ``"single"`` where no value is below zero."""
    return "single" if getattr(prior, "lower", TABLE[prior.distribution].least) >= 0 else "real"
