"""A fit as an ArviZ ``DataTree``, with the groups that ArviZ's functions look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayescompare.comparison.predictive_statistics import group_means
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
        # effects before groups: ArviZ stacks the dims of all variables in the order in which they first occur, which
        # is that of the sds, but labels the rows of its tables in the order of each variable's own
        dims = [*_SAMPLE, f"{layout.factor}_effect", str(layout.factor)]
        found[layout.b_name] = (dims, np.swapaxes(draws.random_effects, -1, -2))
    return found


def _point(fit: Fit) -> Variables:
    """Return estimates and standard errors as the only draw of the only chain."""
    found = {"": fit.estimate, "_se": fit.se}
    return {
        f"{name}{suffix}": entry
        for suffix, values in found.items()
        for name, entry in parameter_variables(values[None, None], fit.layout, _SAMPLE).items()
    }


def _responses(problem: Problem, values: Array, rng: np.random.Generator) -> dict[str, Variables]:
    """Return observed and simulated responses, and under one name the groups' means and likelihoods.

    What ArviZ leaves out in cross-validation must be a number in all three, and that is a group here.
    """
    response, (chains, length, k) = response_variable(problem), values.shape
    # every so many draws, so that a large table does not make a tree of gigabytes
    thin = -(-length * chains * len(problem.y) // LARGEST_PREDICTIVE)
    kept = values[:, ::thin]
    drawn = draw_response(problem, kept.reshape(-1, k), rng)
    shape = (*kept.shape[:2], -1)
    simulated: Variables = {
        response: ([*_SAMPLE, "obs"], drawn.reshape(shape)),
        "draw": (["draw"], np.arange(0, length, thin)),
    }
    data: dict[str, Variables] = {
        "posterior_predictive": simulated,
        "observed_data": {response: (["obs"], problem.y)},
    }
    if problem.layout.q:
        factor = str(problem.layout.factor)
        name, dims = f"{response}_by_{factor}", [*_SAMPLE, factor]
        loglik = group_loglik(problem, values.reshape(-1, k)).reshape(chains, length, -1)
        simulated[name] = (dims, group_means(drawn, problem).reshape(shape))
        data["observed_data"][name] = ([factor], group_means(problem.y[None], problem)[0])
        data["log_likelihood"] = {name: (dims, loglik)}
    return data


def _groups(problem: Problem, fit: Fit, draws: Draws, rng: np.random.Generator) -> dict[str, Variables]:
    """Return the variables of each ArviZ group."""
    layout = problem.layout
    data: dict[str, Variables] = {
        "posterior": _posterior(fit, draws),
        "sample_stats": {name: (_SAMPLE, values) for name, values in draws.stats.items()},
        "log_prior": _log_prior(problem, draws.values),
        **_responses(problem, draws.values, rng),
        "constant_data": {"X": (["obs", "coef"], problem.x)},
    }
    if layout.q:
        data["constant_data"][f"{layout.factor}_index"] = (["obs"], problem.groups)
    prior = draw_prior(problem, rng, draws.values.shape[1])
    if prior is not None:
        data["prior"] = parameter_variables(prior[None], layout, _SAMPLE)
    return data


def fit_tree(problem: Problem, fit: Fit, points: Sequence[Fit] = (), *, seed: int = 0) -> xr.DataTree:
    """Return the posterior of a fit with draws as a tree that ``az.*`` works on.

    ``log_likelihood`` is marginal, a value a group: leaving one out leaves out a group. It has the name of the groups'
    mean responses in ``observed_data`` and ``posterior_predictive``, which draws new groups of the same design.

    Parameters
    ----------
    problem
        What was fitted.
    fit
        A fit with draws.
    points
        Point estimates of the same data, each in a group of its own (``lbfgs_ml``, ...), one chain of one draw.
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
        data[_group_name(point)] = _point(point)
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
    # a point estimate has no labels there: xarray would align it with the first draw alone
    labels |= {dim: np.arange(sizes[dim]) for dim in _SAMPLE if sizes.get("draw", 1) > 1}
    return {name: each for name, each in labels.items() if name in sizes and name not in variables}


def _group_name(fit: Fit) -> str:
    """Return an estimator's label as a name that a tree can have."""
    return fit.estimator.translate(str.maketrans("-:=,.", "_____"))
