"""The marginal likelihood as a C function, which compiled code calls by its symbol.

A compiled function that calls another one by Numba carries a copy of it, optimised once more: PyTensor and
nutpie wrap theirs five times over. By a symbol the kernel is compiled once, and none of them contains it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba import cfunc, types
from numba.extending import register_jitable
from numba.np.numpy_support import carray
from pytensor.configdefaults import config
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS

from bayescompare.likelihood import kernel

__all__ = ["KERNEL_KEY", "kept_cfunc", "marginal_loglik", "marginal_symbol", "source_key"]

_REALS, _INTS = types.CPointer(types.float64), types.CPointer(types.intp)
_SIGNATURE = types.float64(_REALS, types.intp, _REALS, types.intp, types.intp, _INTS, types.intp, _REALS)

#: Kept for ever, as is the code that calls them by their addresses.
_COMPILED: dict[str, Any] = {}


def source_key(path: str | Path) -> str:
    """Return a hash of a source file: caches go by key, not by what a function does."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


#: Hash of the kernel as it was when this module was imported.
KERNEL_KEY = source_key(kernel.__file__)


def kept_cfunc(function: Any, signature: Any, key: str) -> Any:
    """Compile a C function, or load it from PyTensor's cache, where it is kept under a key."""
    CACHED_SRC_FUNCTIONS[function] = key
    return cfunc(signature, cache=config.numba__cache)(function)


@register_jitable
def marginal_loglik(x: Any, data: Any, p: int, starts: Any, gradient: Any) -> Any:
    """Return the log likelihood and fill its gradient, given the data as `pytensor_op.pack` orders them."""
    q, groups = starts[-1], int(data[1])
    a = 2 + q * q
    b = a + (p + 1) * (p + 1)
    end = b + groups * q * q
    t_inverse, within = data[2:a].reshape((q, q)), data[a:b].reshape((p + 1, p + 1))
    r, c = data[b:end].reshape((groups, q, q)), data[end:].reshape((groups, q, p + 1))
    value, slope = kernel.working(x, p, starts, t_inverse, r, c, within, data[0])
    for k in range(len(x)):
        gradient[k] = -0.5 * slope[k]
    return -0.5 * value


def _c_marginal_loglik(
    x: Any, size: int, data: Any, length: int, p: int, starts: Any, blocks: int, gradient: Any
) -> Any:
    """Call it as C does."""
    return marginal_loglik(
        carray(x, (size,)), carray(data, (length,)), p, carray(starts, (blocks + 1,)), carray(gradient, (size,))
    )


@cache
def marginal_symbol() -> Any:
    """Return `marginal_loglik` as compiled code calls it: ``(x, size, data, length, p, starts, blocks, gradient)``."""
    name = "bayescompare_marginal_loglik"
    key = f"{name}({KERNEL_KEY},{source_key(__file__)})"
    _COMPILED[name] = kept_cfunc(_c_marginal_loglik, _SIGNATURE, key)
    llvm.add_symbol(name, _COMPILED[name].address)
    return types.ExternalFunction(name, _SIGNATURE)
