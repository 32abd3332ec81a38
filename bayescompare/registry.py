"""Names of things that other packages may add, by entry points."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bayescompare.errors import BayesCompareError, did_you_mean

__all__ = ["Registry"]


@dataclass
class Registry[T]:
    """A table of names: ours, those registered at run time, and those of installed packages.

    Parameters
    ----------
    kind
        What is registered, in the singular, for messages.
    group
        Entry-point group, such as ``bayescompare.priors``.
    check
        Called with an object and its name; raises if it is not of the kind.
    hint
        What else to do where there is no such name.
    """

    kind: str
    group: str
    check: Callable[[Any, str], None]
    error: type[BayesCompareError]
    hint: str = ""
    _items: dict[str, T] = field(default_factory=dict)

    def add(self, name: str, item: T) -> T:
        """Register an object under a name.

        Raises
        ------
        BayesCompareError
            If the name is taken by another object, or the object is not of the kind.
        """
        self.check(item, name)
        if self._items.get(name, item) is not item:
            raise self.error(f"The {self.kind} {name!r} is already registered; choose another name.")
        self._items[name] = item
        return item

    @property
    def registered(self) -> Collection[str]:
        """The names that need no package any more: ours, those registered, and those of packages already loaded."""
        return self._items.keys()

    def remove(self, name: str) -> None:
        """Forget a name that was registered."""
        self._items.pop(name, None)

    def _plugins(self) -> dict[str, list[EntryPoint]]:
        """Return the entry points of installed packages by name, without those whose name is ours."""
        found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=self.group):
            if point.name not in self._items:
                found.setdefault(point.name, []).append(point)
        return found

    def offered(self, name: str) -> str:
        """Return the entry points that offer a name, as a message has them, or nothing."""
        points = [point for point in entry_points(group=self.group) if point.name == name]
        return " and ".join(f"entry point {point.value!r}{_package(point)}" for point in points)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the known names; no plugin is imported."""
        return iter(sorted({*self._items, *self._plugins()}))

    def get(self, name: str) -> T:
        """Return the object of a name, importing the package that offers it if need be.

        Raises
        ------
        BayesCompareError
            If there is none, or if its package fails to load; the entry point is named.
        """
        if name in self._items:
            return self._items[name]
        points = self._plugins().get(name, [])
        if not points:
            raise self.error(f"There is no {self.kind} named {name!r}.{did_you_mean(name, self)}{self.hint}")
        if len({point.value for point in points}) > 1:
            raise self.error(f"The {self.kind} {name!r} is offered by {self.offered(name)}: uninstall all but one.")
        self._items[name] = self._loaded(name, points[0])
        return self._items[name]

    def _loaded(self, name: str, point: EntryPoint) -> T:
        try:
            item: T = point.load()
            self.check(item, name)
        except (Exception, SystemExit) as error:
            fault = str(error) if isinstance(error, self.error) else f"{type(error).__name__}: {error}"
            raise self.error(
                f"The {self.kind} {name!r} of entry point {point.value!r}{_package(point)} cannot be used: {fault}"
            ) from error
        return item


def _package(point: EntryPoint) -> str:
    return f" of {point.dist.name} {point.dist.version}" if point.dist is not None else ""
