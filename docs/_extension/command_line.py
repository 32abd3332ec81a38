"""The commands and their options, from the command line itself."""

import types
from enum import EnumMeta
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import typer
from docutils import nodes
from parts import code, paragraph, section, table, words
from sphinx.util.docutils import SphinxDirective

from bayescompare.cli.app import app

_WORDS = {int: "whole number", float: "number", str: "text", Path: "path"}


def commands(directive: SphinxDirective) -> list[nodes.Node]:
    """Return a section a command: usage, what it does, arguments and options."""
    group: Any = typer.main.get_command(app)
    return [_section(directive, name, command) for name, command in group.commands.items()]


def _section(directive: SphinxDirective, name: str, command: Any) -> nodes.section:
    hints = get_type_hints(command.callback)
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    usage = " ".join(["bayescompare", name, *map(_placeholder, arguments), *(["[OPTIONS]"] if options else [])])
    rows = [_row(one, hints.get(one.name)) for one in [*arguments, *options]]
    shown = nodes.literal_block(usage, usage, language="text")
    head = ["argument or option", "value", "default", "meaning"]
    return section(
        directive, f"bayescompare {name}", f"command-{name}", paragraph(command.help), shown, table(head, rows)
    )


def _placeholder(argument: Any) -> str:
    return argument.name.upper() if argument.required else f"[{argument.name.upper()}]"


def _row(option: Any, hint: Any) -> list[list[nodes.Node]]:
    named = option.param_type_name == "option"
    text = ", ".join(option.opts) if named else option.name.upper()
    return [code(text), _value(hint), code(_default(option)), words(option.help or "")]


def _value(hint: Any) -> list[nodes.Node]:
    """Return what may be given, in words."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(one for one in get_args(hint) if one is not types.NoneType)
    if get_origin(hint) is list:
        (hint,) = get_args(hint)
    if isinstance(hint, EnumMeta):
        pieces = [nodes.literal("", str(one.value)) for one in hint]
        return [node for k, piece in enumerate(pieces) for node in ([nodes.Text(", "), piece] if k else [piece])]
    return [nodes.Text(_WORDS.get(hint, ""))]


def _default(option: Any) -> str:
    if option.default is None or option.default is False:
        return ""
    return str(getattr(option.default, "value", option.default))
