"""A model on a data set, ready for any engine: built once, shared by all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bayescompare.dataset import Dataset, Note
from bayescompare.layout import Layout
from bayescompare.likelihood.identified import Identified, identified, refuse_residual, sentence
from bayescompare.likelihood.noise import refuse_no_noise
from bayescompare.likelihood.products import Products, compress
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame, model_frame
from bayescompare.priors import PriorSet, resolve, set_priors

__all__ = ["Problem", "build_problem", "problem_from_frame"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What every engine fits: the same rows, columns, priors and names.

    It holds no truth: an estimator cannot see one.

    Parameters
    ----------
    y, x, z : (n,), (n, p), (n, q)
        Response, fixed-effect columns, and one column a random effect.
    groups : (n,)
        Index of each row's group.
    """

    model: Model
    layout: Layout
    y: Array
    x: Array
    z: Array
    groups: npt.NDArray[np.intp]
    products: Products
    priors: PriorSet
    notes: tuple[Note, ...] = ()
    response: str = "y"
    dataset: str = "data"

    @cached_property
    def identified(self) -> Identified:
        """What the data do not determine."""
        return identified(self.products, self.layout)


def problem_from_frame(frame: ModelFrame, model: Model, dataset: str = "data") -> Problem:
    """Return the problem of a checked model frame.

    Raises
    ------
    ModelError, PriorError
        If the data leave nothing for the residual variance, or a prior cannot be used.
    """
    layout = frame.layout
    products = compress(y=frame.y, x=frame.X, z=frame.Z, groups=frame.groups, count=len(layout.levels), layout=layout)
    problem = Problem(
        model=model,
        layout=layout,
        y=frame.y,
        x=frame.X,
        z=frame.Z,
        groups=frame.groups,
        products=products,
        priors=resolve(model.own_priors, set_priors(model.prior_set, layout, frame.y, frame.X, frame.Z)),
        notes=frame.notes,
        response=frame.response,
        dataset=dataset,
    )
    refuse_residual(problem.identified, layout, len(frame.y))
    refuse_no_noise(products, layout, frame.y, frame.response)
    said = sentence(problem.identified, layout)
    return replace(problem, notes=(*frame.notes, Note("not_identified", said))) if said else problem


def build_problem(model: Model, dataset: Dataset, na: str | None = None) -> Problem:
    """Return the problem of a model on a data set.

    Raises
    ------
    FormulaError, DataError, ModelError, PriorError
        If formula, columns, their combination, or a prior cannot be used.
    """
    return problem_from_frame(
        model_frame(model.formula, dataset, na=na, reference=model.reference), model, dataset.name
    )
