"""What a comparison found: tables, measures, verdicts and trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bayescompare.comparison.calibration import calibration
from bayescompare.comparison.decomposition import Decomposition, decomposition
from bayescompare.comparison.detectors import detectors
from bayescompare.comparison.headline import headline
from bayescompare.comparison.measures import measures, measures_past_the_gate, recovery_measures
from bayescompare.comparison.paired import paired_differences
from bayescompare.comparison.performance import performance
from bayescompare.comparison.records import Record
from bayescompare.comparison.rows import row_of, table_of
from bayescompare.comparison.schema import TABLES
from bayescompare.comparison.summary import summary_table
from bayescompare.comparison.tables import tables
from bayescompare.comparison.verdicts import Contrast, summarise, verdicts

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Results", "results_of", "results_of_rows"]


@dataclass(frozen=True, kw_only=True)
class Results:
    """The outcome of a comparison, in memory or read from a store.

    Parameters
    ----------
    tables
        Long tables by name; see `bayescompare.comparison.schema.TABLES`.
    about
        What was run: ``title``, ``kind`` (``fit`` or ``study``), ``scenarios``, ``priors``,
        ``versions``, ``seed``, ``seconds``, ...
    contrasts
        Pairs of scenarios that differ in one thing.
    trees
        (scenario, replicate) to the ArviZ tree of its posterior, where draws were kept.
    """

    tables: Mapping[str, pd.DataFrame]
    about: Mapping[str, Any] = field(default_factory=dict)
    contrasts: tuple[Contrast, ...] = ()
    trees: Mapping[tuple[str, int], xr.DataTree] = field(default_factory=dict)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Parameter by estimator: estimate, interval, position in the posterior, truth, flags in words."""
        return summary_table(self.tables)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Bias, coverage and the like with Monte Carlo standard errors; empty without a truth."""
        return measures(self.tables)

    @property
    def factors(self) -> dict[str, dict[str, Any]]:
        """Scenario -> factor of the study's grid -> value."""
        return {one["name"]: dict(one.get("factors", {})) for one in self.about.get("scenarios", ())}

    @cached_property
    def performance(self) -> pd.DataFrame:
        """Every measure in every reading; see `bayescompare.comparison.performance`."""
        return performance(self.tables, factors=self.factors, reading=None)

    @cached_property
    def measures_past_the_gate(self) -> pd.DataFrame:
        """The same without the fits that failed the convergence gate, where there are such fits."""
        return measures_past_the_gate(self.tables)

    @cached_property
    def recovery(self) -> pd.DataFrame:
        """How well the random effects are recovered."""
        return recovery_measures(self.tables["recovery"])

    @cached_property
    def decomposition(self) -> Decomposition:
        """The errors in parts: optimizer and stopping, objective, sampling; see `decomposition.decomposition`."""
        return decomposition(self.tables)

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """Whether truths drawn from the priors lie where the fits say; see `calibration.calibration`."""
        return calibration(self.tables)

    @cached_property
    def detectors(self) -> pd.DataFrame:
        """What Adam fits say of themselves against the known gap, all scenarios together; see `detectors.detectors`."""
        return detectors(self.tables)

    @cached_property
    def headline(self) -> pd.DataFrame:
        """The answer in a row an estimator and aspect, each at its worst; see `headline.headline`."""
        return headline(self.verdicts, self.decomposition, self.tables)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """A row per claim, objective and scenario; see `bayescompare.comparison.verdicts`."""
        return verdicts(self.tables, self.contrasts)

    @cached_property
    def verdict_summary(self) -> pd.DataFrame:
        """A row per claim and objective."""
        return summarise(self.verdicts)

    def paired(self, reference: str = "lbfgs-ml", *, reading: str = "all") -> pd.DataFrame:
        """Return paired differences of the estimators from a reference; see `paired.paired_differences`."""
        return paired_differences(self.tables, reference, reading=reading)

    @property
    def tree(self) -> xr.DataTree | None:
        """The ArviZ tree of the first posterior that was kept, or None."""
        return next(iter(self.trees.values()), None)

    @property
    def failed(self) -> int:
        """Number of fits that have no estimate because something went wrong."""
        return int(self.tables["fits"]["status"].isin(["failed", "timeout", "worker_died"]).sum())


def results_of(
    records: Sequence[Record],
    *,
    levels: Sequence[float] = (0.95,),
    kinds: Sequence[str] | None = None,
    random_effects: bool = True,
    **facts: Any,
) -> Results:
    """Return the results of records.

    Parameters
    ----------
    levels, kinds, random_effects
        As `rows.row_of` takes them.
    **facts
        As `results_of_rows` takes them.
    """
    rows = (row_of(record, levels=levels, kinds=kinds, random_effects=random_effects) for record in records)
    return results_of_rows(table_of(rows), **facts)


def results_of_rows(
    rows: pa.Table,
    *,
    optima: Sequence[Mapping[str, Any]] = (),
    about: Mapping[str, Any] | None = None,
    contrasts: Sequence[Contrast] = (),
    trees: Mapping[tuple[str, int], xr.DataTree] | None = None,
) -> Results:
    """Return the results of rows; the other parameters are those of `Results`, and the rows of ``optima``."""
    surfaces = pd.DataFrame(list(optima), columns=list(TABLES["optima"])).astype({"distinct": np.int64})
    made = {**tables(rows), "optima": surfaces}
    return Results(tables=made, about=about or {}, contrasts=tuple(contrasts), trees=trees or {})
