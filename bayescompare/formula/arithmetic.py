"""What stands within a call, as something that can be evaluated: columns, numbers, operators and allowed functions.

It takes the place of `formulae`'s own reading of calls, which looks names up in modules, drops brackets from
labels, and reads ``-x**2`` as ``(-x)**2``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayescompare.errors import FormulaError
from bayescompare.formula.functions import ENCODINGS

__all__ = ["Arithmetic", "Expression"]

type Names = Mapping[str, Any]
type Value = Callable[[Any, Names], Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """A part of a formula that is evaluated: ``log(x + 1)``; two are equal where their texts are.

    Parameters
    ----------
    text
        All of it.
    label
        How results name it: of ``C(x, "b")`` the column alone.
    value
        A data frame and the functions by name to the value.
    """

    text: str
    label: str
    value: Value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.label

    @property
    def callee(self) -> str:
        """Nothing: `formulae` refuses interactions of its own splines by their name."""
        return ""

    def eval(self, data_mask: Any, env: Any) -> Any:
        """Return the value on the rows of a data frame, as `formulae` asks for it."""
        found = self.value(data_mask, env.namespace)
        if found is None or callable(found) or isinstance(found, tuple) or np.isscalar(found):
            raise FormulaError(f"{self.text!r} has no value of its own in each row; a term needs a column within it.")
        return found


class Arithmetic:
    """The visitor of a parsed call: each kind of node to an `Expression`."""

    def visitGroupingExpr(self, expr: Any) -> Expression:
        """Return ``(inner)``."""
        inner = expr.expression.accept(self)
        return _whole("({})", [inner], inner.value)

    def visitBinaryExpr(self, expr: Any) -> Expression:
        """Return ``left + right``."""
        sides, symbol = [expr.left.accept(self), expr.right.accept(self)], expr.operator.lexeme
        kind = expr.operator.kind
        value = _compared(_COMPARE[kind], sides) if kind in _COMPARE else _calculated(_BINARY[kind], sides)
        return _whole("{}^{}" if symbol == "^" else f"{{}} {symbol} {{}}", sides, value)

    def visitUnaryExpr(self, expr: Any) -> Expression:
        """Return ``-right``."""
        right = expr.right.accept(self)
        return _whole(f"{expr.operator.lexeme}{{}}", [right], _calculated(_UNARY[expr.operator.kind], [right]))

    def visitCallExpr(self, expr: Any) -> Expression:
        """Return ``function(argument, name=argument)``."""
        from formulae.expr import Assign

        name = expr.callee.name.lexeme
        given = [each.accept(self) for each in expr.args if not isinstance(each, Assign)]
        named = [(each.name.name.lexeme, each.value.accept(self)) for each in expr.args if isinstance(each, Assign)]
        if len(dict(named)) < len(named):
            raise FormulaError(f"{name}() has an argument twice; give each argument once.")
        if name == "I" and named:
            raise FormulaError("I() has no named arguments; write == to compare, as in I(x == 2).")

        def value(frame: Any, names: Names) -> Any:
            arguments = {key.replace(".", "_"): each.value(frame, names) for key, each in named}
            # no column has a name with empty brackets: functions are found among the allowed only
            return names[f"{name}()"](*(each.value(frame, names) for each in given), **arguments)

        shown = ", ".join(["{}"] * len(given) + [f"{key}={{}}" for key, _ in named])
        whole = _whole(f"{name}({shown})", [*given, *(each for _, each in named)], value)
        return replace(whole, label=f"{name}({given[0].label})") if name in ENCODINGS and given else whole

    def visitVariableExpr(self, expr: Any) -> Expression:
        """Return a column, or a contrast by its name."""
        return _column(expr.name.lexeme)

    def visitQuotedNameExpr(self, expr: Any) -> Expression:
        """Return a column that is written in backticks."""
        return _column(expr.expression.lexeme[1:-1])

    def visitLiteralExpr(self, expr: Any) -> Expression:
        """Return a number, a text or a truth value."""
        shown = f"{expr.value:.15g}" if isinstance(expr.value, float) else str(expr.value)
        return _leaf(expr.lexeme or shown, lambda frame, names: expr.value)


def _whole(shape: str, parts: Sequence[Expression], value: Value) -> Expression:
    """Return an expression of parts, with their texts and labels in the places of a shape."""
    text, label = (shape.format(*(getattr(part, kind) for part in parts)) for kind in ("text", "label"))
    return Expression(text, label, value)


def _leaf(text: str, value: Value) -> Expression:
    return Expression(text, text, value)


def _column(name: str) -> Expression:
    return _leaf(name, lambda frame, names: frame[name] if name in frame else names[f"{name}()"])


def _calculated(apply: Callable[..., Any], parts: Sequence[Expression]) -> Value:
    """Return arithmetic on floats, in which a power of powers ends at infinity; text is refused."""
    return lambda frame, names: apply(*(_as_float(part.value(frame, names), part.label) for part in parts))


def _compared(compare: Callable[..., Any], parts: Sequence[Expression]) -> Value:
    """Return a comparison that gives 0 and 1, which add up."""
    return lambda frame, names: np.float64(1) * compare(*(part.value(frame, names) for part in parts))


def _as_float(value: Any, label: str) -> Any:
    if isinstance(value, int | float):
        return np.float64(value)
    if getattr(value, "dtype", np.dtype(object)).kind not in "biuf":
        raise FormulaError(f"{label!r} is no number; a formula calculates with numbers only.")
    return value.astype(np.float64)


_BINARY: Mapping[str, Callable[..., Any]] = {
    "PLUS": operator.add,
    "MINUS": operator.sub,
    "STAR": operator.mul,
    "SLASH": operator.truediv,
    "STAR_STAR": operator.pow,
}
_COMPARE: Mapping[str, Callable[..., Any]] = {
    "EQUAL_EQUAL": operator.eq,
    "BANG_EQUAL": operator.ne,
    "LESS": operator.lt,
    "LESS_EQUAL": operator.le,
    "GREATER": operator.gt,
    "GREATER_EQUAL": operator.ge,
}
_UNARY: Mapping[str, Callable[..., Any]] = {"PLUS": operator.pos, "MINUS": operator.neg}
