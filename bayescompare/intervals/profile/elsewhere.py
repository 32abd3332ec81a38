"""Lower ways of a profile, looked for by searches that begin elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bayescompare.intervals.profile.held import Held
from bayescompare.intervals.profile.nearby import OTHER_WAY, moved
from bayescompare.intervals.profile.newton import Node, settle
from bayescompare.likelihood.problem import Problem

__all__ = ["lower_ways"]

Array = npt.NDArray[np.float64]

# Sds, in residual sds, of uncorrelated effects from which a search begins.
_RELATIVE = (0.2, 5.0)
# Correlations, of either sign, from which one begins where there are three effects or more; the least relative sd.
_CORRELATED, _LEAST = 0.95, 0.1
_DESCENT = {"maxiter": 200, "ftol": 1e-12, "gtol": 1e-6}


def lower_ways(held: Held, nodes: Sequence[Node]) -> list[Node]:
    """Return nodes, the optimum first, with the lower ways that searches at the last and halfway find."""
    found = list(nodes)
    for k in {len(found) - 1, len(found) // 2} if len(found[0].z) > 1 else ():
        for theta in _starts(held.problem, held.natural(found[k].z)):
            node = _search(held, theta, found[k].z[0])
            if node.settled and node.value < found[k].value - OTHER_WAY:
                found[k] = node
                _spread(held, found, range(k - 1, 0, -1), node)
                _spread(held, found, range(k + 1, len(found)), node)
    return found


def _spread(held: Held, nodes: list[Node], others: range, node: Node) -> None:
    """Put nodes on the way of a lower one, as far as it is lower."""
    for k in others:
        node = moved(held, node, nodes[k].z[0])
        if not node.settled or node.value > nodes[k].value - OTHER_WAY:
            return
        nodes[k] = node


def _starts(problem: Problem, theta: Array) -> Iterator[Array]:
    """Yield natural parameters ``(k,)`` far from those of a point, of about the same size."""
    layout, size = problem.layout, np.sqrt(np.mean(problem.z**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    for relative in _RELATIVE:
        start = theta.copy()
        start[layout.sigma] /= np.sqrt(relative)
        start[layout.sd], start[layout.cor] = relative * start[layout.sigma] / size, 0.0
        yield start
    if max((len(block) for block in layout.blocks), default=0) > 2:
        for signs in product((1, -1), repeat=layout.q - 1):
            start, sides = theta.copy(), (1, *signs)
            start[layout.sd] = np.maximum(theta[layout.sd], _LEAST * theta[layout.sigma] / size)
            start[layout.cor] = [_CORRELATED * sides[i] * sides[j] for i, j in layout.pairs]
            yield start


def _search(held: Held, theta: Array, at: float) -> Node:
    """Return the end of a search from natural parameters, with the held coordinate at a value."""
    z, units = held.point(theta), held.units(theta)
    z[0] = at

    def objective(part: Array) -> tuple[float, Array]:
        value, gradient = held(np.append(at, part * units[1:]))
        return (value, gradient[1:] * units[1:]) if np.isfinite(value) else (1e100, np.zeros(len(part)))

    bounds = [(low, None) for low in held.floor(len(z))[1:]]
    found = minimize(objective, z[1:] / units[1:], jac=True, method="L-BFGS-B", options=_DESCENT, bounds=bounds)
    return settle(held, np.append(at, found.x * units[1:]), units)
