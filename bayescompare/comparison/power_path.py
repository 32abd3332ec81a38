"""A posterior at other powers of its priors, by weighting its draws, and where it meets point estimates.

The posterior under ``prior^alpha`` is the one at hand with weights ``prior^(alpha - 1)``, smoothed by PSIS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.records import same_estimand
from bayescompare.fits import Fit
from bayescompare.likelihood.log_prior import log_priors
from bayescompare.likelihood.problem import Problem

__all__ = ["crossings", "power_path"]

Array = npt.NDArray[np.float64]

# Base-2 logarithms of the powers that are looked at.
_POWERS = np.linspace(-3.0, 3.0, 97)
_MIDDLE = len(_POWERS) // 2
_ENDS = (0.025, 0.975)


def power_path(problem: Problem, fit: Fit) -> Iterator[dict[str, Any]]:
    """Yield mean and interval of each parameter at each power of the priors, as far as the weights allow.

    Powers go from 1/8 to 8 by 2^(1/16). To each side of 1 the path ends where the Pareto k of the weights is above
    ``min(1 - 1 / log10(S), 0.7)`` for ``S`` draws (Vehtari et al. 2024, J. Mach. Learn. Res. 25(72), section 3.2.4).
    """
    assert fit.draws is not None
    values = fit.draws.values
    log_prior = sum(each.reshape(*values.shape[:2], -1).sum(axis=-1) for each in log_priors(problem, values).values())
    efficiency = _efficiency(values)
    for step in _usable(np.asarray(log_prior)):
        for k, label in enumerate(fit.layout.labels):
            yield {"parameter": label, **_at_power(step, values[..., k].ravel(), efficiency[k])}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """Normalised weights ``(S,)`` of the draws at a power, and the Pareto k before they were smoothed."""

    power: float
    weights: Array
    pareto_k: float


def _usable(log_prior: Array) -> list[_Step]:
    """Return the steps of the path that the weights allow, by ascending power."""
    limit = min(1 - 1 / np.log10(log_prior.size), 0.7)
    steps = {_MIDDLE: _step(log_prior, _POWERS[_MIDDLE])}
    for side in (range(_MIDDLE - 1, -1, -1), range(_MIDDLE + 1, len(_POWERS))):
        for place in side:
            step = _step(log_prior, _POWERS[place])
            # weights that are all alike have no tail, and a k that is not a number
            if step.pareto_k > limit:
                break
            steps[place] = step
    return [steps[place] for place in sorted(steps)]


def _step(log_prior: Array, log_power: float) -> _Step:
    ratios = (2.0**log_power - 1) * log_prior.ravel()
    smoothed, k = _smoothed(ratios)
    weights = np.exp(smoothed - smoothed.max())
    return _Step(power=2.0**log_power, weights=weights / weights.sum(), pareto_k=k)


def _smoothed(ratios: Array) -> tuple[Array, float]:
    """Return log ratios smoothed by PSIS and their Pareto k; as they are, without a k, where the largest are alike."""
    from arviz_stats.base import array_stats

    try:
        smoothed, k = array_stats.psislw(-ratios)
    except ValueError:
        return ratios, float("nan")
    return np.asarray(smoothed), float(k)


def _efficiency(values: Array) -> Array:
    """Return effective over actual draws of the mean of each parameter."""
    from arviz_stats.base import array_stats

    ess = array_stats.ess(np.moveaxis(values, -1, 0), method="mean")
    return np.asarray(ess) / (values.shape[0] * values.shape[1])


def _at_power(step: _Step, values: Array, efficiency: float) -> dict[str, float]:
    """Return mean and interval of weighted draws ``(S,)``.

    The error is that of a ratio of weighted sums (Owen 2013, Monte Carlo theory, equation 9.9), as large again as the
    chains' autocorrelation makes it.
    """
    mean = float(step.weights @ values)
    variance = float(np.sum((step.weights * (values - mean)) ** 2))
    order = np.argsort(values)
    reached = np.searchsorted(np.cumsum(step.weights[order]), _ENDS)
    lower, upper = values[order][np.minimum(reached, len(values) - 1)]
    return {
        "alpha": step.power,
        "mean": mean,
        "mcse": float(np.sqrt(variance / min(efficiency, 1.0))),
        "lower": float(lower),
        "upper": float(upper),
        "pareto_k": step.pareto_k,
    }


def crossings(path: pd.DataFrame, point: Fit) -> Iterator[dict[str, Any]]:
    """Yield for each parameter of a path the power nearest to 1 at which its mean is a point estimate."""
    for label, rows in path.groupby("parameter", sort=False):
        k = point.layout.index(str(label))
        value = float(point.estimate[k])
        ends = {"lowest": float(rows["alpha"].min()), "highest": float(rows["alpha"].max())}
        row = {"parameter": label, "target": point.estimator, "value": value, **ends}
        if point.estimand[k] and not len(same_estimand(pd.DataFrame({"estimand": [point.estimand[k]]}))):
            yield row | _no_crossing(f"it estimates {point.estimand[k]}")
        elif not np.isfinite(value):
            yield row | _no_crossing(point.reason[k] or "there is no estimate")
        else:
            yield row | _crossing(rows, value)


def _no_crossing(reason: str) -> dict[str, Any]:
    return {"alpha": np.nan, "log2_mcse": np.nan, "reason": reason}


def _crossing(rows: pd.DataFrame, value: float) -> dict[str, Any]:
    """Return where a path of means, linear between its powers, is nearest to 1 at a value."""
    x, away = np.log2(rows["alpha"].to_numpy()), rows["mean"].to_numpy() - value
    change = np.flatnonzero(np.sign(away[:-1]) * np.sign(away[1:]) <= 0)
    change = change[away[change] != away[change + 1]]
    if not len(change):
        return _no_crossing(_why_none(rows))
    slopes = (away[change + 1] - away[change]) / np.diff(x)[change]
    at = x[change] - away[change] / slopes
    nearest = int(np.argmin(np.abs(at)))
    error = float(np.interp(at[nearest], x, rows["mcse"].to_numpy())) / abs(slopes[nearest])
    return {"alpha": float(2.0 ** at[nearest]), "log2_mcse": error, "reason": ""}


def _why_none(rows: pd.DataFrame) -> str:
    """Say in which powers there is no crossing, and why no others were looked at."""
    low, high = float(rows["alpha"].min()), float(rows["alpha"].max())
    if np.ptp(rows["mean"]) == 0:
        return "the prior is constant over the posterior: no power of it moves the posterior"
    stopped = [side for side, end, is_it in (("below", low, low > 0.1251), ("above", high, high < 7.999)) if is_it]
    why = f" ({' and '.join(stopped)} them the weights are too uneven: Pareto k)" if stopped else ""
    return f"no power within [{low:.3g}, {high:.3g}] crosses it{why}"
