"""Simulated data sets ready to be fitted, kept while the estimators take their turns."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from json import dumps

import numpy as np
import numpy.typing as npt

from bayescompare.comparison.prediction import moments
from bayescompare.design import Scenario
from bayescompare.errors import BayesCompareError, UndrawableError
from bayescompare.fits import Status
from bayescompare.likelihood.evaluate import conditional_effects
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.simulation import Truth, simulate
from bayescompare.study.definition import Study
from bayescompare.study.files import digest
from bayescompare.study.own import kinds_of, laws

__all__ = ["Case", "cases", "scenario_key"]

# Bytes of problems that a process keeps.
_LARGEST = 256_000_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """A simulated data set; without a problem where no model can be fitted to it, and why.

    Parameters
    ----------
    status
        Of its fits where there is no problem.
    """

    replicate: int
    truth: Truth | None = None
    problem: Problem | None = None
    fault: str = ""
    status: Status = Status.FAILED

    @cached_property
    def modes(self) -> npt.NDArray[np.float64] | None:
        """Conditional modes of the random effects ``(J, q)`` at the true parameters."""
        if self.problem is None or self.truth is None:
            return None
        known = conditional_effects(self.problem, self.truth.theta)
        return None if known is None else known.mode

    @cached_property
    def moments(self) -> npt.NDArray[np.float64] | None:
        """Second moments of the rows ``(p + q, p + q)``."""
        return None if self.problem is None else moments(self.problem.x, self.problem.z)

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        problem = self.problem
        return 4000 + (0 if problem is None else 3 * (problem.x.nbytes + problem.z.nbytes + problem.y.nbytes))


def scenario_key(study: Study, scenario: Scenario) -> str:
    """Return a hash of all that the data sets of a scenario and their models depend on."""
    plain = repr(replace(scenario, description="", base="", factors={}))
    # a prior prints six digits, and no word of its density
    digits = [float(value) for law in laws(scenario) for value in law.constants().values()]
    own = [study.own_priors[name]["sha256"] for name in kinds_of([scenario])]
    return digest(dumps([plain, digits, own, study.seed]).encode())


class _Kept:
    """The cases that were used last."""

    def __init__(self) -> None:
        self._cases: OrderedDict[tuple[str, int], Case] = OrderedDict()
        self._bytes = 0

    def get(self, key: str, study: Study, scenario: Scenario, replicate: int) -> Case:
        place = key, replicate
        if place not in self._cases:
            self._cases[place] = _made(study, scenario, replicate)
            self._bytes += self._cases[place].nbytes
            while self._bytes > _LARGEST and len(self._cases) > 1:
                self._bytes -= self._cases.popitem(last=False)[1].nbytes
        self._cases.move_to_end(place)
        return self._cases[place]


_KEPT = _Kept()


def cases(study: Study, scenario: Scenario, replicates: Sequence[int]) -> list[Case]:
    """Return the data sets of some replicates; a process makes each once, while there is room."""
    key = scenario_key(study, scenario)
    return [_KEPT.get(key, study, scenario, replicate) for replicate in replicates]


def _made(study: Study, scenario: Scenario, replicate: int) -> Case:
    try:
        dataset = simulate(scenario, replicate, study.seed)
        problem = build_problem(study.model(scenario), dataset)
    except UndrawableError as error:
        return Case(replicate=replicate, fault=str(error).rstrip("."), status=Status.NOT_APPLICABLE)
    except BayesCompareError as error:
        return Case(replicate=replicate, fault=f"no model can be fitted to this data set: {error}")
    except Exception as error:
        fault = f"no data set could be made: {type(error).__name__}: {error}"
        return Case(replicate=replicate, fault=fault)
    return Case(replicate=replicate, truth=dataset.truth, problem=problem)
