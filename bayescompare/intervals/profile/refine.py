"""The points between those of a profile, until the deviance is known everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayescompare.intervals.profile.held import Held
from bayescompare.intervals.profile.nearby import OTHER_WAY, Detour, guess, lower, moved, on_the_line
from bayescompare.intervals.profile.newton import Node, settle

__all__ = ["FULL", "QUICK", "Effort", "refined"]

Nodes = tuple[Node, ...]

# How often two nodes are halved where the middle is not what they say of it.
_HALVINGS = 14
# How far above, as a share of the difference of two nodes, the point midway of them is off their way.
_WELL_ABOVE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a profile may cost.

    Parameters
    ----------
    step
        In the signed root of the deviance.
    exact
        How near the middle of two nodes must be to what they say of it, in deviance. It is kept too: where the
        deviance is smooth, what is said between the nodes is then about 60 times nearer.
    detours
        Of how many of two effects the absence is tried, for their correlation; the weaker one first.
    elsewhere
        Whether searches that begin elsewhere look for lower ways.
    sweeps
        How often to look for them beside each of the points in the end.
    """

    step: float
    exact: float
    detours: int
    elsewhere: bool
    sweeps: int


#: The ends of intervals are known to 1e-6 in deviance.
FULL = Effort(step=0.8, exact=4e-6, detours=2, elsewhere=True, sweeps=3)
#: For what is made in every study: they are known to a thousandth of a standard error.
QUICK = Effort(step=1.3, exact=5e-3, detours=1, elsewhere=False, sweeps=0)


def refined(held: Held, nodes: Nodes, effort: Effort, detours: Sequence[Detour] = ()) -> Nodes:
    """Return nodes between which the quintic polynomials are the profile deviance; see `follow.follow`."""
    nodes, found = _swept(held, nodes, detours)[0], True
    for _ in range(effort.sweeps):
        if found:
            nodes, found = _swept(held, _halved(held, nodes, effort), detours)
    return nodes if effort.sweeps else _halved(held, nodes, effort)


def _halved(held: Held, nodes: Nodes, effort: Effort) -> Nodes:
    """Return the nodes and those between them that make the deviance between any two known."""
    done, waiting = [nodes[0]], [(node, _HALVINGS) for node in nodes[:0:-1]]
    while waiting:
        right, left_over = waiting[-1]
        left = done[-1]
        node = _middle(held, left, right, effort.exact)
        if not node.settled or abs(node.value - _midway(left, right)) < effort.exact or left_over == 0:
            done += [node, right] if node.settled else [right]
            waiting.pop()
        else:
            waiting[-1] = (right, left_over - 1)
            waiting.append((node, left_over - 1))
    return tuple(done)


def _swept(held: Held, nodes: Nodes, detours: Sequence[Detour]) -> tuple[Nodes, bool]:
    """Return the nodes, each on a detour or on the way of a neighbour where that is lower, and whether any is."""
    swept, last = list(nodes), len(nodes) - 1
    for k, node in enumerate(nodes[1:], 1):
        for detour in detours:
            if detour.value < swept[k].value - OTHER_WAY:
                start = np.concatenate([node.z[:1], detour.z[1:]])
                swept[k] = lower(swept[k], settle(held, start, node.typical))
    for k, beside in [*((k, k - 1) for k in range(1, last + 1)), *((k, k + 1) for k in range(last - 1, 0, -1))]:
        start = on_the_line(held, swept[beside], swept[k].z[0])
        if held(start)[0] < swept[k].value - OTHER_WAY:
            swept[k] = lower(swept[k], settle(held, start, swept[k].typical))
    return tuple(swept), any(one is not other for one, other in zip(swept, nodes, strict=True))


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
