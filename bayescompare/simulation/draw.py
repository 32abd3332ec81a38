"""From a scenario to responses: covariates and groups, a truth, and what the model makes of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.dataset import Dataset
from bayescompare.design import Scenario
from bayescompare.errors import StudyError, UndrawableError
from bayescompare.seeds import generator, sequence
from bayescompare.simulation.blank import Blank, blank
from bayescompare.simulation.frozen import frozen
from bayescompare.simulation.truths import covariance_root, truth_of, truth_vector

__all__ = ["Truth", "answered", "simulate"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The parameters and random effects that a data set was simulated from.

    Parameters
    ----------
    theta : (k,)
        In the layout's order.
    effects : (J, q)
    """

    theta: Array
    effects: Array


def simulate(scenario: Scenario, replicate: int, seed: int) -> Dataset:
    """Return replicate ``replicate`` of a scenario under a root seed; ``Dataset.truth`` is a `Truth`.

    Raises
    ------
    UndrawableError
        If the truth is drawn from the priors, and one of them cannot be drawn from.
    StudyError
        If formula, covariates and truth do not fit together.
    """
    where = f"scenario {scenario.name!r}"
    try:
        sheet = blank(scenario, replicate, seed)
        truth = truth_of(frozen(scenario, seed, sheet.layout), sheet.layout)
    except UndrawableError:
        raise
    except StudyError as error:
        raise StudyError(f"{where}: {error}") from None
    theta = truth_vector(truth, sheet.layout, where, sequence(seed, scenario.name, replicate, "truth"))
    return answered(sheet, theta, scenario, replicate, seed)


def answered(sheet: Blank, theta: Array, scenario: Scenario, replicate: int, seed: int) -> Dataset:
    """Return the data set of a blank one at true parameters ``(k,)``."""
    rng = generator(sequence(seed, scenario.name, replicate, "data"), 1)
    response, effects = _response(sheet, theta, rng)
    return Dataset(
        frame=pd.DataFrame({**sheet.columns, sheet.response: response}),
        name=f"{scenario.name}-{replicate}",
        source=f"simulated: scenario {scenario.name!r}, replicate {replicate}, seed {seed}",
        truth=Truth(theta=theta, effects=effects),
    )


def _response(sheet: Blank, theta: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw ``y = X beta + Z b + e`` and return it with ``b``."""
    layout = sheet.layout
    effects = rng.standard_normal((max(len(layout.levels), 1), layout.q)) @ covariance_root(theta, layout).T
    noise = rng.normal(0.0, theta[layout.sigma], len(sheet.x))
    mean = sheet.x @ theta[layout.beta] + np.sum(sheet.z * effects[sheet.groups], axis=1)
    return mean + noise, effects
