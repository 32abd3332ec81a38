"""Priors as typed: ``HalfNormal(50)``, and ``sd_subject=HalfNormal(50)``. Nothing is evaluated."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import fields
from typing import Any

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.priors.base import Prior
from bayescompare.priors.names import get
from bayescompare.priors.pymc_table import PREFIX, arguments, kind_of

__all__ = ["as_prior", "is_assignment", "parse_assignment", "parse_prior"]

_LONGEST = 200
# what stands in the square brackets of a parameter may have any character
_ASSIGNMENT = re.compile(r"\s*(?P<key>[^\[\]()=]*[^\[\]()=\s](?:\[.*\])?)\s*=(?P<prior>[^\]]*)", re.DOTALL)


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
    found = _ASSIGNMENT.fullmatch(text)
    if found is None:
        raise PriorError(f"Cannot read {text!r}; write parameter=prior, as in 'sd_subject=HalfNormal(50)'.")
    return found["key"], parse_prior(found["prior"])


def is_assignment(text: str) -> bool:
    """Return whether a text has the shape of a parameter and its prior."""
    return _ASSIGNMENT.fullmatch(text) is not None
