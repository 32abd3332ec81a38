"""A profile followed from the optimum outwards, in steps of the signed root of the deviance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bayescompare.intervals.profile.held import Held
from bayescompare.intervals.profile.newton import Node, settle

__all__ = ["End", "Side", "centre", "follow"]

Array = npt.NDArray[np.float64]

# Step in the root of the deviance; how much longer one may be than the one before; how many there are.
_STEP, _GROWTH, _STEPS = 0.8, 3.0, 40
# Distance from a bound, in units of the coordinate, that is none.
_NO_DISTANCE = 1e-6
# Deviance above that of the nodes that makes a start poor.
_FAR_OFF = 3.0
# Longest step and way on a logarithmic scale.
_LONGEST, _FAR = 3.0, 25.0
# How often two nodes are halved where the middle is not what they say of it.
_HALVINGS = 14
# By how much, in deviance, another way is lower than this one, and by how little they are the same.
_OTHER_WAY, _SAME = 1e-6, 1e-9
# How often the nodes are looked through for ways that are lower.
_SWEEPS = 3
# How far above, as a share of the difference of two nodes, the point midway of them is off their way.
_WELL_ABOVE = 1e-3
_DESCENT = {"maxiter": 200, "ftol": 1e-12, "gtol": 1e-6}


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


def follow(held: Held, start: Node, sign: int, top: float, exact: float, detours: Sequence[Array] = ()) -> Side:
    """Return the profile from the optimum to one side, to where the deviance is ``top`` above the optimum.

    Parameters
    ----------
    sign
        1 upwards, -1 downwards.
    exact
        How near the middle of two nodes must be to what they say of it, in deviance. It is kept too: where the
        deviance is smooth, what is said between the nodes is then about 60 times nearer.
    detours : (d,) each
        Points from which a lower way may be found, whatever the held coordinate.
    """
    side = _outwards(held, [start], sign, top)
    for _ in range(2):
        nodes = _other_way(held, list(side.nodes))
        if nodes is None:
            break
        side = _outwards(held, nodes, sign, top)
    nodes, found = _swept(held, side.nodes, detours)[0], True
    for _ in range(_SWEEPS):
        if found:
            nodes, found = _swept(held, _refined(held, nodes, exact), detours)
    return replace(side, nodes=nodes)


def _outwards(held: Held, nodes: list[Node], sign: int, top: float) -> Side:
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
        length = _length(nodes, sign, max(rise, 0.0))
        length = min(length, _LONGEST) if held.scale.logarithmic else length
        at = last.z[0] + sign * length
        if sign * (at + sign * 0.3 * length - bound) >= 0.0:
            at = bound
        nodes.append(settle(held, _start(held, nodes[-2:], at), last.typical, last.hessian))


def _length(nodes: list[Node], sign: int, rise: float) -> float:
    """Return the next step of the held coordinate, by the parabola through the last node."""
    last = nodes[-1]
    wanted = 2.0 * ((np.sqrt(rise) + _STEP) ** 2 - rise)
    slope = sign * last.slope
    root = slope + np.sqrt(max(slope**2 + last.bend * wanted, 0.0))
    if len(nodes) == 1:
        return float(wanted / root) if root > 0.0 else float(last.typical[0])
    most = _GROWTH * abs(last.z[0] - nodes[-2].z[0])
    return float(min(wanted / root, most)) if root > 0.0 else most


def _start(held: Held, nodes: list[Node], at: float) -> Array:
    """Return what the nodes say of the point at a held coordinate, or the better of them where that is far off."""
    last = nodes[-1]
    guess = _start_from(held, last, at) if len(nodes) == 1 else _between(held, nodes, at)
    value = held(guess)[0]
    if value < max(node.value for node in nodes) + _FAR_OFF:
        return guess
    starts = [np.concatenate([[at], node.z[1:]]) for node in nodes]
    values = [held(z)[0] for z in starts]
    best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
    return starts[best] if not value <= values[best] else guess


def _start_from(held: Held, node: Node, at: float) -> Array:
    """Return the point at a held coordinate on the line that a node says."""
    guess = np.maximum(node.z + node.tangent * (at - node.z[0]), held.floor(len(node.z)))
    guess[0] = at
    return guess


def _between(held: Held, nodes: list[Node], at: float) -> Array:
    """Return the point at a held coordinate by the cubic polynomial through two nodes."""
    first, second = nodes
    width = second.z[0] - first.z[0]
    t = (at - first.z[0]) / width
    guess = (1 + 2 * t) * (1 - t) ** 2 * first.z + t**2 * (3 - 2 * t) * second.z
    guess += width * (t * (1 - t) ** 2 * first.tangent + t**2 * (t - 1) * second.tangent)
    guess = np.maximum(guess, held.floor(len(guess)))
    guess[0] = at
    return guess


def _other_way(held: Held, nodes: list[Node]) -> list[Node] | None:
    """Return the nodes with a lower way where a search from afresh finds one at the outermost, else None."""
    last = nodes[-1]
    if len(nodes) == 1 or len(last.z) == 1:
        return None
    found = _afresh(held, last)
    if not found.settled or found.value > last.value - _OTHER_WAY:
        return None
    for k in range(len(nodes) - 1, 0, -1):
        found = _moved(held, found, nodes[k].z[0])
        if not found.settled or found.value > nodes[k].value - _SAME:
            break
        nodes[k] = found
    return nodes


def _afresh(held: Held, node: Node) -> Node:
    """Return the end of a search from relative sds of one."""
    theta, layout = held.natural(node.z), held.problem.layout
    size = np.sqrt(np.mean(held.problem.z**2, axis=0))
    theta[layout.sd] = theta[layout.sigma] / np.where(size > 0, size, 1.0)
    theta[layout.cor] = 0.0
    z, units, floor = held.point(theta), held.units(theta), held.floor(len(node.z))
    z[0] = node.z[0]

    def objective(part: Array) -> tuple[float, Array]:
        value, gradient = held(np.append(z[0], part * units[1:]))
        return (value, gradient[1:] * units[1:]) if np.isfinite(value) else (1e100, np.zeros(len(part)))

    bounds = [(low, None) for low in floor[1:]]
    found = minimize(objective, z[1:] / units[1:], jac=True, method="L-BFGS-B", options=_DESCENT, bounds=bounds)
    return settle(held, np.append(z[0], found.x * units[1:]), units)


def _refined(held: Held, nodes: tuple[Node, ...], exact: float) -> tuple[Node, ...]:
    """Return the nodes and those between them that make the deviance between any two known."""
    done, waiting = [nodes[0]], [(node, _HALVINGS) for node in nodes[:0:-1]]
    while waiting:
        right, left_over = waiting[-1]
        left = done[-1]
        node = _middle(held, left, right, exact)
        if not node.settled or abs(node.value - _midway(left, right)) < exact or left_over == 0:
            done += [node, right] if node.settled else [right]
            waiting.pop()
        else:
            waiting[-1] = (right, left_over - 1)
            waiting.append((node, left_over - 1))
    return tuple(done)


def _swept(held: Held, nodes: tuple[Node, ...], detours: Sequence[Array]) -> tuple[tuple[Node, ...], bool]:
    """Return the nodes, each on the way of a neighbour or a detour where that is lower, and whether any is."""
    swept, found, last = list(nodes), False, len(nodes) - 1
    for k, beside in [*((k, k - 1) for k in range(1, last + 1)), *((k, k + 1) for k in range(last - 1, 0, -1))]:
        at = swept[k].z[0]
        for start in (_start_from(held, swept[beside], at), *(np.concatenate([[at], z[1:]]) for z in detours)):
            if held(start)[0] < swept[k].value - _OTHER_WAY:
                swept[k] = min(swept[k], settle(held, start, swept[k].typical), key=_height)
                found = True
    return tuple(swept), found


def _middle(held: Held, left: Node, right: Node, exact: float) -> Node:
    """Return the point midway of two; one well above what they say may be on another way than they are."""
    at = (left.z[0] + right.z[0]) / 2.0
    node = settle(held, _start(held, [left, right], at), right.typical, (left.hessian + right.hessian) / 2)
    above = max(exact, _WELL_ABOVE * abs(right.value - left.value))
    if node.settled and node.value < _midway(left, right) + above:
        return node
    return min(node, _moved(held, left, at), _moved(held, right, at), key=_height)


def _moved(held: Held, node: Node, at: float) -> Node:
    """Return the point that is found from another one with the held coordinate moved."""
    return settle(held, np.concatenate([[at], node.z[1:]]), node.typical, node.hessian)


def _height(node: Node) -> float:
    return node.value if node.settled else np.inf


def _midway(left: Node, right: Node) -> float:
    """Return the deviance midway of two nodes by the quintic polynomial through both."""
    width = right.z[0] - left.z[0]
    slopes, bends = 5 * width * (left.slope - right.slope) / 32, width**2 * (left.bend + right.bend) / 64
    return float((left.value + right.value) / 2 + slopes + bends)
