"""The integral of a posterior density, by two rules, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.quadrature.density import Density
from bayescompare.engines.quadrature.grid import adapted, refined
from bayescompare.engines.quadrature.modes import Mode, find_modes
from bayescompare.engines.quadrature.posterior import Posterior
from bayescompare.engines.quadrature.tails import Rates, rates
from bayescompare.fits import Status
from bayescompare.likelihood.problem import Problem
from bayescompare.marginal import Marginal

__all__ = ["Integral", "NoIntegralError", "integrate"]

Array = npt.NDArray[np.float64]

# Share of the scale of the data at which a residual sd is rounding.
_ROUNDING = 1e-10
# Difference of the two rules, in posterior sds or as a probability, from which on neither is believed.
_TOO_FAR = 1e-3
_CHECKED = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


class NoIntegralError(Exception):
    """There is no posterior, or it was not found.

    Attributes
    ----------
    status
        Of the fit: not applicable where there is none.
    """

    def __init__(self, reason: str, status: Status) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Integral:
    """What was integrated.

    Parameters
    ----------
    marginals : (k,)
        In the layout's order.
    posterior
        All of them together, and the evidence.
    error
        Largest difference of the two rules: of means and log sds in posterior sds, and of probabilities.
    evaluations
        Points of both rules.
    """

    marginals: tuple[Marginal, ...]
    posterior: Posterior
    error: float
    evaluations: int


def integrate(problem: Problem) -> Integral:
    """Return the posterior of a problem that `density.refusal` has nothing against.

    Raises
    ------
    NoIntegralError
        If the posterior is improper, or could not be integrated.
    PriorError
        If a prior's density is not a number.
    """
    density = Density.of(problem)
    tails = rates(density)
    _check_proper(tails, problem)
    modes = find_modes(density, problem)
    if not modes:
        raise NoIntegralError(
            "no point was found where the posterior density is above zero: "
            f"priors {density.of_sd!r} of the sd and {density.of_sigma!r} of sigma",
            Status.FAILED,
        )
    _check_residual(modes[0], problem)
    coarse = adapted(density, modes)
    rough = Posterior(density=density, grid=coarse, rates=tails)
    _check_whole(rough)
    fine = Posterior(density=density, grid=refined(density, coarse), rates=tails)
    error = _difference(fine, rough) if 0 < fine.whole < np.inf and rough.whole > 0 else np.inf
    if not error < _TOO_FAR:
        raise NoIntegralError(f"two rules of integration differ by {error:.2g}: neither is believed", Status.FAILED)
    return Integral(
        # a mixture of all points is dear: of those of the coarser rule, which is as good to that error
        marginals=(*rough.fixed_effects(fine.fixed_moments), fine.sd, fine.sigma),
        posterior=fine,
        error=error,
        evaluations=coarse.heights.size + fine.grid.heights.size,
    )


def _check_proper(tails: Rates, problem: Problem) -> None:
    """Refuse a posterior that does not fall off where an sd is large."""
    layout = problem.layout
    for label, rate in ((layout.labels[layout.sd.start], tails.sd), ("sigma", tails.sigma)):
        if rate <= 0:
            raise NoIntegralError(
                f"the posterior is improper: it does not fall off as {label} grows, since the priors do not, "
                f"{len(layout.levels)} groups are too few for the fixed effects of whole groups, or there are "
                "too few rows; set proper priors",
                Status.NOT_APPLICABLE,
            )


def _check_residual(mode: Mode, problem: Problem) -> None:
    """Refuse a posterior whose residual sd is rounding: rows that are fitted exactly."""
    if np.exp(mode.at[1]) < _ROUNDING * problem.products.scale:
        raise NoIntegralError(
            "the density of the posterior grows without bound as sigma goes to 0: the rows of each group are fitted "
            "exactly",
            Status.NOT_APPLICABLE,
        )


def _check_whole(posterior: Posterior) -> None:
    """Refuse a posterior that does not fall off at an end of the grid."""
    if not np.isfinite(posterior.whole):
        raise NoIntegralError(
            "the posterior is improper: its density does not fall off as an sd goes to 0, or grows; set proper priors",
            Status.NOT_APPLICABLE,
        )


def _difference(fine: Posterior, rough: Posterior) -> float:
    """Return the largest difference between two rules' means, sds and probabilities."""
    found = [abs(np.log(rough.whole / fine.whole) + rough.grid.top - fine.grid.top)]
    for one, other in ((fine.sd, rough.sd), (fine.sigma, rough.sigma)):
        found += [abs(one.mean - other.mean) / one.sd, abs(np.log(one.sd / other.sd))]
        found += list(np.abs(other.cdf(one.quantile(_CHECKED)) - _CHECKED))
    (means, sds), (other_means, other_sds) = fine.fixed_moments, rough.fixed_moments
    found += [*(np.abs(means - other_means) / sds), *np.abs(np.log(sds / other_sds))]
    return float(np.nanmax(found))
