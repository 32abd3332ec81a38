"""One `logp` of every prior for NumPy, PyTensor and Keras, with its gradient; and PyMC's own densities."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from bayescompare.likelihood.pytensor_op import pytensor_namespace
from bayescompare.likelihood.tensorflow import backend, namespace
from bayescompare.priors import BoundaryAvoiding, Flat, InverseGamma, PCPrior, Prior, UniformVariance, numpy_namespace
from tests.priors.table import SCALARS, ends

XP = numpy_namespace()
PRIORS = (*SCALARS, Flat(), BoundaryAvoiding())
every_prior = pytest.mark.parametrize("prior", PRIORS, ids=repr)


def points(prior: Prior) -> np.ndarray:
    """Return points within, and one outside where there is an outside that the parameter can reach."""
    if prior not in SCALARS:
        return np.array([0.1, 1.0, 30.0])
    inside = np.quantile(prior.draw(np.random.default_rng(5), (999,)), [0.05, 0.5, 0.9])
    high = ends(prior)[1]
    return np.append(inside, high + 1) if np.isfinite(high) else inside


def slope(prior: Prior, x: np.ndarray) -> np.ndarray:
    """Return the derivative of the density by central differences, 0 outside."""
    h = 1e-5 * np.abs(x)
    with np.errstate(invalid="ignore"):
        found = (prior.logp(x + h, XP) - prior.logp(x - h, XP)) / (2 * h)
    return np.where(np.isfinite(prior.logp(x, XP)), found, 0.0)


@cache
def symbolic() -> dict[Prior, tuple[np.ndarray, np.ndarray]]:
    """Return PyTensor's values and gradients of all priors, with symbols for their numbers, from one function."""
    inputs, outputs, values = [], [], []
    for prior in PRIORS:
        x, *numbers = pt.dvector(), *(pt.dscalar() for _ in prior.constants())
        density = prior.with_constants(numbers).logp(x, pytensor_namespace())
        inputs += [x, *numbers]
        outputs += [density, pytensor.grad(density.sum(), x, disconnected_inputs="ignore")]
        values += [points(prior), *prior.constants().values()]
    found = pytensor.function(inputs, outputs, mode="FAST_COMPILE", on_unused_input="ignore")(*values)
    return dict(zip(PRIORS, zip(found[::2], found[1::2], strict=True), strict=True))


@every_prior
def test_pytensor_has_the_density_and_its_gradient(prior):
    x = points(prior)
    value, gradient = symbolic()[prior]
    np.testing.assert_allclose(value, prior.logp(x, XP), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, slope(prior, x), rtol=1e-6, atol=1e-8)


@every_prior
def test_keras_has_the_density_and_its_gradient(prior):
    tf, _ = backend()
    x = tf.constant(points(prior), tf.float64)
    # Adam's objectives have a number for each replicate
    numbers = [tf.fill(x.shape, tf.constant(value, tf.float64)) for value in prior.constants().values()]
    with tf.GradientTape() as tape:
        tape.watch(x)
        density = prior.with_constants(numbers).logp(x, namespace())
    gradient = tape.gradient(density, x, unconnected_gradients="zero")
    assert density.dtype == tf.float64
    np.testing.assert_allclose(density, prior.logp(x.numpy(), XP), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, slope(prior, x.numpy()), rtol=1e-6, atol=1e-8)


def pymc_density(prior: Prior, x: Any) -> Any:
    """Return PyMC's log density: by its distribution of the same name and numbers, of the square for a variance."""
    if isinstance(prior, PCPrior):
        return pm.logp(pm.Exponential.dist(-np.log(prior.alpha) / prior.u), x)
    if isinstance(prior, UniformVariance):
        return pm.logp(pm.Uniform.dist(0, prior.upper), x**2) + pt.log(2 * x)
    if isinstance(prior, InverseGamma):
        return pm.logp(pm.InverseGamma.dist(prior.alpha, prior.beta), x**2) + pt.log(2 * x)
    return pm.logp(getattr(pm, type(prior).__name__).dist(**prior.constants()), x)


def test_pymc_has_the_same_densities():
    inputs = [pt.dvector() for _ in SCALARS]
    outputs = [pymc_density(prior, x) for prior, x in zip(SCALARS, inputs, strict=True)]
    found = pytensor.function(inputs, outputs, mode="FAST_COMPILE")(*map(points, SCALARS))
    for prior, value in zip(SCALARS, found, strict=True):
        # PyMC has the constants of some to single precision
        np.testing.assert_allclose(value, prior.logp(points(prior), XP), rtol=1e-7, atol=1e-7, err_msg=repr(prior))
