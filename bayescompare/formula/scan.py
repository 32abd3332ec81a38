"""Formula text to checked tokens: every token is allowed where it stands, or refused with its position."""

from __future__ import annotations

from collections.abc import Sequence

from bayescompare.errors import FormulaError
from bayescompare.formula.nesting import nest, within
from bayescompare.formula.tokens import CLOSING, COMPARISONS, OPERANDS, Token, raw_tokens, refuse

__all__ = ["scan"]

_MAX_LENGTH, _MAX_POWERS, _MAX_EXPONENT, _MAX_DIGITS = 2000, 4, 9, 15
_SIGNS = frozenset({"PLUS", "MINUS"})
_JOINING = _SIGNS | {"STAR", "SLASH", "COLON"}
_LITERALS = frozenset({"STRING", "PYTHON_LITERAL"})
_EVERYWHERE = (OPERANDS - _LITERALS) | _SIGNS | CLOSING | {"LEFT_PAREN", "LEFT_BRACE", "STAR", "SLASH", "STAR_STAR"}
_INSIDE_ONLY = _LITERALS | COMPARISONS | {"COMMA", "EQUAL"}
_OUTSIDE_ONLY = frozenset({"TILDE", "COLON", "PIPE"})


def scan(text: str) -> list[Token]:
    """Return the tokens of a formula, every one of them allowed where it stands.

    Raises
    ------
    FormulaError
        With a caret under the first thing that cannot be read or is not allowed.
    """
    if not isinstance(text, str):
        raise FormulaError(f"A formula is text such as 'y ~ x + (1 | g)', not {type(text).__name__}.")
    if not text.strip():
        raise refuse(text.strip(), 0, "The formula is empty; write for example 'y ~ x + (1 | g)'")
    if len(text) > _MAX_LENGTH:
        raise FormulaError(f"The formula has {len(text)} characters; at most {_MAX_LENGTH} are read.")
    tokens = nest(text, raw_tokens(text))
    for index, token in enumerate(tokens):
        previous = tokens[index - 1] if index else None
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        _check_place(text, token)
        _check_grammar(text, token, previous, following)
        _check_number(text, token, previous, following)
    _check_powers(text, tokens)
    _check_comparisons(text, tokens)
    return tokens


def _check_place(text: str, token: Token) -> None:
    """Refuse a token that may not stand here, whatever is beside it."""
    if token.kind not in _EVERYWHERE | (_INSIDE_ONLY if token.inside else _OUTSIDE_ONLY):
        if token.kind in COMPARISONS:
            raise refuse(text, token.start, f"{token.text!r} compares only within I(), as in I(x {token.text} 2)")
        raise refuse(text, token.start, f"{token.text!r} is not allowed {_where(token)}")
    if token.kind == "IDENTIFIER" and "._" in token.text:
        raise refuse(text, token.start, f"Put this column name in backticks, `{token.text}`")
    if token.kind == "BQNAME" and not token.text[1:-1].strip():
        raise refuse(text, token.start, "There is no name between the backticks")


def _where(token: Token) -> str:
    if token.text == "&":
        return "inside a function: write I((a > 1) * (b > 1)) for both"
    if token.inside and not token.depth:
        return "in the response" + "; what brms writes after it is not supported" * (token.kind == "PIPE")
    return "inside a function or braces" if token.inside else "here"


def _check_grammar(text: str, token: Token, previous: Token | None, following: Token | None) -> None:
    """Refuse two tokens that do not join."""
    after_operand = previous is not None and previous.ends_operand
    if token.kind in OPERANDS or token.kind == "LEFT_BRACE":
        _check_operand(text, token, after_operand)
    elif token.kind == "LEFT_PAREN":
        _check_operand(text, token, after_operand and previous is not None and previous.kind != "IDENTIFIER")
    elif token.kind not in _SIGNS:
        _check_operator(text, token, previous, after_operand)
    if following is None and not token.ends_operand:
        raise refuse(text, token.start, f"Nothing follows {token.text!r}")
    if token.kind == "EQUAL" and (previous is None or previous.kind != "IDENTIFIER"):
        raise refuse(text, token.start, "'=' is only for a named argument, as in bs(x, df=4); write == to compare")


def _check_operand(text: str, token: Token, after_operand: bool) -> None:
    if after_operand:
        raise refuse(text, token.start, f"There is no operator before {token.text!r}; join terms with +")


def _check_operator(text: str, token: Token, previous: Token | None, after_operand: bool) -> None:
    if token.kind == "TILDE" and previous is None:
        raise refuse(text, token.start, "There is no response before '~'; write for example 'y ~ x + (1 | g)'")
    if token.kind == "PIPE" and previous is not None and previous.kind == "PIPE" and previous.end == token.start:
        return
    if not after_operand:
        raise refuse(text, token.start, f"There is nothing before {token.text!r} that it could apply to")


def _check_number(text: str, token: Token, previous: Token | None, following: Token | None) -> None:
    if token.kind != "NUMBER":
        return
    if len(token.text) > _MAX_DIGITS:
        raise refuse(text, token.start, f"Numbers have at most {_MAX_DIGITS} characters")
    if token.inside or (previous is not None and previous.kind == "STAR_STAR"):
        return
    joined = {"COLON", "STAR", "SLASH", "STAR_STAR"} & {side.kind for side in (previous, following) if side is not None}
    if token.text not in {"0", "1"} or joined:
        raise refuse(text, token.start, "Outside of functions only 1 (intercept) and 0 (no intercept) are terms")


def _check_powers(text: str, tokens: Sequence[Token]) -> None:
    """Refuse powers of terms that would mean something else than they say, or never finish."""
    powers = [index for index, token in enumerate(tokens) if token.kind == "STAR_STAR" and not token.inside]
    if len(powers) > _MAX_POWERS:
        raise refuse(text, tokens[powers[_MAX_POWERS]].start, f"At most {_MAX_POWERS} powers are read")
    for index in powers:
        exponent, base = tokens[index + 1], tokens[index - 1]
        terms = within(tokens, index - 1) if base.kind == "RIGHT_PAREN" else []
        if not any(token.kind in _JOINING and not token.inside for token in terms):
            hint = "For the square of a column write I(x^2); (a + b)^2 is for interactions"
            raise refuse(text, tokens[index].start, hint)
        if not exponent.text.isdecimal() or not 0 < int(exponent.text) <= _MAX_EXPONENT:
            raise refuse(text, exponent.start, f"An exponent is a whole number from 1 to {_MAX_EXPONENT}")


def _check_comparisons(text: str, tokens: Sequence[Token]) -> None:
    """Refuse ``1 < x < 3``, which would compare a truth value."""
    compared: set[int] = set()
    for token in tokens:
        if token.kind in COMPARISONS:
            if token.depth in compared:
                raise refuse(text, token.start, "A comparison has two sides; write I((x > 1) * (x < 3)) for both")
            compared.add(token.depth)
        elif token.kind == "COMMA" or token.kind in CLOSING:
            # what was compared within brackets that have closed is done
            compared = {depth for depth in compared if depth < token.depth + (token.kind in CLOSING)}
