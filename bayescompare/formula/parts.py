"""Taking a scanned formula apart: sides, top-level terms, and the columns they use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bayescompare.formula.functions import CONTRASTS, ENCODINGS, SEVERAL
from bayescompare.formula.tokens import Token, refuse

__all__ = [
    "body_of",
    "columns_of",
    "effect_sides",
    "encoded_columns",
    "is_bare",
    "is_random",
    "items",
    "joined",
    "name_of",
    "only_tilde",
    "refuse_stray_bar",
    "response_source",
    "source",
]


def only_tilde(text: str, tokens: Sequence[Token]) -> int:
    """Return the position of the one ``~``."""
    tildes = [index for index, token in enumerate(tokens) if token.kind == "TILDE"]
    if not tildes:
        raise refuse(text, len(text), "There is no '~' and hence no response; write for example 'y ~ x + (1 | g)'")
    if len(tildes) > 1:
        raise refuse(text, tokens[tildes[1]].start, "There is a second '~'")
    if tokens[tildes[0]].depth:
        raise refuse(text, tokens[tildes[0]].start, "'~' cannot stand within brackets")
    return tildes[0]


def response_source(text: str, left: Sequence[Token]) -> str:
    """Return the source of the response: a column, a call or braces as written, other arithmetic within ``I()``."""
    first = left[0]
    column = len(left) == 1 and first.kind in {"IDENTIFIER", "BQNAME"}
    opening = 1 if first.kind == "IDENTIFIER" else 0
    whole = len(left) > 2 and (first.kind, left[1].kind)[opening] in {"LEFT_PAREN", "LEFT_BRACE"}
    call = whole and (opening == 1 or first.kind == "LEFT_BRACE") and _closing(left, opening) == len(left) - 1
    if not columns_of([left]) or any(token.kind in {"COMMA", "EQUAL"} and not token.depth for token in left):
        hint = "the response is one column such as y, or a function of columns such as log(y) or 1000 / y"
        raise refuse(text, first.start, f"{source(text, left)!r} is no response: {hint}")
    if call and first.text in ENCODINGS | SEVERAL | CONTRASTS:
        raise refuse(text, first.start, f"{first.text}() makes several columns and cannot be the response")
    return source(text, left) if column or call else f"I({source(text, left)})"


def _closing(tokens: Sequence[Token], opening: int) -> int:
    depth = tokens[opening].depth
    ends = (i for i in range(opening + 1, len(tokens)) if tokens[i].depth == depth)
    return next((i for i in ends if tokens[i].kind in {"RIGHT_PAREN", "RIGHT_BRACE"}), -1)


def source(text: str, tokens: Sequence[Token]) -> str:
    """Return the tokens as written."""
    return text[tokens[0].start : tokens[-1].end]


def items(tokens: Sequence[Token]) -> Iterator[tuple[Token, ...]]:
    """Yield the terms added or subtracted at the top level, each with the sign before it."""
    item: list[Token] = []
    for token in tokens:
        if token.depth == 0 and token.kind in {"PLUS", "MINUS"} and item and item[-1].ends_operand:
            yield tuple(item)
            item = []
        item.append(token)
    yield tuple(item)


def unsigned(item: Sequence[Token]) -> Sequence[Token]:
    """Return a term without the plus before it."""
    return item[1:] if item[0].kind == "PLUS" else item


def is_random(item: Sequence[Token]) -> bool:
    """Return whether a term is ``(effects | factor)``."""
    body = unsigned(item)
    whole = body[0].kind == "LEFT_PAREN" and _closing(body, 0) == len(body) - 1
    return whole and any(token.kind == "PIPE" and token.depth == 1 for token in body)


def is_bare(items: Sequence[Sequence[Token]]) -> bool:
    """Return whether the right side is ``1 | g`` and no more, which lme4 reads without brackets."""
    bars = [token.kind == "PIPE" and not token.depth for token in items[0][:2]]
    return len(items) == 1 and items[0][0].text == "1" and bars == [False, True]


def body_of(item: Sequence[Token]) -> Sequence[Token]:
    """Return a random term without the brackets around it."""
    whole = unsigned(item)
    return whole[1:-1] if whole[0].kind == "LEFT_PAREN" else whole


def refuse_stray_bar(text: str, item: Sequence[Token]) -> None:
    """Raise ``FormulaError`` for a bar in a term that is no random term."""
    for token in item:
        if token.kind == "PIPE":
            hint = "write each random term in brackets of its own, added with +, as in 'y ~ x + (1 | g)'"
            raise refuse(text, token.start, f"This '|' does not belong to a random term: {hint}")


def joined(text: str, items: Sequence[Sequence[Token]]) -> str:
    """Return the source of the common part, with an explicit start where it would begin with a minus."""
    if not items:
        return "1"
    whole = " ".join(source(text, item) for item in items)
    if items[0][0].kind == "PLUS":
        return whole[1:].lstrip()
    return f"1 {whole}" if items[0][0].kind == "MINUS" else whole


def effect_sides(items: Sequence[Sequence[Token]]) -> Iterator[Sequence[Token]]:
    """Yield what stands before the bar of each random term."""
    for item in items:
        yield item[: next(index for index, token in enumerate(item) if token.kind == "PIPE")]


def name_of(token: Token) -> str:
    """Return the column that a token names, without backticks."""
    return token.text[1:-1] if token.kind == "BQNAME" else token.text


def columns_of(parts: Sequence[Sequence[Token]]) -> tuple[str, ...]:
    """Return the names that are columns: neither functions nor named arguments nor contrasts."""
    found: dict[str, None] = {}
    for tokens in parts:
        for index, token in enumerate(tokens):
            following = tokens[index + 1].kind if index + 1 < len(tokens) else ""
            called = following == "EQUAL" or (following == "LEFT_PAREN" and token.kind == "IDENTIFIER")
            contrast = index > 0 and token.text in CONTRASTS and tokens[index - 1].kind in {"COMMA", "EQUAL"}
            if token.kind in {"IDENTIFIER", "BQNAME"} and not called and not contrast:
                found[name_of(token)] = None
    return tuple(found)


def encoded_columns(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the columns within ``C()``, ``factor()`` and the like."""
    calls = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return tuple(
        dict.fromkeys(
            name_of(argument)
            for callee, opening, argument in calls
            if opening.kind == "LEFT_PAREN" and callee.kind == "IDENTIFIER" and callee.text in ENCODINGS
        )
    )
