"""Formula and data to the arrays that every engine gets: the same rows, columns and names for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayescompare.data.columns import as_groups, as_numbers, as_predictor
from bayescompare.data.labels import as_labels
from bayescompare.data.read import select
from bayescompare.dataset import Dataset, Note
from bayescompare.errors import ModelError
from bayescompare.formula.parse import Formula
from bayescompare.layout import Layout
from bayescompare.model_frame.evaluate import common_matrix, effect_matrix, response_vector
from bayescompare.model_frame.rank import are_identifiable, independent_columns
from bayescompare.model_frame.reference import with_references
from bayescompare.model_frame.spelling import parse_beside

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ModelFrame", "Note", "labelled", "model_frame"]

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_FEW_LEVELS = 4
_FAR_SCALES = 1e4


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFrame:
    """The arrays of a model with at most one grouping factor.

    Parameters
    ----------
    response
        Left side of the formula.
    y
        Response, shape (n,).
    X
        Design matrix of the fixed effects, full rank, shape (n, p), as in the data (not scaled).
    coefs
        Names of its columns: ``Intercept``, ``x``; ``f[b]`` for level b of f against its first level;
        ``f[b]:x`` for a product; ``poly(x, 2)[0]`` for a column of a function that makes several.
    Z
        Columns of the random effects, not expanded by level, shape (n, q).
    blocks
        Names of the effects of each block.
    factor
        Name of the grouping factor; None without random effects.
    levels
        Names of the groups in natural order.
    groups
        Index of each row's group among the levels, shape (n,); zeros without random effects.
    notes
        What a reader of the results must know about the data.
    """

    response: str
    y: Array
    X: Array
    coefs: tuple[str, ...]
    Z: Array
    blocks: tuple[tuple[str, ...], ...]
    factor: str | None
    levels: tuple[str, ...]
    groups: Index
    notes: tuple[Note, ...] = ()

    @cached_property
    def layout(self) -> Layout:
        """Names and positions of the parameters."""
        return Layout(coefs=self.coefs, factor=self.factor, blocks=self.blocks, levels=self.levels)


def model_frame(
    formula: Formula | str,
    dataset: Dataset,
    *,
    na: str | None = None,
    family: str = "gaussian",
    reference: Mapping[str, Any] | None = None,
) -> ModelFrame:
    """Return the arrays of a model.

    Parameters
    ----------
    formula
        The formula, as text or parsed.
    dataset
        The data.
    na
        What to do with missing values, ``error`` or ``drop``; the dataset's own setting where None.
    family
        Gaussian models need a response that varies and more rows than fixed effects; others do not.
    reference
        Column to the level that its others are held against; the first level of columns that are not named.

    Raises
    ------
    FormulaError, DataError, ModelError
        Where the formula cannot be read or evaluated, a column cannot be used, or the model cannot be fitted.
    """
    formula = parse_beside(formula, [*map(str, dataset.frame.columns)]) if isinstance(formula, str) else formula
    selected, dropped = select(dataset, formula.columns, na)
    frame = with_references(_typed(formula, selected, dataset), reference or {}, formula, dataset.name)
    y = response_vector(formula, frame)
    X, coefs, deficient = _full_rank(*common_matrix(formula, frame))
    groups, levels, grouped = _group(formula, selected, dataset)
    Z, blocks = _random_part(formula, frame)
    result = ModelFrame(
        response=formula.response_name,
        y=y,
        X=X,
        coefs=coefs,
        Z=Z,
        blocks=blocks,
        factor=formula.factor,
        levels=levels,
        groups=groups,
        notes=(*dropped, *_response_notes(formula.response, y, family), *deficient, *grouped, *_scale_notes(X, coefs)),
    )
    if family == "gaussian":
        _check_gaussian(result)
    return _read_only(result)


def _typed(formula: Formula, selected: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the response as numbers, the predictors as numbers or categories."""
    import pandas as pd

    where, encoded = dataset.name, set(formula.encoded)
    used = {
        name: _labels(selected, name, dataset) if name in encoded else selected[name] for name in formula.predictors
    }
    response = {name: as_numbers(selected[name], where) for name in formula.response_columns}
    predictors = {
        name: as_predictor(column, where, encoded=name in encoded)
        for name, column in used.items()
        if name not in response
    }
    return pd.DataFrame(response | predictors).reset_index(drop=True)


def _response_notes(response: str, y: Array, family: str) -> tuple[Note, ...]:
    """Return a note on a response that is hardly Gaussian."""
    values = np.unique(y)
    if family != "gaussian" or len(values) != 2:
        return ()
    message = (
        f"The response {response} has only two values, {values[0]:g} and {values[1]:g}, and is fitted as Gaussian: "
        "effects are differences in its mean, and intervals assume normal residuals. Prefer a model for binary data."
    )
    return (Note("two_values", message),)


def _full_rank(X: Array, coefs: tuple[str, ...]) -> tuple[Array, tuple[str, ...], tuple[Note, ...]]:
    kept = independent_columns(X)
    if len(kept) == len(coefs):
        return X, coefs, ()
    dropped = ", ".join(name for position, name in enumerate(coefs) if position not in kept)
    message = f"The design is rank deficient; columns dropped as combinations of earlier ones: {dropped}."
    return X[:, kept], tuple(coefs[position] for position in kept), (Note("rank_deficient", message),)


def labelled(formula: Formula, selected: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the columns of a formula, those that are nothing but labels without a rounded value."""
    numeric = {*formula.predictors} - {*formula.encoded}
    labels = {*formula.grouping, *formula.encoded} - numeric
    return selected.assign(**{name: _labels(selected, name, dataset) for name in labels})


def _labels(selected: pd.DataFrame, name: str, dataset: Dataset) -> pd.Series[Any]:
    return as_labels(selected[name], dataset.name, dataset.texts.get(name))


def _group(
    formula: Formula, selected: pd.DataFrame, dataset: Dataset
) -> tuple[Index, tuple[str, ...], tuple[Note, ...]]:
    """Return each row's group, the names of the groups that occur, and notes on them."""
    where = dataset.name
    if formula.factor is None:
        message = "No grouping factor: the model has no random effects and is fitted as a linear model."
        return np.zeros(len(selected), dtype=np.intp), (), (Note("no_grouping", message),)
    columns = [as_groups(_labels(selected, name, dataset), where) for name in formula.grouping]
    groups, levels = _combine([codes for codes, _, _ in columns], [names for _, names, _ in columns])
    if len(levels) < 2:
        raise ModelError(
            f"{where}: the grouping factor {formula.factor!r} has one level, {levels[0]!r}; "
            "a random effect needs at least 2 (better 5)."
        )
    unused = sum(count for _, _, count in columns)
    return groups, levels, tuple(_group_notes(formula.factor, groups, levels, unused))


def _combine(codes: Sequence[Index], names: Sequence[tuple[str, ...]]) -> tuple[Index, tuple[str, ...]]:
    """Return the index and names of the combinations that occur, ``A:a``."""
    used, groups = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
    levels = tuple(":".join(names[column][code] for column, code in enumerate(row)) for row in used)
    return groups.reshape(-1).astype(np.intp), levels


def _group_notes(factor: str, groups: Index, levels: tuple[str, ...], unused: int) -> list[Note]:
    notes = []
    if unused:
        notes.append(Note("unused_levels", f"{unused} declared levels of {factor} do not occur and were dropped."))
    if len(levels) <= _FEW_LEVELS:
        message = f"{factor} has few levels ({len(levels)}): the sd between them is driven by the prior."
        notes.append(Note("few_levels", message))
    single = int((np.bincount(groups) == 1).sum())
    if 2 * single >= len(levels):
        message = f"{single} of {len(levels)} levels of {factor} have a single row and say little about the sd."
        notes.append(Note("singletons", message))
    return notes


def _random_part(formula: Formula, frame: pd.DataFrame) -> tuple[Array, tuple[tuple[str, ...], ...]]:
    parts = [effect_matrix(formula, term, frame) for term in formula.terms]
    if not parts:
        return np.empty((len(frame), 0)), ()
    Z = np.column_stack([columns for columns, _ in parts])
    blocks = tuple(names for _, names in parts)
    slices = Layout(coefs=(), factor=formula.factor, blocks=blocks).block_slices
    names = [name for block in blocks for name in block]
    if len(set(names)) < len(names) or not are_identifiable(Z, slices):
        raise ModelError(
            f"The model is not identifiable: the random effects {', '.join(names)} of {formula.factor!r} are "
            "combinations of one another in these data; leave one out, or write (f | g) where f is categorical."
        )
    return Z, blocks


def _check_gaussian(frame: ModelFrame) -> None:
    """Refuse data that leave nothing for the residual variance."""
    rows, p = frame.X.shape
    if np.ptp(frame.y) <= 1e-13 * np.abs(frame.y).max():
        raise ModelError(f"The response {frame.response!r} is constant ({frame.y[0]:g} in all {rows} rows).")
    if p >= rows:
        raise ModelError(f"{rows} rows, {p} fixed effects: nothing is left for the residuals; use fewer terms.")


def _scale_notes(X: Array, coefs: tuple[str, ...]) -> tuple[Note, ...]:
    spread = X.std(axis=0)
    varying = np.flatnonzero(spread > 1e-12 * np.abs(X).max(axis=0, initial=0))
    if not varying.size or spread[varying].max() < _FAR_SCALES * spread[varying].min():
        return ()
    small, large = varying[spread[varying].argmin()], varying[spread[varying].argmax()]
    message = (
        f"Predictors are on very different scales (sd {spread[small]:.3g} of {coefs[small]}, {spread[large]:.3g} of "
        f"{coefs[large]}); columns are scaled inside and results given in your units."
    )
    return (Note("scaled", message),)


def _read_only(frame: ModelFrame) -> ModelFrame:
    for array in (frame.y, frame.X, frame.Z, frame.groups):
        array.flags.writeable = False
    return frame
