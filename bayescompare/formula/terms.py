"""What `formulae` makes of checked text: descriptions and names of terms, still without data."""

from __future__ import annotations

from typing import Any

from bayescompare.errors import FormulaError
from bayescompare.formula.scan import scan

__all__ = ["describe", "term_names"]

_MAX_TERMS = 200


def describe(text: str, whole: str = "") -> Any:
    """Return what `formulae` makes of checked text; ``FormulaError`` where it cannot."""
    from bayescompare.formula.syntax import parsed, resolved

    try:
        return resolved(parsed(scan(text)))
    except FormulaError:
        raise
    except Exception as error:  # formulae raises many classes, some of them by accident
        raise FormulaError(f"Cannot read {text!r} in the formula {whole or text!r}: {error}") from error


def term_names(text: str, whole: str) -> tuple[str, ...]:
    """Return the names of the terms of one side of a formula, each once."""
    bound = _most_terms(text, whole)
    if bound > _MAX_TERMS:
        raise FormulaError(f"{text!r} expands to up to {bound} terms; at most {_MAX_TERMS} are read.")
    names = tuple(str(term.name) for term in describe(text, whole).common_terms)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FormulaError(
            f"Two different terms of {whole!r} have the same name {twice!r}; make one a column of its own."
        )
    return names


def _most_terms(text: str, whole: str) -> int:
    """Return an upper bound of the number of terms, without expanding them."""
    from bayescompare.formula.syntax import parsed

    try:
        return _count(parsed(scan(text)))
    except Exception as error:  # formulae raises many classes, some of them by accident
        raise FormulaError(f"Cannot read {text!r} in the formula {whole!r}: {error}") from error


def _count(expression: Any) -> int:
    if hasattr(expression, "expression") and not hasattr(expression.expression, "lexeme"):
        return _count(expression.expression)
    if not hasattr(expression, "operator"):
        return 1
    if not hasattr(expression, "left"):
        return _count(expression.right)
    left, right = _count(expression.left), _count(expression.right)
    kind = expression.operator.kind
    if kind == "STAR_STAR":
        return min(int((left + 1) ** expression.right.value), 10**9)
    return left + right + (left * right if kind in {"STAR", "COLON", "SLASH"} else 0)
