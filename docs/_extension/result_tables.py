"""The columns of the result tables, from `bayescompare.comparison.schema`."""

from collections.abc import Mapping

from docutils import nodes
from parts import code, paragraph, section, table, words
from sphinx.util.docutils import SphinxDirective

from bayescompare.comparison import schema

#: What is made of the tables when it is asked for -> its columns.
_FURTHER: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "bc.measures": ("Measures of performance.", schema.MEASURE_COLUMNS),
    "Results.paired": ("Paired differences from a reference.", schema.DIFFERENCE_COLUMNS),
    "bc.decomposition.replicates": ("Each error in parts.", schema.ERROR_PART_COLUMNS),
    "bc.decomposition.means": ("Mean errors in parts.", schema.ERROR_MEAN_COLUMNS),
    "bc.decomposition.squares": ("Mean squared errors in parts.", schema.ERROR_SQUARE_COLUMNS),
    "bc.detectors": ("How well the end of an Adam run tells that it is away.", schema.DETECTOR_COLUMNS),
    "Results.headline": ("An estimator and aspect at its worst.", schema.HEADLINE_COLUMNS),
    "Results.calibration": ("Whether truths lie where the fits say.", schema.CALIBRATION_COLUMNS),
    "bc.prior_predictive.table": ("What the priors say before the data.", schema.PRIOR_PREDICTIVE_COLUMNS),
}


def _columns(columns: Mapping[str, str]) -> nodes.table:
    return table(["column", "what it holds"], [[code(name), words(text)] for name, text in columns.items()])


def result_tables(directive: SphinxDirective) -> list[nodes.Node]:
    """Return a section a stored table."""
    return [section(directive, name, f"table-{name}", _columns(columns)) for name, columns in schema.TABLES.items()]


def further_columns(directive: SphinxDirective) -> list[nodes.Node]:
    """Return a section a table that is made when it is asked for."""
    return [
        section(directive, name, f"made-{name.replace('.', '-').lower()}", paragraph(what), _columns(columns))
        for name, (what, columns) in _FURTHER.items()
    ]


def measures(directive: SphinxDirective) -> list[nodes.Node]:
    """Return the measures of performance."""
    both = {**schema.MEASURES, **schema.FIT_MEASURES}
    return [table(["measure", "what it is"], [[code(name), words(text)] for name, text in both.items()])]
