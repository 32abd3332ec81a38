"""The public names of Python, by the part of the package that they come from."""

from docutils import nodes
from parts import as_rst
from sphinx.util.docutils import SphinxDirective

import bayescompare as bc

_PACKAGE = f"{bc.__name__}."


_SHOWN = "bayescompare_names_shown"


def public_names(directive: SphinxDirective) -> list[nodes.Node]:
    """Return the docstrings of the public names, or modules, that the arguments name; without any, of the others."""
    shown: set[str] = directive.env.temp_data.setdefault(_SHOWN, {"__version__"})
    left = [name for name in bc.__all__ if name not in shown]
    names = _named(left, directive.arguments[0].split()) if directive.arguments else left
    shown.update(names)
    described = as_rst(directive, [line for name in names for line in _lines(name)])
    return described if directive.arguments or not names else [_others(directive, described)]


def _others(directive: SphinxDirective, described: list[nodes.Node]) -> nodes.section:
    """Return the names that no section has as a section of their own."""
    made = nodes.section("", nodes.title("", "Others"), *described, ids=["others"], names=["others"])
    directive.state.document.note_implicit_target(made, made)
    return made


def _named(names: list[str], wanted: list[str]) -> list[str]:
    """Return the names that are wanted, themselves or by their module, in that order."""
    place = {name: k for name in names if (k := _place(name, wanted)) is not None}
    return sorted(place, key=lambda name: (place[name], name.lower()))


def _place(name: str, wanted: list[str]) -> int | None:
    module = str(getattr(getattr(bc, name), "__module__", "")).removeprefix(_PACKAGE)
    keys = [name, *(".".join(module.split(".")[: k + 1]) for k in range(module.count(".") + 1))]
    return next((k for k, one in enumerate(wanted) if one in keys), None)


def _lines(name: str) -> list[str]:
    found = getattr(bc, name)
    if not isinstance(found, type):
        return [f".. autofunction:: bayescompare.{name}", ""]
    inner = [] if issubclass(found, Exception) else ["   :members:"]
    if issubclass(found, bc.Prior) and found is not bc.Prior:
        inner = []
    return [f".. autoclass:: bayescompare.{name}", *inner, ""]
