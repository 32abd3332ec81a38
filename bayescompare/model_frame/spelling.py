"""A formula read beside the columns of its data: names that need backticks are shown with them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bayescompare.errors import FormulaError, InputError
from bayescompare.formula import Formula, parse
from bayescompare.formula.tokens import is_plain

__all__ = ["parse_beside"]

_QUOTED = r"`[^`]*`|\"[^\"]*\"|'[^']*'"
_LETTER = re.compile(r"[^\W\d_]")


def parse_beside(text: str, columns: Sequence[str]) -> Formula:
    """Return a formula for data with some columns.

    Raises
    ------
    FormulaError, ModelError
        If it cannot be read: with the corrected formula where backticks would mend it.
    """
    formula, problem = _read(text)
    if formula is not None and set(formula.columns) <= set(columns):
        return formula
    if formula is not None and "Intercept" in {*formula.predictors} - {*columns}:
        raise FormulaError(f"In '{text}' write 1 for the intercept: y ~ 0 + Intercept + x of brms is y ~ 1 + x here.")
    mended, names = _with_backticks(text, columns)
    if mended:
        listed = " and ".join(map(repr, names))
        raise FormulaError(
            f"In a formula the column name{'s' * (len(names) > 1)} {listed} need{'s' * (len(names) == 1)} "
            f"backticks; write (in a shell between single quotes)\n    {mended}"
        ) from problem
    if formula is None:
        raise problem or FormulaError(f"Cannot read {text!r}.")
    return formula


def _read(text: str) -> tuple[Formula | None, InputError | None]:
    try:
        return parse(text), None
    except InputError as error:
        return None, error


def _with_backticks(text: str, columns: Sequence[str]) -> tuple[str, list[str]]:
    """Return the formula that names columns in backticks where it must, and these; nothing where that does not help."""
    odd = [name for name in columns if not is_plain(name) and "`" not in name and _LETTER.search(name)]
    # the longest first, so that no name is taken for the start of another
    names = "|".join(map(_alone, sorted(odd, key=len, reverse=True)))
    found: dict[str, None] = {}

    def quoted(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        found[match[1]] = None
        return f"`{match[1]}`"

    mended = re.sub(f"{_QUOTED}|({names})", quoted, text) if odd else text
    formula, _ = _read(mended)
    helps = bool(found) and formula is not None and set(formula.columns) <= set(columns)
    return (mended, list(found)) if helps else ("", [])


def _alone(name: str) -> str:
    """Return the pattern of a name that is no part of a longer word."""
    before = r"(?<![\w.])" if re.match(r"\w", name) else ""
    after = r"(?![\w.])" if re.search(r"\w\Z", name) else ""
    return f"{before}{re.escape(name)}{after}"
