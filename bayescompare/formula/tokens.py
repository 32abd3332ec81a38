"""Formula text to tokens: nothing is evaluated, and what has no meaning is refused with its position."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bayescompare.errors import FormulaError

__all__ = ["CLOSING", "COMPARISONS", "OPENING", "OPERANDS", "Token", "is_plain", "raw_tokens", "refuse"]

OPERANDS = frozenset({"IDENTIFIER", "BQNAME", "NUMBER", "STRING", "PYTHON_LITERAL"})
OPENING = {"LEFT_PAREN": "RIGHT_PAREN", "LEFT_BRACE": "RIGHT_BRACE"}
CLOSING = frozenset(OPENING.values())
COMPARISONS = frozenset({"EQUAL_EQUAL", "BANG_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"})

_LITERALS = {"True": True, "False": False, "None": None, "TRUE": True, "FALSE": False, "NULL": None}
# kinds have the names that the parser of `formulae` gives them
_SYMBOLS = {
    "(": "LEFT_PAREN", ")": "RIGHT_PAREN", "{": "LEFT_BRACE", "}": "RIGHT_BRACE", ",": "COMMA", "=": "EQUAL",
    "+": "PLUS", "-": "MINUS", "*": "STAR", "/": "SLASH", "**": "STAR_STAR", "^": "STAR_STAR", ":": "COLON",
    "&": "COLON", "%in%": "COLON", "|": "PIPE", "~": "TILDE", "==": "EQUAL_EQUAL", "!=": "BANG_EQUAL", "<": "LESS",
    "<=": "LESS_EQUAL", ">": "GREATER", ">=": "GREATER_EQUAL",
}  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<NUMBER>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?L?)
    |(?P<IDENTIFIER>\.?[^\W\d_][\w.]*)
    |(?P<STRING>"[^"]*"|'[^']*')
    |(?P<BQNAME>`[^`]*`)
    |(?P<SYMBOL>\*\*|%in%|[=!<>]=|[-+*/^(){},=:&|~<>])""",
    re.VERBOSE,
)
_UNREADABLE = {
    "#": "A formula takes no comments",
    "`": "The closing backtick is missing",
    "'": "The closing quotation mark is missing",
    '"': "The closing quotation mark is missing",
    "_": "A name cannot start with '_' here; put it in backticks, `_name`",
    ".": "'.' does not stand for the other columns here; name the predictors, joined by +",
}


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
        True in the response and within a call or braces, where the text is arithmetic rather than terms.
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
        return self.kind in OPERANDS or self.kind in CLOSING

    @property
    def literal(self) -> float | str | bool | None:
        """The value of a number, a text or a truth value; None of other tokens."""
        if self.kind == "STRING":
            return self.text[1:-1]
        if self.kind != "NUMBER":
            return _LITERALS.get(self.text)
        digits = self.text.removesuffix("L")
        return int(digits) if digits.isdigit() else float(digits)


def refuse(text: str, position: int, message: str) -> FormulaError:
    """Return the error that shows the formula with a caret under ``position``."""
    shown = "".join(" " if character.isspace() else character for character in text)
    return FormulaError(f"{message} (position {position + 1} of the formula)\n    {shown}\n    {' ' * position}^")


def raw_tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a text, without their depth.

    Raises
    ------
    FormulaError
        With a caret under the first character that has no meaning.
    """
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        found = _TOKEN.match(text, position)
        if found is None:
            character = text[position]
            reason = _UNREADABLE.get(character, f"The character {character!r} has no meaning in a formula")
            raise refuse(text, position, reason)
        yield Token(_kind(found), found[0], position)
        position = found.end()


def _kind(found: re.Match[str]) -> str:
    if found.lastgroup == "SYMBOL":
        return _SYMBOLS[found[0]]
    return "PYTHON_LITERAL" if found[0] in _LITERALS else str(found.lastgroup)


def is_plain(name: str) -> bool:
    """Return whether a column's name can stand in a formula without backticks."""
    found = _TOKEN.fullmatch(name)
    return found is not None and _kind(found) == "IDENTIFIER" and "._" not in name
