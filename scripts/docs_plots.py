"""The words of docs/plots.md, which are those of the reports: python scripts/docs_plots.py writes them again.

Each stands between ``<!-- guide: KEY ... -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from bayescompare.reporting.figures.guide import Guide, guides

__all__ = ["PAGE", "renewed"]

PAGE = Path(__file__).parents[1] / "docs" / "plots.md"
_BLOCK = re.compile(r"(<!-- guide: ([\w -]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """Return the page with the words of the guides that it names."""
    known = guides()

    def block(found: re.Match[str]) -> str:
        lines = _lines([known[key] for key in found[2].split()])
        return found[1] + "\n" + "\n".join(lines) + "\n\n" + found[3]

    return _BLOCK.sub(block, page)


def _lines(chosen: Sequence[Guide]) -> Iterator[str]:
    """Yield what to read; what several guides have in common is said once."""
    if len(chosen) == 1:
        yield from (f"**{chosen[0].caption}**", "")
        yield from (f"- **{name.title()}** {getattr(chosen[0], name)}" for name in ("shows", "wrong", "limits"))
        return
    common = _ending([one.shows for one in chosen])
    for one in chosen:
        own = one.shows.removesuffix(common).strip()
        yield f"- **{one.caption}** {own} *Wrong*: {one.wrong[0].lower()}{one.wrong[1:]}"
    yield f"- **Shows** {common.strip()}"
    yield f"- **Limits** {chosen[0].limits}"


def _ending(texts: Sequence[str]) -> str:
    """Return the sentences with which all texts end."""
    backwards = zip(*(re.split(r"(?<=\.) ", text)[::-1] for text in texts), strict=False)
    same = [sentence for sentence, *others in takewhile(lambda one: len(set(one)) == 1, backwards)]
    return " ".join(same[::-1])


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), encoding="utf-8")
