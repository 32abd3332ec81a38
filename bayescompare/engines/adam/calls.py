"""Settings that are calls, such as ``SGD(momentum=0.9)``: read without being run."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayescompare.errors import EstimatorError, did_you_mean

__all__ = ["Call", "read_call"]


@dataclass(frozen=True, slots=True)
class Call:
    """A name, and arguments by their names."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        """Write it as it was given."""
        inside = ",".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.name}({inside})" if inside else self.name


def read_call(text: str, known: Mapping[str, Sequence[str]], what: str) -> Call:
    """Return a name with arguments, all literal.

    Parameters
    ----------
    known
        Name -> names of its arguments.
    what
        What it is, for messages.

    Raises
    ------
    EstimatorError
        If it is no such call, or a name is not known.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        call = tree if isinstance(tree, ast.Call) else ast.Call(func=tree, args=[], keywords=[])
        if not isinstance(call.func, ast.Name):
            raise ValueError(text)
        given = {str(one.arg): _plain(ast.literal_eval(one.value)) for one in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise EstimatorError(f"{text!r} is no {what}; give it as in {_example(known)}.") from None
    name = call.func.id
    if name not in known:
        raise EstimatorError(f"There is no {what} {name!r}.{did_you_mean(name, known)}")
    if call.args:
        raise EstimatorError(f"{text!r}: give the arguments of {name} by name; it has {', '.join(known[name])}.")
    for argument in given:
        if argument not in known[name]:
            raise EstimatorError(f"{name} has no argument {argument!r}.{did_you_mean(argument, known[name])}")
    return Call(name, tuple(given.items()))


def _plain(value: Any) -> Any:
    """Return a number, a truth value, or a tuple of numbers; lists become tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    if isinstance(value, (bool, int, float)):
        return value
    raise ValueError(value)


def _example(known: Mapping[str, Sequence[str]]) -> str:
    name = next(iter(known))
    return f"{name}({known[name][0]}=...)"
