"""What is wrong with a class of priors, in words for somebody who has written one for the first time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.priors.base import Prior, Support

__all__ = ["check_kind", "faults_of"]

#: What the author's methods take beside ``self``.
_METHODS = {"logp": "logp(self, x, xp)", "draw": "draw(self, rng, shape)"}
#: Attributes that name fields.
_NAMING = ("positive", "fractions", "increasing")


def faults_of(kind: Any) -> list[str]:
    """Return what keeps an object from being a class of priors, all at once; nothing where it is one."""
    if not (isinstance(kind, type) and issubclass(kind, Prior)):
        return [f"{kind!r} is not a subclass of bayescompare.Prior."]
    return [*_missing(kind), *_not_a_dataclass(kind), *_attributes(kind), *_printing(kind)]


def check_kind(kind: Any, name: str = "") -> None:
    """Refuse what is no class of priors, or is offered under a name that is not its own.

    Raises
    ------
    PriorError
        With all that is wrong.
    """
    faults = faults_of(kind)
    if not faults and name and kind.__name__ != name:
        faults = [f"the class is {kind.__name__}, and a prior is typed as it prints: name it {kind.__name__} too."]
    if faults:
        raise PriorError(" ".join(faults))


def _missing(kind: type[Prior]) -> Iterator[str]:
    wanted = [_METHODS.get(name, name) for name in sorted(kind.__abstractmethods__, reverse=True)]
    if wanted:
        yield f"{kind.__name__} has no {' and no '.join(wanted)}; write {'it' if len(wanted) == 1 else 'them'}."


def _not_a_dataclass(kind: type[Prior]) -> Iterator[str]:
    # a decorator's mark is the class's own; that of Prior is inherited
    if "__dataclass_params__" not in vars(kind):
        yield f"{kind.__name__} is not a frozen dataclass: write @dataclass(frozen=True) above it."


def _printing(kind: type[Prior]) -> Iterator[str]:
    # PyMC's print their arguments by name
    if not kind.__repr__.__module__.startswith("bayescompare."):
        yield f"{kind.__name__} has a __repr__ of its own: leave it out, since a prior prints as it is typed."


def _attributes(kind: type[Prior]) -> Iterator[str]:
    known = [field.name for field in dataclasses.fields(kind)]
    for name in ("support", *_NAMING):
        if name in known:
            yield f"{kind.__name__}: {name} is no number of the prior; write it without a type, {name} = ..."
    for name in set(_NAMING) - set(known):
        listed = getattr(kind, name)
        if not isinstance(listed, tuple):
            yield f"{kind.__name__}: {name} must be a tuple of names, such as ({str(listed)!r},), not {listed!r}."
            continue
        for one in listed:
            if one not in known:
                yield f"{kind.__name__}: {name} names {one!r}, which is no field.{did_you_mean(str(one), known)}"
    support: Any = kind.support
    if "support" not in known and not isinstance(support, property) and support not in get_args(Support):
        yield f"{kind.__name__}: there is no support {support!r}.{did_you_mean(str(support), get_args(Support))}"
