"""Fifty data sets in one stack are fitted as each of them alone: objectives, early stopping, optimizers."""

from __future__ import annotations

import numpy as np
import pytest

from bayescompare.engines.adam.optimizers import COUPLED, ELEMENTWISE
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Flag
from tests.engines.test_adam_marginal import seeds, slopes

pytestmark = pytest.mark.slow

COUNT = 50
EARLY = "epochs=40,validation_split=0.2,patience=2"


# Runs that amplify rounding: those that drift towards a boundary do, as those that swing or diverge.
DRIFTING = {Flag.OSCILLATING, Flag.DIVERGED, Flag.DEGENERATE, Flag.STEP_LIMIT}


def held_together(label: str, problems: list) -> list:
    """Fit together and alone, compare, and return the fits."""
    engine, own = estimator(label), seeds(len(problems))
    together = engine.fit(problems, own)
    for fit, problem, seed in zip(together, problems, own, strict=True):
        alone = engine.fit([problem], [seed])[0]
        assert (alone.evaluations, alone.flags, alone.status) == (fit.evaluations, fit.flags, fit.status)
        rtol = 1e-3 if DRIFTING & set(fit.flags) else 1e-8
        np.testing.assert_allclose(alone.estimate, fit.estimate, rtol=rtol, atol=1e-8)
    return together


@pytest.mark.parametrize(
    "label",
    [
        f"adam-marginal:lr=0.3,batch=4,{EARLY}",
        f"adam-pooled:dtype=float64,lr=0.1,{EARLY}",
        f"adam-embedding:dtype=float64,lr=0.1,{EARLY}",
        f"adam-penalised:lr=0.1,batch=32,{EARLY}",
        "adam-marginal",
        "adam-penalised:variances=learned,epochs=300",
        "adam-elbo:epochs=200",
    ],
)
def test_fifty_together_are_fifty_alone(label):
    rng = np.random.default_rng(0)
    problems = [slopes(seed, groups=20, rows=int(rng.integers(4, 9))) for seed in range(COUNT)]
    fits = held_together(label, problems)
    if "patience" in label:
        assert len({fit.evaluations for fit in fits}) > 5


@pytest.mark.parametrize("name", {**ELEMENTWISE, **COUPLED})
def test_with_every_optimizer(name):
    problems = [slopes(seed, groups=20) for seed in range(COUNT)]
    held_together(f"adam-marginal:optimizer={name},lr=0.05,batch=5,epochs=5", problems)
