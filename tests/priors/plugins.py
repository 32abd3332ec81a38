"""Priors as an installed package might offer them, each with a fault."""

import time
from dataclasses import dataclass

import numpy as np

from bayescompare import Prior


@dataclass(frozen=True)
class Sound(Prior):
    """Exponential."""

    rate: float = 1.0
    support = "positive"

    def logp(self, x, xp):
        return xp.log(self.rate) - self.rate * x

    def draw(self, rng, shape):
        return rng.exponential(1 / self.rate, shape)


@dataclass(frozen=True)
class Raises(Sound):
    """Has a misprint."""

    def logp(self, x, xp):
        return xp.log(self.rat) - x

    def draw(self, rng, shape):
        return rng.exponental(1.0, shape)


@dataclass(frozen=True)
class Summed(Sound):
    """Returns one number for all values, and one draw."""

    def logp(self, x, xp):
        return -xp.sum(x)

    def draw(self, rng, shape):
        return rng.exponential()


@dataclass(frozen=True)
class Nothing(Sound):
    """Has no density where the data are."""

    def logp(self, x, xp):
        return xp.where(x > 1e9, -x, -np.inf)


@dataclass(frozen=True)
class NotANumber(Sound):
    """Is NaN."""

    def logp(self, x, xp):
        return x * np.nan


@dataclass(frozen=True)
class NumpyOnly(Sound):
    """Is a table that only NumPy can look up."""

    def logp(self, x, xp):
        return np.interp(x, [0.0, 1000.0], [0.0, -30.0])


@dataclass(frozen=True)
class Slow(Sound):
    """Thinks for long."""

    def logp(self, x, xp):
        time.sleep(0.005)
        return Sound.logp(self, x, xp)


class Unfinished(Prior):
    """Has neither fields nor draws."""

    def logp(self, x, xp):
        return -x
