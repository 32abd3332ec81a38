"""Faults 40 and 60: diverging runs, and Keras without TensorFlow."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from bayescompare.datasets import load
from bayescompare.engines.catalog import estimator
from bayescompare.errors import EstimatorError
from bayescompare.fits import Flag, Status
from bayescompare.likelihood.problem import Problem, build_problem, problem_from_frame
from bayescompare.likelihood.tensorflow import backend, backend_problem
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame


def one_way() -> Problem:
    """Return ten groups of six rows."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(10), 6)
    x = rng.normal(size=60)
    frame = ModelFrame(
        response="y",
        y=x + rng.normal(size=10)[groups] + rng.normal(size=60),
        X=np.column_stack([np.ones(60), x]),
        coefs=("Intercept", "x"),
        Z=np.ones((60, 1)),
        blocks=(("Intercept",),),
        factor="g",
        levels=tuple(map(str, range(10))),
        groups=groups,
    )
    return problem_from_frame(frame, Model("y ~ x + (1 | g)"))


SEED = [np.random.SeedSequence(1)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("settings", ["lr=1e9", "lr=1e9,map", "lr=1e9,batch=3,epochs=5", "lr=1e9,dtype=float32"])
def test_fault_40_a_learning_rate_of_1e9_is_diverged_with_its_last_finite_values(settings):
    fit = estimator(f"adam-marginal:{settings}").fit([one_way()], SEED)[0]
    assert Flag.DIVERGED in fit.flags
    assert fit.status is Status.FLAGGED
    assert np.isfinite(fit.estimate).all()
    assert np.isfinite(fit.objective)
    assert np.isfinite(fit.path.loss).all()
    assert np.isnan(fit.se).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("lr", [1e9, 1e30])
def test_fault_40_a_pooled_fit_far_off_is_flagged(lr):
    """At 1e9 the squared error stays finite: far from its optimum, diverged only out of range."""
    fit = estimator(f"adam-pooled:lr={lr:g}").fit([one_way()], SEED)[0]
    assert fit.status is Status.FLAGGED
    assert (Flag.DIVERGED if lr > 1e20 else Flag.OSCILLATING) in fit.flags
    assert Flag.PREMATURE in fit.flags
    assert np.isfinite(fit.estimate[:2]).all()


def test_fault_60_without_tensorflow_only_the_adam_estimators_answer(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    engine = estimator("adam-marginal")
    assert "pip install tensorflow" in str(engine.supports(Model("y ~ x + (1 | g)")))
    with pytest.raises(EstimatorError, match="need tensorflow: pip install tensorflow"):
        engine.fit([one_way()], SEED)
    with pytest.raises(EstimatorError, match="need tensorflow"):
        estimator("adam-pooled").fit([one_way()], SEED)
    assert estimator("lbfgs-ml").fit([one_way()], SEED)[0].status is Status.OK


def test_fault_60_another_keras_backend_is_named():
    code = (
        "from bayescompare.likelihood.tensorflow import backend, backend_problem\n"
        "import sys\n"
        "try:\n    backend()\nexcept Exception as error:\n    print(type(error).__name__, error)\n"
        "print('keras' in sys.modules, 'tensorflow' in sys.modules)\n"
    )
    told = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=told, check=True)
    assert done.stdout.startswith(
        "EstimatorError The Adam estimators need Keras on TensorFlow, and KERAS_BACKEND is 'jax'"
    )
    assert done.stdout.endswith("False False\n")


def test_fault_60_the_backend_here_is_tensorflow():
    assert backend_problem() is None
    assert backend()[1].backend.backend() == "tensorflow"


def test_fault_38_beside_a_boundary_there_is_no_standard_error():
    problem = build_problem(Model("yield ~ 1 + (1 | batch)"), load("dyestuff2"))
    fit = estimator("adam-marginal").fit([problem], [np.random.SeedSequence(1)])[0]
    sd = problem.layout.index("sd_batch[Intercept]")
    assert fit.estimate[sd] > 0
    assert np.isnan(fit.se[sd])
    assert fit.reason[sd] == "the optimum is at its boundary: no Wald standard error"
    assert np.isfinite(np.delete(fit.se, sd)).all()


@pytest.mark.parametrize("setting", ["tolerance=1e-3", "limit=10", "half_life=5"])
def test_a_setting_that_would_be_ignored_is_refused(setting):
    with pytest.raises(EstimatorError, match=setting.partition("=")[0]):
        estimator(f"adam-marginal:epochs=5,{setting}")
    assert estimator(f"adam-marginal:{setting}").epochs is None
