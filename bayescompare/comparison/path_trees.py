"""The paths of an optimizer's restarts as an ArviZ ``DataTree``: a chain a restart, a draw a recorded step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bayescompare.comparison.trees import Variables, parameter_variables
from bayescompare.errors import InputError
from bayescompare.fits import Fit, Path
from bayescompare.likelihood.coordinates import natural_working

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DIAGNOSED", "path_tree"]

Array = npt.NDArray[np.float64]

#: Last share of the updates that a fit's ``rhat_restarts`` looks at.
DIAGNOSED = 0.2

_SAMPLE = ["chain", "draw"]


def path_tree(fit: Fit, *, last: float = 1.0) -> xr.DataTree:
    """Return the paths of a fit's restarts as a tree that ``az.rhat``, ``az.plot_trace`` and the rest work on.

    The group ``posterior`` has the parameters as the trees of draws have them, though these are no draws: a path
    has no stationary distribution to speak of before it has arrived, and R-hat says whether restarts ended in one
    place. ``unconstrained_posterior`` has log sds, Fisher z of the partial correlations and log sigma, on which
    ``rhat_restarts`` of the fit is: the largest ``az.rhat`` of that group with ``last=0.2``. ``sample_stats``
    has ``loss`` and ``step``. Chain 0 is the restart that is reported.

    Parameters
    ----------
    fit
        With a path: an Adam fit, or one by L-BFGS-B of a single data set, of which only the start that won is kept.
    last
        Share of the updates, from the end, that is taken.

    Raises
    ------
    InputError
        If the fit has no path, or the share is not above 0 and at most 1.
    """
    import xarray as xr

    if not 0 < last <= 1:
        raise InputError(f"The share of the path to take must be above 0 and at most 1, not {last:g}.")
    paths = _aligned(fit, last)
    layout, values = fit.layout, np.array([path.values for path in paths])
    with np.errstate(all="ignore"):
        working = np.array([[natural_working(theta, layout) for theta in path.values] for path in paths])
    stats: Variables = {
        "step": (_SAMPLE, np.array([path.steps for path in paths])),
        "loss": (_SAMPLE, np.array([path.loss for path in paths])),
    }
    coords: dict[str, Any] = {
        name: list(labels) for name, labels in layout.coords.items() if name != str(layout.factor)
    }
    coords |= {"chain": np.arange(len(paths)), "draw": _draws(paths)}
    groups: dict[str, Variables] = {
        "posterior": parameter_variables(values, layout, _SAMPLE),
        "unconstrained_posterior": parameter_variables(working, layout, _SAMPLE),
        "sample_stats": stats,
    }
    tree = xr.DataTree.from_dict({
        f"/{name}": xr.Dataset(variables, {key: coords[key] for key in coords if _has(variables, key)})
        for name, variables in groups.items()
    })  # fmt: skip
    tree.attrs = {"estimator": fit.estimator, "chain": "restart", "draw": "step"}
    return tree


def _has(variables: Variables, dim: str) -> bool:
    return any(dim in dims for dims, _ in variables.values())


def _aligned(fit: Fit, last: float) -> list[Path]:
    """Return the ends of the paths, each as long as the shortest."""
    if fit.path is None or not len(fit.path.steps):
        raise InputError(f"{fit.estimator} has no path; an optimizer's fit of one data set has.")
    every = [path for path in (fit.path, *fit.restarts) if len(path.steps)]
    starts = [int(np.sum(path.steps < (1 - last) * path.steps[-1])) for path in every]
    length = min(len(path.steps) - start for path, start in zip(every, starts, strict=True))
    return [Path(steps=path.steps[-length:], values=path.values[-length:], loss=path.loss[-length:]) for path in every]


def _draws(paths: list[Path]) -> npt.NDArray[np.int64]:
    """Return the steps where all restarts have the same, else a count."""
    same = all(np.array_equal(path.steps, paths[0].steps) for path in paths)
    return paths[0].steps if same else np.arange(len(paths[0].steps))
