"""The pages of the documentation taken apart: what is code in them, and what of it is run."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: Every page that is written by hand, the README among them.
PAGES = sorted([*DOCS.glob("*.md"), *(DOCS / "how-to").glob("*.md"), ROOT / "README.md"])

_BLOCK = re.compile(
    r"(?:^<!-- (?P<word>file|not run): (?P<rest>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_INLINE = re.compile(r"`bayescompare ([^`\n]+)`")
_SHELL = ("", "sh", "bash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code of a page.

    Parameters
    ----------
    language
        ``python``, ``sh``, or nothing.
    file
        Name of the file that the block is, where it is one.
    skipped
        Why it is not run, where it is not.
    """

    language: str
    text: str
    file: str
    skipped: str

    @property
    def commands(self) -> list[list[str]]:
        """The arguments of each call of ``bayescompare``."""
        if self.language not in _SHELL:
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("bayescompare ")]


def inline_commands(page: Path) -> list[list[str]]:
    """Return the arguments of each call of ``bayescompare`` within the text of a page."""
    return [shlex.split(text) for text in _INLINE.findall(page.read_text("utf-8"))]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    found = []
    for match in _BLOCK.finditer(page.read_text("utf-8")):
        word, rest = match["word"] or "", match["rest"] or ""
        found.append(
            Block(
                language=match["language"],
                text=match["text"],
                file=rest if word == "file" else "",
                skipped=rest if word == "not run" else "",
            )
        )
    return found
