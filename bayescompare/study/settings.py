"""Estimators whose settings are lists: an ``[[estimator]]`` table, and the labels of its grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from bayescompare.engines.catalog import names, settings
from bayescompare.errors import did_you_mean
from bayescompare.study.faults import FAULTY, MOST, Faults, Key, one, read_table
from bayescompare.study.fraction import fault_of, kept
from bayescompare.study.keys import as_whole, label_of

__all__ = ["expanded"]

# What an estimator's table says beside its settings.
_OWN: Mapping[str, Key] = {"fraction": Key(one(as_whole(1)), 1), "part": Key(one(as_whole(0)), 0)}
# The value of a setting that is left as it is.
_LEFT_OUT = "default"


def expanded(written: Iterable[Any], faults: Faults) -> dict[str, str]:
    """Return the labels of all tables, each with the path of its table; put down what cannot be read."""
    found: dict[str, str] = {}
    for index, table in enumerate(written):
        path = f"estimator[{index}]"
        for label in _labels(table, path, faults):
            if label in found:
                faults.add(path, f"{label!r} is there already, by {found[label]}.")
            found.setdefault(label, path)
    return found


def _labels(table: Any, path: str, faults: Faults) -> list[str]:
    """Return the labels of one table: the product of its lists, or a fraction of it."""
    before = len(faults)
    if not isinstance(table, Mapping):
        faults.add(path, "must be a table.")
        return []
    name = table.get("name", FAULTY)
    if name is FAULTY:
        faults.add(f"{path}.name", "is missing.")
    elif not isinstance(name, str) or name not in names():
        faults.add(f"{path}.name", f"there is no estimator {name!r}.{did_you_mean(str(name), names())}")
    if len(faults) > before:
        return []
    own = read_table({key: table[key] for key in _OWN if key in table}, _OWN, path, faults)
    grid = _grid({key: value for key, value in table.items() if key not in (*_OWN, "name")}, name, path, faults)
    if len(faults) == before and (fault := fault_of([*map(len, grid.values())], **own)):
        faults.add(f"{path}.{fault[0]}", fault[1])
    if len(faults) == before and (size := prod(map(len, grid.values()))) > MOST:
        faults.add(path, f"there are {size:,} combinations of settings; at most {MOST:,} are read. Shorten the lists.")
    return [] if len(faults) > before else _made(name, grid, path, faults, **own)


def _grid(values: Mapping[str, Any], name: str, path: str, faults: Faults) -> dict[str, list[str]]:
    """Return each setting's values as they stand in a label."""
    known, grid = settings(name), {}
    for key, value in values.items():
        if key not in known:
            hint = did_you_mean(key, [*known, *_OWN]) if known else " It has no settings."
            faults.add(f"{path}.{key}", f"{name} has no setting {key!r}.{hint}")
            continue
        items = value if isinstance(value, list | tuple) else [value]
        if not items:
            faults.add(f"{path}.{key}", "must not be an empty list.")
        grid[key] = [_text(item, f"{path}.{key}", faults) for item in items]
        for place, text in enumerate(grid[key]):
            if text in grid[key][:place]:
                faults.add(f"{path}.{key}[{place}]", f"{text} is listed twice.")
    return grid


def _text(item: Any, path: str, faults: Faults) -> str:
    if not isinstance(item, bool | int | float | str):
        faults.add(path, f"must be a number, true, false or text, or a list of such, not {item!r}.")
        return ""
    return str(item)


def _made(
    name: str, grid: Mapping[str, Sequence[str]], path: str, faults: Faults, fraction: int, part: int
) -> list[str]:
    """Return the labels of the combinations that are kept; put down those that cannot be."""
    lists = [[f"{key}={text}" * (text != _LEFT_OUT) for text in texts] for key, texts in grid.items()]
    labels = []
    for places in kept([*map(len, lists)], fraction, part):
        given = ",".join(filter(None, (pieces[k] for pieces, k in zip(lists, places, strict=True))))
        labels.append(faults.attempt(path, label_of, f"{name}:{given}" if given else name))
    return [label for label in labels if label is not FAULTY]
