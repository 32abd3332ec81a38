"""Formulas as in lme4: text to terms, with nothing evaluated."""

from bayescompare.formula.parse import Formula, RandomTerm, parse

__all__ = ["Formula", "RandomTerm", "parse"]
