"""What is drawn of estimators as rows: lanes, dots over scenarios, bars in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bayescompare.reporting.figures.lanes import Lane
from bayescompare.reporting.figures.series import Dot, Series
from bayescompare.reporting.figures.sheet import Row
from bayescompare.reporting.palette import Look

__all__ = ["of_dot", "of_lanes", "of_series"]


def of_lanes(lanes: Sequence[Lane], value: str, name: str = "variant", **same: object) -> Iterator[Row]:
    """Yield the number of each lane with its interval and, where it has one, its denominator.

    Parameters
    ----------
    value
        What the column of the numbers is called.
    name
        What the column of the lanes' names is called, where these are not the estimator's.
    same
        Columns that are the same for all.
    """
    for lane in lanes:
        own = (lane.title, lane.subtitle) == (lane.look.name, lane.look.settings)
        counted = {} if lane.total is None else {"n_used": lane.used, "n_total": lane.total}
        yield {
            **same,
            "estimator": lane.look.label,
            name: "" if own else " ".join(part for part in (lane.title, lane.subtitle) if part),
            value: float(lane.value),
            "lower": float(lane.lower),
            "upper": float(lane.upper),
            **counted,
            "reason": "" if np.isfinite(lane.value) else lane.note.strip(),
        }


def of_series(series: Sequence[Series], measure: str, of: str) -> Iterator[Row]:
    """Yield the number of each estimator and scenario, with its Monte Carlo interval and denominator.

    Parameters
    ----------
    of
        The parameter, or what else is measured.
    """
    for one in series:
        for dot in one.dots:
            if dot is not None:
                yield {"of": of, **of_dot(one.look, dot, measure)}


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
