"""Interval rows of any fit, each kind at each level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayescompare.errors import InputError
from bayescompare.fits import Basis, Fit
from bayescompare.intervals.kinds import check_kinds, chosen
from bayescompare.intervals.posterior import EqualTails, ExactEqualTails, ExactShortest, Shortest
from bayescompare.intervals.wald import Wald

__all__ = ["IntervalRow", "bases", "check_level", "intervals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One interval of one parameter; NaN bounds come with a reason, others with what is to be known of them."""

    parameter: str
    kind: str
    level: float
    lower: float
    upper: float
    reason: str = ""


def check_level(level: float) -> float:
    """Return a level, or refuse one that is not between 0 and 1."""
    if not 0 < level < 1:
        raise InputError(f"An interval's level must lie between 0 and 1, such as 0.95, not {level:g}.")
    return level


def intervals(fit: Fit, levels: Sequence[float] = (0.95,), kinds: Sequence[str] | None = None) -> list[IntervalRow]:
    """Return every kind of interval that a fit has, for every parameter.

    Parameters
    ----------
    fit
        A point estimate (``wald``, and what was made of its data), a fit with draws or marginal posteriors
        (``eti`` and ``hdi``) or one of a distribution that stands for the posterior (``variational``).
    levels
        Probabilities, such as 0.95.
    kinds
        Of intervals; see `kinds.chosen`.

    Raises
    ------
    InputError
        If a level is not between 0 and 1, or a kind is not known.
    """
    made = bases(fit, kinds)
    return [
        row
        for level in map(check_level, levels)
        for name, basis in made.items()
        for row in _rows(fit, name, level, basis)
    ]


def bases(fit: Fit, kinds: Sequence[str] | None = None) -> dict[str, Basis]:
    """Return what the intervals of a fit are made of, kind by kind; see `intervals`."""
    wanted = chosen(kinds if kinds is None else check_kinds(kinds))
    return {name: basis for name, basis in _bases(fit).items() if name in wanted}


def _bases(fit: Fit) -> Mapping[str, Basis]:
    """Return the bases of a fit: those that it carries, and those that are made of what it is."""
    if fit.variational is not None:
        return {"variational": EqualTails(fit.variational, fit.reason), **fit.bases}
    if fit.marginals:
        return {"eti": ExactEqualTails(fit.marginals), "hdi": ExactShortest(fit.marginals), **fit.bases}
    if fit.draws is None:
        return {"wald": Wald(fit), **fit.bases}
    values = fit.draws.values
    return {"eti": EqualTails(values, fit.reason), "hdi": Shortest(values, fit.reason), **fit.bases}


def _rows(fit: Fit, kind: str, level: float, basis: Basis) -> Iterator[IntervalRow]:
    """Yield a row a parameter, but none for one of which the basis says nothing."""
    for label, (lower, upper), reason in zip(fit.layout.labels, basis.bounds(level), basis.reason, strict=True):
        missing = not np.isfinite(lower + upper)
        if missing and not reason and kind in fit.bases:
            continue
        said = reason if missing or kind in fit.bases else ""
        yield IntervalRow(parameter=label, kind=kind, level=level, lower=float(lower), upper=float(upper), reason=said)
