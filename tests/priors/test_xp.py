"""The functions that a density may use are the same in NumPy, PyTensor and Keras."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode

from bayescompare.likelihood.pytensor_op import pytensor_namespace
from bayescompare.likelihood.tensorflow import backend, namespace
from bayescompare.priors import numpy_namespace

X, Y = np.array([0.3, 1.0, 2.5, 40.0]), np.array([1.5, 1.0, 0.2, -3.0])
#: Name -> how it is called; the others take one array.
CALLS = {
    "logaddexp": lambda f, x, y: f(x, y),
    "maximum": lambda f, x, y: f(x, y),
    "minimum": lambda f, x, y: f(x, y),
    "where": lambda f, x, y: f(x > 1, x, y),
    "stack": lambda f, x, y: f((x, y), -1),
}


def called(xp, x, y) -> dict:
    return {name: CALLS.get(name, lambda f, x, y: f(x))(f, x, y) for name, f in sorted(vars(xp).items())}


def test_every_function_gives_the_same_numbers():
    wanted = called(numpy_namespace(), X, Y)
    x, y = pt.dvector(), pt.dvector()
    symbols = called(pytensor_namespace(), x, y)
    assert symbols.keys() == wanted.keys()
    found = function([x, y], list(symbols.values()), mode=Mode(linker="py", optimizer="fast_compile"))(X, Y)
    tf, _ = backend()
    tensors = called(namespace(), tf.constant(X), tf.constant(Y))
    assert tensors.keys() == wanted.keys()
    for (name, value), symbol in zip(wanted.items(), found, strict=True):
        np.testing.assert_allclose(symbol, value, rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(tensors[name], value, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("make", [numpy_namespace, pytensor_namespace, namespace])
def test_another_function_is_refused_with_those_that_there_are(make):
    with pytest.raises(AttributeError, match=r"xp has no function 'sinh'; it has abs, erf, exp, .*, where"):
        make().sinh  # noqa: B018
