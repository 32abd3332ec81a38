"""The table that a person reads: parameter by estimator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

__all__ = ["summary_table"]

_KEY = ["scenario", "replicate", "estimator"]


def summary_table(tables: Mapping[str, pd.DataFrame], replicate: int = 0, level: float | None = None) -> pd.DataFrame:
    """Return estimate, interval, posterior position, truth and flags, parameter by estimator.

    Parameters
    ----------
    replicate
        Which data set of each scenario to show.
    level
        Level of the interval; the first in the table where None. Of several kinds the first is shown: of draws
        their ETI, of a point estimate its Wald interval where no others were asked for.
    """
    estimates = tables["estimates"]
    chosen = estimates[estimates["replicate"] == replicate]
    kept = tables["intervals"]
    kept = kept[kept["kind"] != "hdi"]
    if len(kept):
        kept = kept[kept["level"] == (kept["level"].iloc[0] if level is None else level)]
    interval = kept[[*_KEY, "parameter", "kind", "lower", "upper"]].drop_duplicates([*_KEY, "parameter"])
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
        "scenario", "replicate", "parameter", "estimator", "estimate", "se", "kind", "lower", "upper",
        "quantile", "z", "hdi_level", "truth", "estimand", "reason", "status", "flags",
    ]  # fmt: skip
    ranked = merged.assign(rank=merged["parameter"].map(order)).sort_values(["scenario", "rank"], kind="stable")
    ranked["flags"] = ranked["flags"].apply(lambda found: list(found) if isinstance(found, list | np.ndarray) else [])
    return ranked[columns].reset_index(drop=True)
