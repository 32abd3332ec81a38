"""Every fault of a study at once, each with its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bayescompare.errors import BayesCompareError, StudyError, did_you_mean

__all__ = ["FAULTY", "MOST", "REQUIRED", "Faults", "Key", "Reader", "each", "one", "read_table", "table"]

#: The largest number of scenarios of a study, and hence of the values in a list.
MOST: Final = 10_000
#: In place of a value that could not be read; the fault is on the list.
FAULTY: Final = object()
#: The default of a key that must be there.
REQUIRED: Final = object()

#: Reads a value at a path, or puts down what is wrong with it and returns `FAULTY`.
Reader = Callable[[Any, str, "Faults"], Any]


class Faults:
    """What is wrong, in the order found; one message of several scenarios is said once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[str]] = {}

    def __len__(self) -> int:
        """Return the number of faults."""
        return len(self._found)

    def add(self, path: str, message: str, scenario: str = "") -> None:
        """Put down a fault, and the expanded scenario that has it."""
        self._found.setdefault((path, message), []).extend([scenario] * bool(scenario))

    def attempt(self, path: str, make: Callable[..., Any], *arguments: Any, scenario: str = "") -> Any:
        """Return what ``make`` returns, or `FAULTY`."""
        try:
            return make(*arguments)
        except BayesCompareError as error:
            self.add(path, str(error), scenario)
            return FAULTY

    def refuse(self, where: str) -> None:
        """Raise all faults as one error, if there are any."""
        if not self._found:
            return
        lines = [f"  {path}: {message}{_in(names)}" for (path, message), names in self._found.items()]
        counted = ", counted from [0]" * any("[" in path for path, _ in self._found)
        raise StudyError(f"{where} has {len(lines)} fault{'s' * (len(lines) > 1)}{counted}:\n" + "\n".join(lines))


def _in(names: list[str]) -> str:
    if not names:
        return ""
    return f" (in {names[0]!r})" if len(names) == 1 else f" (in {names[0]!r} and {len(names) - 1} more)"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table: how its value is read, and what it is where it is not given."""

    read: Reader
    default: Any = REQUIRED


def one(check: Callable[[Any], Any]) -> Reader:
    """Return a reader of a single value."""
    return lambda value, path, faults: faults.attempt(path, check, value)


def each(check: Callable[[Any], Any], what: str) -> Reader:
    """Return a reader of a list of different values, which gives a tuple."""

    def read(value: Any, path: str, faults: Faults) -> Any:
        if not isinstance(value, list | tuple) or not value:
            faults.add(path, f"must be a list of {what}" + (", not an empty one." if value == [] else "."))
            return FAULTY
        if len(value) > MOST:
            faults.add(path, f"is a list of {len(value):,} values; at most {MOST:,} are read.")
            return FAULTY
        found = [faults.attempt(f"{path}[{index}]", check, item) for index, item in enumerate(value)]
        for index, item in enumerate(found):
            if item is not FAULTY and item in found[:index]:
                faults.add(f"{path}[{index}]", f"{item!r} is listed twice.")
        return tuple(item for item in found if item is not FAULTY)

    return read


def table(read: Reader) -> Reader:
    """Return a reader of a table of free keys, sorted by key."""

    def read_all(value: Any, path: str, faults: Faults) -> Any:
        if not isinstance(value, Mapping):
            faults.add(path, "must be a table, such as { x = ... }.")
            return FAULTY
        found = {str(key): read(item, f"{path}.{key}", faults) for key, item in sorted(value.items())}
        return {key: item for key, item in found.items() if item is not FAULTY}

    return read_all


def read_table(value: Any, keys: Mapping[str, Key], path: str, faults: Faults) -> dict[str, Any]:
    """Return the values of a table with known keys, defaults filled in, without those that are faulty."""
    if not isinstance(value, Mapping):
        faults.add(path, "must be a table.")
        return {}
    prefix = f"{path}." * bool(path)
    for key in value:
        if key not in keys:
            faults.add(f"{prefix}{key}", f"there is no such key.{did_you_mean(str(key), keys)}")
    found = {}
    for name, key in keys.items():
        if name in value:
            found[name] = key.read(value[name], f"{prefix}{name}", faults)
        elif key.default is REQUIRED:
            faults.add(f"{prefix}{name}", "is missing.")
        else:
            found[name] = key.default
    return {name: item for name, item in found.items() if item is not FAULTY}
