"""(scenario, replicate, seed) to a data set, with its truth kept apart from what estimators see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.dataset import Dataset
from bayescompare.design import Design, Scenario
from bayescompare.errors import StudyError, did_you_mean
from bayescompare.formula import parse
from bayescompare.layout import Layout
from bayescompare.model_frame import ModelFrame, model_frame
from bayescompare.seeds import generator, sequence

__all__ = ["Truth", "simulate", "truth_vector"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The parameters and random effects that a data set was simulated from.

    Parameters
    ----------
    theta : (k,)
        In the layout's order.
    effects : (J, q)
    """

    theta: Array
    effects: Array


def truth_vector(truth: Mapping[str, float], layout: Layout, where: str) -> Array:
    """Return the true parameters ``(k,)`` of a layout.

    Raises
    ------
    StudyError
        If a label is unknown, an sd is missing or negative, or the correlations are impossible.
    """
    unknown = [label for label in truth if label not in layout.labels]
    if unknown:
        raise StudyError(
            f"{where}: the model has no parameter {unknown[0]!r}.{did_you_mean(unknown[0], layout.labels)}"
        )
    needed = (*layout.labels[layout.sd], "sigma")
    missing = [label for label in needed if label not in truth]
    if missing:
        raise StudyError(f"{where}: the truth of {', '.join(missing)} is missing.")
    theta = np.array([float(truth.get(label, 0.0)) for label in layout.labels])
    if not np.all(np.isfinite(theta)) or np.any(theta[layout.sd] < 0) or theta[layout.sigma] <= 0:
        raise StudyError(f"{where}: true sds must be at least 0, sigma greater, and all values finite.")
    _factor(theta, layout, where)
    return theta


def _factor(theta: Array, layout: Layout, where: str) -> Array:
    """Return a root of the true covariance, or refuse correlations that cannot be together."""
    correlation = np.eye(layout.q)
    for value, (i, j) in zip(theta[layout.cor], layout.pairs, strict=True):
        correlation[i, j] = correlation[j, i] = value
    values, vectors = np.linalg.eigh(correlation)
    if len(values) and values[0] < -1e-12:
        raise StudyError(f"{where}: no random effects can have these correlations: their matrix is not positive.")
    return np.asarray(theta[layout.sd, None] * vectors * np.sqrt(np.clip(values, 0, None)))


def _skeleton(
    design: Design, factor: str | None, rng: np.random.Generator
) -> tuple[pd.DataFrame, npt.NDArray[np.intp]]:
    """Return covariates and group labels, without a response."""
    groups = np.repeat(np.arange(design.groups), design.sizes(rng))
    columns = {name: covariate.draw(rng, groups) for name, covariate in design.covariates.items()}
    if factor:
        width = len(str(design.groups))
        columns[factor] = np.array([f"{index + 1:0{width}d}" for index in groups])
    return pd.DataFrame(columns), groups


def simulate(scenario: Scenario, replicate: int, seed: int) -> Dataset:
    """Return replicate ``replicate`` of a scenario under a root seed; ``Dataset.truth`` is a `Truth`.

    Raises
    ------
    StudyError
        If formula, covariates and truth do not fit together.
    """
    formula = parse(scenario.formula)
    design_replicate = 0 if scenario.design.fixed else replicate
    design_rng = generator(sequence(seed, scenario.name, design_replicate, "data"), 0)
    rng = generator(sequence(seed, scenario.name, replicate, "data"), 1)
    frame, _ = _skeleton(scenario.design, formula.factor, design_rng)
    # any varying numbers will do: only the columns of the model are taken from this frame
    frame[formula.response] = np.arange(len(frame), dtype=float)
    where = f"scenario {scenario.name!r}"
    columns = model_frame(formula, Dataset(frame=frame, name=scenario.name))
    theta = truth_vector(scenario.truth, columns.layout, where)
    frame[formula.response], effects = _response(columns, theta, rng, where)
    return Dataset(
        frame=frame,
        name=f"{scenario.name}-{replicate}",
        source=f"simulated: {where}, replicate {replicate}, seed {seed}",
        truth=Truth(theta=theta, effects=effects),
    )


def _response(columns: ModelFrame, theta: Array, rng: np.random.Generator, where: str) -> tuple[Array, Array]:
    """Draw ``y = X beta + Z b + e`` and return it with ``b``."""
    layout = columns.layout
    root = _factor(theta, layout, where)
    effects = rng.standard_normal((max(len(layout.levels), 1), layout.q)) @ root.T
    noise = rng.normal(0.0, theta[layout.sigma], len(columns.y))
    mean = columns.X @ theta[layout.beta] + np.sum(columns.Z * effects[columns.groups], axis=1)
    return mean + noise, effects
