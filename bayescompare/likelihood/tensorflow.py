"""The marginal likelihood of a stack of data sets as TensorFlow operations, for Adam.

The same formula as `bayescompare.likelihood.kernel`, group by group, so that it can be taken on
minibatches of groups. Matrices of a few effects are unrolled into elementwise operations over (replicates, groups),
which is faster than operations on small matrices; those of more effects are eliminated column by column, as the number
of elementwise operations grows with their cube. Neither raises where a replicate's numbers are lost: it has NaN, the
others do not see it. Nothing here imports TensorFlow until it is asked for.
"""

from __future__ import annotations

import importlib.util
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.errors import EstimatorError
from bayescompare.layout import Layout
from bayescompare.likelihood.products import Products
from bayescompare.priors import PriorSet
from bayescompare.priors.base import Functions

__all__ = ["backend", "backend_problem", "deviance", "log_prior", "namespace", "pack", "relative_roots", "root_rows"]

Array = npt.NDArray[np.float64]
Tensor = Any

# The most effects whose matrices are unrolled.
_UNROLLED = 4


def backend_problem() -> str | None:
    """Return why Keras cannot run on TensorFlow here, or None where it can; imports nothing."""
    chosen = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if "keras" in sys.modules:
        chosen = sys.modules["keras"].backend.backend()
    if chosen != "tensorflow":
        return (
            f"the Adam estimators need Keras on TensorFlow, and KERAS_BACKEND is {chosen!r}; "
            "unset it, or set KERAS_BACKEND=tensorflow, before Python starts"
        )
    missing = [name for name in ("tensorflow", "keras") if not _installed(name)]
    if missing:
        return f"the Adam estimators need {' and '.join(missing)}: pip install {' '.join(missing)}"
    return None


def _installed(name: str) -> bool:
    """Return whether a package can be imported; a name set to None in ``sys.modules`` cannot."""
    if name in sys.modules:
        return sys.modules[name] is not None
    return importlib.util.find_spec(name) is not None


def backend() -> tuple[Any, Any]:
    """Return the modules ``tensorflow`` and ``keras``, loaded with each other.

    Raises
    ------
    EstimatorError
        If either is missing, or Keras was told to use something else.
    """
    problem = backend_problem()
    if problem is not None:
        raise EstimatorError(problem[0].upper() + problem[1:] + ". The other estimators run without them.")
    return _load()


@cache
def _load() -> tuple[Any, Any]:
    """Import both, and let TensorFlow look for its devices, without what its libraries print while they do."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _quiet():
        import keras
        import tensorflow

        tensorflow.config.list_logical_devices()
    # a loop is traced once for each length of run, which is meant
    tensorflow.get_logger().addFilter(lambda record: "tf.function retracing" not in record.getMessage())
    return tensorflow, keras


@contextmanager
def _quiet() -> Iterator[None]:
    """Send the process's standard error to nowhere: C++ start-up notes pass by Python's; exceptions still rise."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def namespace() -> Functions:
    """Return the functions that a prior's ``logp`` may use, for tensors; see `priors.numpy_namespace`."""
    tf, keras = backend()
    ops = keras.ops
    return Functions(
        abs=ops.abs,
        erf=ops.erf,
        exp=ops.exp,
        expm1=ops.expm1,
        lgamma=tf.math.lgamma,
        log=ops.log,
        log1p=ops.log1p,
        logaddexp=ops.logaddexp,
        maximum=ops.maximum,
        minimum=ops.minimum,
        sqrt=ops.sqrt,
        square=ops.square,
        sum=ops.sum,
        tanh=ops.tanh,
        where=ops.where,
        stack=ops.stack,
    )


def pack(products: Sequence[Products]) -> Array:
    """Return the compressed data of ``R`` problems in one array ``(D, R, J)``.

    The ``D`` numbers of a group are the upper triangle of ``r``, then ``c``, then the upper triangle of ``w`` with its
    off-diagonal doubled, then its number of rows. A model without groups is one group of all rows.
    """
    return np.stack([_pack_one(each) for each in products], axis=1)


def _pack_one(data: Products) -> Array:
    """Return ``(D, J)``."""
    groups, q = (data.r.shape[0], data.r.shape[1]) if data.r.shape[0] else (1, 0)
    w = data.w if q else data.within[None]
    rows = data.rows if q else np.array([float(data.n)])
    a, b = np.triu_indices(w.shape[1])
    doubled = w[:, a, b] * np.where(a == b, 1.0, 2.0)
    upper = data.r[:, *np.triu_indices(q)] if q else np.zeros((1, 0))
    c = data.c.reshape(groups, -1) if q else np.zeros((1, 0))
    return np.concatenate([upper, c, doubled, rows[:, None]], axis=1).T


def root_rows(log_sd: Sequence[Any], z: Sequence[Any], layout: Layout, xp: Any) -> list[list[Any]]:
    """Return the rows of ``D L`` with ``L`` the Cholesky factor of the correlations, zeros as None.

    Parameters
    ----------
    log_sd, z : q and m arrays of one shape
        Logs of the sds, Fisher z of the canonical partial correlations.
    xp
        A namespace with ``exp``, ``sqrt`` and ``tanh``.
    """
    rows: list[list[Any]] = [[None] * layout.q for _ in range(layout.q)]
    remaining = iter(z)
    for block in layout.block_slices:
        for i in range(block.start, block.stop):
            left = xp.exp(log_sd[i])
            for j in range(block.start, i):
                partial = xp.tanh(next(remaining))
                rows[i][j] = partial * left
                left = left * xp.sqrt((1 - partial) * (1 + partial))
            rows[i][i] = left
    return rows


def relative_roots(log_sd: Tensor, z: Tensor, log_sigma: Tensor, t_inverse: Tensor, layout: Layout) -> Tensor:
    """Return ``Lambda = T^-1 D L / sigma``, ``(R, q, q)``."""
    tf, _ = backend()
    if layout.q == 0:
        return t_inverse
    rows = root_rows(tf.unstack(log_sd, axis=1), tf.unstack(z, axis=1), layout, tf)
    zero = tf.zeros_like(log_sigma)
    root = tf.stack([tf.stack([zero if e is None else e for e in row], axis=1) for row in rows], axis=1)
    return tf.reduce_sum(t_inverse[:, :, :, None] * root[:, None], axis=2) / tf.exp(log_sigma)[:, None, None]


def deviance(delta: Tensor, lam: Tensor | None, log_sigma: Tensor, groups: Tensor, *, together: bool = False) -> Tensor:
    """Return -2 log likelihood of each group, ``(R, B)``, or of all these groups together, ``(R,)``.

    Parameters
    ----------
    delta, lam, log_sigma : (R, p), (R, q, q), (R,)
        Fixed effects in orthonormal coordinates, relative root (None without random effects), log residual sd.
    groups : (D, R, B)
        Compressed data of `pack`, of all groups or of some.
    """
    tf, _ = backend()
    p, q = delta.shape[1], 0 if lam is None else lam.shape[1]
    of_effects = q * (q + 1) // 2 + q * (p + 1)
    columns = iter(tf.unstack(groups[:of_effects], axis=0))
    r = [next(columns) for _ in range(q * (q + 1) // 2)]
    e = [-delta[:, k, None] for k in range(p)] + [tf.ones_like(log_sigma)[:, None]]
    residual = [_sum(next(columns) * e[k] for k in range(p + 1)) for _ in range(q)]
    # what does not depend on the effects is linear in the data: their sums do
    others = groups[of_effects:]
    columns = iter(tf.unstack(tf.reduce_sum(others, axis=2, keepdims=True) if together else others, axis=0))
    quadratic = _sum(next(columns) * (e[a] * e[b]) for a in range(p + 1) for b in range(a, p + 1))
    rows = next(columns)
    total = rows * (math.log(2 * math.pi) + 2 * log_sigma[:, None])
    if lam is not None:
        solve = _solve_unrolled if q <= _UNROLLED else _solve_matrices
        pivots, solved = solve(r, lam, residual)
        determinants = _sum(tf.math.log(pivot) for pivot in pivots)
        explained = _sum(s * s / pivot for s, pivot in zip(solved, pivots, strict=True))
        total += _whole(determinants) if together else determinants
        quadratic += _whole(explained) if together else explained
    found = total + quadratic * tf.exp(-2 * log_sigma)[:, None]
    return found[:, 0] if together else found


def _whole(values: Tensor) -> Tensor:
    """Return the sums ``(R, 1)`` of ``(R, B)``."""
    tf, _ = backend()
    return tf.reduce_sum(values, axis=1, keepdims=True)


def _sum(terms: Any) -> Any:
    """Return the sum of tensors, without a zero to start from."""
    first, *others = terms
    for other in others:
        first = first + other
    return first


def _solve_unrolled(
    upper: Sequence[Tensor], lam: Tensor, residual: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return what `_eliminate` does of ``I + R_j Lambda Lambda' R_j'``, from the upper triangle of ``R_j``."""
    return _eliminate(_relative_covariance(upper, lam, len(residual)), list(residual))


def _solve_matrices(
    upper: Sequence[Tensor], lam: Tensor, residual: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the same by operations on matrices ``(R, B, q, q)``, one elimination a column."""
    tf, _ = backend()
    q = len(residual)
    place = np.full((q, q), len(upper))
    place[np.triu_indices(q)] = np.arange(len(upper))
    entries = tf.stack([*upper, tf.zeros_like(upper[0])], axis=2)
    r = tf.gather(entries, place, axis=2)
    root = tf.matmul(r, lam[:, None])
    matrix = tf.matmul(root, root, transpose_b=True) + tf.eye(q, dtype=lam.dtype)
    # the right-hand side is eliminated as one more column
    rest = tf.concat([matrix, tf.stack(list(residual), axis=2)[..., None]], axis=3)
    pivots, solved = [], []
    for _ in range(q):
        pivots.append(rest[:, :, 0, 0])
        solved.append(rest[:, :, 0, -1])
        factor = rest[:, :, 1:, :1] / rest[:, :, :1, :1]
        rest = rest[:, :, 1:, 1:] - factor * rest[:, :, :1, 1:]
    return pivots, solved


def _relative_covariance(upper: Sequence[Tensor], lam: Tensor, q: int) -> list[list[Tensor]]:
    """Return the lower triangle of ``B_j = I + R_j Lambda Lambda' R_j'``, entries ``(R, B)``."""
    columns = iter(upper)
    r = {(a, b): next(columns) for a in range(q) for b in range(a, q)}
    roots = [[_sum(r[a, k] * lam[:, k, b, None] for k in range(a, q)) for b in range(q)] for a in range(q)]
    return [
        [_sum(roots[a][k] * roots[b][k] for k in range(q)) + (1.0 if a == b else 0.0) for b in range(a + 1)]
        for a in range(q)
    ]


def _eliminate(matrix: list[list[Tensor]], rhs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the pivots ``d`` of ``M = U' d U`` and ``U'^-1 rhs``, so that ``rhs' M^-1 rhs = sum s^2 / d``."""
    pivots: list[Tensor] = []
    solved: list[Tensor] = []
    unit: list[list[Tensor]] = []
    for a, row in enumerate(matrix):
        scaled: list[Tensor] = []  # row of U' times d
        for b in range(a):
            scaled.append(_less(row[b], [scaled[k] * unit[b][k] for k in range(b)]))
        unit.append([scaled[b] / pivots[b] for b in range(a)])
        pivots.append(_less(row[a], [scaled[k] * unit[a][k] for k in range(a)]))
        solved.append(_less(rhs[a], [unit[a][k] * solved[k] for k in range(a)]))
    return pivots, solved


def _less(value: Tensor, terms: list[Tensor]) -> Tensor:
    """Return a tensor less the sum of others."""
    return value - _sum(terms) if terms else value


def log_prior(priors: PriorSet, beta: Tensor, root: Tensor, sigma: Tensor) -> Tensor:
    """Return the log prior density ``(R,)``; see `bayescompare.priors.PriorSet.logp`.

    Parameters
    ----------
    priors
        With tensors ``(R,)`` for its numbers.
    beta, root, sigma : (R, p), (R, q, q), (R,)
        Natural units; ``root`` is any root of the covariance of the effects.
    """
    tf, _ = backend()
    q = root.shape[1]
    sd = tf.sqrt(tf.reduce_sum(tf.square(root), axis=2))
    rows = tf.unstack(root / sd[:, :, None], axis=1)
    correlation = [[tf.reduce_sum(rows[a] * rows[b], axis=1) for b in range(a + 1)] for a in range(q)]
    return priors.logp(beta, sd, _cholesky(correlation, sigma), sigma, namespace())


def _cholesky(matrix: list[list[Tensor]], like: Tensor) -> Tensor:
    """Return the Cholesky factor ``(R, q, q)`` of a lower triangle of entries ``(R,)``."""
    tf, _ = backend()
    q, zero = len(matrix), tf.zeros_like(like)
    factor: list[list[Tensor]] = []
    for a in range(q):
        factor.append([])
        for b in range(a):
            rest = _less(matrix[a][b], [factor[a][k] * factor[b][k] for k in range(b)])
            factor[a].append(rest / factor[b][b])
        factor[a].append(tf.sqrt(_less(matrix[a][a], [entry * entry for entry in factor[a]])))
    rows = [tf.stack([*row, *[zero] * (q - len(row))], axis=1) for row in factor]
    return tf.stack(rows, axis=1) if q else tf.zeros((like.shape[0], 0, 0), like.dtype)
