"""From a scenario to covariates, groups and the columns of its model: a data set without a response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.data.columns import as_predictor
from bayescompare.data.given import Given
from bayescompare.dataset import Dataset
from bayescompare.design import Scenario
from bayescompare.errors import StudyError, did_you_mean
from bayescompare.formula import Formula, parse
from bayescompare.layout import Layout
from bayescompare.model_frame import model_frame
from bayescompare.model_frame.evaluate import common_matrix, effect_matrix
from bayescompare.model_frame.rank import independent_columns
from bayescompare.seeds import generator, sequence

__all__ = ["Blank", "blank"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blank:
    """A data set before there is a response.

    Parameters
    ----------
    columns
        Covariates and the grouping factor.
    groups : (n,)
        Index of each row's group.
    x, z : (n, p), (n, q)
        What the formula makes of the columns.
    """

    response: str
    columns: Mapping[str, Any]
    groups: npt.NDArray[np.intp]
    layout: Layout
    x: Array
    z: Array


def blank(scenario: Scenario, replicate: int, seed: int) -> Blank:
    """Return the covariates and groups of a replicate, and the model's columns, without a response.

    Raises
    ------
    StudyError, FormulaError
        If the formula uses what the scenario has not.
    """
    formula, design = parse(scenario.formula), scenario.design
    if isinstance(design, Given):
        return _given(formula, design)
    rng = generator(sequence(seed, scenario.name, 0 if design.fixed else replicate, "data"), 0)
    groups = np.repeat(np.arange(design.groups), design.sizes(rng))
    columns: dict[str, npt.NDArray[np.generic]] = {
        name: covariate.draw(rng, groups) for name, covariate in design.covariates.items()
    }
    levels = np.array([f"{index + 1:0{len(str(design.groups))}d}" for index in range(design.groups)])
    _check_columns(formula, columns)
    if formula.factor:
        columns[formula.factor] = levels[groups]
    x, coefs, z, blocks = _model_columns(formula, columns, len(groups), scenario.name)
    layout = Layout(
        coefs=coefs, factor=formula.factor, blocks=blocks, levels=tuple(levels.tolist()) if formula.factor else ()
    )
    index = groups if formula.factor else np.zeros_like(groups)
    return Blank(response=formula.response_columns[0], columns=columns, groups=index, layout=layout, x=x, z=z)


@lru_cache(maxsize=4)
def _given(formula: Formula, design: Given) -> Blank:
    """Return the rows of a user's data; the same for every replicate."""
    _check_response(formula)
    frame = design.frame()
    # the columns of a model are made of the predictors alone: any response that varies will do
    stand_in = {formula.response_columns[0]: np.arange(design.rows, dtype=float)}
    made = model_frame(formula, Dataset(frame=frame.assign(**stand_in), name=design.source))
    return Blank(
        response=formula.response_columns[0],
        columns={str(name): frame[name] for name in frame.columns},
        groups=made.groups,
        layout=made.layout,
        x=made.X,
        z=made.Z,
    )


def _check_response(formula: Formula) -> None:
    """Refuse a response that is more than a column."""
    if formula.response_name not in formula.response_columns:
        raise StudyError(f"the response that is simulated is one column, such as y, not {formula.response!r}.")


def _check_columns(formula: Formula, covariates: dict[str, npt.NDArray[np.generic]]) -> None:
    """Refuse a formula that uses what is not simulated."""
    _check_response(formula)
    if len(formula.grouping) > 1:
        raise StudyError(f"the groups that are simulated are one column, such as g, not {':'.join(formula.grouping)}.")
    known = [*covariates, *formula.grouping]
    missing = [name for name in formula.predictors if name not in known]
    if missing:
        raise StudyError(
            f"there is no column {missing[0]!r} for {formula.text!r}: give it a distribution in covariates, "
            f'such as {missing[0]} = "normal(0, 1)".{did_you_mean(missing[0], covariates)}'
        )
    twice = {*formula.response_columns, *formula.grouping} & {*covariates}
    if twice or formula.response_columns == formula.grouping:
        raise StudyError(f"{(*twice, formula.response)[0]!r} would be two columns; rename the covariate.")


def _model_columns(
    formula: Formula, columns: dict[str, npt.NDArray[np.generic]], n: int, where: str
) -> tuple[Array, tuple[str, ...], Array, tuple[tuple[str, ...], ...]]:
    """Return the columns of the model as `model_frame` makes them, and their names."""
    used = {name: pd.Series(columns[name], name=name) for name in formula.predictors}
    typed = {name: as_predictor(one, where, encoded=name in formula.encoded) for name, one in used.items()}
    frame = pd.DataFrame(typed, index=range(n))
    x, coefs = common_matrix(formula, frame)
    kept = independent_columns(x)
    if len(kept) < len(coefs):
        x, coefs = x[:, kept], tuple(coefs[position] for position in kept)
    parts = [effect_matrix(formula, term, frame) for term in formula.terms]
    z = np.column_stack([part for part, _ in parts]) if parts else np.empty((n, 0))
    return x, coefs, z, tuple(names for _, names in parts)
