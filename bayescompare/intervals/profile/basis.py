"""The interval kinds ``profile`` and ``lr``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import Engine
from bayescompare.fits import Basis, Fit
from bayescompare.intervals.profile.curve import Profile, cutoff
from bayescompare.intervals.profile.make import make_profile, obstacle
from bayescompare.intervals.profile.refine import QUICK
from bayescompare.likelihood.problem import Problem

__all__ = ["Profiles", "at_bounds", "every_profile", "restricted"]

Array = npt.NDArray[np.float64]

# An sd, in residual sds, that rounding keeps off zero where another one is there.
_ZERO = 1e-12
_RESTRICTED = {"ML mode": False, "REML mode": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles(Basis):
    """The profiles of a fit's parameters.

    Parameters
    ----------
    curves : (k,)
        In the layout's order; None where there is none.
    without : (k,)
        Why there is none.
    """

    curves: tuple[Profile | None, ...]
    without: tuple[str, ...]

    def bounds(self, level: float) -> Array:
        """Return ``(k, 2)`` bounds; NaN at levels beyond that to which the profiles were followed."""
        nothing = (np.nan, np.nan)
        return np.array([nothing if curve is None else curve.at(cutoff(level)) for curve in self.curves])

    @property
    def reason(self) -> tuple[str, ...]:
        """Why there is none, or what the ends are."""
        return tuple(
            why if curve is None else "; ".join(curve.reasons)
            for curve, why in zip(self.curves, self.without, strict=True)
        )


def restricted(fit: Fit, engine: Engine) -> bool | None:
    """Return whether a fit maximises the restricted likelihood or the full one; None where it does neither.

    A fit by Adam ends beside an optimum and not at it.
    """
    if fit.draws is not None or engine.engine == "adam" or len(set(fit.estimand)) != 1:
        return None
    return _RESTRICTED.get(fit.estimand[0])


def every_profile(problem: Problem, fit: Fit, engine: Engine, seed: np.random.SeedSequence) -> Profiles | None:
    """Return the profile of every parameter that has one."""
    reml = restricted(fit, engine)
    if reml is None:
        return None
    without = tuple(obstacle(problem, fit, k, reml=reml) for k in range(fit.layout.size))
    curves = tuple(None if why else make_profile(problem, fit, k, reml=reml) for k, why in enumerate(without))
    return Profiles(curves=curves, without=without)


def at_bounds(problem: Problem, fit: Fit, engine: Engine, seed: np.random.SeedSequence) -> Profiles | None:
    """Return the profiles of the variance parameters that the fit has at their bounds, where there are any."""
    reml, layout = restricted(fit, engine), fit.layout
    bounded = np.zeros(layout.size, dtype=bool)
    bounded[layout.sd] = fit.estimate[layout.sd] <= _ZERO * fit.estimate[layout.sigma] / _sizes(problem)
    bounded[layout.cor] = np.abs(fit.estimate[layout.cor]) == 1.0
    if reml is None or not bounded.any():
        return None
    without = tuple(obstacle(problem, fit, k, reml=reml) if bounded[k] else "" for k in range(layout.size))
    curves = tuple(
        make_profile(problem, fit, k, reml=reml, effort=QUICK) if bounded[k] and not without[k] else None
        for k in range(layout.size)
    )
    return Profiles(curves=curves, without=without)


def _sizes(problem: Problem) -> Array:
    """Return the root mean square of each effect's column ``(q,)``."""
    size = np.sqrt(np.mean(problem.z**2, axis=0))
    return np.asarray(np.where(size > 0, size, 1.0))
