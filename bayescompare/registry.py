"""Names of things that other packages may add, by entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        Raises if an object is not of the kind.
    """

    kind: str
    group: str
    check: Callable[[Any], None]
    error: type[BayesCompareError]
    _items: dict[str, T] = field(default_factory=dict)

    def add(self, name: str, item: T) -> T:
        """Register an object under a name.

        Raises
        ------
        BayesCompareError
            If the name is taken by another object, or the object is not of the kind.
        """
        self.check(item)
        if self._items.get(name, item) is not item:
            raise self.error(f"The {self.kind} {name!r} is already registered; choose another name.")
        self._items[name] = item
        return item

    def _plugins(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group) if point.name not in self._items}

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
        point = self._plugins().get(name)
        if point is None:
            raise self.error(f"There is no {self.kind} named {name!r}.{did_you_mean(name, self)}")
        try:
            item = point.load()
            self.check(item)
        except Exception as error:
            raise self.error(
                f"The {self.kind} {name!r} of entry point {point.value!r} cannot be used: {error}"
            ) from error
        self._items[name] = item
        return self._items[name]
