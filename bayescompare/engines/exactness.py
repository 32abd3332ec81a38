"""Draws held against the exact posterior, where quadrature finds it: right within their Monte Carlo error, or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from bayescompare.engines.base import status_of
from bayescompare.engines.quadrature.density import refusal
from bayescompare.engines.quadrature.integral import NoIntegralError, integrate
from bayescompare.errors import PriorError
from bayescompare.fits import Fit, Flag
from bayescompare.likelihood.problem import Problem
from bayescompare.marginal import Marginal

__all__ = ["FALSE_ALARMS", "LEVELS", "Share", "checked", "sentence", "shares", "wrong"]

Array = npt.NDArray[np.float64]

#: Probabilities below whose exact quantiles the draws are counted.
LEVELS = np.array([0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975])
#: Probability that any of the shares of a right sampler's draws is called wrong.
FALSE_ALARMS = 1e-4
# Effective sample sizes and Monte Carlo errors mean nothing of fewer draws.
_FEWEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The share of a parameter's draws below a value, and the exact probability.

    Parameters
    ----------
    size
        Effective sample size of the share.
    chance
        Probability of a share so far off, or farther, if the draws are from the exact posterior.
    """

    parameter: str
    value: float
    exact: float
    drawn: float
    size: float
    chance: float


def shares(fit: Fit, marginals: Sequence[Marginal]) -> list[Share]:
    """Return the shares of a fit's draws below exact quantiles, and below the valleys between exact modes."""
    if fit.draws is None or fit.draws.values.shape[1] < _FEWEST or not np.all(np.isfinite(fit.draws.values)):
        return []
    columns = np.moveaxis(fit.draws.values, -1, 0)
    return [
        share
        for label, exact, draws in zip(fit.layout.labels, marginals, columns, strict=True)
        for share in _of_parameter(label, exact, draws)
    ]


def _of_parameter(label: str, exact: Marginal, draws: Array) -> Iterator[Share]:
    from arviz_stats.base import array_stats

    values = np.concatenate([exact.quantile(LEVELS), exact.valleys()])
    below = (draws <= values[:, None, None]).astype(float)
    mixed = np.ptp(below, axis=(1, 2)) > 0
    # chains that are all on one side say nothing of how slowly they would cross
    sizes = np.full(len(values), float(array_stats.ess(draws, method="bulk")))
    if mixed.any():
        sizes[mixed] = array_stats.ess(below[mixed], method="mean")
    for value, p, drawn, size in zip(values, exact.cdf(values), below.mean(axis=(1, 2)), sizes, strict=True):
        size = min(float(size), float(draws.size))
        chance = _chance(float(drawn), float(p), size)
        yield Share(parameter=label, value=float(value), exact=float(p), drawn=float(drawn), size=size, chance=chance)


def _chance(drawn: float, p: float, size: float) -> float:
    """Return the two-sided probability of a share of so many independent draws, each below with probability ``p``.

    The binomial law with a count that need not be whole; the normal law is poor for a few draws in a tail.
    """
    count = drawn * size
    at_most = float(betainc(size - count, count + 1, 1 - p)) if count < size else 1.0
    at_least = float(betainc(count, size - count + 1, p)) if count > 0 else 1.0
    return min(1.0, 2 * min(at_most, at_least))


def wrong(found: Sequence[Share]) -> Share | None:
    """Return the share that is farthest from what Monte Carlo error allows, None where none is beyond it.

    Bonferroni: the level is divided by the number of shares.
    """
    if not found:
        return None
    worst = min(found, key=lambda share: (share.chance, -abs(share.drawn - share.exact)))
    return worst if worst.chance < FALSE_ALARMS / len(found) else None


def checked(fits: Sequence[Fit], problem: Problem) -> list[Fit]:
    """Return the fits of one problem, those with draws held against the exact posterior where there is one.

    Its marginals are in the fit's ``info`` under ``exact``. Draws that differ from it by more than their Monte Carlo
    error allows have the flag ``not_exact``.
    """
    drawn = [fit.draws is not None for fit in fits]
    marginals = _exact(fits, problem) if any(drawn) else ()
    if not marginals:
        return list(fits)
    return [_held(fit, marginals) if has_draws else fit for fit, has_draws in zip(fits, drawn, strict=True)]


def _exact(fits: Sequence[Fit], problem: Problem) -> tuple[Marginal, ...]:
    """Return the exact marginals: those of a fit that has them, or integrated; none where there are none."""
    known = next((fit.marginals for fit in fits if fit.marginals), ())
    if known or refusal(problem):
        return known
    try:
        return integrate(problem).marginals
    except (NoIntegralError, PriorError):
        return ()


def _held(fit: Fit, marginals: tuple[Marginal, ...]) -> Fit:
    fit = replace(fit, info={**fit.info, "exact": marginals})
    off = wrong(shares(fit, marginals))
    if off is None:
        return fit
    flags = (*fit.flags, Flag.NOT_EXACT)
    message = "; ".join(filter(None, (fit.message, sentence(off))))
    return replace(fit, flags=flags, status=status_of(flags, fit.status), message=message)


def sentence(off: Share) -> str:
    """Say what is wrong with draws."""
    where = f"below {off.parameter} = {off.value:.4g}"
    return f"quadrature puts {off.exact:.1%} {where}, these draws put {off.drawn:.1%} there"
