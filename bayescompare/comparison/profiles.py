"""The profiles of one data set as a table: the curves behind intervals of the kind ``profile``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from bayescompare.comparison.schema import TABLES
from bayescompare.fits import Fit
from bayescompare.intervals.profile.basis import Profiles

__all__ = ["profile_table"]


def profile_table(scenario: str, fits: Sequence[Fit]) -> pd.DataFrame:
    """Return a row a node of each profile that the fits carry; the columns are those of the table ``profiles``."""
    frames = list(_frames(scenario, fits))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(TABLES["profiles"]))


def _frames(scenario: str, fits: Sequence[Fit]) -> Iterator[pd.DataFrame]:
    for fit in fits:
        basis = fit.bases.get("profile")
        for curve in basis.curves if isinstance(basis, Profiles) else ():
            if curve is not None:
                rows = {"value": curve.values, "zeta": curve.zeta, "deviance": curve.deviance}
                named = {"scenario": scenario, "estimator": fit.estimator, "parameter": curve.parameter}
                yield pd.DataFrame(named | rows)[list(TABLES["profiles"])]
