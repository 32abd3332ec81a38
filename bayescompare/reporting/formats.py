"""How numbers are printed: digits by the standard error, true minus signs, and a reason where there is none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = [
    "MINUS",
    "NOT_AVAILABLE",
    "Value",
    "count",
    "counted",
    "duration",
    "fixed",
    "harmless",
    "interval",
    "number",
    "percent",
    "plain",
    "short",
    "signed",
    "sortable",
    "text",
    "typed",
    "whole",
]

MINUS = "\u2212"
NOT_AVAILABLE = "n/a"

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_LARGE, _SMALL = 1e7, 1e-4
_MOST_DECIMALS = 8


@dataclass(frozen=True, slots=True)
class Value:
    """Something printed: its text, the value to sort by, and a reason or an explanation.

    Parameters
    ----------
    text
        What the reader sees.
    exact
        The number behind it as a program reads it, or the text to sort by.
    note
        Why there is no number, or what more there is to say.
    kind
        ``number``, ``text``, ``code``, ``missing`` or a verdict: how it is set.
    tail
        A second, quieter part, such as a Monte Carlo error.
    """

    text: str
    exact: str = ""
    note: str = ""
    kind: str = "number"
    tail: str = ""


def _decimals(error: float) -> int:
    """Return the decimals at which an error keeps two significant digits."""
    return min(max(1 - math.floor(math.log10(error)), 0), _MOST_DECIMALS)


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def fixed(value: float, decimals: int) -> str:
    """Return a number with so many decimals and a true minus sign; zero has no sign."""
    shown = f"{value:.{decimals}f}"
    return shown.removeprefix("-") if float(shown) == 0 else shown.replace("-", MINUS)


def plain(value: float, error: float = math.nan, digits: int = 3) -> str:
    """Return a number as text, with the digits that its standard error warrants.

    Parameters
    ----------
    error
        Standard error; two of its significant digits decide. Where there is none, ``digits`` do.
    digits
        Significant digits of a number without an error.
    """
    if math.isnan(value):
        return NOT_AVAILABLE
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    size, error = abs(value), error if math.isfinite(error) else math.nan
    if size == 0 and not error >= _SMALL:
        return "0"
    if size >= _LARGE or (0 < size < _SMALL and not error >= _SMALL):
        return _scientific(value).replace("-", MINUS)
    if error > 0:
        return fixed(value, _decimals(error))
    return fixed(value, min(max(digits - 1 - math.floor(math.log10(size)), 0), _MOST_DECIMALS))


def short(value: float) -> str:
    """Return a number that was typed by a person, such as a margin or a true value, as it was typed."""
    return NOT_AVAILABLE if math.isnan(value) else f"{value:.6g}".replace("-", MINUS)


def signed(words: str) -> str:
    """Return a text with true minus signs before its numbers and between its scenarios."""
    return re.sub(r"(?<![\w-])-(?=\d)| - (?=\S)", lambda match: match.group().replace("-", MINUS), words)


def sortable(value: float) -> str:
    """Return a number as a program reads it, with ten digits: the stored tables have all."""
    return f"{value:.10g}"


def number(value: float, error: float = math.nan, reason: str = "", digits: int = 3, tail: str = "") -> Value:
    """Return a number to print, or ``n/a`` with its reason."""
    value = float(value)
    if math.isnan(value):
        return Value(NOT_AVAILABLE, "", reason, "missing")
    return Value(plain(value, error, digits), sortable(value), reason, "number", tail)


def interval(lower: float, upper: float, error: float = math.nan, reason: str = "") -> Value:
    """Return ``[lower, upper]``, or ``n/a`` with its reason."""
    if math.isnan(lower) or math.isnan(upper):
        return Value(NOT_AVAILABLE, "", reason, "missing")
    width = error if math.isfinite(error) else (upper - lower) / 4 if upper > lower else math.nan
    return Value(f"[{plain(lower, width)}, {plain(upper, width)}]", sortable(lower), reason)


def percent(level: float) -> str:
    """Return a probability as ``95 %``."""
    return f"{100 * level:.6g} %"


def count(used: float, total: float) -> str:
    """Return ``48/50``: how many a statistic rests on, out of how many."""
    return f"{whole(used)}/{whole(total)}"


def whole(value: float) -> str:
    """Return a whole number, its thousands apart."""
    return f"{int(value):,}".replace(",", "\u202f")


def counted(value: float) -> Value:
    """Return a number of things."""
    return Value(whole(value), str(int(value))) if math.isfinite(value) else number(math.nan, reason="not counted")


def typed(value: float, reason: str) -> Value:
    """Return a number as a person typed it, or ``n/a`` with its reason."""
    return number(value, reason=reason) if math.isnan(value) else Value(short(value), sortable(value))


def duration(seconds: float) -> str:
    """Return a time in words."""
    if math.isnan(seconds):
        return NOT_AVAILABLE
    if seconds < 60:
        return f"{plain(seconds, digits=2)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def harmless(words: str) -> str:
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{words}" if words.startswith(("=", "+", "-", "@", "\t", "\r")) else words


def text(content: object, note: str = "", kind: str = "text") -> Value:
    """Return a text to print in a table."""
    return Value(str(content), str(content), note, kind)
