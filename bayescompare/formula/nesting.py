"""Brackets and calls: how deep each token stands, and whether what is called may be called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bayescompare.errors import did_you_mean
from bayescompare.formula.functions import FUNCTIONS, UNSUPPORTED, random_spelling
from bayescompare.formula.tokens import CLOSING, OPENING, Token, refuse

__all__ = ["nest", "within"]

_MAX_DEPTH = 20
# Signs stand side by side, powers with a number between.
_STEPS = {"MINUS": 1, "PLUS": 1, "STAR_STAR": 2}


def nest(text: str, tokens: Iterable[Token]) -> list[Token]:
    """Return the tokens with their depth, brackets balanced and every call allowed."""
    flat = list(tokens)
    _refuse_chains(text, flat)
    response = next((index for index, token in enumerate(flat) if token.kind == "TILDE"), 0)
    nested: list[Token] = []
    opened: list[Token] = []
    for index, token in enumerate(flat):
        if token.kind in CLOSING:
            if not opened or OPENING[opened[-1].kind] != token.kind:
                raise refuse(text, token.start, f"This {token.text!r} closes nothing")
            opened.pop()
        inside = index < response or (bool(opened) and opened[-1].inside)
        nested.append(Token(token.kind, token.text, token.start, len(opened), inside))
        if token.kind in OPENING:
            call = token.kind == "LEFT_BRACE" or _is_call(text, flat, index)
            opened.append(Token(token.kind, token.text, token.start, len(opened), inside or call))
        if len(opened) > _MAX_DEPTH:
            raise refuse(text, token.start, f"Brackets are nested deeper than {_MAX_DEPTH}")
    if opened:
        raise refuse(text, opened[-1].start, f"This {opened[-1].text!r} is never closed")
    return nested


def _refuse_chains(text: str, tokens: Sequence[Token]) -> None:
    """Refuse long runs of signs and of powers: each nests, and how deep Python may nest depends on its caller."""
    length = [0] * len(tokens)
    for index, token in enumerate(tokens):
        step = _STEPS.get(token.kind, 0)
        if not step or index < step:
            continue
        length[index] = 1 + (length[index - step] if _STEPS.get(tokens[index - step].kind) == step else 0)
        if length[index] > _MAX_DEPTH:
            raise refuse(text, token.start, f"More than {_MAX_DEPTH} signs or powers follow one another")


def _is_call(text: str, tokens: Sequence[Token], opening: int) -> bool:
    if not opening or tokens[opening - 1].kind != "IDENTIFIER":
        return False
    callee = tokens[opening - 1]
    if callee.text in FUNCTIONS:
        return True
    raise refuse(text, callee.start, _why_not(callee.text, text, tokens[opening:]))


def _why_not(name: str, text: str, rest: Sequence[Token]) -> str:
    if name in UNSUPPORTED:
        return f"'{name}()': {UNSUPPORTED[name]}"
    spelling = random_spelling(name, *_sides(text, rest))
    if spelling is not None:
        return f"'{name}()': {spelling}"
    bare = name.rpartition(".")[2]
    known = sorted(function for function in FUNCTIONS if not function.startswith("np."))
    hint = f" Write {bare}(...)." if bare in FUNCTIONS else did_you_mean(name, known)
    return f"The function {name!r} may not be called in a formula.{hint}"


def _sides(text: str, rest: Sequence[Token]) -> tuple[str, str]:
    """Return what stands before and after the bar of the brackets that open ``rest``; examples where there is none."""
    bar = next((token for token in rest if token.kind == "PIPE"), None)
    end = next((token for token in rest if token.kind == "RIGHT_PAREN" and bar and token.start > bar.start), None)
    if bar is None or end is None:
        return "1 + x", "g"
    return text[rest[0].end : bar.start].strip(), text[bar.end : end.start].strip(" |")


def within(tokens: Sequence[Token], closing: int) -> Sequence[Token]:
    """Return the tokens of the brackets that close at a position; none of a call."""
    depth = tokens[closing].depth
    opening = max(i for i in range(closing) if tokens[i].depth == depth and tokens[i].kind == "LEFT_PAREN")
    called = opening > 0 and tokens[opening - 1].kind == "IDENTIFIER"
    return [] if called else tokens[opening + 1 : closing]
