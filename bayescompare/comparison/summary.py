"""The table that a person reads: parameter by estimator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

__all__ = ["summary_table"]

_KEY = ["scenario", "replicate", "estimator"]


def summary_table(
    tables: Mapping[str, pd.DataFrame], replicate: int = 0, level: float | None = None, *, every: bool = False
) -> pd.DataFrame:
    """Return estimate, interval, posterior position, truth and flags, parameter by estimator.

    Parameters
    ----------
    replicate
        Which data set of each scenario to show.
    level
        Level of the interval; the first in the table where None.
    every
        A row for each kind of interval. Otherwise one: of several kinds the first that has bounds, which is the ETI
        of draws, and the Wald interval of a point estimate where it has one.
    """
    estimates = tables["estimates"]
    chosen = estimates[estimates["replicate"] == replicate]
    kept = tables["intervals"]
    if len(kept):
        kept = kept[kept["level"] == (kept["level"].iloc[0] if level is None else level)]
    interval = kept[[*_KEY, "parameter", "kind", "lower", "upper"]].assign(because=kept["reason"])
    if not every:
        # stable: those that have bounds come first, in their order
        interval = interval.sort_values("lower", key=pd.isna, kind="stable").drop_duplicates([*_KEY, "parameter"])
    position = tables["agreement"].drop_duplicates([*_KEY, "parameter"])[
        [*_KEY, "parameter", "quantile", "z", "hdi_level"]
    ]
    flags = tables["fits"][[*_KEY, "status", "flags"]]
    merged = (
        chosen.merge(interval, on=[*_KEY, "parameter"], how="left")
        .merge(position, on=[*_KEY, "parameter"], how="left")
        .merge(flags, on=_KEY, how="left")
    )
    order = {label: k for k, label in enumerate(dict.fromkeys(merged["parameter"]))}
    columns = [
        "scenario", "replicate", "parameter", "estimator", "estimate", "se", "kind", "lower", "upper", "because",
        "quantile", "z", "hdi_level", "truth", "estimand", "reason", "status", "flags",
    ]  # fmt: skip
    ranked = merged.assign(rank=merged["parameter"].map(order)).sort_values(["scenario", "rank"], kind="stable")
    ranked["flags"] = ranked["flags"].apply(lambda found: list(found) if isinstance(found, list | np.ndarray) else [])
    return ranked[columns].reset_index(drop=True)
