"""The only maker of interval rows: Wald for point estimates, ETI and HDI for draws, variational ones."""

from bayescompare.intervals.rows import KINDS, IntervalRow, intervals

__all__ = ["KINDS", "IntervalRow", "intervals"]
