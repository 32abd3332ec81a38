"""Priors as typed: ``HalfNormal(50)``, and ``sd_subject=HalfNormal(50)``. Nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.priors import named
from bayescompare.priors.base import Prior
from bayescompare.registry import Registry

__all__ = ["available", "describe", "get", "parse_assignment", "parse_prior", "register"]

_LONGEST = 200


def _check(candidate: Any) -> None:
    if not (isinstance(candidate, type) and issubclass(candidate, Prior)):
        raise PriorError(f"{candidate!r} is not a subclass of bayescompare.priors.Prior.")


_REGISTRY: Registry[type[Prior]] = Registry(kind="prior", group="bayescompare.priors", check=_check, error=PriorError)
for _name in named.__all__:
    _REGISTRY.add(_name, getattr(named, _name))


def register(prior: type[Prior]) -> type[Prior]:
    """Make a prior class usable by its name; may be used as a decorator."""
    return _REGISTRY.add(prior.__name__, prior)


def available() -> Iterator[str]:
    """Iterate over the names of the known priors."""
    return iter(_REGISTRY)


def get(name: str) -> type[Prior]:
    """Return the prior class of a name."""
    return _REGISTRY.get(name)


def describe(name: str) -> str:
    """Return a prior's arguments and the first sentence of its docstring."""
    kind = get(name)
    arguments = ", ".join(field.name for field in fields(kind))
    return f"({arguments})  {(kind.__doc__ or '').strip().splitlines()[0].replace('`', '')}"


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
    kind = _REGISTRY.get(call.func.id)  # type: ignore[attr-defined]  # _call returns calls of names only
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
