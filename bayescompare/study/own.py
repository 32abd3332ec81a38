"""Priors of a study that are not ours: which class each is, known again by a hash of its source.

A study's own files carry the hashes, never code: a class comes from this process, where the user has loaded or
installed it, or, in a worker, from the process that gives out the tasks. To read results no class is needed: a
stand-in has its name and its arguments.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, field, fields, make_dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar

import numpy as np

from bayescompare.design import Scenario
from bayescompare.errors import AbsentPriorError, InputError, PriorError
from bayescompare.priors import Prior, PriorFile
from bayescompare.priors.names import described, get
from bayescompare.priors.own import file_of

__all__ = ["kinds_of", "laws", "readable", "record_of", "refuse_absent", "sources"]

Record = Mapping[str, Any]


def laws(scenario: Scenario) -> list[Prior]:
    """Return the distributions that a scenario names, of its priors and of its truth, by parameter."""
    truth = {} if isinstance(scenario.truth, str) else scenario.truth
    named = [*sorted(scenario.priors.items()), *sorted(truth.items(), key=lambda item: item[0])]
    return [law for _, law in named if isinstance(law, Prior)]


def kinds_of(scenarios: Iterable[Scenario]) -> dict[str, type[Prior]]:
    """Return the classes of priors that scenarios name, without ours, by name."""
    found = {type(law).__name__: type(law) for scenario in scenarios for law in laws(scenario)}
    return {name: kind for name, kind in sorted(found.items()) if not kind.__module__.startswith("bayescompare.")}


class _StandIn(Prior):
    """In place of a class that this process does not have."""

    record: ClassVar[Record] = {}

    def logp(self, x: Any, xp: Any) -> Any:
        raise AbsentPriorError(_wanted(type(self)))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        raise AbsentPriorError(_wanted(type(self)))


def _wanted(kind: type[_StandIn]) -> str:
    source = str(kind.record["source"])
    way = f"give it by --priors-from {source}" if source.endswith(".py") else f"it came from {source}"
    return (
        f"The prior {kind.__name__} that the study was run with is not here: {way} "
        f"(sha256 {str(kind.record['sha256'])[:12]}...)."
    )


def record_of(kind: type[Prior]) -> Record:
    """Return where a class comes from, the hash of its source, and what is needed to read its texts."""
    if issubclass(kind, _StandIn):
        return kind.record
    file = file_of(kind)
    source = file.name if file else described(kind).partition(" of ")[2] or "the session that ran it"
    support: Any = kind.support
    given = {one.name: None if one.default is MISSING else one.default for one in fields(kind)}
    return {
        "source": source,
        "sha256": _hash(kind),
        "support": support if isinstance(support, str) else "any",
        "arguments": given,
    }


@cache
def _hash(kind: type[Prior]) -> str:
    """Return a hash of the source of a class: of its file, or, in a notebook or a script, of its methods."""
    file = file_of(kind)
    if file:
        return file.sha256
    path = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if kind.__module__ != "__main__" and path and Path(path).is_file():
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return hashlib.sha256(b"".join(_methods(kind))).hexdigest()


def _methods(kind: type[Prior]) -> Iterator[bytes]:
    for base in kind.__mro__[: kind.__mro__.index(Prior)]:
        for name, one in sorted(vars(base).items()):
            code = getattr(one, "__code__", None)
            if code is None or (name.startswith("__") and code.co_filename == "<string>"):
                continue
            try:
                yield inspect.getsource(code).encode()
            except (OSError, TypeError):
                yield _instructions(code)


def _instructions(code: CodeType) -> bytes:
    """Return what a function does, where its text is not known."""
    inner = [_instructions(one) for one in code.co_consts if isinstance(one, CodeType)]
    constants = [repr(one) for one in code.co_consts if not isinstance(one, CodeType)]
    return repr((code.co_code, code.co_names, code.co_varnames, constants, inner)).encode()


def readable(records: Mapping[str, Record]) -> dict[str, type[Prior]]:
    """Return a class for each record: that of this process if it is the same, else one that only has its name."""
    return {name: _known(name, record) or _stand_in(name, record) for name, record in records.items()}


def _known(name: str, record: Record) -> type[Prior] | None:
    try:
        kind = get(name)
    except PriorError:
        return None
    return kind if record_of(kind)["sha256"] == record["sha256"] else None


def _stand_in(name: str, record: Record) -> type[Prior]:
    typed = [
        (one, float) if value is None else (one, float, field(default=value))
        for one, value in record["arguments"].items()
    ]
    values = {"support": record["support"], "record": record}
    # of no module of ours: it stands for somebody else's
    return make_dataclass(name, typed, bases=(_StandIn,), namespace=values, frozen=True, repr=False, module="absent")


def refuse_absent(kinds: Iterable[type[Prior]]) -> None:
    """Refuse to fit with priors whose classes are not here.

    Raises
    ------
    InputError
        With what to give.
    """
    wanted = [_wanted(kind) for kind in kinds if issubclass(kind, _StandIn)]
    if wanted:
        raise InputError(" ".join(wanted))


def sources(kinds: Iterable[type[Prior]]) -> tuple[PriorFile, ...]:
    """Return the files that workers need for some classes; those of installed packages they have themselves."""
    found = {file.sha256: file for kind in kinds if (file := file_of(kind)) is not None}
    return tuple(found.values())
