"""The profile of one parameter of a fit, with what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import chdtr

from bayescompare.fits import FLAG_SENTENCES, Fit, Flag
from bayescompare.intervals.profile.curve import TOP, Profile, cutoff
from bayescompare.intervals.profile.follow import End, Side, centre, follow
from bayescompare.intervals.profile.held import Held
from bayescompare.intervals.profile.nearby import Detour
from bayescompare.intervals.profile.newton import Node, settle
from bayescompare.intervals.profile.parameter import held
from bayescompare.intervals.profile.refine import FULL, Effort
from bayescompare.likelihood.problem import Problem

__all__ = ["make_profile", "obstacle"]

Array = npt.NDArray[np.float64]

# Deviance below that of the fit that is another optimum.
_BETTER = 1e-4
# A fall of the deviance that is rounding.
_ROUNDING = 1e-8
_NOT_FOR_REML = "not defined for REML: restricted deviances do not compare fixed effects"
_NO_ERROR = "no profile: the model fits the data exactly, and the likelihood has no maximum"
# Residual sd, as a share of the largest response, that rounding made.
_EXACTLY = 1e-10
_UNUSABLE = (Flag.NOT_STATIONARY, Flag.WORSE_OPTIMUM, Flag.DEGENERATE, Flag.NOT_FINITE)
_ENDS = ("lower", "upper")


def obstacle(problem: Problem, fit: Fit, position: int, *, reml: bool) -> str:
    """Return why a parameter of a fit has no profile; empty where it has one."""
    for flag in _UNUSABLE:
        if flag in fit.flags:
            return f"no profile: {FLAG_SENTENCES[flag]}"
    if reml and position < fit.layout.p:
        return _NOT_FOR_REML
    if not fit.estimate[-1] > _EXACTLY * np.max(np.abs(problem.y)):
        return _NO_ERROR
    unknown = problem.identified.given | problem.identified.errors | ~np.isfinite(fit.estimate)
    return fit.reason[position] if unknown[position] else ""


def make_profile(
    problem: Problem, fit: Fit, position: int, *, reml: bool, level: float = TOP, effort: Effort = FULL
) -> Profile:
    """Return the profile of a parameter that has one.

    Parameters
    ----------
    position
        Of the parameter in the layout.
    level, effort
        How far it is followed, and what that may cost.
    """
    function, labels = held(problem, position, reml=reml), problem.layout.labels
    start = centre(function, fit.optimum)
    detours = _detours(function, fit, reml, effort.detours)
    low, high = (follow(function, start, sign, cutoff(level), effort, detours) for sign in (-1, 1))
    nodes = (*reversed(low.nodes[1:]), start, *high.nodes[1:])
    theta = np.array([function.natural(node.z) for node in nodes])
    return Profile(
        parameter=labels[position],
        labels=labels,
        best=len(low.nodes) - 1,
        minimum=start.value,
        scale=function.scale,
        coordinate=np.array([node.z[0] for node in nodes]),
        rise=np.array([node.value for node in nodes]) - start.value,
        slope=np.array([node.slope for node in nodes]),
        bend=np.array([node.bend for node in nodes]),
        theta=theta,
        bounds=(_natural(function, function.low), _natural(function, function.high)),
        ends=(low.end, high.end),
        fault=_fault(fit, start, nodes, theta[:, position]),
        remarks=tuple(_remarks(function, (low, high))),
    )


def _detours(function: Held, fit: Fit, reml: bool, count: int) -> list[Detour]:
    """Return the optima without one of two effects: there their correlation may be anything."""
    problem, layout = function.problem, fit.layout
    if not layout.cor.start <= function.position < layout.cor.stop:
        return []
    size = fit.optimum[layout.sd] * np.sqrt(np.mean(problem.z**2, axis=0))
    found = []
    for effect in sorted(layout.pairs[function.position - layout.cor.start], key=lambda k: size[k])[:count]:
        without, theta = held(problem, layout.sd.start + effect, reml=reml), np.nan_to_num(fit.optimum)
        theta[layout.sd.start + effect] = 0.0
        best = settle(without, without.point(theta), without.units(theta))
        found.append(Detour(function.point(np.nan_to_num(without.natural(best.z))), best.value))
    return found


def _natural(function: Held, coordinate: float) -> float:
    return float(function.scale.natural(np.asarray(coordinate)))


def _fault(fit: Fit, start: Node, nodes: Sequence[Node], values: Array) -> str:
    """Return why nothing can be said of the parameter by its profile."""
    deviances = np.array([node.value for node in nodes])
    lowest = int(np.argmin(deviances))
    below = min(fit.objective, start.value) - deviances[lowest]
    if fit.objective - start.value > _BETTER or below > _BETTER:
        gain = fit.objective - deviances[lowest]
        return f"not at an optimum: the deviance is {gain:.3g} lower with a value of {values[lowest]:.5g}"
    return "" if start.settled else "the optimum was not found again from the fit"


def _remarks(function: Held, sides: tuple[Side, Side]) -> Iterator[str]:
    """Yield what is to be known of the ends."""
    for name, side, bound in zip(_ENDS, sides, (function.low, function.high), strict=True):
        rises = np.array([node.value - side.nodes[0].value for node in side.nodes])
        last, level = _natural(function, side.nodes[-1].z[0]), float(chdtr(1.0, max(rises[-1], 0.0)))
        falls = np.flatnonzero(np.diff(rises) < -_ROUNDING)
        if len(falls):
            where = _natural(function, side.nodes[falls[0]].z[0])
            yield f"the profile is not monotone: the deviance falls again beyond {where:.5g}"
        if side.end is End.BOUND and len(side.nodes) == 1:
            yield f"estimated at its bound {_natural(function, bound):g}, where chi-square with 1 df is conservative"
        elif side.end is End.BOUND:
            yield (
                f"at its bound {last:g} the deviance is only {rises[-1]:.3g} above the optimum: "
                f"above a level of {level:.3g} the {name} end is there"
            )
        elif side.end is End.OPEN:
            yield f"the deviance rises by no more than {rises[-1]:.3g}: above a level of {level:.3g} no {name} end"
        elif side.end is End.BROKEN:
            yield f"the best of the other parameters was not found beyond {last:.5g}: no {name} end there"
