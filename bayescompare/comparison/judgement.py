"""Rows of fits, each held against the best of its objective on the same data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from bayescompare.comparison.ragged import Ragged, datasets
from bayescompare.engines.base import status_of
from bayescompare.engines.optima import Candidate, Judgement, judge
from bayescompare.fits import Flag, Status

__all__ = ["judged_rows"]

_SCALARS = ("estimator", "objective", "status", "flags")
_CHANGED = ("gap_deviance", "gap_sd", "own_optimum", "flags", "status")


def judged_rows(rows: pa.Table) -> pa.Table:
    """Return the rows with the gaps of the fits that share a (restricted) likelihood; see `optima.judge`."""
    columns: dict[str, list[Any]] = {name: rows[name].to_pylist() for name in _CHANGED}
    estimates = Ragged.of(rows["estimates"], "estimate")
    for place, best, found in _judgements(rows):
        flags = _flags(columns["flags"][place], found)
        columns["flags"][place] = [str(flag) for flag in flags]
        columns["status"][place] = str(status_of(flags, Status(columns["status"][place])))
        columns["gap_deviance"][place], columns["gap_sd"][place] = found.gap_deviance, found.gap_sd
        columns["own_optimum"][place] = estimates[best]
    for name, values in columns.items():
        field = rows.schema.field(name)
        rows = rows.set_column(rows.schema.get_field_index(name), field, pa.array(values, field.type))
    return rows


def _judgements(rows: pa.Table) -> Iterator[tuple[int, int, Judgement]]:
    """Yield the place of each judged row, that of the best, and the judgement."""
    candidates = list(_candidates(rows))
    for places in datasets(rows):
        for place, found in zip(places, judge([candidates[k] for k in places]), strict=True):
            if found is not None:
                yield place, places[found.best], found


def _candidates(rows: pa.Table) -> Iterator[Candidate]:
    estimands = Ragged.of(rows["estimates"], "estimand")
    working, working_se = Ragged.of(rows["working"]), Ragged.of(rows["working_se"])
    scalars = zip(*(rows[name].to_pylist() for name in _SCALARS), strict=True)
    for place, (estimator, objective, status, flags) in enumerate(scalars):
        yield Candidate(
            estimator=estimator,
            estimand=next(iter(estimands[place]), ""),
            objective=objective,
            working=working[place],
            working_se=working_se[place],
            status=Status(status),
            flags=flags,
        )


def _flags(given: list[str], found: Judgement) -> list[Flag]:
    """Return a row's flags; one that is judged again keeps one flag."""
    flags = [Flag(flag) for flag in given if flag != Flag.WORSE_OPTIMUM]
    return [*flags, Flag.WORSE_OPTIMUM] if found.worse else flags
