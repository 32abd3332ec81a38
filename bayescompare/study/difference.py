"""What two studies differ in, a line a path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["difference"]

_NOTHING = "not given"


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return ``replicates: 80 -> 200`` and the like; nothing where the studies are equal."""
    before, after = dict(_flat(old, "")), dict(_flat(new, ""))
    paths = dict.fromkeys((*before, *after))
    lines = [
        f"{path}: {_shown(before, path)} -> {_shown(after, path)}"
        for path in paths
        if path not in before or path not in after or before[path] != after[path]
    ]
    ordered = [key for key in ("scenario", "contrast", "estimators") if _names(old, key) != _names(new, key)]
    return lines + [f"{key}: another order" for key in ordered if sorted(_names(old, key)) == sorted(_names(new, key))]


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the paths of a tree and their values; entries of lists of tables go by name, estimators by label."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif path == "estimators":
        yield from ((f"{path}[{label}]", "listed") for label in value)
    elif path in ("scenario", "contrast"):
        for table in value:
            yield from _flat(table, f"{path}[{table['name']}]")
    else:
        yield path, value


def _names(values: Mapping[str, Any], key: str) -> list[str]:
    return [item if isinstance(item, str) else item["name"] for item in values.get(key, ())]


def _shown(values: Mapping[str, Any], path: str) -> str:
    if path not in values:
        return _NOTHING
    return values[path] if isinstance(values[path], str) else repr(values[path])
