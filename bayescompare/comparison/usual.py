"""Whether the user's own differences between estimators are such as a simulation from the fit gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.grouping import Array, Mask
from bayescompare.comparison.schema import TABLES
from bayescompare.engines.optima import marginal_ml

__all__ = ["ALIKE", "SAME", "differences"]

#: Differences that are all below so many typical ML standard errors say nothing but how far apart optimizers stop.
SAME = 0.01
#: Why such a difference is not ranked.
ALIKE = f"the two agree within {SAME} ML standard errors, in your data and in the simulated ones"
_FEWEST = 10
_TOO_FEW = f"fewer than {_FEWEST} data sets have a number of both"
_NO_OWN = "no difference in your own data"


def differences(own: pd.Series, estimates: pd.DataFrame, scale: Mapping[str, float]) -> pd.DataFrame:
    """Return where the observed difference of each estimator from a reference lies among the simulated ones.

    ``p`` is two-sided, of the rank of the observed among all N + 1 (Davison and Hinkley 1997, eq. 4.11). ``p_together``
    allows for the number of differences: the rank of the observed one's distance from the mean, in sds over
    all N + 1, among the largest such distance of each simulated data set (Westfall and Young 1993); its smallest
    over the rows is the probability of all of them together.

    Parameters
    ----------
    own
        Estimates from the user's data by estimator and parameter.
    estimates
        Of the simulation.
    scale
        Parameter to its typical ML standard error.

    Returns
    -------
    DataFrame
        With the columns of the table ``if_true_differences``; the reference is lbfgs-ml, else the first estimator.
    """
    labels, parameters = (list(dict.fromkeys(map(str, estimates[name]))) for name in ("estimator", "parameter"))
    if not labels:
        return pd.DataFrame(columns=list(TABLES["if_true_differences"]))
    reference = labels[marginal_ml(labels) or 0]
    wide = estimates.pivot_table("estimate", "replicate", ["estimator", "parameter"], dropna=False, sort=False)
    pairs = [(label, name) for name in parameters for label in labels if label != reference]
    rows = list(_differences(own, wide, reference, pairs, scale))
    _judge(rows)
    return pd.DataFrame([row for row, _ in rows], columns=list(TABLES["if_true_differences"]))


def _differences(
    own: pd.Series, wide: pd.DataFrame, reference: str, pairs: Sequence[tuple[str, str]], scale: Mapping[str, float]
) -> Iterator[tuple[dict[str, Any], Array]]:
    """Yield each difference with its simulated counterparts ``(N,)``; one that neither data have is left out."""
    nothing = pd.Series(np.nan, index=wide.index)
    for label, name in pairs:
        simulated = (wide.get((label, name), nothing) - wide.get((reference, name), nothing)).to_numpy(float)
        observed = float(own.get((label, name), np.nan)) - float(own.get((reference, name), np.nan))
        known = simulated[np.isfinite(simulated)]
        if not len(known) and not np.isfinite(observed):
            continue
        yield (
            {
                "estimator": label,
                "reference": reference,
                "parameter": name,
                "observed": observed,
                "mean": float(known.mean()) if len(known) else np.nan,
                "sd": float(known.std(ddof=1)) if len(known) > 1 else np.nan,
                "below": int((known < observed).sum()),
                "equal": int((known == observed).sum()),
                "p": np.nan,
                "p_together": np.nan,
                "n_used": len(known),
                "n_total": len(simulated),
                "reason": _reason(observed, known, scale.get(name, np.nan)),
            },
            simulated,
        )


def _reason(observed: float, known: Array, unit: float) -> str:
    """Say why a difference is not ranked, or nothing."""
    if not np.isfinite(observed):
        return _NO_OWN
    if len(known) < _FEWEST:
        return _TOO_FEW
    largest = max(abs(observed), float(np.quantile(np.abs(known), 0.975)))
    return ALIKE if largest < SAME * unit or largest == 0 else ""


def _judge(rows: Sequence[tuple[dict[str, Any], Array]]) -> None:
    """Fill in the probabilities of the differences that are ranked."""
    ranked = [(row, simulated) for row, simulated in rows if not row["reason"]]
    if not ranked:
        return
    values = np.array([np.append(simulated, row["observed"]) for row, simulated in ranked])
    for (row, _), mine in zip(ranked, values, strict=True):
        row["p"] = _two_sided(row["observed"], mine[np.isfinite(mine)])
    whole = np.isfinite(values).all(axis=0)
    for (row, _), p in zip(ranked, _together(values, whole), strict=True):
        row["p_together"] = p


def _two_sided(observed: float, every: Array) -> float:
    """Return twice the smaller share of all values, the observed among them, on either side of it."""
    low, high = float(np.mean(every <= observed)), float(np.mean(every >= observed))
    return min(1.0, 2 * min(low, high))


def _together(values: Array, whole: Mask) -> Array:
    """Return each observed difference's probability among the largest distances; NaN with few whole data sets."""
    if whole.sum() <= _FEWEST:
        return np.full(len(values), np.nan)
    kept = values[:, whole]
    spread = kept.std(axis=1, keepdims=True)
    away = np.abs(kept - kept.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, np.inf)
    largest = away.max(axis=0)
    return np.array([np.mean(largest >= one[-1]) for one in away])
