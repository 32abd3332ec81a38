"""The points between those of a profile, until the deviance is known everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bayescompare.intervals.profile.held import Held
from bayescompare.intervals.profile.nearby import OTHER_WAY, guess, lower, moved, on_the_line
from bayescompare.intervals.profile.newton import Node, settle

__all__ = ["refined"]

Array = npt.NDArray[np.float64]
Nodes = tuple[Node, ...]

# How often two nodes are halved where the middle is not what they say of it.
_HALVINGS = 14
# How often the nodes are looked through for ways that are lower.
_SWEEPS = 3
# How far above, as a share of the difference of two nodes, the point midway of them is off their way.
_WELL_ABOVE = 1e-3


def refined(held: Held, nodes: Nodes, exact: float, detours: Sequence[Array]) -> Nodes:
    """Return nodes between which the quintic polynomials are the profile deviance; see `follow.follow`."""
    nodes, found = _swept(held, nodes, detours)[0], True
    for _ in range(_SWEEPS):
        if found:
            nodes, found = _swept(held, _halved(held, nodes, exact), detours)
    return nodes


def _halved(held: Held, nodes: Nodes, exact: float) -> Nodes:
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


def _swept(held: Held, nodes: Nodes, detours: Sequence[Array]) -> tuple[Nodes, bool]:
    """Return the nodes, each on the way of a neighbour or a detour where that is lower, and whether any is."""
    swept, found, last = list(nodes), False, len(nodes) - 1
    for k, beside in [*((k, k - 1) for k in range(1, last + 1)), *((k, k + 1) for k in range(last - 1, 0, -1))]:
        at = swept[k].z[0]
        for start in (on_the_line(held, swept[beside], at), *(np.concatenate([[at], z[1:]]) for z in detours)):
            if held(start)[0] < swept[k].value - OTHER_WAY:
                swept[k] = lower(swept[k], settle(held, start, swept[k].typical))
                found = True
    return tuple(swept), found


def _middle(held: Held, left: Node, right: Node, exact: float) -> Node:
    """Return the point midway of two; one well above what they say may be on another way than they are."""
    at = (left.z[0] + right.z[0]) / 2.0
    node = settle(held, guess(held, [left, right], at), right.typical, (left.hessian + right.hessian) / 2)
    above = max(exact, _WELL_ABOVE * abs(right.value - left.value))
    if node.settled and node.value < _midway(left, right) + above:
        return node
    return lower(node, moved(held, left, at), moved(held, right, at))


def _midway(left: Node, right: Node) -> float:
    """Return the deviance midway of two nodes by the quintic polynomial through both."""
    width = right.z[0] - left.z[0]
    slopes, bends = 5 * width * (left.slope - right.slope) / 32, width**2 * (left.bend + right.bend) / 64
    return float((left.value + right.value) / 2 + slopes + bends)
