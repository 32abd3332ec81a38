"""When an optimizer's path has arrived at its own optimum, and what that cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bayescompare.comparison.arrival import arrival
from bayescompare.fits import Fit, Path, Status
from bayescompare.layout import Layout

LAYOUT = Layout(coefs=("Intercept",))
OPTIMUM = np.array([0.0, 1.0])


def fit(path, **changes) -> Fit:
    """Return a fit whose intercept took a path, with standard errors of 1 and sigma at its optimum."""
    values = np.column_stack([path, np.ones(len(path))])
    steps = 10 * np.arange(len(path))
    made = Fit(
        estimator="mock", layout=LAYOUT, status=Status.OK, estimate=values[-1], se=np.ones(2),
        estimand=("", ""), reason=("", ""), own_optimum=OPTIMUM, working_se=np.ones(2), seconds=2.0,
        evaluations=int(steps[-1]), path=Path(steps=steps, values=values, loss=np.zeros(len(path))),
    )  # fmt: skip
    return replace(made, **changes)


def test_the_first_point_from_which_it_stays_near():
    found = arrival(fit([5.0, 0.05, 3.0, 0.1, -0.02]))
    assert (found.evaluations, found.reason) == (30, "")
    assert found.seconds == pytest.approx(2.0 * 30 / 40)
    assert arrival(fit([0.05, 0.0])).evaluations == 0


def test_what_ends_farther_away_has_not_arrived():
    found = arrival(fit([5.0, 0.0, 0.11]))
    assert np.isnan([found.evaluations, found.seconds]).all()
    assert found.reason == "it ended farther than 0.1 standard errors from its own optimum"
    assert arrival(fit([5.0, 0.0], working_se=None)).reason == found.reason
    assert arrival(fit([5.0, np.nan])).reason == found.reason
    assert arrival(fit([5.0, np.inf])).reason == found.reason


def test_distances_are_in_standard_errors_of_the_working_scale():
    assert arrival(fit([5.0, 0.15], working_se=np.array([2.0, 1.0]))).evaluations == 10
    sigma = fit([5.0, 0.0])
    sigma.path.values[:, 1] = sigma.estimate[1] = np.exp(0.2)
    assert arrival(sigma).reason
    assert arrival(replace(sigma, working_se=np.array([1.0, 3.0]))).evaluations == 10
    # without a standard error, as at a boundary, a parameter is left out
    assert arrival(replace(sigma, working_se=np.array([1.0, np.nan]))).evaluations == 10


def test_an_estimate_that_is_not_the_end_of_the_path_took_the_whole_run():
    assert arrival(fit([5.0, 0.0, 0.0, 3.0], estimate=OPTIMUM)).evaluations == 30


def test_why_there_is_no_cost():
    assert arrival(replace(fit([5.0, 0.0]), path=None)).reason == "no path is kept"
    assert arrival(fit([5.0, 0.0], own_optimum=None)).reason == "its own optimum is not known"
