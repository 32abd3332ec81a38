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
import numpy.typing as npt
from numba import cfunc, types
from numba.np.numpy_support import carray
from pytensor.configdefaults import config
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS

from bayescompare.likelihood import kernel, lanes

__all__ = ["KERNEL_KEY", "kept_cfunc", "marginal_loglik", "marginal_symbol", "source_key"]

Array = npt.NDArray[Any]

_REALS, _INTS = types.CPointer(types.float64), types.CPointer(types.intp)
_SIGNATURE = types.float64(_REALS, types.intp, _REALS, types.intp, types.intp, _INTS, types.intp, _REALS)
_NAME = "bayescompare_marginal_loglik"


def source_key(*paths: str | Path) -> str:
    """Return a hash of source files: caches go by key, not by what a function does."""
    return hashlib.sha256(b"".join(Path(path).read_bytes() for path in paths)).hexdigest()


#: Hash of the kernel's files as they were when this module was imported.
KERNEL_KEY = source_key(kernel.__file__, lanes.__file__)


def kept_cfunc(function: Any, signature: Any, key: str) -> Any:
    """Compile a C function, or load it from PyTensor's cache, where it is kept under a key."""
    CACHED_SRC_FUNCTIONS[function] = key
    return cfunc(signature, cache=config.numba__cache)(function)


def _marginal_loglik(x: Any, size: int, data: Any, length: int, p: int, starts: Any, blocks: int, out: Any) -> Any:
    point, packed, first = carray(x, (size,)), carray(data, (length,)), carray(starts, (blocks + 1,))
    q, groups = first[blocks], int(packed[1])
    a = 2 + q * q
    b = a + (p + 1) * (p + 1)
    end = b + groups * q * q
    t_inverse, within = packed[2:a].reshape((q, q)), packed[a:b].reshape((p + 1, p + 1))
    r, c = packed[b:end].reshape((q, q, groups)), packed[end:].reshape((q, p + 1, groups))
    value, gradient = lanes.working(point, p, first, t_inverse, r, c, within, packed[0])
    for k in range(size):
        out[k] = -0.5 * gradient[k]
    return -0.5 * value


@cache
def _compiled() -> Any:
    """Return the C function, which is kept for ever: compiled code calls it by its address."""
    return kept_cfunc(_marginal_loglik, _SIGNATURE, f"{_NAME}({KERNEL_KEY},{source_key(__file__)})")


def marginal_symbol() -> Any:
    """Return the log likelihood as compiled code calls it, which fills its gradient ``out``.

    It takes ``(x, its size, data, their number, p, starts, blocks, out)``, the data as
    `bayescompare.likelihood.pytensor_op.pack` orders them.
    """
    llvm.add_symbol(_NAME, _compiled().address)
    return types.ExternalFunction(_NAME, _SIGNATURE)


def marginal_loglik(x: Array, data: Array, p: int, starts: Array, out: Array) -> float:
    """Call the C function from Python."""
    function = _compiled().ctypes
    reals, ints = function.argtypes[0], function.argtypes[5]
    at, given, filled = (array.ctypes.data_as(reals) for array in (x, data, out))
    return float(function(at, len(x), given, len(data), p, starts.ctypes.data_as(ints), len(starts) - 1, filled))
