"""The only maker of interval rows: of point estimates, of draws and of what stands for them."""

from bayescompare.intervals.kinds import KINDS, REFITS, check_kinds, check_refits, refitting, with_bases
from bayescompare.intervals.rows import IntervalRow, intervals

__all__ = ["KINDS", "REFITS", "IntervalRow", "check_kinds", "check_refits", "intervals", "refitting", "with_bases"]
