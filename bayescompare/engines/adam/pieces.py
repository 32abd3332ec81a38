"""Parts of a problem: what is trained on and what is held out, and groups cut at the edges of minibatches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bayescompare.errors import EstimatorError
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.products import compress

__all__ = ["by_group", "cut_rows", "part", "split_at", "split_rows"]

Index = npt.NDArray[np.intp]


def by_group(problem: Problem) -> Index:
    """Return the rows in the order of their groups."""
    return np.argsort(problem.groups, kind="stable")


def split_at(count: int, share: float, what: str) -> int:
    """Return how many of some rows or groups are trained on, as Keras counts them.

    Raises
    ------
    EstimatorError
        If none would be trained on, or none held out.
    """
    at = int(np.floor(count * (1 - share)))
    if at in (0, count):
        raise EstimatorError(
            f"validation_split={share:g} of {count} {what} leaves nothing to train on, or nothing to hold out."
        )
    return at


def split_rows(problem: Problem, share: float) -> tuple[Problem, Problem]:
    """Return the first rows, and the last share of them that is held out."""
    count = len(problem.y)
    at = split_at(count, share, "rows")
    train = part(problem, np.arange(at))
    return train, part(problem, np.arange(at, count), like=train)


def part(
    problem: Problem, rows: Index, pieces: npt.NDArray[np.integer] | None = None, like: Problem | None = None
) -> Problem:
    """Return the problem of some rows.

    Parameters
    ----------
    rows
        Positions of the rows, in their new order.
    pieces
        New groups of the rows, any whole numbers; rows of different ones are independent. The groups as they are
        where None.
    like
        What is trained on, where these rows are held out.

    Raises
    ------
    EstimatorError
        If the rows cannot tell the columns apart.
    """
    codes = problem.groups[rows] if pieces is None else pieces
    kept, groups = np.unique(codes, return_inverse=True)
    layout = problem.layout
    if layout.q:
        names = tuple(layout.levels[k] if pieces is None else f"piece {k}" for k in kept)
        layout = replace(layout, levels=names)
    x, y, z = problem.x[rows], problem.y[rows], problem.z[rows]
    if like is None and np.linalg.matrix_rank(x) < x.shape[1]:
        raise EstimatorError("The rows that are left to train on cannot tell the columns of the formula apart.")
    other = None if like is None else like.products
    products = compress(y=y, x=x, z=z, groups=groups, count=len(kept), layout=layout, like=other)
    return replace(problem, layout=layout, y=y, x=x, z=z, groups=groups, products=products)


def cut_rows(
    problem: Problem, rows: Index, batch: int, like: Problem | None = None
) -> tuple[Problem, npt.NDArray[np.int32]]:
    """Return rows as pieces of groups, cut at the edges of batches, and the pieces ``(batches, B)`` of each.

    Parameters
    ----------
    rows
        In the order in which batches are cut from them.
    like
        What is trained on, where these rows are held out.

    Returns
    -------
    tuple
        The problem whose groups are the pieces, and the indices of each batch's pieces, padded by -1.
    """
    batches = np.arange(len(rows)) // batch
    codes = batches * (problem.groups.max() + 1) + problem.groups[rows]
    own = [np.unique(codes[batches == k]) for k in range(batches[-1] + 1)]
    every = np.concatenate(own)
    table = np.full((len(own), max(map(len, own))), -1, dtype=np.int32)
    for k, found in enumerate(own):
        table[k, : len(found)] = np.searchsorted(every, found)
    return part(problem, rows, codes, like), table
