"""Labels to contrasts: ``C(x)``, ``factor(x)`` and the like, with the level that the others are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bayescompare.errors import FormulaError, did_you_mean

__all__ = ["CONTRASTS", "ENCODINGS", "level_like", "levels_of"]

type Levels = str | float | Sequence[Any] | None


def levels_of(column: Any) -> list[Any]:
    """Return the levels of a column in their order: as declared, or sorted."""
    if getattr(column.dtype, "ordered", False):
        return list(column.cat.categories)
    return sorted(set(np.asarray(column).tolist()))


def level_like(levels: Sequence[Any], wanted: Any, column: Any) -> Any:
    """Return the level that reads as ``wanted``.

    Raises
    ------
    FormulaError
        If there is none, with the nearest.
    """
    if not isinstance(wanted, str | int | float):
        raise FormulaError(f"A level of {column!r} is a text or a number, as in C({column}, 'b').")
    named = {str(level): level for level in levels}
    if str(wanted) not in named:
        raise FormulaError(f"{str(wanted)!r} is no level of {column!r}.{did_you_mean(str(wanted), named)}")
    return named[str(wanted)]


def encoded(data: Any, contrast: Any = None, levels: Levels = None) -> Any:
    """Return a column as labels, with a contrast: one of `formulae`'s, or the level of reference by itself."""
    from formulae.categorical import CategoricalBox, Encoding, Sum, Treatment

    boxed = isinstance(data, CategoricalBox)
    name, known = getattr(data, "name", "the column"), data.levels if boxed else levels_of(data)
    order = known if levels is None else _ordered(known, levels, name)
    contrast = contrast() if callable(contrast) else contrast
    if contrast is not None and not isinstance(contrast, Encoding):
        contrast = Treatment(contrast)
    if isinstance(contrast, Treatment) and contrast.reference is not None:
        contrast = Treatment(level_like(order, contrast.reference, name))
    if isinstance(contrast, Sum) and contrast.omit is not None:
        contrast = Sum(level_like(order, contrast.omit, name))
    return CategoricalBox(data.data if boxed else data, contrast, order)


def _ordered(known: Sequence[Any], levels: Levels, name: Any) -> list[Any]:
    given = levels if isinstance(levels, tuple) else (levels,)
    order = [level_like(known, one, name) for one in given]
    if len(set(order)) < len(order) or len(order) < len(known):
        raise FormulaError(f"levels= names {len(set(order))} of the {len(known)} levels of {name!r}; name each once.")
    return order


def _sum_contrast(omit: Any = None) -> Any:
    from formulae.categorical import Sum

    return Sum(omit)


def _treatment_contrast(reference: Any = None) -> Any:
    from formulae.categorical import Treatment

    return Treatment(reference)


def _factor(data: Any, levels: Levels = None) -> Any:
    return encoded(data, None, levels)


def _releveled(data: Any, ref: Any) -> Any:
    return encoded(data, _treatment_contrast(ref))


def _summed(data: Any, omit: Any = None, levels: Levels = None) -> Any:
    return encoded(data, _sum_contrast(omit), levels)


def _treated(data: Any, ref: Any = None, levels: Levels = None) -> Any:
    return encoded(data, _treatment_contrast(ref), levels)


#: Contrasts by name, each to a function that makes it.
CONTRASTS: Mapping[str, Callable[..., Any]] = {
    "Sum": _sum_contrast,
    "Treatment": _treatment_contrast,
    "contr.sum": _sum_contrast,
    "contr.treatment": _treatment_contrast,
}
#: Functions that make labels of a column.
ENCODINGS: Mapping[str, Callable[..., Any]] = {
    "C": encoded,
    "S": _summed,
    "T": _treated,
    "as.factor": _factor,
    "factor": _factor,
    "relevel": _releveled,
}
