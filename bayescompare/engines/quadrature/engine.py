"""The posterior of a model with one random effect a group, by numerical integration: the estimator."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bayescompare.engines.base import OneByOne, failed_fit, note_flags, status_of
from bayescompare.engines.quadrature.density import refusal
from bayescompare.engines.quadrature.integral import Integral, NoIntegralError, integrate
from bayescompare.errors import PriorError
from bayescompare.fits import Fit, Status
from bayescompare.likelihood.problem import Problem
from bayescompare.priors import PriorSet
from bayescompare.seeds import seed_key

__all__ = ["Quadrature"]

Array = npt.NDArray[np.float64]

_NO_MEAN = "the posterior mean does not exist: the posterior falls off too slowly"
_NO_SD = "the posterior sd does not exist: the posterior falls off too slowly"


@dataclass(frozen=True, kw_only=True)
class Quadrature(OneByOne):
    """The posterior by quadrature over (log sd, log sigma); estimates are posterior means.

    Given both sds everything else is Gaussian, and is integrated in closed form. No random numbers, no start, no
    convergence: what there is of error is estimated by a second rule, and is ``integration_error`` among the
    fit's diagnostics, in posterior sds and in probabilities.
    """

    name: ClassVar[str] = "quadrature"
    engine: ClassVar[str] = "quadrature"
    uses_priors: ClassVar[bool] = True

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence) -> Fit:
        """Fit one problem; what it is not for is a fit with the status ``not_applicable``."""
        started = time.perf_counter()
        reason = refusal(problem)
        if reason:
            return self._none(problem, reason, Status.NOT_APPLICABLE, started)
        try:
            found = integrate(problem)
        except NoIntegralError as error:
            return self._none(problem, str(error), error.status, started)
        except PriorError as error:
            return self._none(problem, str(error), Status.FAILED, started)
        return self._result(problem, found, started, seed_key(seed))

    def _none(self, problem: Problem, reason: str, status: Status, started: float) -> Fit:
        seconds = time.perf_counter() - started
        return failed_fit(self.label, problem.layout, reason, status, flags=note_flags(problem), seconds=seconds)

    def _result(self, problem: Problem, found: Integral, started: float, key: str) -> Fit:
        layout, flags = problem.layout, note_flags(problem)
        estimate, se = (np.array([getattr(one, what) for one in found.marginals]) for what in ("mean", "sd"))
        return Fit(
            estimator=self.label,
            layout=layout,
            status=status_of(flags),
            flags=flags,
            estimate=estimate,
            se=se,
            estimand=("posterior mean",) * layout.size,
            reason=tuple(map(_reason, estimate, se)),
            seconds=time.perf_counter() - started,
            evaluations=found.evaluations,
            seed_key=key,
            random_effects=found.posterior.random_effects(),
            marginals=found.marginals,
            diagnostics={"integration_error": found.error},
            info=_evidence(problem.priors, found),
        )


def _reason(estimate: float, se: float) -> str:
    return _NO_MEAN if np.isnan(estimate) else _NO_SD if np.isnan(se) else ""


def _evidence(priors: PriorSet, found: Integral) -> dict[str, Any]:
    """Return the log evidence, where the priors are proper; a prior that cannot be drawn from is not."""
    rng = np.random.default_rng(0)
    try:
        for prior in (*priors.beta, *priors.sd, priors.sigma):
            prior.draw(rng, (1,))
    except PriorError:
        return {}
    return {"log_evidence": found.posterior.log_evidence}
