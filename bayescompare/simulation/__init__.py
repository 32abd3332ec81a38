"""(scenario, replicate, seed) to a data set, with its truth kept apart from what estimators see."""

from bayescompare.simulation.draw import Blank, Truth, answered, blank, simulate
from bayescompare.simulation.truths import truth_faults, truth_of, truth_vector

__all__ = ["Blank", "Truth", "answered", "blank", "simulate", "truth_faults", "truth_of", "truth_vector"]
