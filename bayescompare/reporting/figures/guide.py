"""How a kind of figure is read: a line that stands with it, and what unfolds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

__all__ = ["LONGEST", "Guide", "guides"]

#: Characters of a caption: one line of a page of 1400 pixels.
LONGEST = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """How a kind of figure is read.

    Parameters
    ----------
    key
        Of the kind; fit for an id.
    caption
        What a mark is and which side is bad, in one line of at most `LONGEST` characters.
    shows
        What was computed, of which fits, and what the error bars are.
    wrong
        What would be wrong.
    limits
        What the figure cannot show.

    Raises
    ------
    ValueError
        If a text is missing, the caption is longer than a line, or the key is not fit for an id.
    """

    key: str
    caption: str
    shows: str
    wrong: str
    limits: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z-]*", self.key):
            raise ValueError(f"The key of a guide is of small letters and dashes, not {self.key!r}.")
        for one in fields(self):
            if not getattr(self, one.name).strip():
                raise ValueError(f"The guide {self.key} does not say {one.name!r}.")
        if len(self.caption) > LONGEST:
            raise ValueError(f"The caption of {self.key} has {len(self.caption)} characters; {LONGEST} are a line.")


def guides() -> dict[str, Guide]:
    """Return the guides of all kinds of figures by their keys, from the modules that draw them.

    Raises
    ------
    ValueError
        If two kinds have one key.
    """
    package = __name__.rpartition(".")[0]
    modules = [import_module(f"{package}.{one.name}") for one in iter_modules(import_module(package).__path__)]
    found: dict[str, Guide] = {}
    for one in (guide for module in modules for guide in _of(module)):
        if found.setdefault(one.key, one) is not one:
            raise ValueError(f"Two kinds of figures have the key {one.key!r}.")
    return found


def _of(module: ModuleType) -> Iterator[Guide]:
    """Yield the guides that are constants of a module, or entries of such a table."""
    for held in vars(module).values():
        yield from (one for one in (held.values() if isinstance(held, Mapping) else [held]) if isinstance(one, Guide))
