"""Estimators and their settings, from the catalogue and the docstrings of the classes."""

import re
import types
from dataclasses import fields
from inspect import cleandoc
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from docutils import nodes
from parts import code, paragraph, section, table, words
from sphinx.util.docutils import SphinxDirective

from bayescompare.engines.catalog import ESTIMATORS, estimator

_KINDS = {int: "whole number", float: "number", str: "text", bool: "true or false", types.NoneType: "none"}
_PARAMETERS = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w.*\n-+$|\Z)", re.DOTALL | re.MULTILINE)


def estimators(directive: SphinxDirective) -> list[nodes.Node]:
    """Return a section an estimator: what it is, and its settings with their defaults."""
    return [_section(directive, name, what) for name, (_, what) in ESTIMATORS.items()]


def _section(directive: SphinxDirective, name: str, what: str) -> nodes.section:
    kind = type(estimator(name))
    described = {setting: text for base in reversed(kind.__mro__) for setting, text in _described(base).items()}
    hints = get_type_hints(kind)
    rows = [
        [code(one.name), _values(hints[one.name]), code(_default(one.default)), words(described[one.name])]
        for one in fields(kind)
    ]
    settings = table(["setting", "value", "default", "meaning"], rows) if rows else paragraph("It has no settings.")
    story = [paragraph(text) for text in _story(kind)]
    priors = paragraph("It uses the model's priors." if kind.uses_priors or "map" in hints else "Priors are not used.")
    return section(directive, name, f"estimator-{name}", paragraph(f"{what}."), *story, priors, settings)


def _story(kind: type) -> list[str]:
    """Return the paragraphs of a docstring that come before its parameters."""
    before = re.split(r"^\w+\n-+$", cleandoc(kind.__doc__ or ""), maxsplit=1, flags=re.MULTILINE)[0]
    # the settings that are shared stand below
    before = re.sub(r"\s*See `AdamEngine`[^.]*\.", "", before)
    return [" ".join(text.split()) for text in before.split("\n\n") if text.strip()]


def _described(kind: type) -> dict[str, str]:
    """Return the parameters of a numpydoc docstring, each with its description."""
    found = _PARAMETERS.search(cleandoc(kind.__dict__.get("__doc__") or ""))
    if not found:
        return {}
    pieces = re.split(r"^(\S.*)\n", found.group(1), flags=re.MULTILINE)[1:]
    pairs = zip(pieces[::2], pieces[1::2], strict=True)
    return {
        name.strip(): " ".join(text.split()) for names, text in pairs for name in names.partition(" :")[0].split(",")
    }


def _values(hint: Any) -> list[nodes.Node]:
    """Return what may be given: words for types, code for what is typed as it stands."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    found: list[nodes.Node] = []
    for option in options:
        choices = code_of(option) if get_origin(option) is Literal else [nodes.Text(_KINDS[option])]
        for choice in choices:
            found += [nodes.Text(", "), choice] if found else [choice]
    return found


def code_of(option: Any) -> list[nodes.Node]:
    """Return the values of a ``Literal`` as code."""
    return [nodes.literal("", str(value)) for value in get_args(option)]


def _default(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else _shown(value)


def _shown(value: Any) -> str:
    return "" if value is None or value == "" else f"{value}"
