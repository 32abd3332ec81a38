"""Priors that scale with data as numbers: made once, of a reference design and a nominal response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from bayescompare.design import Scenario
from bayescompare.layout import Layout
from bayescompare.priors import DEFAULT, Prior, resolve, set_priors
from bayescompare.simulation.blank import Blank, blank
from bayescompare.simulation.truths import is_frozen

__all__ = ["frozen", "nominal_response"]

Array = npt.NDArray[np.float64]


def frozen(scenario: Scenario, seed: int, layout: Layout | None = None) -> Scenario:
    """Return a scenario whose truth is drawn from its priors with each of these as numbers.

    The constants that scale with data are those for the design of replicate 0 and a nominal response. All replicates
    are drawn from, and fitted with, these numbers: a prior that scaled with each replicate's own data would not be
    the law of the truth.

    Parameters
    ----------
    seed
        Root seed of the reference design.
    layout
        Of the model, where it is known: a scenario whose priors are numbers already is then given back as it is.

    Raises
    ------
    StudyError, FormulaError, PriorError
        If there is no such design, or a prior is set on what the model has not.
    """
    if scenario.truth != "prior" or (layout is not None and is_frozen(scenario, layout)):
        return scenario
    sheet = blank(scenario, 0, seed)
    named = str(scenario.priors.get("set", DEFAULT))
    made = set_priors(named, sheet.layout, nominal_response(sheet, *scenario.nominal), sheet.x, sheet.z)
    own = {key: prior for key, prior in scenario.priors.items() if isinstance(prior, Prior)}
    numbers = {
        label: prior if any(prior is one for one in own.values()) else _as_printed(prior)
        for label, prior in resolve(own, made).labels().items()
    }
    return replace(scenario, priors={"set": named, **numbers})


def _as_printed(prior: Prior) -> Prior:
    """Return a prior with the digits that it prints: what a report shows is what was used."""
    constants = prior.constants()
    # a mean of zero that is off by rounding would print as it is
    nothing = 1e-12 * max((abs(value) for value in constants.values()), default=0.0)
    return type(prior)(**{name: _digits(value, nothing) for name, value in constants.items()})


def _digits(value: float, nothing: float) -> float:
    return value if isinstance(value, int) else 0.0 if abs(value) < nothing else float(f"{value:.6g}")


def nominal_response(sheet: Blank, mean: float, sd: float) -> Array:
    """Return a response ``(n,)`` of a mean and an sd, near to normal, that the predictors say nothing of.

    Whatever a set looks at is then the same: its sd, its median absolute deviation and the sd of its residuals are
    those of a normal variable.
    """
    n = len(sheet.x)
    scores = np.random.default_rng(0).permutation(ndtri((np.arange(n) + 0.5) / n))
    left = scores - sheet.x @ np.linalg.lstsq(sheet.x, scores)[0] if sheet.layout.p else scores
    left = left if np.std(left) > 1e-6 else scores
    return np.asarray(mean + sd * (left - left.mean()) / np.std(left))
