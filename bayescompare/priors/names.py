"""Names of priors: ours, those of a user's file or session, and those of installed packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from types import MappingProxyType

from bayescompare.errors import PriorError
from bayescompare.priors import named
from bayescompare.priors.base import Prior
from bayescompare.priors.contract import check_kind
from bayescompare.registry import Registry

__all__ = [
    "available",
    "describe",
    "described",
    "get",
    "importing",
    "naming",
    "origin_of",
    "register_all",
    "register_prior",
]

_REGISTRY: Registry[type[Prior]] = Registry(
    kind="prior",
    group="bayescompare.priors",
    check=check_kind,
    error=PriorError,
    hint=" One of your own comes from a file: --priors-from FILE.py, or bayescompare.load_priors.",
)
for _name in named.__all__:
    _REGISTRY.add(_name, getattr(named, _name))

# Where what is registered comes from, by name; and the names of each file.
_ORIGINS: dict[str, str] = {}
_FILES: dict[str, tuple[str, ...]] = {}
# Names that come before those of the registry, and whether a file is being run, in this thread.
_NAMED: ContextVar[Mapping[str, type[Prior]]] = ContextVar("named priors", default=MappingProxyType({}))
_IMPORTING: ContextVar[bool] = ContextVar("a file of priors is being run", default=False)


def register_prior(prior: type[Prior]) -> type[Prior]:
    """Make a prior class usable by its name in this process; may be used as a decorator.

    Raises
    ------
    PriorError
        If the class is not complete, or its name is taken.
    """
    if _IMPORTING.get():
        # who runs the file registers what it defines
        return prior
    return _REGISTRY.add(prior.__name__, prior)


def register_all(kinds: Mapping[str, type[Prior]], *, origin: str, key: str) -> None:
    """Register the classes of a file, in place of those that it had when it was read before.

    Parameters
    ----------
    origin
        What to call the file in messages.
    key
        The file.

    Raises
    ------
    PriorError
        If a name is taken by another file, or was registered.
    """
    before = _FILES.get(key, ())
    for name, kind in kinds.items():
        if name in _REGISTRY.registered and name not in before and _REGISTRY.get(name) is not kind:
            owner = _ORIGINS.get(name, "a class that was registered before")
            raise PriorError(f"{origin}: the name {name} is taken by {owner}; rename the class.")
    for name in before:
        _REGISTRY.remove(name)
        _ORIGINS.pop(name, None)
    for name, kind in kinds.items():
        _REGISTRY.add(name, kind)
        _ORIGINS[name] = origin
    _FILES[key] = tuple(kinds)


@contextmanager
def importing() -> Iterator[None]:
    """Leave registering to who runs a file: its own `register_prior` does nothing here."""
    token = _IMPORTING.set(True)
    try:
        yield
    finally:
        _IMPORTING.reset(token)


@contextmanager
def naming(kinds: Mapping[str, type[Prior]]) -> Iterator[None]:
    """Read texts by these classes, before those that are registered."""
    token = _NAMED.set({**_NAMED.get(), **kinds})
    try:
        yield
    finally:
        _NAMED.reset(token)


def origin_of(name: str) -> str:
    """Return whose a name is that nobody else may use: ours, or an installed package's; empty where it is free."""
    return "bayescompare" if name in named.__all__ else _REGISTRY.offered(name)


def described(kind: type[Prior]) -> str:
    """Return the name of a class and where it comes from, where that is not this package."""
    name = kind.__name__
    if name in named.__all__ or name not in _REGISTRY.registered or _REGISTRY.get(name) is not kind:
        return name
    source = _ORIGINS.get(name) or _REGISTRY.offered(name)
    return f"{name} of {source}" if source else name


def available() -> Iterator[str]:
    """Iterate over the names of the known priors."""
    return iter(_REGISTRY)


def get(name: str) -> type[Prior]:
    """Return the prior class of a name.

    Raises
    ------
    PriorError
        If there is none, or its package cannot be loaded.
    """
    return _NAMED.get().get(name) or _REGISTRY.get(name)


def describe(name: str) -> str:
    """Return a prior's arguments and the first sentence of its docstring; of one that cannot be loaded, why."""
    try:
        kind = get(name)
    except PriorError as error:
        return str(error)
    given = ", ".join(field.name for field in fields(kind))
    said = (kind.__doc__ or "").strip() or "one's own"
    return f"({given})  {said.splitlines()[0].replace('`', '')}"
