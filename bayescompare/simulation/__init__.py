"""(scenario, replicate, seed) to a data set, with its truth kept apart from what estimators see."""

from bayescompare.simulation.blank import Blank, blank
from bayescompare.simulation.draw import Truth, answered, simulate
from bayescompare.simulation.drawable import undrawable, why_undrawable
from bayescompare.simulation.frozen import frozen
from bayescompare.simulation.truths import truth_faults, truth_of, truth_vector

__all__ = [
    "Blank",
    "Truth",
    "answered",
    "blank",
    "frozen",
    "simulate",
    "truth_faults",
    "truth_of",
    "truth_vector",
    "undrawable",
    "why_undrawable",
]
