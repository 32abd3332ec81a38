"""Directives that print what the package says of itself, so that the reference cannot differ from the code."""

from collections.abc import Callable

from command_line import commands
from docutils import nodes
from engines import estimators
from names import bundled_studies, data_sets, flags, interval_kinds, prior_sets
from python_names import public_names
from result_tables import further_columns, measures, result_tables
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

Maker = Callable[[SphinxDirective], list[nodes.Node]]

#: Name of a directive -> what makes its nodes.
_MAKERS: dict[str, Maker] = {
    "bundled-studies": bundled_studies,
    "commands": commands,
    "data-sets": data_sets,
    "estimators": estimators,
    "flags": flags,
    "further-columns": further_columns,
    "interval-kinds": interval_kinds,
    "measures": measures,
    "prior-sets": prior_sets,
    "public-names": public_names,
    "result-tables": result_tables,
}


def _directive(make: Maker) -> type[SphinxDirective]:
    class Generated(SphinxDirective):
        optional_arguments = 1
        final_argument_whitespace = True

        def run(self) -> list[nodes.Node]:
            return make(self)

    return Generated


def _dashed(app: Sphinx, page: nodes.document) -> None:
    """Give descriptions of parameters a dash, which Sphinx leaves to the quotes that ``smartquotes`` would bend."""
    for text in [one for one in page.findall(nodes.Text) if one == " -- "]:
        text.parent.replace(text, nodes.Text(" – "))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    for name, make in _MAKERS.items():
        app.add_directive(name, _directive(make))
    app.connect("doctree-read", _dashed)
    return {"parallel_read_safe": True}
