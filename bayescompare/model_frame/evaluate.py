"""Terms and clean columns to matrices: the only place where a formula is evaluated."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayescompare.errors import BayesCompareError, DataError, FormulaError
from bayescompare.formula.parse import Formula, RandomTerm
from bayescompare.formula.terms import describe
from bayescompare.model_frame.functions import TABLE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["common_matrix", "effect_matrix", "response_vector"]

Array = npt.NDArray[np.float64]


def response_vector(formula: Formula, frame: pd.DataFrame) -> Array:
    """Return the response, shape (n,)."""

    def evaluate() -> Array:
        response = describe(f"{formula.response} ~ 1").response
        response.set_type(frame, _environment())
        response.set_data()
        return np.asarray(response.term.data, dtype=np.float64).reshape(len(frame))

    y = _guarded(formula, formula.response, evaluate)
    _refuse_not_finite(formula, y[:, None], (formula.response,))
    return y


def common_matrix(formula: Formula, frame: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    """Return the design matrix of the fixed effects, shape (n, p), and the names of its columns."""
    return _matrix(formula, formula.common, None, frame)


def effect_matrix(formula: Formula, term: RandomTerm, frame: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    """Return the columns of one block of random effects, shape (n, q), and their names."""
    return _matrix(formula, term.effects, term.part, frame)


def _matrix(formula: Formula, text: str, part: int | None, frame: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    X, names = _guarded(formula, text, lambda: _design(text, part, frame))
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FormulaError(f"Two columns of {text!r} have the same name {twice!r}; rename a column or a level.")
    _refuse_not_finite(formula, X, names)
    return X, names


def _design(text: str, part: int | None, frame: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    """Return the columns of the terms of ``text`` (or of its term ``part`` alone), as `formulae` codes them."""
    from formulae.terms.terms import Model

    terms = describe(text).common_terms
    # formulae lets the terms of a/b and (a + b)**2 share parts, which then take each other's coding
    model = Model(*(deepcopy(term) for term in (terms if part is None else [terms[part]])))
    model.eval(frame, _environment())
    parts = [_columns(term, len(frame)) for term in model.common_terms]
    names = tuple(name for _, labels in parts for name in labels)
    return np.column_stack([np.empty((len(frame), 0)), *(columns for columns, _ in parts)]), names


def _columns(term: Any, rows: int) -> tuple[Array, tuple[str, ...]]:
    """Return the columns of one term; a categorical of one level is a constant, to be dropped with a note."""
    labels = tuple(str(label) for label in term.labels)
    if not labels:
        return np.ones((rows, 1)), (str(term.name),)
    return np.asarray(term.data, dtype=np.float64).reshape(rows, len(labels)), labels


def _environment() -> Any:
    """Return an environment with our functions and nothing of the caller's."""
    from formulae.environment import Environment

    return Environment([{f"{name}()": function for name, function in TABLE.items()}])


def _guarded[T](formula: Formula, text: str, evaluate: Callable[[], T]) -> T:
    """Return what ``evaluate`` returns, its failures as one of our errors."""
    try:
        # formulae prints before it raises
        with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            return evaluate()
    except BayesCompareError:
        raise
    except Exception as error:  # formulae and the functions raise many classes
        raise FormulaError(f"Cannot evaluate {text!r} of the formula '{formula}': {error}") from error


def _refuse_not_finite(formula: Formula, X: Array, names: tuple[str, ...]) -> None:
    for position, name in enumerate(names):
        rows = np.flatnonzero(~np.isfinite(X[:, position]))
        if rows.size:
            value = X[rows[0], position]
            raise DataError(
                f"{name!r} in the formula '{formula}' is {value} in {rows.size} rows, first in row {rows[0] + 1}; "
                "correct the data or the function."
            )
