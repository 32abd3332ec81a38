"""A prior as the density of one number, and the integral of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError
from bayescompare.priors import Prior, numpy_namespace
from bayescompare.priors.answers import density, drawn

__all__ = ["DRAWS", "Line"]

Array = npt.NDArray[np.float64]

#: Draws that are looked at.
DRAWS = 20_000
# How far the integral goes on a scale on which a density of any width is about one wide.
_FAR = 600.0
# Probabilities at which a density is cut in pieces, so that a narrow one is not overlooked.
_CUTS = (0.0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1.0)
_STEPS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
# How often panels are halved, how many there may be, and by how much a half may differ.
_HALVINGS, _PANELS, _EXACT = 40, 4000, 1e-9
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


class _Factor:
    """Cholesky factors as ``logp`` is given them: entries are asked for one by one, and the size is known."""

    def __init__(self, entries: Any) -> None:
        self._entries = entries
        self.shape = (2, 2)

    def __getitem__(self, key: Any) -> Any:
        return self._entries[key]


@dataclass(frozen=True)
class Line:
    """A prior of one number; of correlations, that of two effects.

    Parameters
    ----------
    seed
        Of the draws.
    """

    prior: Prior
    seed: int = 0

    def logp(self, x: Any, xp: Any, constants: list[Any] | None = None) -> Any:
        """Return the log density at numbers, arrays or symbols; ``constants`` stand in for the prior's own."""
        prior = self.prior if constants is None else self.prior.with_constants(constants)
        return density(prior, self._argument(x, xp), xp)

    def _argument(self, x: Any, xp: Any) -> Any:
        """Return what ``logp`` is given: of a correlation, the Cholesky factor."""
        if self.prior.support != "correlation":
            return x
        one, zero = x * 0.0 + 1.0, x * 0.0
        rows = xp.stack([one, zero], -1), xp.stack([x, xp.sqrt((1 - x) * (1 + x))], -1)
        return _Factor(xp.stack(rows, -2))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Return draws of the number."""
        if self.prior.support != "correlation":
            return drawn(self.prior, rng, shape)
        return drawn(self.prior, rng, (*shape, 2, 2))[..., 1, 0]

    @cached_property
    def draws(self) -> Array | None:
        """Draws ``(DRAWS,)``; None where the prior refuses, which says that it is improper."""
        try:
            return self.draw(np.random.default_rng(self.seed), (DRAWS,))
        except PriorError:
            return None

    @cached_property
    def kind(self) -> str:
        """``"positive"``, ``"real"`` or ``"correlation"``: where the density is."""
        support = self.prior.support
        if support in ("single", "any"):
            return "positive" if self.draws is not None and np.all(self.draws >= 0) else "real"
        return support

    @cached_property
    def good(self) -> Array:
        """The draws that are finite and in the support, in order."""
        known = np.empty(0) if self.draws is None else np.sort(self.draws[np.isfinite(self.draws)])
        low, high = {"positive": (0.0, np.inf), "real": (-np.inf, np.inf), "correlation": (-1.0, 1.0)}[self.kind]
        return known[(known > low) & (known < high)]

    @cached_property
    def _middle(self) -> tuple[float, float]:
        """Centre and width of the draws, the latter where it is zero that of one."""
        if not len(self.good):
            return 0.0, 1.0
        low, centre, high = np.quantile(self.good, [0.25, 0.5, 0.75])
        return float(centre), float(high - low) or 1.0

    def from_scale(self, u: Any) -> tuple[Any, Any]:
        """Return the numbers at places on the scale of the integral, and the log of the derivative there."""
        if self.kind == "positive":
            return np.exp(u), u
        if self.kind == "correlation":
            return np.tanh(u), -2 * (np.abs(u) + np.log1p(np.exp(-2 * np.abs(u))) - math.log(2))
        centre, width = self._middle
        return centre + width * np.sinh(u), np.log(width * np.cosh(u))

    def to_scale(self, x: Array) -> Array:
        """Return the places of numbers on the scale of the integral."""
        if self.kind == "positive":
            return np.log(x)
        if self.kind == "correlation":
            return np.arctanh(x)
        centre, width = self._middle
        return np.arcsinh((x - centre) / width)

    def _integrand(self, u: Any) -> Any:
        with np.errstate(all="ignore"):
            x, log_slope = self.from_scale(u)
            found = np.exp(np.asarray(self.logp(x, numpy_namespace()), dtype=float) + log_slope)
        return np.where(np.isfinite(found), found, 0.0)

    @cached_property
    def _far(self) -> float:
        return 17.0 if self.kind == "correlation" else _FAR

    def _panels(self, low: Array, high: Array) -> Array:
        """Return the integrals over some panels by eight points each."""
        half = (high - low)[:, None] / 2
        return np.asarray((self._integrand((low + high)[:, None] / 2 + half * _NODES) * half) @ _WEIGHTS)

    def _between(self, low: float, high: float, cuts: Array) -> float:
        """Return the integral between two places; panels are halved until halving changes nothing."""
        ends = np.unique(np.clip(np.concatenate([[low], cuts, [high]]), low, high))
        left, right, total = ends[:-1], ends[1:], 0.0
        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            halves = self._panels(left, middle) + self._panels(middle, right)
            open_ = np.abs(halves - self._panels(left, right)) > _EXACT
            total += float(np.sum(halves[~open_]))
            if not 0 < np.sum(open_) < _PANELS:
                break
            left = np.concatenate([left[open_], middle[open_]])
            right = np.concatenate([middle[open_], right[open_]])
        return total + float(np.sum(halves[open_]))

    @cached_property
    def _cuts(self) -> Array:
        inside = np.quantile(self.to_scale(self.good), _CUTS) if len(self.good) else np.zeros(1)
        return np.concatenate([inside[0] - np.array(_STEPS)[::-1], inside, inside[-1] + np.array(_STEPS)])

    @cached_property
    def integral(self) -> float:
        """The integral of the density over the support."""
        return self._between(-self._far, self._far, self._cuts)

    @property
    def diverges(self) -> bool:
        """Whether the integral goes on growing far out."""
        half = self._far / 2
        far = self._between(-self._far, -half, self._cuts) + self._between(half, self._far, self._cuts)
        return not far < 1e-6 * self.integral

    @cached_property
    def below(self) -> Array:
        """The share of the density below each of `good`."""
        u = self.to_scale(self.good)
        pieces = self._panels(u[:-1], u[1:])
        first = self._between(-self._far, float(u[0]), self._cuts)
        return np.asarray((first + np.concatenate([[0.0], np.cumsum(pieces)])) / self.integral)
