"""A fit as an ArviZ ``DataTree``, with the groups that ArviZ's functions look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayescompare.fits import Draws, Fit
from bayescompare.layout import Layout
from bayescompare.likelihood.evaluate import group_loglik
from bayescompare.likelihood.log_prior import log_priors
from bayescompare.likelihood.predictive import draw_prior, draw_response
from bayescompare.likelihood.problem import Problem

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LARGEST_PREDICTIVE", "Variables", "fit_tree", "parameter_variables", "response_variable", "tree_of"]

Array = npt.NDArray[np.float64]
#: Variable name -> (dims, values), as xarray takes it.
Variables = dict[str, tuple[list[str], Any]]

_SAMPLE = ["chain", "draw"]
#: Values of a group of simulated responses.
LARGEST_PREDICTIVE = 5_000_000


def parameter_variables(values: Array, layout: Layout, leading: list[str]) -> Variables:
    """Return the variables of parameter vectors ``(..., k)``."""
    return {name: ([*leading, *dims], values[..., place]) for name, (place, dims) in layout.variables.items()}


def response_variable(problem: Problem) -> str:
    """Return the response's name as a variable of a tree has it: without a slash, and not that of a dim."""
    name = problem.response.replace("/", "_")
    return f"{name}_" if name in {*_SAMPLE, "sample", "obs", "coef", *problem.layout.coords} else name


def _log_prior(problem: Problem, values: Array) -> Variables:
    dims = {name: list(found) for name, (_, found) in problem.layout.variables.items()}
    return {
        name: ([*_SAMPLE, *dims[name]] if found.ndim > 2 else _SAMPLE, found)
        for name, found in log_priors(problem, values).items()
    }


def _posterior(fit: Fit, draws: Draws) -> Variables:
    layout = fit.layout
    found = parameter_variables(draws.values, layout, _SAMPLE)
    if draws.random_effects is not None:
        found[layout.b_name] = ([*_SAMPLE, str(layout.factor), f"{layout.factor}_effect"], draws.random_effects)
    return found


def _groups(problem: Problem, fit: Fit, draws: Draws, rng: np.random.Generator) -> dict[str, Variables]:
    """Return the variables of each ArviZ group."""
    layout, response = problem.layout, response_variable(problem)
    chains, length, k = draws.values.shape
    flat = draws.values.reshape(-1, k)
    # every so many draws, so that a large table does not make a tree of gigabytes
    thin = -(-length * chains * len(problem.y) // LARGEST_PREDICTIVE)
    kept = draws.values[:, ::thin]
    predicted = draw_response(problem, kept.reshape(-1, k), rng).reshape(chains, kept.shape[1], -1)
    data: dict[str, Variables] = {
        "posterior": _posterior(fit, draws),
        "sample_stats": {name: (_SAMPLE, values) for name, values in draws.stats.items()},
        "log_prior": _log_prior(problem, draws.values),
        "posterior_predictive": {response: ([*_SAMPLE, "obs"], predicted)},
        "observed_data": {response: (["obs"], problem.y)},
        "constant_data": {"X": (["obs", "coef"], problem.x)},
    }
    if layout.q:
        loglik = group_loglik(problem, flat).reshape(chains, length, -1)
        data["log_likelihood"] = {response: ([*_SAMPLE, str(layout.factor)], loglik)}
        data["constant_data"][f"{layout.factor}_index"] = (["obs"], problem.groups)
    prior = draw_prior(problem, rng, length)
    if prior is not None:
        data["prior"] = parameter_variables(prior[None], layout, _SAMPLE)
    return data


def fit_tree(problem: Problem, fit: Fit, points: Sequence[Fit] = (), *, seed: int = 0) -> xr.DataTree:
    """Return the posterior of a fit with draws as a tree that ``az.*`` works on.

    ``log_likelihood`` is marginal, a value a group: leaving one out leaves out a group.
    ``posterior_predictive`` draws new groups of the same design.

    Parameters
    ----------
    problem
        What was fitted.
    fit
        A fit with draws.
    points
        Point estimates of the same data, each in a group of its own (``lbfgs_ml``, ...).
    seed
        Of the prior and predictive draws.

    Raises
    ------
    ValueError
        If the fit has no draws.
    """
    if fit.draws is None:
        raise ValueError(f"{fit.estimator} has no draws")
    data = _groups(problem, fit, fit.draws, np.random.default_rng(seed))
    for point in points:
        data[_group_name(point)] = parameter_variables(point.estimate, point.layout, []) | {
            f"{name}_se": entry for name, entry in parameter_variables(point.se, point.layout, []).items()
        }
    return tree_of(data, problem, {"estimator": fit.estimator})


def tree_of(data: Mapping[str, Variables], problem: Problem, attributes: Mapping[str, Any]) -> xr.DataTree:
    """Return groups of variables as a tree with the labels of a problem's parameters."""
    import xarray as xr

    datasets = {name: xr.Dataset(variables, coords=_coords(problem, variables)) for name, variables in data.items()}
    tree = xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in datasets.items()})
    reference = {"reference": problem.model.reference_text} if problem.model.reference else {}
    tree.attrs = {"model": problem.model.formula, "response": problem.response, **reference, **attributes}
    return tree


def _coords(problem: Problem, variables: Variables) -> dict[str, Any]:
    """Return the coordinates of the dims that some variables have."""
    sizes = {dim: size for dims, values in variables.values() for dim, size in zip(dims, np.shape(values), strict=True)}
    labels: dict[str, Any] = {name: list(each) for name, each in problem.layout.coords.items()}
    labels |= {dim: np.arange(sizes[dim]) for dim in _SAMPLE if dim in sizes}
    return {name: each for name, each in labels.items() if name in sizes}


def _group_name(fit: Fit) -> str:
    """Return an estimator's label as a name that a tree can have."""
    return fit.estimator.translate(str.maketrans("-:=,.", "_____"))
