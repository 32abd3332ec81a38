"""The only maker of interval rows: Wald for point estimates, ETI and HDI for draws."""

from bayescompare.intervals.rows import KINDS, IntervalRow, intervals

__all__ = ["KINDS", "IntervalRow", "intervals"]
