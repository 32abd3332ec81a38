"""The marginal likelihood as one PyTensor Op around the Numba kernel that drives L-BFGS-B."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_and_cache_key

from bayescompare.likelihood import kernel

__all__ = ["MarginalLoglik", "marginal_loglik", "pytensor_namespace", "source_key"]


def pytensor_namespace() -> Any:
    """Return the functions that a prior's ``logp`` may use, for PyTensor symbols."""
    return SimpleNamespace(
        abs=pt.abs,
        exp=pt.exp,
        lgamma=pt.gammaln,
        log=pt.log,
        log1p=pt.log1p,
        sqrt=pt.sqrt,
        square=pt.square,
        sum=pt.sum,
        where=pt.where,
        stack=pt.stack,
    )


def source_key(path: str | Path) -> str:
    """Return a hash of a source file: PyTensor caches by the Op's key, not by what the kernel does."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


#: Hash of the kernel as it was when it was imported.
_KERNEL_KEY = source_key(kernel.__file__)


class MarginalLoglik(Op):
    """Log likelihood and its gradient at working coordinates; see `bayescompare.likelihood.kernel.working`.

    Inputs are ``x (p + q + m + 1,)``, ``starts``, ``t_inverse``, ``r``, ``c``, ``within`` and ``n``;
    outputs the log likelihood and its gradient by ``x``. Only the first output is differentiable,
    and only by ``x``: everything else is data.

    Parameters
    ----------
    key
        Hash of the kernel's source, part of the key under which PyTensor keeps the compiled function.
    """

    __props__ = ("key",)

    def __init__(self, key: str = _KERNEL_KEY) -> None:
        self.key = key

    def make_node(self, *inputs: Any) -> Apply:
        """Return the node of seven inputs and two outputs."""
        x, starts, *data = (pt.as_tensor(value) for value in inputs)
        return Apply(self, [x, starts.astype("int64"), *(value.astype("float64") for value in data)], [pt.dscalar(), pt.dvector()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Evaluate in Python, for PyTensor modes other than Numba."""
        x, starts, t_inverse, r, c, within, n = (np.ascontiguousarray(value) for value in inputs)
        value, gradient = kernel.working(x, c.shape[2] - 1, starts, t_inverse, r, c, within, float(n))
        output_storage[0][0], output_storage[1][0] = np.asarray(-0.5 * value), -0.5 * gradient

    def pullback(self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        """Return the cotangent of ``x``: that of the log likelihood times the second output."""
        if not isinstance(cotangents[1].type, DisconnectedType):
            second = grad_not_implemented(self, 0, inputs[0], "the gradient output is not differentiable")
            return [second, *(disconnected_type() for _ in inputs[1:])]
        return [cotangents[0] * outputs[1], *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Say that the outputs depend on ``x``, and on the data not differentiably."""
        return [[True, True], *([False, False] for _ in node.inputs[1:])]


@register_funcify_and_cache_key(MarginalLoglik)
def _numba_marginal_loglik(op: MarginalLoglik, node: Apply | None = None, **_: Any) -> tuple[Any, str]:
    """Return the compiled function, and a key that changes with the kernel's source."""
    working = kernel.working

    @numba_njit
    def marginal_loglik(x, starts, t_inverse, r, c, within, n):  # type: ignore[no-untyped-def]  # typed by Numba
        value, gradient = working(x, c.shape[2] - 1, starts, t_inverse, r, c, within, n.item())
        return np.asarray(-0.5 * value), -0.5 * gradient

    return marginal_loglik, f"bayescompare.MarginalLoglik.1.{op.key}"


def marginal_loglik(x: Any, starts: Any, t_inverse: Any, r: Any, c: Any, within: Any, n: Any) -> Any:
    """Return the symbolic log likelihood at working coordinates ``x``."""
    return MarginalLoglik()(x, starts, t_inverse, r, c, within, n)[0]
