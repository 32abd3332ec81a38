"""A profile of the deviance as it is kept: what it says at any level, in the table and of its ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.interpolate import BPoly
from scipy.optimize import brentq
from scipy.special import chdtr, chdtri

from bayescompare.errors import InputError
from bayescompare.intervals.profile.follow import End
from bayescompare.intervals.profile.held import Scale
from bayescompare.intervals.rows import check_level

__all__ = ["TOP", "Profile", "cutoff"]

Array = npt.NDArray[np.float64]

#: Level to which profiles are followed.
TOP = 0.9999


def cutoff(level: float) -> float:
    """Return the rise of the deviance at the ends of an interval: the quantile of chi-square with 1 df."""
    return float(chdtri(1.0, 1.0 - level))


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The deviance by one parameter, at the best of all others.

    Parameters
    ----------
    parameter, labels
        Its label, and those of all parameters of the model.
    best
        Position of the node at the optimum.
    minimum
        Deviance at the optimum; the restricted one for REML.
    scale
        Of ``coordinate``; the deviance is a polynomial between two nodes there.
    coordinate, rise, slope, bend : (n,)
        The nodes, ascending; the deviance above the optimum, and its derivatives by the coordinate.
    theta : (n, k)
        All parameters at each node, in the layout's order and natural units.
    bounds : (2,)
        Least and largest value that the parameter can have.
    ends
        How either side ends.
    fault
        Why there is no interval at any level; empty where there is one.
    remarks
        What is to be known of the ends.
    """

    parameter: str
    labels: tuple[str, ...]
    best: int
    minimum: float
    scale: Scale
    coordinate: Array
    rise: Array
    slope: Array
    bend: Array
    theta: Array
    bounds: tuple[float, float]
    ends: tuple[End, End]
    fault: str = ""
    remarks: tuple[str, ...] = ()

    @cached_property
    def values(self) -> Array:
        """Values of the parameter ``(n,)``."""
        return np.asarray(self.theta[:, self.labels.index(self.parameter)])

    @property
    def estimate(self) -> float:
        """Value of the parameter at the optimum."""
        return float(self.values[self.best])

    @property
    def deviance(self) -> Array:
        """The profile deviance ``(n,)``."""
        return self.minimum + self.rise

    @property
    def zeta(self) -> Array:
        """The signed root of the deviance above the optimum ``(n,)``."""
        return np.sign(np.arange(len(self.rise)) - self.best) * np.sqrt(np.maximum(self.rise, 0.0))

    @property
    def monotone(self) -> bool:
        """Whether the deviance rises all the way on both sides."""
        return bool(np.all(np.diff(self.rise[: self.best + 1]) <= 0) and np.all(np.diff(self.rise[self.best :]) >= 0))

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is to be known: why there is no interval, or what its ends are."""
        return (self.fault,) if self.fault else self.remarks

    @property
    def frame(self) -> pd.DataFrame:
        """A row a node: the parameter, zeta and deviance, and all parameters at their best under their labels."""
        table = pd.DataFrame({"value": self.values, "zeta": self.zeta, "deviance": self.deviance})
        return pd.concat([table, pd.DataFrame(self.theta, columns=list(self.labels))], axis=1)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the values whose deviance is not significantly above the optimum.

        Parameters
        ----------
        level
            Probability, of chi-square with 1 df (Bates et al. 2015, section 5.1).

        Returns
        -------
        tuple
            Lower and upper bound; NaN where there is none, and `reasons` say why.

        Raises
        ------
        InputError
            If the level is not between 0 and 1, or beyond that to which the profile was followed.
        """
        rise = cutoff(check_level(level))
        if any(end is End.REACHED for end in self.ends) and rise > self._followed:
            raise InputError(
                f"The profile of {self.parameter} was followed to a level of {chdtr(1.0, self._followed):.6g}, "
                f"not to {level:.10g}; ask for profile(..., level={level:.10g})."
            )
        return self.at(rise)

    def at(self, rise: float) -> tuple[float, float]:
        """Return the bounds at which the deviance is so much above the optimum; NaN where it was not followed there."""
        if self.fault:
            return np.nan, np.nan
        return self._bound(0, rise), self._bound(1, rise)

    @property
    def _followed(self) -> float:
        """Rise to which both sides were followed, unless they end before."""
        return float(min(self.rise[-side] for side in (0, 1) if self.ends[side] is End.REACHED))

    def _bound(self, side: int, rise: float) -> float:
        """Return a bound: where the deviance passes a value, once."""
        nodes = np.arange(self.best, len(self.rise)) if side else np.arange(self.best, -1, -1)
        above = self.rise[nodes] >= rise
        if not above.any():
            return self.bounds[side] if self.ends[side] in (End.BOUND, End.OPEN) else np.nan
        first = int(np.argmax(above))
        if not above[first:].all():
            return np.nan
        return self._root(int(min(nodes[first - 1], nodes[first])), rise)

    def _root(self, left: int, rise: float) -> float:
        """Return where the polynomial between a node and the next one passes a value."""
        two = slice(left, left + 2)
        rows = np.column_stack([self.rise[two] - rise, self.slope[two], self.bend[two]])
        polynomial = BPoly.from_derivatives(self.coordinate[two], rows)
        return float(self.scale.natural(brentq(polynomial, *self.coordinate[two], xtol=1e-14, rtol=1e-14)))
