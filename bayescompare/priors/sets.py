"""Named sets of priors, one for each parameter of a model: what other software and papers use.

A set is a function of the layout, the response and the columns, since most scale with the data. It
is frozen nowhere: the same name gives other numbers for other data, which the report prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.layout import Layout
from bayescompare.priors.base import Prior
from bayescompare.priors.named import (
    LKJ,
    BoundaryAvoiding,
    Flat,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Normal,
    PCPrior,
    StudentT,
    Uniform,
)
from bayescompare.priors.prior_set import PriorSet

__all__ = ["DEFAULT", "SETS", "NamedSet", "check_set", "default_priors", "set_priors"]

Array = npt.NDArray[np.float64]
Maker = Callable[[Layout, Array, Array, Array], PriorSet]

#: The set of a model that names none.
DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSet:
    """A set of priors, what it is in a line, and where it is from."""

    make: Maker
    what: str
    source: str


def _spread(column: Array) -> float:
    """Return the sd of a column, or its absolute level where it is constant."""
    spread = float(np.std(column))
    level = float(np.max(np.abs(column), initial=0.0))
    return spread if spread > 1e-12 * level else level or 1.0


def _is_constant(column: Array) -> bool:
    return bool(np.all(column == 1.0))


def _set(layout: Layout, *, beta: Iterable[Prior], sd: Iterable[Prior], cor: float, sigma: Prior) -> PriorSet:
    """Return a set with one LKJ prior a block of correlated effects."""
    correlated = sum(len(block) > 1 for block in layout.blocks)
    return PriorSet(layout=layout, beta=tuple(beta), sd=tuple(sd), cor=(LKJ(cor),) * correlated, sigma=sigma)


def _intercept(y: Array, x: Array) -> Normal:
    """Return Bambi's prior of the intercept, with the variance that the slopes' priors imply."""
    spread = 2.5 * _spread(y)
    away = sum((spread / _spread(column) * column.mean()) ** 2 for column in x.T if not _is_constant(column))
    return Normal(float(y.mean()), float(np.sqrt(spread**2 + away)))


def _scaled(y: Array, x: Array) -> tuple[Prior, ...]:
    """Return Normal(0, 2.5 sd(y) / sd(x)) for slopes, and the intercept's."""
    spread = 2.5 * _spread(y)
    return tuple(_intercept(y, x) if _is_constant(column) else Normal(0.0, spread / _spread(column)) for column in x.T)


def default_priors(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return weakly informative priors that scale with the data, as Bambi's do.

    Slopes are Normal(0, 2.5 sd(y) / sd(x)); the intercept is Normal about the mean of ``y`` with
    the variance that the slopes' priors imply at the raw predictors; each random-effect sd is
    HalfNormal with 2.5 sd(y) / sd(z); sigma is HalfStudentT(4, sd(y)); correlations are LKJ(2).
    """
    spread = _spread(y)
    sd = [HalfNormal(2.5 * spread / _spread(column)) for column in z.T]
    return _set(layout, beta=_scaled(y, x), sd=sd, cor=2.0, sigma=HalfStudentT(4.0, spread))


def _bambi(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return the priors of Bambi's ``PriorScaler``: a random intercept has the scale of the intercept."""
    spread, intercept = _spread(y), _intercept(y, x).sigma
    sd = [HalfNormal(intercept if _is_constant(column) else 2.5 * spread / _spread(column)) for column in z.T]
    return _set(layout, beta=_scaled(y, x), sd=sd, cor=1.0, sigma=HalfStudentT(4.0, spread))


def _flat(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return constant densities."""
    return _set(layout, beta=[Flat()] * layout.p, sd=[Flat()] * layout.q, cor=1.0, sigma=Flat())


def _brms(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return the priors of brms 2 for a Gaussian response, whose numbers it rounds to one decimal."""
    middle = float(np.median(y))
    # R's mad, which estimates the sd of a normal distribution
    scale = max(2.5, round(1.4826 * float(np.median(np.abs(y - middle))), 1))
    # brms sets it on the intercept at the predictors' means, which with flat slopes says next to nothing of ours
    alone = StudentT(3.0, round(middle, 1), scale) if layout.p == 1 else Flat()
    beta = [alone if _is_constant(column) else Flat() for column in x.T]
    half = HalfStudentT(3.0, scale)
    return _set(layout, beta=beta, sd=[half] * layout.q, cor=1.0, sigma=half)


def _gelman_uniform(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return Uniform(0, 100 sd(y) / sd(z)) for the sds, flat for the rest."""
    sd = [Uniform(0.0, 100 * _spread(y) / _spread(column)) for column in z.T]
    return _set(layout, beta=[Flat()] * layout.p, sd=sd, cor=1.0, sigma=Flat())


def _gelman_cauchy(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return HalfCauchy(2.5 sd(y) / sd(z)) for the sds, flat for the rest."""
    sd = [HalfCauchy(2.5 * _spread(y) / _spread(column)) for column in z.T]
    return _set(layout, beta=[Flat()] * layout.p, sd=sd, cor=1.0, sigma=Flat())


def _chung(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return the density ``det(S)^(1/2)`` of the effects' covariance: Wishart with q + 2 degrees of freedom."""
    return _set(layout, beta=[Flat()] * layout.p, sd=[BoundaryAvoiding()] * layout.q, cor=1.5, sigma=Flat())


def _penalised(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return PCPrior(3 sd of the least-squares residuals / sd(z), 0.01) for the sds and sigma, flat for the rest."""
    left = y - x @ np.linalg.lstsq(x, y)[0] if layout.p else y
    scale = 3 * (_spread(left) if np.std(left) > 1e-9 * np.std(y) else _spread(y))
    sd = [PCPrior(scale / _spread(column)) for column in z.T]
    return _set(layout, beta=[Flat()] * layout.p, sd=sd, cor=1.0, sigma=PCPrior(scale))


def _inla(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return R-INLA's defaults: log-gamma(1, 5e-5) on log precisions, N(0, precision 0.001) on slopes."""
    beta = [Flat() if _is_constant(column) else Normal(0.0, 1000.0**0.5) for column in x.T]
    variance = InverseGamma(1.0, 5e-5)
    return _set(layout, beta=beta, sd=[variance] * layout.q, cor=1.0, sigma=variance)


def _bugs(layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return N(0, precision 1e-6) on fixed effects, InverseGamma(0.001, 0.001) on variances."""
    variance = InverseGamma(0.001, 0.001)
    return _set(layout, beta=[Normal(0.0, 1000.0)] * layout.p, sd=[variance] * layout.q, cor=1.0, sigma=variance)


_GELMAN = "Gelman (2006), Bayesian Analysis 1, 515-533"

#: Sets by name.
SETS: Mapping[str, NamedSet] = {
    DEFAULT: NamedSet(
        make=default_priors,
        what="weakly informative, in the units of the data; LKJ(2) for correlations",
        source="after Bambi",
    ),
    "flat": NamedSet(
        make=_flat,
        what="constant everywhere: the mode is maximum likelihood; improper",
        source=f"{_GELMAN}, for the sds",
    ),
    "bambi": NamedSet(
        make=_bambi,
        what="Bambi's scaled defaults; uniform correlations, which Bambi has not",
        source="Bambi 0.21, PriorScaler; Westfall (2017), arXiv:1702.01201",
    ),
    "brms": NamedSet(
        make=_brms,
        what="Student t with 3 degrees of freedom and scale max(2.5, mad(y)) for sds and sigma, flat slopes",
        source="brms 2.23, default_prior; Buerkner (2017), J. Stat. Softw. 80(1)",
    ),
    "gelman-2006-uniform": NamedSet(
        make=_gelman_uniform, what="sds uniform on a wide interval, flat for the rest", source=_GELMAN
    ),
    "gelman-2006-half-cauchy": NamedSet(
        make=_gelman_cauchy,
        what="sds half-Cauchy with a scale beyond what is expected, flat for the rest",
        source=_GELMAN,
    ),
    "chung-2013": NamedSet(
        make=_chung,
        what="boundary-avoiding, for posterior modes: density proportional to the sds; improper",
        source="Chung et al. (2013), Psychometrika 78, 685-709; (2015), J. Educ. Behav. Stat. 40, 136-157",
    ),
    "penalised-complexity": NamedSet(
        make=_penalised,
        what="exponential sds, P(sd > 3 residual sds) = 0.01; flat fixed effects",
        source="Simpson et al. (2017), Stat. Sci. 32, 1-28; scale: Wang, Yue and Faraway (2018)",
    ),
    "inla": NamedSet(
        make=_inla,
        what="variances InverseGamma(1, 5e-5), whatever the units; a control",
        source="R-INLA, defaults of control.fixed and loggamma",
    ),
    "bugs": NamedSet(
        make=_bugs,
        what="variances InverseGamma(0.001, 0.001), whatever the units; a control",
        source=f"Spiegelhalter et al. (2003), WinBUGS manual; criticised by {_GELMAN}",
    ),
}


def check_set(name: object) -> str:
    """Return the name of a set.

    Raises
    ------
    PriorError
        If there is none of that name.
    """
    if not isinstance(name, str) or name not in SETS:
        raise PriorError(
            f"There is no set of priors named {name!r}.{did_you_mean(str(name), SETS)} "
            "A single prior is set on a parameter, as in sd_subject=HalfNormal(50)."
        )
    return name


def set_priors(name: str, layout: Layout, y: Array, x: Array, z: Array) -> PriorSet:
    """Return the priors of a named set for a model and its data.

    Parameters
    ----------
    y, x, z : (n,), (n, p), (n, q)
        Response, fixed-effect columns, random-effect columns.

    Raises
    ------
    PriorError
        If there is no such set.
    """
    return SETS[check_set(name)].make(layout, y, x, z)
