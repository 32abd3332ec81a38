"""Why a sampler could not start: which part of the posterior is not finite where it should begin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.engines.nuts.draws import natural_draws
from bayescompare.engines.nuts.model import Parameterization
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import numpy_namespace

__all__ = ["why_no_start"]

Array = npt.NDArray[np.float64]


def why_no_start(problem: Problem, parameterization: Parameterization) -> str:
    """Return a sentence that names the offending variables, empty where none is found."""
    theta = natural_draws(np.zeros(problem.layout.size), problem)
    culprits = _bad_priors(problem, theta)
    if culprits:
        return f"the prior density is not finite near the data for {'; '.join(culprits)}"
    if not np.isfinite(deviance(problem, theta)):
        return f"the likelihood is not finite at {dict(zip(problem.layout.labels, theta.tolist(), strict=True))}"
    return ""


def _bad_priors(problem: Problem, theta: Array) -> list[str]:
    """Return label, value and prior of each parameter with a density of zero, infinity or NaN."""
    found = []
    xp = numpy_namespace()
    for label, prior in problem.priors.labels().items():
        if label == problem.layout.cor_name:
            continue
        value = theta[problem.layout.index(label)]
        with np.errstate(all="ignore"):
            log_density = float(prior.logp(value, xp))
        if not np.isfinite(log_density):
            found.append(f"{label} at {value:.6g} under {prior!r}")
    return found
