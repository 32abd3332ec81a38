"""What known points of a profile say of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.intervals.profile.held import Held
from bayescompare.intervals.profile.newton import Node, settle

__all__ = ["OTHER_WAY", "Detour", "guess", "lower", "moved", "on_the_line"]

Array = npt.NDArray[np.float64]

#: By how much, in deviance, another way is lower than this one.
OTHER_WAY = 1e-6
# Deviance above that of the nodes that makes a start poor.
_FAR_OFF = 3.0


@dataclass(frozen=True, slots=True)
class Detour:
    """A point, and the least deviance on a way through it that does not depend on the held coordinate."""

    z: Array
    value: float


def guess(held: Held, nodes: list[Node], at: float) -> Array:
    """Return what the nodes say of the point at a held coordinate, or the better of them where that is far off."""
    last = nodes[-1]
    found = on_the_line(held, last, at) if len(nodes) == 1 else _between(held, nodes, at)
    value = held(found)[0]
    if value < max(node.value for node in nodes) + _FAR_OFF:
        return found
    starts = [np.concatenate([[at], node.z[1:]]) for node in nodes]
    values = [held(z)[0] for z in starts]
    best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
    return starts[best] if not value <= values[best] else found


def on_the_line(held: Held, node: Node, at: float) -> Array:
    """Return the point at a held coordinate on the line that a node says."""
    found = np.maximum(node.z + node.tangent * (at - node.z[0]), held.floor(len(node.z)))
    found[0] = at
    return found


def _between(held: Held, nodes: list[Node], at: float) -> Array:
    """Return the point at a held coordinate by the cubic polynomial through two nodes."""
    first, second = nodes
    width = second.z[0] - first.z[0]
    t = (at - first.z[0]) / width
    found = (1 + 2 * t) * (1 - t) ** 2 * first.z + t**2 * (3 - 2 * t) * second.z
    found += width * (t * (1 - t) ** 2 * first.tangent + t**2 * (t - 1) * second.tangent)
    found = np.maximum(found, held.floor(len(found)))
    found[0] = at
    return found


def moved(held: Held, node: Node, at: float) -> Node:
    """Return the point that is found from another one with the held coordinate moved."""
    return settle(held, np.concatenate([[at], node.z[1:]]), node.typical, node.hessian)


def lower(*nodes: Node) -> Node:
    """Return the node with the least deviance, of those that are settled."""
    return min(nodes, key=lambda node: node.value if node.settled else np.inf)
