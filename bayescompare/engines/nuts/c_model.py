"""The marginal model as the C functions that nutpie calls, kept on disk between processes.

nutpie's own way from a PyMC model compiles its C functions in each process anew, which takes longer than
sampling. Ours are the same PyTensor graph with less around it, under the key that PyTensor gives the graph.
They rest on what nutpie expects of a C function, so they are for the versions that were tried, `TRIED`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import numpy as np
import numpy.typing as npt
import nutpie
import pymc as pm
from numba import cfunc, types
from numba.np.numpy_support import carray
from nutpie.compile_pymc import CompiledPyMCModel
from pytensor.gradient import grad
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS

from bayescompare.engines.nuts.model import UNBOUNDED
from bayescompare.likelihood.c_kernel import kept_cfunc, source_key

__all__ = ["TRIED", "Compiled", "compile_marginal", "is_tried"]

Array = npt.NDArray[np.float64]

#: Versions of nutpie whose C functions have these signatures and return codes.
TRIED = ("0.16.11",)

_REALS = types.CPointer(types.float64)
_LOGP = types.int64(types.uint64, _REALS, _REALS, _REALS, _REALS)
_EXPAND = types.int64(types.uint64, types.uint64, _REALS, _REALS, _REALS)

_RAISED, _GRADIENT, _VALUE = 1, 3, 4


def is_tried() -> bool:
    """Return whether the installed nutpie is one that this module knows."""
    return nutpie.__version__ in TRIED


@dataclass(frozen=True)
class Compiled(CompiledPyMCModel):
    """nutpie's compiled model with the one data vector as what it hands to the C functions."""

    user_data: Array

    def with_data(self, *, data: Array) -> Compiled:
        """Return the model of other data."""
        return replace(self, user_data=_sized(data))


def _sized(data: Array) -> Array:
    """Return the data after their number."""
    return np.concatenate([[len(data)], data])


def compile_marginal(model: pm.Model) -> Any:
    """Return nutpie's compiled model of a marginal model: one free vector, one data vector."""
    function = _logp_and_gradient(model)
    (data,) = function.get_shared()
    (value,) = model.value_vars
    size = int(value.type.shape[0])
    return Compiled(
        dims={},
        compiled_logp_func=_c_logp(function),
        compiled_expand_func=kept_cfunc(_identity, _EXPAND, f"bayescompare.identity({source_key(__file__)})"),
        initial_point_func=lambda _: np.zeros(size),
        shared_data={},
        shared_var_keys={},
        user_data=_sized(data.get_value()),
        n_expanded=size,
        shape_info=([UNBOUNDED], [slice(0, size)], [(size,)]),
        logp_func=function,
        expand_func=None,
        _n_dim=size,
        _shapes={UNBOUNDED: (size,)},
        _coords={},
        reparameterized_names=[],
    )


def _logp_and_gradient(model: pm.Model) -> Any:
    """Compile log density and gradient, rewritten as nutpie does."""
    (value,) = model.value_vars
    logp: Any = rewrite_graph(model.logp(), include=["canonicalize", "stabilize"])
    with model:
        return pm.compile([value], [logp, grad(logp, value)], mode="NUMBA")


def _c_logp(function: Any) -> Any:
    """Return the C function of a compiled graph, kept under the graph's own key where it has one."""
    graph = function.vm.jit_fn
    bound = FunctionType(_logp.__code__, {**globals(), "_graph": graph}, "logp")
    key = CACHED_SRC_FUNCTIONS.get(graph.py_func)
    if key is None:
        return cfunc(_LOGP)(bound)
    return kept_cfunc(bound, _LOGP, f"bayescompare.logp({key},{source_key(__file__)})")


def _graph(x: Any, data: Any) -> Any:
    """Stand for the compiled graph, which each C function has in this one's place."""
    raise NotImplementedError


def _logp(size: Any, x: Any, gradient: Any, value: Any, data: Any) -> int:
    try:
        found, slope = _graph(carray(x, (size,)), carray(data, (int(data[0]) + 1,))[1:])
        value[0] = found.item()
        for k in range(size):
            gradient[k] = slope[k]
    except Exception:
        return _RAISED
    for k in range(size):
        if not np.isfinite(gradient[k]):
            return _GRADIENT
    return 0 if np.isfinite(value[0]) else _VALUE


def _identity(size: Any, expanded: Any, x: Any, out: Any, data: Any) -> int:
    for k in range(size):
        out[k] = x[k]
    return 0
