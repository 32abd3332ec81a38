"""A profile followed from the optimum outwards, in steps of the signed root of the deviance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from bayescompare.intervals.profile.elsewhere import lower_ways
from bayescompare.intervals.profile.held import Held
from bayescompare.intervals.profile.nearby import Detour, guess
from bayescompare.intervals.profile.newton import Node, settle
from bayescompare.intervals.profile.refine import FULL, Effort, refined

__all__ = ["End", "Side", "centre", "follow"]

Array = npt.NDArray[np.float64]

# How much longer a step may be than the one before, and how many there are.
_GROWTH, _STEPS = 3.0, 40
# Distance from a bound, in units of the coordinate, that is none.
_NO_DISTANCE = 1e-6
# Longest step and way on a logarithmic scale.
_LONGEST, _FAR = 3.0, 25.0


class End(StrEnum):
    """How a side of a profile ends."""

    REACHED = "reached"
    BOUND = "bound"
    OPEN = "open"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Side:
    """The nodes of a side from the optimum outwards, that at the optimum first, and how it ends."""

    nodes: tuple[Node, ...]
    end: End


def centre(held: Held, theta: Array) -> Node:
    """Return the point of the optimum, beginning at natural parameters ``(k,)`` near it."""
    z, units = held.point(theta), held.units(theta)
    if not _at_bound(held, z, units):
        node = settle(held, z, units, whole=True)
        if not _at_bound(held, node.z, units):
            return node
        z = node.z.copy()
    z[0] = held.low if z[0] - held.low < held.high - z[0] else held.high
    return settle(held, z, units)


def _at_bound(held: Held, z: Array, units: Array) -> bool:
    """Return whether the held coordinate is at a bound, or rounding and no data keep it off."""
    return bool(min(z[0] - held.low, held.high - z[0]) < _NO_DISTANCE * units[0])


def follow(
    held: Held, start: Node, sign: int, top: float, effort: Effort = FULL, detours: Sequence[Detour] = ()
) -> Side:
    """Return the profile from the optimum to one side, to where the deviance is ``top`` above the optimum.

    Parameters
    ----------
    sign
        1 upwards, -1 downwards.
    detours
        Where else a lower way may be.
    """
    side = _outwards(held, [start], sign, top, effort.step)
    if effort.elsewhere and len(side.nodes) > 1:
        side = _outwards(held, lower_ways(held, side.nodes), sign, top, effort.step)
    return replace(side, nodes=refined(held, side.nodes, effort, detours))


def _outwards(held: Held, nodes: list[Node], sign: int, top: float, step: float) -> Side:
    """Return the side with the steps that are still to go."""
    bound = held.high if sign > 0 else held.low
    while True:
        last, rise = nodes[-1], nodes[-1].value - nodes[0].value
        if not last.settled:
            return Side(tuple(nodes[:-1] if len(nodes) > 1 else nodes), End.BROKEN)
        if rise >= top:
            return Side(tuple(nodes), End.REACHED)
        if last.z[0] == bound:
            return Side(tuple(nodes), End.BOUND)
        if len(nodes) > _STEPS or (held.scale.logarithmic and abs(last.z[0] - nodes[0].z[0]) > _FAR):
            return Side(tuple(nodes), End.OPEN)
        length = _length(nodes, sign, max(rise, 0.0), step)
        length = min(length, _LONGEST) if held.scale.logarithmic else length
        at = last.z[0] + sign * length
        if sign * (at + sign * 0.3 * length - bound) >= 0.0:
            at = bound
        if at == last.z[0]:
            return Side(tuple(nodes), End.BROKEN)
        nodes.append(settle(held, guess(held, nodes[-2:], at), last.typical, last.hessian))


def _length(nodes: list[Node], sign: int, rise: float, step: float) -> float:
    """Return the next step of the held coordinate, by the parabola through the last node."""
    last = nodes[-1]
    wanted = 2.0 * ((np.sqrt(rise) + step) ** 2 - rise)
    slope = sign * last.slope
    root = slope + np.sqrt(max(slope**2 + last.bend * wanted, 0.0))
    if len(nodes) == 1:
        return float(wanted / root) if root > 0.0 else float(last.typical[0])
    most = _GROWTH * abs(last.z[0] - nodes[-2].z[0])
    return float(min(wanted / root, most)) if root > 0.0 else most
