"""The marginal likelihood as a PyTensor Op around the Numba kernel that drives L-BFGS-B.

Two habits keep compilation short, which takes longer than sampling: the data of the likelihood
come as one vector (nutpie's wrapper grows with every shared variable), and everything about the
kernel is scalar (`Unstack`), so that PyTensor fuses it into one function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_and_cache_key

from bayescompare.likelihood import c_kernel
from bayescompare.likelihood.c_kernel import KERNEL_KEY, marginal_symbol, source_key
from bayescompare.likelihood.lanes import groups_last
from bayescompare.likelihood.products import Products
from bayescompare.priors.base import Functions

__all__ = ["MarginalLoglik", "Unstack", "marginal_loglik", "pack", "pytensor_namespace", "unstack"]

Array = npt.NDArray[np.float64]


def pytensor_namespace() -> Functions:
    """Return the functions that a prior's ``logp`` may use, for PyTensor symbols."""
    return Functions(
        abs=pt.abs,
        erf=pt.erf,
        exp=pt.exp,
        expm1=pt.expm1,
        lgamma=pt.gammaln,
        log=pt.log,
        log1p=pt.log1p,
        logaddexp=_logaddexp,
        maximum=pt.maximum,
        minimum=pt.minimum,
        sqrt=pt.sqrt,
        square=pt.square,
        sum=pt.sum,
        tanh=pt.tanh,
        where=pt.where,
        stack=pt.stack,
    )


def _logaddexp(a: Any, b: Any) -> Any:
    """Return the log of a sum, of plain operations: PyTensor's own has an inner graph, which is compiled by itself."""
    return pt.maximum(a, b) + pt.log1p(pt.exp(-pt.abs(a - b)))


def pack(products: Products) -> Array:
    """Return what the likelihood needs of the data in one vector: n, J, T^-1, within, r, c, the groups last."""
    arrays = (products.t_inverse, products.within, groups_last(products.r), groups_last(products.c))
    return np.concatenate([[products.n, len(products.r)], *(array.ravel() for array in arrays)])


class MarginalLoglik(Op):
    """Log likelihood and its gradient at working coordinates; see `bayescompare.likelihood.kernel.working`.

    Inputs are ``x (p + q + m + 1,)`` and the data as `pack` orders them; outputs the log likelihood
    and its gradient by ``x``. Only the first output is differentiable, and only by ``x``.

    Parameters
    ----------
    p
        Number of fixed effects.
    starts
        First effect of each block, and ``q``.
    key
        Hash of the kernel's source, part of the key under which PyTensor keeps the compiled function.
    """

    __props__ = ("p", "starts", "key")

    def __init__(self, p: int, starts: Iterable[int], key: str = KERNEL_KEY) -> None:
        self.p = p
        self.starts = tuple(int(start) for start in starts)
        self.key = key

    def make_node(self, *inputs: Any) -> Apply:
        """Return the node of two inputs and two outputs."""
        x, data = inputs
        return Apply(self, [pt.as_tensor(x), pt.as_tensor(data)], [pt.dscalar(), pt.dvector()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate in Python, for PyTensor modes other than Numba."""
        x, data = (np.ascontiguousarray(value) for value in inputs)
        gradient = np.empty(len(x))
        value = c_kernel.marginal_loglik(x, data, self.p, np.array(self.starts, dtype=np.intp), gradient)
        output_storage[0][0], output_storage[1][0] = np.asarray(value), gradient

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        """Return the cotangent of ``x``: that of the log likelihood times the second output."""
        if not isinstance(cotangents[1].type, DisconnectedType):
            reason = "the gradient output is not differentiable"
            return [grad_not_implemented(self, 0, inputs[0], reason), disconnected_type()]
        return [cotangents[0] * outputs[1], disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Say that the outputs depend on ``x``, and on the data not differentiably."""
        return [[True, True], [False, False]]


def _function(p: int, starts: tuple[int, ...]) -> Any:
    """Return the Python function of (x, packed data) that Numba compiles."""
    first, blocks, call = np.array(starts, dtype=np.intp), len(starts) - 1, marginal_symbol()

    def marginal_loglik(x: Any, data: Any) -> Any:
        point, packed = np.ascontiguousarray(x), np.ascontiguousarray(data)
        gradient = np.empty(len(x))
        value = call(point.ctypes, len(x), packed.ctypes, len(data), p, first.ctypes, blocks, gradient.ctypes)
        return np.asarray(value), gradient

    return marginal_loglik


@register_funcify_and_cache_key(MarginalLoglik)
def _numba_marginal_loglik(op: MarginalLoglik, node: Apply | None = None, **_: Any) -> tuple[Any, str]:
    """Return the compiled function, and a key that changes with the source of the kernel and of this file."""
    own = source_key(__file__)
    return numba_njit(_function(op.p, op.starts)), f"bayescompare.MarginalLoglik({op.p},{op.starts},{op.key},{own})"


class Unstack(Op):
    """The entries of a vector as scalars, one Op for all of them.

    Parameters
    ----------
    size
        Number of entries; what follows them is left.
    """

    __props__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size

    def make_node(self, *inputs: Any) -> Apply:
        """Return the node of one vector and ``size`` scalars."""
        (x,) = inputs
        return Apply(self, [pt.as_tensor(x)], [pt.dscalar() for _ in range(self.size)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate in Python, for PyTensor modes other than Numba."""
        for entry, storage in zip(inputs[0], output_storage, strict=False):
            storage[0] = np.asarray(entry)

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        """Return the cotangents, stacked: the vector must have no more entries than were taken."""
        zero = pt.constant(0.0)
        return [pt.stack([zero if isinstance(one.type, DisconnectedType) else one for one in cotangents])]


@register_funcify_and_cache_key(Unstack)
def _numba_unstack(op: Unstack, node: Apply | None = None, **_: Any) -> tuple[Any, str]:
    """Return the compiled function; the number of outputs must be in its source."""
    entries = "".join(f"asarray(x[{i}]), " for i in range(op.size))
    scope: dict[str, Any] = {"asarray": np.asarray}
    exec(f"def unstack(x):\n    return ({entries})", scope)
    return numba_njit(scope["unstack"]), f"bayescompare.Unstack.1({op.size})"


def marginal_loglik(x: Any, data: Any, p: int, starts: Iterable[int]) -> Any:
    """Return the symbolic log likelihood at working coordinates; see `MarginalLoglik`."""
    outputs: Any = MarginalLoglik(p, starts)(x, data)
    return outputs[0]


def unstack(x: Any, size: int) -> list[Any]:
    """Return the first entries of a symbolic vector as scalars; see `Unstack`."""
    return list(Unstack(size).make_node(x).outputs)
