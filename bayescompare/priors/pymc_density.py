"""Densities and draws of PyMC's distributions, and which of them a variable of PyMC is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from itertools import count
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
from pymc.exceptions import NotConstantValueError
from pymc.pytensorf import constant_fold
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import shared
from pytensor.graph.basic import Variable
from pytensor.graph.replace import vectorize_graph

from bayescompare.errors import PriorError
from bayescompare.priors.base import Prior, Support
from bayescompare.priors.pymc_table import PREFIX, TABLE, FromPyMC, kind_of
from bayescompare.priors.real import Flat

__all__ = ["draws", "log_density", "prior_of"]

Array = npt.NDArray[np.float64]

# Graphs of a few nodes, evaluated a few hundred times: compiling them takes longer than what it saves.
_MODE = Mode(linker="py", optimizer="fast_compile")
# Values at which a variable of no known kind is asked for its support.
_NEGATIVE, _POSITIVE = -np.logspace(-6, 6, 25), np.logspace(-6, 6, 25)

Numbers = tuple[float, ...]


@dataclass(frozen=True, repr=False)
class _Whole(FromPyMC):
    """A variable as it is, with its numbers built in."""

    variable: ClassVar[Any] = None

    def __repr__(self) -> str:
        return f"{PREFIX}{self.distribution}(...)"


def _variable(kind: type[FromPyMC], values: dict[str, Any], **more: Any) -> Any:
    """Return the variable of a distribution."""
    if issubclass(kind, _Whole):
        return kind.variable
    return getattr(pm, kind.distribution).dist(**values, **more)


def log_density(prior: FromPyMC, x: Any) -> Any:
    """Return the log density of a distribution at symbols or arrays.

    Raises
    ------
    PriorError
        For tensors of TensorFlow.
    """
    values = prior.constants()
    if any(isinstance(one, Variable) for one in (x, *values.values())):
        return pm.logp(_variable(type(prior), values), x)
    if not isinstance(x, np.ndarray | np.generic | float | int):
        raise PriorError(f"{prior!r} is a distribution of PyMC's, which has no density in TensorFlow.")
    given = np.broadcast_arrays(np.asarray(x, dtype=float), *values.values())
    found = _compiled(type(prior))(*(np.ravel(one).astype(float) for one in given))
    return np.asarray(found).reshape(given[0].shape)[()]


@cache
def _compiled(kind: type[FromPyMC]) -> Callable[..., Array]:
    """Return the log density as a function of vectors: the values, and the numbers for each."""
    names = [one.name for one in fields(kind)]
    scalars = {name: pt.dscalar(name) for name in ("x", *names)}
    vectors = {name: pt.dvector(name) for name in scalars}
    density = pm.logp(_variable(kind, {name: scalars[name] for name in names}), scalars["x"])
    graph = vectorize_graph(density, {scalars[name]: vectors[name] for name in scalars})
    found: Callable[..., Array] = pm.compile([*vectors.values()], graph, mode=_MODE, on_unused_input="ignore")
    return found


def draws(prior: FromPyMC, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return draws, which the generator decides."""
    size = int(np.prod(shape))
    drawing, source = _drawing(type(prior))
    source.set_value(np.random.default_rng(int(rng.integers(2**63))))
    return np.asarray(drawing(size, *prior.constants().values()), dtype=float).reshape(shape)


@cache
def _drawing(kind: type[FromPyMC]) -> tuple[Callable[..., Array], Any]:
    """Return a function of a number of draws and of the numbers, and where its generator is put."""
    size, source = pt.lscalar(), shared(np.random.default_rng(0))
    scalars = {one.name: pt.dscalar(one.name) for one in fields(kind)}
    if issubclass(kind, _Whole):
        raise PriorError(f"{PREFIX}{kind.distribution}(...) cannot be drawn from here; name one of {', '.join(TABLE)}.")
    variable = _variable(kind, scalars, shape=(size,), rng=source)
    return function([size, *scalars.values()], variable, mode=_MODE, on_unused_input="ignore"), source


def prior_of(variable: Variable[Any, Any]) -> Prior:
    """Return the prior that a variable of PyMC's stands for, such as ``pm.Weibull.dist(alpha=2, beta=50)``.

    Raises
    ------
    PriorError
        If it is none of a single real number, or its arguments are not numbers.
    """
    op = getattr(variable.owner, "op", None)
    if op is None or not hasattr(op, "dist_params"):
        raise PriorError(f"{variable!r} is no distribution; give one such as pm.Weibull.dist(alpha=2, beta=50).")
    name = _name(op)
    if not variable.type.dtype.startswith("float"):
        raise PriorError(f"{PREFIX}{name} is a distribution of whole numbers; the parameters here are real.")
    if variable.type.ndim:
        raise PriorError(f"{PREFIX}{name} is a distribution of an array; give one of a single number, without a shape.")
    if name in ("Flat", "HalfFlat"):
        return Flat()
    if name not in TABLE:
        return _whole(variable, name)
    return _as_typed(name, _numbers(name, op.dist_params(variable.owner)))


def _name(op: Any) -> str:
    """Return PyMC's name of a distribution, or that of its operation where we know none."""
    known = (*TABLE, "Flat", "HalfFlat")
    own = [name for name in known if name != "ChiSquared" and type(op) is getattr(pm, name).rv_type]
    return own[0] if own else str(getattr(op, "_print_name", (type(op).__name__,))[0])


def _numbers(name: str, symbols: Any) -> Numbers:
    try:
        return tuple(float(one) for one in constant_fold(list(symbols)))
    except (NotConstantValueError, TypeError, ValueError):
        raise PriorError(f"The arguments of {PREFIX}{name} must be single numbers.") from None


#: From the numbers that PyMC keeps of a distribution to arguments as they are typed, where these are others.
_ARGUMENTS: dict[str, Callable[..., dict[str, float]]] = {
    "AsymmetricLaplace": lambda b, kappa, mu: {"kappa": kappa, "mu": mu, "b": b},
    "ExGaussian": lambda mu, sigma, nu: {"nu": nu, "mu": mu, "sigma": sigma},
    "Exponential": lambda scale: {"lam": 1 / scale},
    "Gamma": lambda alpha, scale: {"alpha": alpha, "beta": 1 / scale},
    "HalfNormal": lambda loc, sigma: {"sigma": sigma},
    "Rice": lambda b, sigma: {"nu": b * sigma, "sigma": sigma},
    "SkewNormal": lambda mu, sigma, alpha: {"alpha": alpha, "mu": mu, "sigma": sigma},
    "Triangular": lambda lower, c, upper: {"lower": lower, "upper": upper, "c": c},
    "Wald": lambda mu, lam, alpha: {"mu": mu, "lam": lam} | ({"alpha": alpha} if alpha else {}),
}


def _as_typed(name: str, numbers: Numbers) -> Prior:
    entry = TABLE[name]
    named = _ARGUMENTS[name](*numbers) if name in _ARGUMENTS else dict(
        zip((*entry.needed, *entry.others), numbers, strict=True)
    )  # fmt: skip
    if name == "Wald" and "alpha" in named:
        raise PriorError("pm.Wald with a shift alpha is not read; leave alpha out.")
    # a bound at infinity is one that was not given
    values = {key: _plain(value) for key, value in named.items() if np.isfinite(value)}
    return kind_of(name, tuple(values))(**values)


def _plain(value: float) -> float | int:
    """Return a number as it was typed: PyMC takes the reciprocals of small whole numbers in single precision."""
    near = float(f"{value:.7g}")
    found = near if near.is_integer() and abs(near) < 1e6 else value
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


_NUMBERS = count()


def _whole(variable: Variable[Any, Any], name: str) -> Prior:
    """Return a prior of a variable that no text could name: its numbers are not data, and it has a class of its own."""
    values = {"variable": variable, "distribution": name, "__module__": __name__, "__repr__": _Whole.__repr__}
    made: Any = dataclass(frozen=True, repr=False)(type(f"{PREFIX}{name}-{next(_NUMBERS)}", (_Whole,), values))
    made.support = _support(made())
    found: Prior = made()
    return found


def _support(prior: FromPyMC) -> Support:
    """Return where a density is positive."""
    below, above = (np.isfinite(log_density(prior, points)).any() for points in (_NEGATIVE, _POSITIVE))
    if not (below or above):
        raise PriorError(f"{prior!r} has no density between -1e6 and 1e6.")
    return "real" if below else "positive"
