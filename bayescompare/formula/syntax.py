"""The grammar of formulas as `formulae` has it, with R's precedence of powers and our own reading of calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from formulae.expr import Binary
from formulae.parser import Parser
from formulae.resolver import Resolver
from formulae.terms import Call, Term
from formulae.terms.terms import Model
from formulae.token import Token as Leaf

from bayescompare.formula.arithmetic import Arithmetic
from bayescompare.formula.tokens import Token

__all__ = ["parsed", "resolved"]


class _Parser(Parser):
    """A power binds tighter than a sign and from the right: ``-x^2`` is ``-(x^2)``."""

    def multiple_interaction(self) -> Any:
        return self.unary()

    def call(self) -> Any:
        base = super().call()
        return Binary(base, self.previous(), self.unary()) if self.match(["STAR_STAR"]) else base


class _Resolver(Resolver):
    def visitCallExpr(self, expr: Any) -> Any:
        return Term(Call(expr.accept(Arithmetic())))


def parsed(tokens: Sequence[Token]) -> Any:
    """Return the tree of checked tokens, with the intercept that is implied."""
    leaves = [Leaf(token.kind, token.text, token.literal) for token in tokens]
    start = next((index + 1 for index, token in enumerate(tokens) if token.kind == "TILDE"), 0)
    leaves[start:start] = [Leaf("NUMBER", "1", 1), Leaf("PLUS", "+")]
    return _Parser([*leaves, Leaf("EOF", "")]).parse()


def resolved(tree: Any) -> Any:
    """Return `formulae`'s model of a tree."""
    found = _Resolver(tree).resolve()
    return found if isinstance(found, Model) else Model(found)
