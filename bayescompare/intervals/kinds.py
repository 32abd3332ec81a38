"""The kinds of intervals, and which of them are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from bayescompare.engines.base import Engine
from bayescompare.errors import InputError, did_you_mean
from bayescompare.fits import Basis, Fit
from bayescompare.likelihood.problem import Problem

__all__ = ["KINDS", "Kind", "check_kinds", "chosen", "with_bases"]

#: Makes a basis from a problem, its fit, the engine that made it and a seed; None where the kind is not for that fit.
Maker = Callable[[Problem, Fit, Engine, np.random.SeedSequence], Basis | None]


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
    """

    what: str
    maker: str = ""
    usual: bool = True
    drawn: bool = False


#: Kinds of intervals by name.
KINDS: Mapping[str, Kind] = {
    "wald": Kind(what="estimate and standard error on the log, Fisher z or natural scale"),
    "wald-t": Kind(
        what="of fixed effects by (RE)ML: t with Satterthwaite degrees of freedom",
        maker="bayescompare.intervals.satterthwaite:wald_t",
    ),
    "eti": Kind(what="equal-tailed interval of the posterior draws", drawn=True),
    "hdi": Kind(what="shortest interval of the posterior draws", drawn=True),
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


def with_bases(
    fit: Fit, problem: Problem, engine: Engine, seed: np.random.SeedSequence, kinds: Sequence[str] | None = None
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
    """
    if not np.isfinite(fit.estimate).any():
        return fit
    makers = {name: KINDS[name].maker for name in KINDS if name in chosen(kinds) and KINDS[name].maker}
    made = {name: _maker(where)(problem, fit, engine, seed) for name, where in makers.items()}
    return replace(fit, bases={name: basis for name, basis in made.items() if basis is not None})


def _maker(where: str) -> Maker:
    module, _, name = where.partition(":")
    maker: Maker = getattr(import_module(module), name)
    return maker
