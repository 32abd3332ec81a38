"""Draws of one data set beside the exact posterior, where quadrature finds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.schema import TABLES
from bayescompare.engines.exactness import shares, wrong
from bayescompare.fits import Fit
from bayescompare.marginal import Marginal

__all__ = ["exact_tables"]

Array = npt.NDArray[np.float64]

_QUANTILES = {"2.5 %": 0.025, "50 %": 0.5, "97.5 %": 0.975}
_NO_MOMENT = "the exact posterior has no such moment"
_NO_ERROR = "no Monte Carlo error: the draws are too few, constant or not finite"


def exact_tables(scenario: str, fits: Sequence[Fit]) -> dict[str, pd.DataFrame]:
    """Return the tables ``exact`` and ``densities``; nothing where no posterior was integrated.

    Quantities are the mean, the sd, quantiles, and the share below the value where draws and posterior differ most
    for their Monte Carlo error, if that is more than it allows. Monte Carlo standard errors are ArviZ's (Vehtari
    et al. 2021); those of shares are of as many independent draws as the effective sample size.
    """
    known = next((found for fit in fits if (found := fit.marginals or fit.info.get("exact", ()))), ())
    if not known:
        return {}
    rows = [{"scenario": scenario, **row} for fit in fits for row in _rows(fit, known)]
    curves = [
        pd.DataFrame({"scenario": scenario, "parameter": label, "value": x, "density": d})
        for label, one in zip(fits[0].layout.labels, known, strict=True)
        for x, d in [one.sketch()]
    ]
    return {
        "exact": pd.DataFrame(rows, columns=list(TABLES["exact"])),
        "densities": pd.concat(curves, ignore_index=True)[list(TABLES["densities"])],
    }


def _rows(fit: Fit, exact: Sequence[Marginal]) -> Iterator[dict[str, Any]]:
    if fit.draws is None:
        return
    for k, (label, one) in enumerate(zip(fit.layout.labels, exact, strict=True)):
        for row in _of_parameter(one, fit.draws.values[..., k]):
            yield {"estimator": fit.estimator, "parameter": label, **row}
    off = wrong(shares(fit, exact))
    if off is not None:
        error = float(np.sqrt(off.exact * (1 - off.exact) / off.size))
        found = _row(f"share below {off.value:.4g}", off.exact, off.drawn, error)
        yield {"estimator": fit.estimator, "parameter": off.parameter, **found}


def _of_parameter(exact: Marginal, draws: Array) -> Iterator[dict[str, Any]]:
    """Yield the rows of one parameter's draws ``(chains, draws)``."""
    from arviz_stats.base import array_stats

    def mcse(**what: Any) -> float:
        usable = draws.shape[1] >= 8 and np.all(np.isfinite(draws)) and np.ptp(draws) > 0
        return float(array_stats.mcse(draws, **what)) if usable else np.nan

    yield _row("mean", exact.mean, float(draws.mean()), mcse(method="mean"))
    yield _row("sd", exact.sd, float(draws.std(ddof=1)), mcse(method="sd"))
    for name, p in _QUANTILES.items():
        drawn = float(np.quantile(draws, p))
        yield _row(name, float(exact.quantile(p)), drawn, mcse(method="quantile", prob=p))


def _row(quantity: str, exact: float, drawn: float, mcse: float) -> dict[str, Any]:
    usable = np.isfinite(mcse) and mcse > 0
    reason = _NO_MOMENT if np.isnan(exact) else "" if usable else _NO_ERROR
    return {
        "quantity": quantity,
        "exact": exact,
        "drawn": drawn,
        "mcse": mcse,
        "errors": (drawn - exact) / mcse if usable else np.nan,
        "reason": reason,
    }
