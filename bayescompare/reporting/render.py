"""The page from its template: everything escaped, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bayescompare.comparison.prior_predictive import PriorPredictive
from bayescompare.comparison.results import Results
from bayescompare.reporting.context import context
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.compact import compact
from bayescompare.reporting.prior_page import prior_page
from bayescompare.reporting.subject import Subject

__all__ = ["page", "priors_page"]


@cache
def _asset(name: str) -> str:
    """Return a file of the templates' folder."""
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8").strip()


def _hash(content: str) -> str:
    """Return a source of a content security policy: the hash of an inline style or script."""
    digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["compact"] = _compact
    return environment


def _compact(one: Drawing) -> Markup:
    return Markup(compact(one.svg, one.key))  # our own SVG, whose texts are escaped


def page(results: Results) -> str:
    """Return the report as HTML."""
    return _rendered("report.html.j2", context(Subject(results)))


def priors_page(found: PriorPredictive) -> str:
    """Return the page on priors as HTML."""
    return _rendered("priors_page.html.j2", prior_page(found))


def _rendered(template: str, report: object) -> str:
    """Return a template with what it shows."""
    style, script = _asset("report.css"), _asset("report.js")
    sources = f"style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"
    return (
        _environment()
        .get_template(template)
        .render(
            report=report,
            style=Markup(style),  # our own file
            script=Markup(script),  # our own file
            policy=Markup(policy),  # hashes
            told=set(),  # guides of figures that the page has in full
        )
    )
