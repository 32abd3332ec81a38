"""Pieces of a page, made of plain text: nothing in it is read as markup but names in backticks."""

import re
from collections.abc import Iterable, Sequence

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


def words(text: str) -> list[nodes.Node]:
    """Return a text with its names in single or double backticks as code."""
    pieces = re.split(r"``?([^`]+)``?", text)
    return [nodes.literal("", piece) if k % 2 else nodes.Text(piece) for k, piece in enumerate(pieces) if piece]


def paragraph(text: str) -> nodes.paragraph:
    """Return a paragraph."""
    return nodes.paragraph("", "", *words(text))


def code(text: str) -> list[nodes.Node]:
    """Return a text as code, or nothing."""
    return [nodes.literal("", text)] if text else []


def table(head: Sequence[str], rows: Iterable[Sequence[Sequence[nodes.Node]]]) -> nodes.table:
    """Return a table; a cell is a list of inline nodes."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", _row([[nodes.Text(name)] for name in head]))
    body = nodes.tbody()
    body += [_row(row) for row in rows]
    group += body
    return nodes.table("", group, classes=["colwidths-auto"])


def _row(cells: Sequence[Sequence[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def section(directive: SphinxDirective, title: str, anchor: str, *content: nodes.Node) -> nodes.section:
    """Return a section with a title of code, which links reach by its anchor."""
    made = nodes.section("", nodes.title("", "", nodes.literal("", title)), *content, ids=[anchor], names=[anchor])
    directive.state.document.note_explicit_target(made, made)
    return made


def as_rst(directive: SphinxDirective, lines: Iterable[str]) -> list[nodes.Node]:
    """Return the nodes of reStructuredText, from within a page of Markdown."""
    text = "\n".join(["````{eval-rst}", *lines, "````"])
    return directive.parse_text_to_nodes(text, allow_section_headings=False)
