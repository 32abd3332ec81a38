"""The kinds of intervals, and which of them are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from inspect import signature

import numpy as np

from bayescompare.engines.base import Engine, Progress
from bayescompare.errors import InputError, did_you_mean
from bayescompare.fits import Basis, Fit
from bayescompare.likelihood.problem import Problem

__all__ = [
    "FEWEST_REFITS",
    "KINDS",
    "REFITS",
    "Kind",
    "check_kinds",
    "check_refits",
    "chosen",
    "refitting",
    "with_bases",
]

#: Makes a basis from a problem, its fit, the engine that made it and a seed; None where the kind is not for that fit.
#: It may have further parameters by name: ``refits``, ``progress``, and ``made``, the bases of the kinds before it.
Maker = Callable[..., Basis | None]
_FURTHER = frozenset({"refits", "progress", "made"})

#: Refits of a bootstrap where nobody says how many, and the fewest.
REFITS, FEWEST_REFITS = 1000, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of intervals.

    Parameters
    ----------
    what
        What it is.
    maker
        Module and function that make its basis; empty where the fit alone is enough.
    usual
        Whether it is made where nobody asks for it.
    drawn
        Whether it is of a distribution and not of a point estimate.
    tails
        Whether it leaves as much on both sides, so that its bounds at all levels are those of one distribution.
    """

    what: str
    maker: str = ""
    usual: bool = True
    drawn: bool = False
    tails: bool = True


#: Kinds of intervals by name.
KINDS: Mapping[str, Kind] = {
    "wald": Kind(what="estimate and standard error on the log, Fisher z or natural scale"),
    "wald-t": Kind(
        what="of fixed effects by (RE)ML: t with Satterthwaite degrees of freedom",
        maker="bayescompare.intervals.satterthwaite:wald_t",
    ),
    "lr": Kind(
        what="likelihood ratio, chi-square with 1 df: where a variance parameter is at its bound and Wald has none",
        maker="bayescompare.intervals.profile.basis:at_bounds",
    ),
    "profile": Kind(
        what="profile likelihood, chi-square with 1 df",
        maker="bayescompare.intervals.profile.basis:every_profile",
        usual=False,
    ),
    "cr0": Kind(
        what="of fixed effects by least squares: cluster-robust, normal quantile",
        maker="bayescompare.intervals.sandwich:cr0",
    ),
    "cr2": Kind(
        what="of fixed effects by least squares: cluster-robust, unbiased under independence, t with Satterthwaite df",
        maker="bayescompare.intervals.sandwich:cr2",
    ),
    "bootstrap": Kind(
        what="percentiles of refits on responses simulated from the fit",
        maker="bayescompare.intervals.bootstrap:percentile",
        usual=False,
    ),
    "bootstrap-shortest": Kind(
        what="shortest interval of the same refits",
        maker="bayescompare.intervals.bootstrap:shortest",
        usual=False,
        tails=False,
    ),
    "averaged": Kind(
        what="of Adam's iterates: Wald at their average, with the optimizer's noise",
        maker="bayescompare.intervals.averaged:averaged",
        usual=False,
    ),
    "eti": Kind(what="equal-tailed interval of the posterior draws", drawn=True),
    "hdi": Kind(what="shortest interval of the posterior draws", drawn=True, tails=False),
    "variational": Kind(what="equal-tailed interval of a Gaussian fitted to the posterior", drawn=True),
}


def check_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return kinds of intervals, or refuse one that is not known.

    Raises
    ------
    InputError
        If a kind is not known, or named twice.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"There is no kind of interval {kind!r}.{did_you_mean(kind, KINDS)}")
    if len(set(kinds)) < len(kinds):
        raise InputError("A kind of interval is named twice; name each once.")
    return tuple(kinds)


def chosen(kinds: Sequence[str] | None) -> frozenset[str]:
    """Return the kinds that are made: the usual ones where None.

    Kinds of point estimates leave those of distributions as they are, and the other way round.
    """
    usual = {name for name, kind in KINDS.items() if kind.usual}
    if kinds is None:
        return frozenset(usual)
    named = set(kinds)
    for drawn in (False, True):
        if not any(KINDS[name].drawn is drawn for name in named):
            named |= {name for name in usual if KINDS[name].drawn is drawn}
    return frozenset(named)


def check_refits(refits: int) -> int:
    """Return a number of refits, or refuse one that tells nothing of an interval's ends."""
    if refits < FEWEST_REFITS:
        raise InputError(f"A bootstrap needs at least {FEWEST_REFITS} refits, better {REFITS:,}, not {refits:,}.")
    return refits


def refitting(kinds: Sequence[str] | None) -> bool:
    """Return whether any of the kinds that are made refits."""
    return any("bootstrap" in name for name in chosen(kinds))


def with_bases(
    fit: Fit,
    problem: Problem,
    engine: Engine,
    seed: np.random.SeedSequence,
    kinds: Sequence[str] | None = None,
    *,
    refits: int = REFITS,
    progress: Progress | None = None,
) -> Fit:
    """Return a fit with what its intervals need that it does not have itself.

    Parameters
    ----------
    engine
        That made the fit: the bootstrap refits by it.
    seed
        Of what is drawn.
    kinds
        Of intervals; the usual ones where None.
    refits
        Of a bootstrap.
    progress
        Called as one goes on.
    """
    if not np.isfinite(fit.estimate).any():
        return fit
    made: dict[str, Basis] = {}
    further = {"refits": refits, "progress": progress, "made": made}
    for name in (name for name in KINDS if name in chosen(kinds) and KINDS[name].maker):
        maker, wanted = _maker(KINDS[name].maker)
        basis = maker(problem, fit, engine, seed, **{key: further[key] for key in wanted})
        if basis is not None:
            made[name] = basis
    return replace(fit, bases=made)


@cache
def _maker(where: str) -> tuple[Maker, frozenset[str]]:
    """Return a maker, and the names of the further parameters that it has."""
    module, _, name = where.partition(":")
    maker: Maker = getattr(import_module(module), name)
    return maker, _FURTHER & signature(maker).parameters.keys()
