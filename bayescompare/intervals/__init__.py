"""The only maker of interval rows: of point estimates, of draws and of what stands for them."""

from bayescompare.intervals.kinds import KINDS, check_kinds, with_bases
from bayescompare.intervals.rows import IntervalRow, intervals

__all__ = ["KINDS", "IntervalRow", "check_kinds", "intervals", "with_bases"]
