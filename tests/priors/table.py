"""The declared table of scalar priors: each with the distribution that SciPy has of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from bayescompare.priors import (
    Cauchy,
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    LogNormal,
    Normal,
    PCPrior,
    Prior,
    StudentT,
    Uniform,
    UniformVariance,
)

Array = npt.NDArray[np.float64]

#: Distributions of the parameter's square.
OF_SQUARES = (InverseGamma, UniformVariance)

#: Prior -> SciPy's distribution: of the parameter, of its square (`OF_SQUARES`), or before folding at zero.
SCALARS: Mapping[Prior, Any] = {
    Normal(1.5, 0.5): stats.norm(1.5, 0.5),
    StudentT(3, 1.5, 0.5): stats.t(3, 1.5, 0.5),
    StudentT(0.7, -20.0, 4.0): stats.t(0.7, -20.0, 4.0),
    Cauchy(-1.0, 2.0): stats.cauchy(-1.0, 2.0),
    Uniform(-1.0, 3.0): stats.uniform(-1.0, 4.0),
    Uniform(0.5, 3.0): stats.uniform(0.5, 2.5),
    HalfNormal(2.5): stats.halfnorm(scale=2.5),
    HalfStudentT(3, 2.0): stats.t(3, scale=2.0),
    HalfStudentT(1.5, 0.1): stats.t(1.5, scale=0.1),
    HalfCauchy(2.0): stats.halfcauchy(scale=2.0),
    Exponential(0.4): stats.expon(scale=2.5),
    Gamma(2.0, 0.5): stats.gamma(2.0, scale=2.0),
    Gamma(0.5, 3.0): stats.gamma(0.5, scale=1 / 3),
    LogNormal(0.3, 0.8): stats.lognorm(0.8, scale=np.exp(0.3)),
    PCPrior(2.0, 0.05): stats.expon(scale=-2.0 / np.log(0.05)),
    InverseGamma(3.0, 2.0): stats.invgamma(3.0, scale=2.0),
    InverseGamma(0.5, 0.01): stats.invgamma(0.5, scale=0.01),
    UniformVariance(9.0): stats.uniform(0.0, 9.0),
}


def distribution(prior: Prior, x: Array) -> Array:
    """Return the distribution function of the parameter."""
    reference = SCALARS[prior]
    if isinstance(prior, OF_SQUARES):
        return np.asarray(reference.cdf(x**2))
    return np.asarray(2 * reference.cdf(x) - 1 if isinstance(prior, HalfStudentT) else reference.cdf(x))


def ends(prior: Prior) -> tuple[float, float]:
    """Return where the density of the parameter begins and ends."""
    low, high = SCALARS[prior].support()
    if isinstance(prior, HalfStudentT):
        return 0.0, high
    return (np.sqrt(low), np.sqrt(high)) if isinstance(prior, OF_SQUARES) else (low, high)
