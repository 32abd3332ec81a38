"""A page on the priors of one's own data, before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bayescompare.comparison.prior_predictive import PriorPredictive
from bayescompare.reporting.figures.against import IMPLIED, STATISTIC, against_panel
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.fan import fan_panel
from bayescompare.reporting.figures.guide import Guide
from bayescompare.reporting.formats import Value, count, number, text, whole
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.priors import reasons_grid

__all__ = ["PriorPage", "prior_page"]

#: Draws below which there is no histogram.
_FEWEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorPage:
    """Everything that the page shows."""

    title: str
    subtitle: str
    reasons: Grid
    missing: Sequence[str]
    fans: Sequence[Drawing]
    statistics: Sequence[Drawing]
    implied: Sequence[Drawing]
    quantiles: Grid


def prior_page(found: PriorPredictive) -> PriorPage:
    """Return what the page shows of the priors of a model and its data."""
    problem = found.problem
    return PriorPage(
        title=f"Priors of {problem.response} in {problem.dataset}",
        subtitle="; ".join(
            part
            for part in (
                problem.model.formula,
                problem.model.reference_text,
                f"set {problem.model.prior_set}",
                f"{whole(len(found.values))} draws",
            )
            if part
        ),
        reasons=reasons_grid(
            {label: repr(prior) for label, prior in problem.priors.labels().items()}, dict(problem.priors.why)
        ),
        missing=[f"{label}: {why}" for label, why in found.missing.items()],
        fans=[
            fan_panel(f"fan{k}", name, fan.shares, fan.bands, fan.observed)
            for k, (name, fan) in enumerate(found.fans.items())
        ],
        statistics=list(_histograms(found, STATISTIC, ("response",))),
        implied=list(_histograms(found, IMPLIED, ("parameter", "implied"))),
        quantiles=_quantiles(found),
    )


def _histograms(found: PriorPredictive, guide: Guide, kinds: Sequence[str]) -> Iterator[Drawing]:
    """Yield the distribution of each quantity of some kinds that has enough finite draws."""
    drawn = dict(zip(found.problem.layout.labels, found.values.T, strict=True)) | dict(found.quantities)
    rows = found.table[found.table["kind"].isin(kinds)]
    for k, row in enumerate(rows.itertuples()):
        values = drawn.get(str(row.quantity), np.array([]))
        values = values[np.isfinite(values)]
        if len(values) >= _FEWEST:
            yield against_panel(f"{kinds[0]}{k}", guide, str(row.quantity), values, float(row.value), str(row.against))


def _quantiles(found: PriorPredictive) -> Grid:
    columns = [
        Column("quantity", numeric=False),
        Column("2.5 %"),
        Column("50 %"),
        Column("97.5 %"),
        Column("value"),
        Column("which", numeric=False),
        Column("p", "share of the draws below the value"),
        Column("draws", "used, of those made"),
    ]
    rows = [_row(row) for row in found.table.to_dict("records")]
    return grid("quantiles", "Quantiles of the draws, and where the data lie among them", columns, rows)


def _row(row: dict[str, object]) -> list[Value]:
    numbers = {name: float(str(row[name])) for name in ("lower", "median", "upper", "value", "p", "p_mcse")}
    reason = str(row["reason"])
    return [
        text(row["quantity"], kind="code" if row["kind"] == "parameter" else "text"),
        *(number(numbers[name], reason=reason) for name in ("lower", "median", "upper")),
        number(numbers["value"], reason="the likelihood has no maximum"),
        text(row["against"]),
        number(numbers["p"], numbers["p_mcse"], reason, tail=f"MCSE {numbers['p_mcse']:.1g}"),
        Value(count(float(str(row["n_used"])), float(str(row["n_total"]))), str(row["n_used"])),
    ]
