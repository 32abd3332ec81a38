"""How well what an Adam fit says of itself tells that it stopped short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayescompare.comparison.detectors import ALL_ADAM, MARGIN
from bayescompare.reporting.formats import Value, number, plain, text, whole
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Subject

__all__ = ["Detection", "detector_grids"]

# Shares are printed to three decimals.
_DIGITS = 0.01
Detection = tuple[Grid, Grid | None]


def detector_grids(subject: Subject) -> Detection | None:
    """Return the detectors of all Adam fits of a study and, where there are several, of each estimator."""
    found = subject.results.detectors if subject.is_study else pd.DataFrame()
    if not len(found):
        return None
    labels = [label for label in subject.estimators if label in set(found["estimator"])]
    which = labels[0] if len(labels) == 1 else ALL_ADAM
    title = f"What Adam fits say of themselves, against their known gap: {which}"
    each = _grid("detectors-each", "The same, estimator by estimator", found, labels) if len(labels) > 1 else None
    return _grid("detectors", title, found, [which]), each


def _grid(key: str, caption: str, found: pd.DataFrame, labels: list[str]) -> Grid:
    several = len(labels) > 1
    columns = [
        *([Column("estimator", numeric=False)] if several else []),
        Column("detector", numeric=False),
        Column("sensitivity", f"share detected of the fits more than {MARGIN:g} SE away; 95 % interval"),
        Column("specificity", "share not detected of the other fits; 95 % interval"),
        Column("away", "fits behind the sensitivity"),
        Column("arrived", "fits behind the specificity"),
        Column("no such diagnostic", "fits for which the detector is not available; not used"),
        Column("gap unknown", "fits whose own optimum is not known; not used"),
        Column("all"),
    ]
    pairs: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in found.to_dict("records"):
        pairs.setdefault((str(row["estimator"]), str(row["detector"])), {})[str(row["measure"])] = row
    rows = [
        [*([text(label, kind="estimator")] if several else []), *_row(*pair.values())]
        for label in labels
        for (mine, _), pair in pairs.items()
        if mine == label
    ]
    return grid(key, caption, columns, rows)


def _row(hit: Mapping[str, Any], right: Mapping[str, Any]) -> list[Value]:
    note = " (made from the optimum)" if hit["knows_optimum"] else ""
    return [
        text(f"{hit['detector']}{note}"),
        _share(hit, "no fit with this diagnostic is away"),
        _share(right, "no fit with this diagnostic has arrived"),
        *(_count(n) for n in (hit["n_used"], right["n_used"], hit["n_unavailable"], hit["n_unknown"], hit["n_total"])),
    ]


def _share(row: Mapping[str, Any], reason: str) -> Value:
    """Return a share with its interval and Monte Carlo error."""
    value, lower, upper, error = (float(row[name]) for name in ("value", "lower", "upper", "mcse"))
    if value != value:
        return number(value, reason=reason)
    shown = ", ".join(plain(bound, _DIGITS) for bound in (lower, upper))
    return number(value, _DIGITS, tail=f"[{shown}] (MCSE {plain(error, _DIGITS)})")


def _count(n: object) -> Value:
    return Value(whole(int(str(n))), str(n))
