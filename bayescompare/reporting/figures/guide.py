"""How a kind of figure is read: a line that stands with it, and what unfolds."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

__all__ = ["LONGEST", "Guide"]

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
