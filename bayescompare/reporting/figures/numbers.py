"""What is drawn of estimators as rows: lanes, dots over scenarios, bars in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bayescompare.reporting.figures.lanes import Lane
from bayescompare.reporting.figures.series import Dot, Series
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.palette import Look

__all__ = ["of_dot", "of_lanes", "of_series"]


def of_lanes(lanes: Sequence[Lane], measure: str) -> Iterator[Row]:
    """Yield the number and the interval of each lane."""
    for lane in lanes:
        yield {
            "measure": measure,
            "name": " ".join(part for part in (lane.title, lane.subtitle) if part),
            "value": float(lane.value),
            "lower": float(lane.lower),
            "upper": float(lane.upper),
            "note": lane.note.strip(),
        }


def of_series(series: Sequence[Series], measure: str) -> Iterator[Row]:
    """Yield the number of each estimator and scenario, with its Monte Carlo interval and denominator."""
    for one in series:
        for dot in one.dots:
            if dot is not None:
                yield of_dot(one.look, dot, measure)


def of_dot(look: Look, dot: Dot, measure: str) -> Row:
    """Return a dot as a row, its value under the name of the measure."""
    return {
        "estimator": look.label,
        "scenario": dot.where,
        measure: float(dot.value),
        "lower": float(dot.lower),
        "upper": float(dot.upper),
        "n_used": dot.used,
        "n_total": dot.total,
        "reason": dot.reason,
    }
