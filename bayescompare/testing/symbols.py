"""What may be wrong with a prior in PyTensor, for NUTS, and in Keras, for Adam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.errors import PriorError
from bayescompare.priors import numpy_namespace
from bayescompare.testing.line import Line

__all__ = ["keras_faults", "pytensor_faults"]

Array = npt.NDArray[np.float64]

_ADVICE = "Use the functions of xp alone, on x and on the fields, not those of math or numpy."


def _points(line: Line) -> Array:
    inside = line.good
    return (
        np.quantile(inside, [0.05, 0.2, 0.5, 0.7, 0.95]) if len(inside) else line.from_scale(np.linspace(-1, 2, 5))[0]
    )


def _slope(line: Line, x: Array) -> Array:
    """Return the derivative by central differences."""
    step = 1e-5 * np.maximum(np.abs(x), 1e-3 * np.max(np.abs(x)))
    with np.errstate(all="ignore"):
        above, below = (np.asarray(line.logp(x + s * step, numpy_namespace()), dtype=float) for s in (1, -1))
        return np.asarray((above - below) / (2 * step))


def _compared(line: Line, name: str, x: Array, value: Array, gradient: Array) -> Iterator[str]:
    """Yield where values and gradients of a library are not those of NumPy."""
    with np.errstate(all="ignore"):
        wanted, slope = np.asarray(line.logp(x, numpy_namespace()), dtype=float), _slope(line, x)
    if value.shape != x.shape:
        yield f"{name}: logp returns the shape {value.shape} for values of the shape {x.shape}."
        return
    off = ~np.isclose(value, wanted, rtol=1e-9, atol=1e-9, equal_nan=True)
    if off.any():
        yield f"{name}: logp at {x[off][0]:.4g} is {value[off][0]:.8g}, with NumPy {wanted[off][0]:.8g}."
    lost = np.isfinite(wanted) & ~np.isfinite(gradient)
    if lost.any():
        yield (
            f"{name}: the gradient of logp at {x[lost][0]:.4g} is {gradient[lost][0]:g}. (Of where() both branches "
            "must be finite, also the one that is not taken.)"
        )
    scale = np.max(np.abs(slope), initial=0.0, where=np.isfinite(slope))
    off = np.isfinite(gradient) & np.isfinite(slope) & ~np.isclose(gradient, slope, rtol=1e-4, atol=1e-6 * (scale + 1))
    if off.any():
        yield (
            f"{name}: the gradient of logp at {x[off][0]:.4g} is {gradient[off][0]:.6g}, by finite differences "
            f"{slope[off][0]:.6g}."
        )


def pytensor_faults(line: Line) -> Iterator[str]:
    """Yield what is wrong with symbols of PyTensor for the value and for the numbers."""
    import pytensor.tensor as pt
    from pytensor.compile.maker import function
    from pytensor.compile.mode import Mode
    from pytensor.gradient import grad

    from bayescompare.likelihood.pytensor_op import pytensor_namespace

    x, *numbers = pt.vector("x", shape=(5,), dtype="float64"), *(pt.dscalar() for _ in line.prior.constants())
    try:
        density = line.logp(x, pytensor_namespace(), numbers)
        outputs = [density, grad(pt.sum(density), x, disconnected_inputs="ignore")]
    except PriorError as error:
        yield f"PyTensor (nuts): {error} {_ADVICE}"
        return
    except Exception as error:
        yield f"PyTensor (nuts): logp has no gradient: {_first(error)} {_ADVICE}"
        return
    # evaluated once: compiling would take longer
    mode = Mode(linker="py", optimizer="fast_compile")
    evaluated = function([x, *numbers], outputs, mode=mode, on_unused_input="ignore")
    points = _points(line)
    values = [np.asarray(one, dtype=float) for one in evaluated(points, *_floats(line))]
    yield from _compared(line, "PyTensor (nuts)", points, values[0], values[1])


def keras_faults(line: Line) -> Iterator[str]:
    """Yield what is wrong with tensors of TensorFlow for the value and for the numbers."""
    if not line.prior.in_tensorflow:
        return
    from bayescompare.likelihood.tensorflow import backend, namespace

    tf, _ = backend()
    points = _points(line)
    x = tf.constant(points, tf.float64)
    numbers: list[Any] = [tf.fill(x.shape, tf.constant(value, tf.float64)) for value in _floats(line)]
    try:
        with tf.GradientTape() as tape:
            tape.watch(x)
            density = line.logp(x, namespace(), numbers)
        gradient = tape.gradient(density, x, unconnected_gradients="zero")
        found = density.numpy(), gradient.numpy()
    except PriorError as error:
        yield f"Keras (adam-marginal:map, adam-elbo): {error} {_ADVICE}"
        return
    except Exception as error:
        yield f"Keras (adam-marginal:map, adam-elbo): logp has no gradient: {_first(error)} {_ADVICE}"
        return
    yield from _compared(line, "Keras (adam-marginal:map, adam-elbo)", points, *found)


def _first(error: Exception) -> str:
    """Return the first line of an error."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}."


def _floats(line: Line) -> list[float]:
    return [float(value) for value in line.prior.constants().values()]
