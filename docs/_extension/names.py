"""Flags, and what can be named: kinds of intervals, sets of priors, studies, data sets."""

from docutils import nodes
from parts import code, table, words
from sphinx.util.docutils import SphinxDirective

from bayescompare.datasets import available as datasets
from bayescompare.engines.base import HARMLESS
from bayescompare.fits import FLAG_SENTENCES, GATE, Flag, Status
from bayescompare.intervals import KINDS
from bayescompare.priors import SETS
from bayescompare.study.definition import available as studies


def flags(directive: SphinxDirective) -> list[nodes.Node]:
    """Return every flag with its sentence, and what it does to the status."""
    rows = [[code(flag), words(sentence), [nodes.Text(_effect(flag))]] for flag, sentence in FLAG_SENTENCES.items()]
    return [table(["flag", "what it says", "the fit is"], rows)]


def _effect(flag: Flag) -> str:
    if flag in HARMLESS:
        return str(Status.OK)
    return f"{Status.FLAGGED}, outside the gate" if flag in GATE else str(Status.FLAGGED)


def interval_kinds(directive: SphinxDirective) -> list[nodes.Node]:
    """Return the kinds of intervals."""
    rows = [
        [code(name), words(kind.what), [nodes.Text("always" if kind.usual else "where asked for")]]
        for name, kind in KINDS.items()
    ]
    return [table(["kind", "what it is", "made"], rows)]


def prior_sets(directive: SphinxDirective) -> list[nodes.Node]:
    """Return the named sets of priors."""
    return [
        table(
            ["set", "what it is", "source"],
            [[code(name), words(one.what), words(one.source)] for name, one in SETS.items()],
        )
    ]


def bundled_studies(directive: SphinxDirective) -> list[nodes.Node]:
    """Return the bundled studies."""
    return [table(["study", "title"], [[code(name), words(title)] for name, title in studies().items()])]


def data_sets(directive: SphinxDirective) -> list[nodes.Node]:
    """Return the bundled data sets."""
    rows = [[code(name), words(info.title), words(info.source)] for name, info in datasets().items()]
    return [table(["data set", "what it is", "source"], rows)]
