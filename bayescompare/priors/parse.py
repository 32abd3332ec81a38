"""Priors as typed: ``HalfNormal(50)``, and ``sd_subject=HalfNormal(50)``. Nothing is evaluated."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.priors import named
from bayescompare.priors.base import Prior
from bayescompare.priors.contract import check_kind
from bayescompare.priors.pymc_table import PREFIX, arguments, kind_of
from bayescompare.registry import Registry

__all__ = [
    "as_prior",
    "available",
    "describe",
    "described",
    "get",
    "importing",
    "naming",
    "origin_of",
    "parse_assignment",
    "parse_prior",
    "register_all",
    "register_prior",
]

_LONGEST = 200

_REGISTRY: Registry[type[Prior]] = Registry(
    kind="prior",
    group="bayescompare.priors",
    check=check_kind,
    error=PriorError,
    hint=" One of your own comes from a file: --priors-from FILE.py, or bayescompare.load_priors.",
)
for _name in named.__all__:
    _REGISTRY.add(_name, getattr(named, _name))

# Where what is registered comes from, by name; and the names of each file.
_ORIGINS: dict[str, str] = {}
_FILES: dict[str, tuple[str, ...]] = {}
# Names that come before those of the registry, and whether a file is being run, in this thread.
_NAMED: ContextVar[Mapping[str, type[Prior]]] = ContextVar("named priors", default=MappingProxyType({}))
_IMPORTING: ContextVar[bool] = ContextVar("a file of priors is being run", default=False)


def register_prior(prior: type[Prior]) -> type[Prior]:
    """Make a prior class usable by its name in this process; may be used as a decorator.

    Raises
    ------
    PriorError
        If the class is not complete, or its name is taken.
    """
    if _IMPORTING.get():
        # who runs the file registers what it defines
        return prior
    return _REGISTRY.add(prior.__name__, prior)


def register_all(kinds: Mapping[str, type[Prior]], *, origin: str, key: str) -> None:
    """Register the classes of a file, in place of those that it had when it was read before.

    Parameters
    ----------
    origin
        What to call the file in messages.
    key
        The file.

    Raises
    ------
    PriorError
        If a name is taken by another file, or was registered.
    """
    before = _FILES.get(key, ())
    for name, kind in kinds.items():
        if name in _REGISTRY.registered and name not in before and _REGISTRY.get(name) is not kind:
            owner = _ORIGINS.get(name, "a class that was registered before")
            raise PriorError(f"{origin}: the name {name} is taken by {owner}; rename the class.")
    for name in before:
        _REGISTRY.remove(name)
        _ORIGINS.pop(name, None)
    for name, kind in kinds.items():
        _REGISTRY.add(name, kind)
        _ORIGINS[name] = origin
    _FILES[key] = tuple(kinds)


@contextmanager
def importing() -> Iterator[None]:
    """Leave registering to who runs a file: its own `register_prior` does nothing here."""
    token = _IMPORTING.set(True)
    try:
        yield
    finally:
        _IMPORTING.reset(token)


@contextmanager
def naming(kinds: Mapping[str, type[Prior]]) -> Iterator[None]:
    """Read texts by these classes, before those that are registered."""
    token = _NAMED.set({**_NAMED.get(), **kinds})
    try:
        yield
    finally:
        _NAMED.reset(token)


def origin_of(name: str) -> str:
    """Return whose a name is that nobody else may use: ours, or an installed package's; empty where it is free."""
    return "bayescompare" if name in named.__all__ else _REGISTRY.offered(name)


def described(kind: type[Prior]) -> str:
    """Return the name of a class and where it comes from, where that is not this package."""
    name = kind.__name__
    if name in named.__all__ or name not in _REGISTRY.registered or _REGISTRY.get(name) is not kind:
        return name
    source = _ORIGINS.get(name) or _REGISTRY.offered(name)
    return f"{name} of {source}" if source else name


def available() -> Iterator[str]:
    """Iterate over the names of the known priors."""
    return iter(_REGISTRY)


def get(name: str) -> type[Prior]:
    """Return the prior class of a name.

    Raises
    ------
    PriorError
        If there is none, or its package cannot be loaded.
    """
    return _NAMED.get().get(name) or _REGISTRY.get(name)


def describe(name: str) -> str:
    """Return a prior's arguments and the first sentence of its docstring; of one that cannot be loaded, why."""
    try:
        kind = get(name)
    except PriorError as error:
        return str(error)
    given = ", ".join(field.name for field in fields(kind))
    said = (kind.__doc__ or "").strip() or "one's own"
    return f"({given})  {said.splitlines()[0].replace('`', '')}"


def _number(node: ast.expr, text: str) -> float | int:
    """Return the number that a syntax node spells."""
    sign = 1
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -sign if isinstance(node.op, ast.USub) else sign
        node = node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return sign * node.value
    raise PriorError(f"In the prior {text!r}, {ast.unparse(node)!r} is not a number; write it as in HalfNormal(2.5).")


def _call(text: str) -> tuple[str, ast.Call]:
    """Parse ``Name(...)`` or ``pm.Name(...)``, without evaluating anything; return the name and the call."""
    if len(text) > _LONGEST:
        raise PriorError(f"A prior of {len(text)} characters cannot be right: {text[:40]!r}...")
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        node = None
    if isinstance(node, ast.Name | ast.Attribute):
        node = ast.Call(func=node, args=[], keywords=[])
    if isinstance(node, ast.Call):
        name = _dotted(node.func)
        if name:
            return name, node
    raise PriorError(f"Cannot read the prior {text!r}; write a name and numbers, as in HalfNormal(2.5).")


def _dotted(node: ast.expr) -> str:
    """Return a name, ours or one of PyMC's; empty where it is neither."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and f"{node.value.id}." == PREFIX:
        return f"{PREFIX}{node.attr}"
    return ""


def parse_prior(text: str) -> Prior:
    """Return the prior that a text spells.

    Raises
    ------
    PriorError
        If the name or an argument is unknown, or a value impossible.
    """
    name, call = _call(text)
    of_pymc = name.startswith(PREFIX)
    known = list(arguments(name.removeprefix(PREFIX)) if of_pymc else (field.name for field in fields(get(name))))
    values = _values(text, name, call, known)
    try:
        kind = kind_of(name.removeprefix(PREFIX), tuple(values)) if of_pymc else get(name)
        return kind(**values)
    except TypeError as error:
        raise PriorError(f"{text!r}: {name} needs {', '.join(known)}.") from error


def _values(text: str, name: str, call: ast.Call, known: list[str]) -> dict[str, float]:
    """Return the numbers of a call by argument."""
    if len(call.args) > len(known):
        raise PriorError(f"{text!r}: {name} takes {len(known)} arguments ({', '.join(known) or 'none'}).")
    values = dict(zip(known, [_number(node, text) for node in call.args], strict=False))
    for keyword in call.keywords:
        if keyword.arg not in known:
            hint = did_you_mean(str(keyword.arg), known) or f" {name} takes none."
            listed = f" Arguments: {', '.join(known)}." if "Did you mean" in hint else ""
            raise PriorError(f"{text!r}: {name} has no argument {keyword.arg!r}.{hint}{listed}")
        if keyword.arg in values:
            raise PriorError(f"{text!r}: {keyword.arg} is given twice.")
        values[keyword.arg] = _number(keyword.value, text)
    return values


def as_prior(given: Any) -> Prior | None:
    """Return the prior that an object is: a prior, its text, or a distribution of PyMC's; None where it is nothing.

    Raises
    ------
    PriorError
        If a text cannot be read, or a distribution is none of a single real number.
    """
    if isinstance(given, str):
        return parse_prior(given)
    if isinstance(given, Prior):
        return given
    # a variable of PyTensor's: who has one has loaded PyMC
    if "pytensor" in sys.modules and hasattr(given, "owner") and hasattr(given, "type"):
        from bayescompare.priors.pymc_density import prior_of

        return prior_of(given)
    return None


def parse_assignment(text: str) -> tuple[str, Prior]:
    """Split ``sd_subject=HalfNormal(50)`` into the parameter and its prior."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip() or "(" in key:
        raise PriorError(f"Cannot read {text!r}; write parameter=prior, as in 'sd_subject=HalfNormal(50)'.")
    return key.strip(), parse_prior(value)
