"""Compiled models, one a structure: later problems of the same structure swap their data."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import nutpie
from pytensor.configdefaults import config

from bayescompare.engines.nuts.c_model import compile_marginal, is_tried
from bayescompare.engines.nuts.model import Parameterization, build_model, model_data, reads_symbols
from bayescompare.engines.nuts.start import starts
from bayescompare.likelihood.problem import Problem

__all__ = ["clear", "compiled_for", "exact_arithmetic", "structure"]

#: Compiled models kept; priors that refuse symbols need one for each set of numbers.
_KEPT = 16
_COMPILED: OrderedDict[Hashable, Any] = OrderedDict()
_LOCK = threading.RLock()


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Compile without PyTensor's fast arithmetic, so that the same code gives the same bits however it was built.

    The process that compiles a function calls its inner functions where they were compiled by themselves; one that
    loads it from the cache calls the copies inside it. The copies were optimised once more, and fast arithmetic
    lets the optimizer reorder sums each time. The setting is that of the whole process, hence the lock.
    """
    with _LOCK, config.change_flags(numba__fastmath=False):
        yield


def structure(problem: Problem, parameterization: Parameterization) -> Hashable:
    """Return what two problems must share to share a compiled model.

    The marginal model leaves numbers of rows and of groups free; sampled random effects fix the groups.
    """
    layout = problem.layout
    priors: Hashable = problem.priors.signature
    if not reads_symbols(problem.priors):
        priors = (priors, tuple(problem.priors.constants()))
    groups = 0 if parameterization == "marginal" else len(layout.levels)
    return parameterization, layout.p, tuple(len(block) for block in layout.blocks), groups, priors


def compiled_for(problem: Problem, parameterization: Parameterization) -> Any:
    """Return nutpie's compiled model of a problem, compiled anew only for a new structure."""
    key = structure(problem, parameterization)
    with exact_arithmetic():
        if key not in _COMPILED:
            _COMPILED[key] = _compile(problem, parameterization)
            while len(_COMPILED) > _KEPT:
                _COMPILED.popitem(last=False)
        _COMPILED.move_to_end(key)
        found = _COMPILED[key]
    swapped = found.with_data(**model_data(problem, parameterization))
    return replace(swapped, initial_point_func=starts(problem, parameterization))


def _compile(problem: Problem, parameterization: Parameterization) -> Any:
    """Compile without the deterministic variables, which NumPy computes faster for all draws at once."""
    model = build_model(problem, parameterization, constant_priors=not reads_symbols(problem.priors))
    if parameterization == "marginal" and is_tried():
        return compile_marginal(model)
    kept = [] if parameterization != "noncentered" or not problem.layout.q else [problem.layout.b_name]
    return nutpie.compile_pymc_model(model, backend="numba", var_names=kept)


def clear() -> None:
    """Forget all compiled models."""
    with _LOCK:
        _COMPILED.clear()
