"""The sampler's draws beside the exact posterior of one's own data, where quadrature finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescompare.fits import Flag
from bayescompare.reporting.draws import labelled_draws
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.exact import exact_panel
from bayescompare.reporting.formats import number, signed, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.subject import Subject

__all__ = ["Exact", "exact"]

_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Densities, a table and a sentence.

    Parameters
    ----------
    verdicts
        A sentence on each estimator with draws.
    """

    densities: Sequence[Drawing]
    table: Grid | None
    verdicts: Sequence[str]


def exact(subject: Subject) -> Exact | None:
    """Return what the exact posterior says of the draws; None where it is not known."""
    curves = subject.table("densities")
    if not len(curves):
        return None
    rows = subject.table("exact")
    return Exact(
        densities=_densities(subject, curves),
        table=_table(rows) if len(rows) else None,
        verdicts=[_verdict(subject, str(label), group) for label, group in rows.groupby("estimator", sort=False)],
    )


def _densities(subject: Subject, curves: pd.DataFrame) -> list[Drawing]:
    (scenario,) = subject.scenarios
    draws = labelled_draws(subject.tree(scenario.name), scenario.parameters)
    panels = []
    for k, (parameter, rows) in enumerate(curves.groupby("parameter", sort=False)):
        drawn = draws[str(parameter)].values.ravel() if parameter in draws else None
        usable = drawn is not None and bool(np.all(np.isfinite(drawn)))
        at, density = rows["value"].to_numpy(float), rows["density"].to_numpy(float)
        panels.append(exact_panel(f"exact{k}", str(parameter), at, density, drawn if usable else None))
    return panels


def _table(rows: pd.DataFrame) -> Grid:
    several = rows["estimator"].nunique() > 1
    columns = [
        *([Column("estimator", numeric=False)] if several else []),
        Column("parameter", numeric=False),
        Column("quantity", numeric=False),
        Column("exact", "by quadrature"),
        Column("of the draws"),
        Column("MCSE", "Monte Carlo standard error of the number from the draws"),
        Column("difference, MCSE", "the draws' less the exact one, in Monte Carlo standard errors"),
    ]
    body = [
        [
            *([text(row["estimator"], kind="estimator")] if several else []),
            text(row["parameter"], kind="code"),
            text(row["quantity"]),
            number(row["exact"], row["mcse"], reason=row["reason"]),
            number(row["drawn"], row["mcse"]),
            number(row["mcse"], reason=row["reason"], digits=2),
            number(row["errors"], reason=row["reason"], digits=2),
        ]
        for row in rows.to_dict("records")
    ]
    return grid("exact", "Draws beside the exact posterior", columns, body)


def _verdict(subject: Subject, label: str, rows: pd.DataFrame) -> str:
    """Say whether the draws of an estimator are the exact posterior's, within their Monte Carlo error."""
    fits = subject.table("fits")
    flagged = any(Flag.NOT_EXACT in flags for flags in fits.loc[fits["estimator"] == label, "flags"])
    known = rows[np.isfinite(rows["errors"].to_numpy(float))]
    if not len(known):
        return f"{label}: its draws have no Monte Carlo errors, so that nothing can be said of them."
    worst = known.loc[known["errors"].abs().idxmax()]
    away = f"{abs(worst['errors']):.1f} Monte Carlo standard errors for the {worst['quantity']} of {worst['parameter']}"
    if flagged:
        return signed(f"{label} is wrong beyond its Monte Carlo error: it is off by {away}.")
    within = f"{label} is as near to the exact posterior as its draws allow"
    return signed(f"{within}: the farthest of {len(known)} numbers is off by {away}.")
