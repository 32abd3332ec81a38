"""Priors as typed: ``HalfNormal(50)``, and ``sd_subject=HalfNormal(50)``. Nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from types import MappingProxyType

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.priors import named
from bayescompare.priors.base import Prior
from bayescompare.priors.contract import check_kind
from bayescompare.registry import Registry

__all__ = [
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
    kind="prior", group="bayescompare.priors", check=check_kind, error=PriorError
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
    """Return a prior's arguments and the first sentence of its docstring."""
    kind = get(name)
    arguments = ", ".join(field.name for field in fields(kind))
    said = (kind.__doc__ or "").strip() or "one's own"
    return f"({arguments})  {said.splitlines()[0].replace('`', '')}"


def _number(node: ast.expr, text: str) -> float | int:
    """Return the number that a syntax node spells."""
    sign = 1
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -sign if isinstance(node.op, ast.USub) else sign
        node = node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return sign * node.value
    raise PriorError(f"In the prior {text!r}, {ast.unparse(node)!r} is not a number; write it as in HalfNormal(2.5).")


def _call(text: str) -> ast.Call:
    """Parse ``Name(...)``, without evaluating anything."""
    if len(text) > _LONGEST:
        raise PriorError(f"A prior of {len(text)} characters cannot be right: {text[:40]!r}...")
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        node = None
    if isinstance(node, ast.Name):
        node = ast.Call(func=node, args=[], keywords=[])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node
    raise PriorError(f"Cannot read the prior {text!r}; write a name and numbers, as in HalfNormal(2.5).")


def parse_prior(text: str) -> Prior:
    """Return the prior that a text spells.

    Raises
    ------
    PriorError
        If the name or an argument is unknown, or a value impossible.
    """
    call = _call(text)
    kind = get(call.func.id)  # type: ignore[attr-defined]  # _call returns calls of names only
    known = [field.name for field in fields(kind)]
    if len(call.args) > len(known):
        raise PriorError(f"{text!r}: {kind.__name__} takes {len(known)} arguments ({', '.join(known) or 'none'}).")
    values = dict(zip(known, [_number(node, text) for node in call.args], strict=False))
    for keyword in call.keywords:
        if keyword.arg not in known:
            hint = did_you_mean(str(keyword.arg), known) or f" {kind.__name__} takes none."
            listed = f" Arguments: {', '.join(known)}." if "Did you mean" in hint else ""
            raise PriorError(f"{text!r}: {kind.__name__} has no argument {keyword.arg!r}.{hint}{listed}")
        if keyword.arg in values:
            raise PriorError(f"{text!r}: {keyword.arg} is given twice.")
        values[keyword.arg] = _number(keyword.value, text)
    try:
        return kind(**values)
    except TypeError as error:
        raise PriorError(f"{text!r}: {kind.__name__} needs {', '.join(known)}.") from error


def parse_assignment(text: str) -> tuple[str, Prior]:
    """Split ``sd_subject=HalfNormal(50)`` into the parameter and its prior."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip() or "(" in key:
        raise PriorError(f"Cannot read {text!r}; write parameter=prior, as in 'sd_subject=HalfNormal(50)'.")
    return key.strip(), parse_prior(value)
