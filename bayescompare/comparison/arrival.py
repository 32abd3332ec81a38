"""What an optimizer's way to its own optimum cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.engines.optima import working_distance
from bayescompare.fits import Fit
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import natural_working

__all__ = ["NEAR", "UNKNOWN", "Arrival", "arrival"]

#: Standard errors within which a path has arrived.
NEAR = 0.1

_NO_PATH, _NO_OPTIMUM = "no path is kept", "its own optimum is not known"
#: Reasons for which it is not known whether a fit has arrived.
UNKNOWN = (_NO_PATH, _NO_OPTIMUM)
_FAR = f"it ended farther than {NEAR:g} standard errors from its own optimum"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Gradient evaluations and seconds after which a path stays near its own optimum; NaN with a reason."""

    evaluations: float = float("nan")
    seconds: float = float("nan")
    reason: str = ""


def arrival(fit: Fit) -> Arrival:
    """Return what it cost until the path of a fit stayed within `NEAR` standard errors of its own optimum.

    Parameters are compared on the working scale (beta, log sds, Fisher z of the partial correlations, log sigma), in
    the fit's own standard errors, which a fit that has arrived has. The path is a thinned record, so the
    cost is exact to about 1/200 of the run. An update of Adam is one evaluation of the gradient, and takes the same
    share of the fit's seconds as any other. A path that only crosses the neighbourhood has not arrived;
    where the estimate is near but the end of the path is not (the best epoch, averaged weights), it took the whole run.
    """
    if fit.path is None or not len(fit.path.steps):
        return Arrival(reason=_NO_PATH)
    if fit.own_optimum is None:
        return Arrival(reason=_NO_OPTIMUM)
    if fit.working_se is None:
        return Arrival(reason=_FAR)
    near = _near(np.vstack([fit.path.values, fit.estimate]), fit.own_optimum, fit.working_se, fit.layout)
    if not near[-1]:
        return Arrival(reason=_FAR)
    outside = np.flatnonzero(~near[:-1])
    first = int(outside[-1]) + 1 if len(outside) else 0
    steps = float(fit.path.steps[first]) if first < len(fit.path.steps) else float(fit.evaluations)
    return Arrival(evaluations=steps, seconds=fit.seconds * steps / fit.evaluations if fit.evaluations else 0.0)


def _near(points: Array, optimum: Array, se: Array, layout: Layout) -> npt.NDArray[np.bool_]:
    """Return which points ``(T, k)`` are near an optimum; those that are not finite are not."""
    with np.errstate(all="ignore"):
        there = natural_working(optimum, layout)
        away = [working_distance(natural_working(theta, layout), there, se) for theta in points]
    return np.array([distance <= NEAR for distance in away])
