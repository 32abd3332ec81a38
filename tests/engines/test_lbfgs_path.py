"""The path of L-BFGS-B: from the start that won to the estimate, downhill, each loss the deviance of its point."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.engines.catalog import estimator
from bayescompare.engines.lbfgs.way import Way
from bayescompare.fits import Fit, Path
from bayescompare.likelihood.evaluate import deviance, profiled_deviance
from bayescompare.likelihood.problem import Problem
from bayescompare.seeds import sequence

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
LABELS = ["lbfgs-ml", "lbfgs-reml", "lbfgs-ml:starts=1", "lbfgs-ml:starts=1,coordinates=log-sd", "lbfgs-ml:starts=9"]


def fitted(label: str, formula: str = SLEEP, data: object = "sleepstudy") -> tuple[Problem, Fit, Path]:
    fits = bc.fit(formula, data, label)
    fit = fits[estimator(label).label]
    assert fit.path is not None
    return fits.problem, fit, fit.path


def value(problem: Problem, fit: Fit, theta: np.ndarray) -> float:
    if fit.estimator.startswith("lbfgs-reml"):
        return profiled_deviance(problem, theta, reml=True)
    return deviance(problem, theta)


@pytest.mark.parametrize("label", LABELS)
def test_it_ends_at_the_estimate_and_each_loss_is_that_of_its_point(label: str) -> None:
    problem, fit, path = fitted(label)
    assert np.array_equal(path.values[-1], fit.estimate)
    assert path.loss[-1] == pytest.approx(fit.objective, abs=1e-7)
    assert [value(problem, fit, theta) for theta in path.values] == pytest.approx(list(path.loss), rel=1e-9)


@pytest.mark.parametrize("label", LABELS)
def test_it_goes_down_from_a_start(label: str) -> None:
    _, fit, path = fitted(label)
    assert path.steps[0] == 0
    assert np.all(np.diff(path.steps) > 0)
    assert path.steps[-1] <= fit.evaluations
    assert np.all(np.diff(path.loss) < 1e-8)
    assert path.loss[0] > path.loss[-1] + 1e-5


def test_the_start_is_the_one_that_won() -> None:
    _, fit, path = fitted("lbfgs-ml:starts=1,coordinates=log-sd")
    # relative sds of one: each sd times the size of its column is sigma
    days = np.sqrt(np.mean(np.arange(10.0) ** 2))
    assert path.values[0, 2:] == pytest.approx([path.values[0, -1], path.values[0, -1] / days, 0, path.values[0, -1]])
    assert fit.restarts == ()


def test_it_ends_at_an_exact_zero() -> None:
    rng = np.random.default_rng(1)
    y = np.concatenate([each - 0.9 * each.mean() for each in rng.normal(size=(8, 6))])
    problem, fit, path = fitted(
        "lbfgs-ml", "y ~ 1 + (1 | g)", pd.DataFrame({"y": y, "g": np.repeat(list("abcdefgh"), 6)})
    )
    assert fit.estimate[1] == 0.0 == path.values[-1, 1]
    assert np.all(path.values[:-1, 1] > 0)
    assert path.loss[-1] == pytest.approx(deviance(problem, fit.estimate), rel=1e-10)


def test_a_batch_keeps_the_way_and_makes_no_path() -> None:
    problem = bc.fit(SLEEP, "sleepstudy", "lbfgs-ml").problem
    fit = estimator("lbfgs-ml").fit([problem], [sequence(1, "fit", 0, "lbfgs")])[0]
    assert fit.path is None
    assert isinstance(fit.info["way"], Way)


def test_without_random_effects_it_is_one_point() -> None:
    _, fit, path = fitted("lbfgs-ml", "reaction ~ days")
    assert path.values.shape == (1, 3)
    assert np.array_equal(path.values[0], fit.estimate)
