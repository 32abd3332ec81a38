"""Named sets of priors, one for each parameter of a model: what other software and papers use.

A set is a function of the layout, the response and the columns, since most scale with the data. It
is frozen nowhere: the same name gives other numbers for other data, which the report prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.layout import Layout
from bayescompare.priors import recipes
from bayescompare.priors.prior_set import PriorSet
from bayescompare.priors.recipes import default_priors

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


_GELMAN = "Gelman (2006), Bayesian Analysis 1, 515-533"

#: Sets by name.
SETS: Mapping[str, NamedSet] = {
    DEFAULT: NamedSet(
        make=default_priors,
        what="weakly informative, in the units of the data; LKJ(2) for correlations",
        source="after Bambi",
    ),
    "flat": NamedSet(
        make=recipes.flat,
        what="constant everywhere: the mode is maximum likelihood; improper",
        source=f"{_GELMAN}, for the sds",
    ),
    "bambi": NamedSet(
        make=recipes.bambi,
        what="Bambi's scaled defaults; uniform correlations, which Bambi has not",
        source="Bambi 0.21, PriorScaler; Westfall (2017), arXiv:1702.01201",
    ),
    "brms": NamedSet(
        make=recipes.brms,
        what="Student t with 3 degrees of freedom and scale max(2.5, mad(y)) for sds and sigma, flat slopes",
        source="brms 2.23, default_prior; Buerkner (2017), J. Stat. Softw. 80(1)",
    ),
    "gelman-2006-uniform": NamedSet(
        make=recipes.gelman_uniform, what="sds uniform on a wide interval, flat for the rest", source=_GELMAN
    ),
    "gelman-2006-half-cauchy": NamedSet(
        make=recipes.gelman_cauchy,
        what="sds half-Cauchy with a scale beyond what is expected, flat for the rest",
        source=_GELMAN,
    ),
    "chung-2013": NamedSet(
        make=recipes.chung,
        what="boundary-avoiding, for posterior modes: density proportional to the sds; improper",
        source="Chung et al. (2013), Psychometrika 78, 685-709; (2015), J. Educ. Behav. Stat. 40, 136-157",
    ),
    "penalised-complexity": NamedSet(
        make=recipes.penalised,
        what="exponential sds, P(sd > 3 residual sds) = 0.01; flat fixed effects",
        source="Simpson et al. (2017), Stat. Sci. 32, 1-28; scale: Wang, Yue and Faraway (2018)",
    ),
    "inla": NamedSet(
        make=recipes.inla,
        what="variances InverseGamma(1, 5e-5), whatever the units; a control",
        source="R-INLA, defaults of control.fixed and loggamma",
    ),
    "bugs": NamedSet(
        make=recipes.bugs,
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
