"""Formula text to checked tokens: nothing is evaluated, and what is not allowed is refused with its position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayescompare.errors import FormulaError, did_you_mean

__all__ = ["FUNCTIONS", "Token", "refuse", "scan"]

FUNCTIONS = frozenset(
    {"C", "T", "S", "Treatment", "Sum", "I", "abs", "bs", "center", "exp", "log", "log10", "log2", "poly", "scale"}
    | {"sqrt", "standardize"}
)
"""Functions that a formula may call: `formulae`'s own, and elementwise functions of NumPy."""

_NOT_YET = {
    "offset": "an offset is not supported yet; subtract it from the response, as in {y - x}",
    "weights": "weights are not supported yet",
    **dict.fromkeys(("p", "prop", "proportion"), "a proportion as response is not supported yet"),
    **dict.fromkeys(
        ("factor", "as.factor"), "write C(x) for a categorical predictor; grouping columns need no function"
    ),
}
_MAX_LENGTH, _MAX_DEPTH, _MAX_POWERS, _MAX_EXPONENT, _MAX_DIGITS = 2000, 20, 4, 9, 15
_OPERANDS = frozenset({"IDENTIFIER", "BQNAME", "NUMBER", "STRING", "PYTHON_LITERAL"})
_OPENING = {"LEFT_PAREN": "RIGHT_PAREN", "LEFT_BRACE": "RIGHT_BRACE"}
_CLOSING = frozenset(_OPENING.values())
_SIGNS = frozenset({"PLUS", "MINUS"})
_EVERYWHERE = _OPERANDS | _SIGNS | _CLOSING | {"LEFT_PAREN", "LEFT_BRACE", "STAR", "SLASH", "STAR_STAR"}
_INSIDE_ONLY = frozenset({"STRING", "PYTHON_LITERAL", "COMMA", "EQUAL"})
_OUTSIDE_ONLY = frozenset({"TILDE", "COLON", "PIPE"})


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a formula, with its place.

    Parameters
    ----------
    kind
        Kind, as `formulae` names it.
    text
        The token as written.
    start
        Position of its first character, from 0.
    depth
        Number of open brackets around it.
    inside
        True within a call or braces, where the text is arithmetic rather than terms.
    """

    kind: str
    text: str
    start: int
    depth: int = 0
    inside: bool = False

    @property
    def end(self) -> int:
        """Position after the last character."""
        return self.start + len(self.text)

    @property
    def ends_operand(self) -> bool:
        """True where something complete ends here, so that only an operator may follow."""
        return self.kind in _OPERANDS or self.kind in _CLOSING


def refuse(text: str, position: int, message: str) -> FormulaError:
    """Return the error that shows the formula with a caret under ``position``."""
    shown = "".join(" " if character.isspace() else character for character in text)
    return FormulaError(f"{message} (position {position + 1} of the formula)\n    {shown}\n    {' ' * position}^")


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
    tokens = _nest(text, _raw_tokens(text))
    for index, token in enumerate(tokens):
        previous = tokens[index - 1] if index else None
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        _check_grammar(text, token, previous, following)
        _check_number(text, token, previous, following)
    _check_powers(text, tokens)
    return tokens


def _raw_tokens(text: str) -> list[Token]:
    from formulae.scanner import Scanner

    scanner = Scanner(text)
    tokens = []
    while not scanner.at_end():
        scanner.start = scanner.current
        known = len(scanner.tokens)
        try:
            scanner.scan_token()
        except Exception as error:  # formulae raises its own class, ValueError and IndexError here
            raise refuse(text, scanner.start, _why_unreadable(text[scanner.start])) from error
        if len(scanner.tokens) > known:
            tokens.append(Token(scanner.tokens[-1].kind, scanner.tokens[-1].lexeme, scanner.start))
    return tokens


def _why_unreadable(character: str) -> str:
    reasons = {
        "#": "A formula takes no comments",
        "`": "The closing backtick is missing",
        "'": "The closing quotation mark is missing",
        '"': "The closing quotation mark is missing",
        "_": "A name cannot start with '_' here; put it in backticks, `_name`",
        "^": "Write ** for a power",
    }
    return reasons.get(character, f"The character {character!r} has no meaning in a formula")


def _nest(text: str, tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with their depth, brackets balanced and every call allowed."""
    nested: list[Token] = []
    opened: list[Token] = []
    previous: Token | None = None
    for token in tokens:
        if token.kind in _CLOSING:
            if not opened or _OPENING[opened[-1].kind] != token.kind:
                raise refuse(text, token.start, f"This {token.text!r} closes nothing")
            opened.pop()
        inside = bool(opened) and opened[-1].inside
        nested.append(Token(token.kind, token.text, token.start, len(opened), inside))
        if token.kind in _OPENING:
            call = token.kind == "LEFT_BRACE" or _is_call(text, previous)
            opened.append(Token(token.kind, token.text, token.start, len(opened), inside or call))
        if len(opened) > _MAX_DEPTH:
            raise refuse(text, token.start, f"Brackets are nested deeper than {_MAX_DEPTH}")
        previous = token
    if opened:
        raise refuse(text, opened[-1].start, f"This {opened[-1].text!r} is never closed")
    return nested


def _is_call(text: str, callee: Token | None) -> bool:
    if callee is None or callee.kind != "IDENTIFIER":
        return False
    if callee.text in FUNCTIONS:
        return True
    if callee.text in _NOT_YET:
        raise refuse(text, callee.start, f"'{callee.text}()': {_NOT_YET[callee.text]}")
    bare = callee.text.rpartition(".")[2]
    hint = f" Write {bare}(...)." if bare in FUNCTIONS else did_you_mean(callee.text, sorted(FUNCTIONS))
    raise refuse(text, callee.start, f"The function {callee.text!r} may not be called in a formula.{hint}")


def _check_grammar(text: str, token: Token, previous: Token | None, following: Token | None) -> None:
    """Refuse a token that may not stand here, or two that do not join."""
    if token.kind not in _EVERYWHERE | (_INSIDE_ONLY if token.inside else _OUTSIDE_ONLY):
        where = "inside a function or braces" if token.inside else "here"
        raise refuse(text, token.start, f"{token.text!r} is not allowed {where}")
    if token.kind == "IDENTIFIER" and "." in token.text:
        raise refuse(text, token.start, f"Put a column name with a dot in backticks, `{token.text}`")
    if token.kind == "BQNAME" and not token.text[1:-1].strip():
        raise refuse(text, token.start, "There is no name between the backticks")
    after_operand = previous is not None and previous.ends_operand
    if token.kind in _OPERANDS or token.kind == "LEFT_BRACE":
        _check_operand(text, token, after_operand)
    elif token.kind == "LEFT_PAREN":
        _check_operand(text, token, after_operand and previous is not None and previous.kind != "IDENTIFIER")
    elif token.kind not in _SIGNS:
        _check_operator(text, token, previous, after_operand)
    if following is None and not token.ends_operand:
        raise refuse(text, token.start, f"Nothing follows {token.text!r}")
    if token.kind == "EQUAL" and (previous is None or previous.kind != "IDENTIFIER"):
        raise refuse(text, token.start, "'=' is only for a named argument, as in bs(x, df=4)")


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
    """Refuse powers that would mean something else than they say, or never finish."""
    powers = [index for index, token in enumerate(tokens) if token.kind == "STAR_STAR"]
    if len(powers) > _MAX_POWERS:
        raise refuse(text, tokens[powers[_MAX_POWERS]].start, f"At most {_MAX_POWERS} powers are read")
    for index in powers:
        power, exponent = tokens[index], tokens[index + 1]
        if power.inside and exponent.kind in _SIGNS:
            exponent = tokens[index + 2]
        whole = exponent.text.isdigit() or power.inside
        if exponent.kind != "NUMBER" or not whole or not 0 < float(exponent.text) <= _MAX_EXPONENT:
            raise refuse(text, exponent.start, f"An exponent is a number above 0 and at most {_MAX_EXPONENT}")
        if not power.inside and (tokens[index - 1].kind != "RIGHT_PAREN" or _closes_call(tokens, index - 1)):
            raise refuse(text, power.start, "For the square of a column write {x**2}; (a + b)**2 is for interactions")


def _closes_call(tokens: Sequence[Token], closing: int) -> bool:
    depth = tokens[closing].depth
    opening = max(i for i in range(closing) if tokens[i].depth == depth and tokens[i].kind == "LEFT_PAREN")
    return opening > 0 and tokens[opening - 1].kind == "IDENTIFIER"
