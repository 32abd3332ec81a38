"""Which draws a fit has written, for a terminal."""

from __future__ import annotations

from pathlib import Path

from bayescompare.cli.estimate import size
from bayescompare.comparison.kept_draws import KeepDraws, kept_tree, size_of
from bayescompare.comparison.results import Results

__all__ = ["draws_note"]


def draws_note(results: Results, folder: Path, keep: KeepDraws) -> str:
    """Return which draws were written and how large they are, and how to get the rest; nothing where none were made."""
    if not results.trees:
        return ""
    whole = size(size_of(results.trees))
    if keep is KeepDraws.ALL:
        return f"Draws: {folder / 'draws'} ({whole})"
    rest = f"All of them, with the random effects, need {whole}: --draws all writes them."
    if keep is KeepDraws.NONE:
        return f"Draws: not written. {rest}"
    kept = size_of({key: kept_tree(tree, keep) for key, tree in results.trees.items()})
    return f"Draws: {folder / 'draws'} ({size(kept)}), those of the parameters only. {rest}"
