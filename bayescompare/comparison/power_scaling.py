"""What a posterior owes to its priors, seen by raising all of them to a power (Kallioinen et al. 2024).

Only the priors of the parameters are raised: the random effects are integrated out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.comparison.derived import log_likelihood
from bayescompare.comparison.power_path import crossings, power_path
from bayescompare.comparison.schema import TABLES
from bayescompare.comparison.trees import response_variable
from bayescompare.engines.conflict import likeliest, prior_tails
from bayescompare.fits import Fit
from bayescompare.layout import Layout
from bayescompare.likelihood.problem import Problem

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CONFLICT", "DIAGNOSES", "THRESHOLD", "PowerScaling", "power_scaling", "why_not_scaled"]

Array = npt.NDArray[np.float64]

#: Sensitivity from which on a posterior is said to depend on a component.
THRESHOLD = 0.05
CONFLICT, PRIOR_DECIDES, NOTHING, UNKNOWN = "conflict", "prior decides", "nothing", "not known"
#: Diagnosis -> what it says.
DIAGNOSES = {
    CONFLICT: "prior and likelihood both move it: they may pull apart",
    PRIOR_DECIDES: "the prior moves it and the likelihood hardly does: the prior decides",
    NOTHING: "the prior hardly moves it",
    UNKNOWN: "not known: the density is constant in its tails",
}
# Draws below which their tails are not looked at.
_FEWEST = 100


@dataclass(frozen=True, kw_only=True)
class PowerScaling:
    """What a posterior owes to its priors; the tables' columns are those of `schema.TABLES`.

    Parameters
    ----------
    table
        ``power_scaling``: ArviZ's sensitivities and their diagnosis, a row a parameter.
    path
        ``power_path``: posterior mean and interval against the power of the priors.
    crossings
        ``power_crossing``: the power at which the posterior mean is a point estimate.
    """

    table: pd.DataFrame
    path: pd.DataFrame
    crossings: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The three tables by name."""
        return {"power_scaling": self.table, "power_path": self.path, "power_crossing": self.crossings}

    @property
    def conflicts(self) -> list[str]:
        """A sentence for each parameter that prior and likelihood both move."""
        rows = self.table[self.table["diagnosis"] == CONFLICT]
        return [
            f"{row.parameter}: power-scaling sensitivity {row.prior:.2f} to the prior and {row.likelihood:.2f} to the "
            f"likelihood, both at least {THRESHOLD}"
            for row in rows.itertuples()
        ]


def why_not_scaled(fit: Fit) -> str:
    """Return why the draws of a fit are not good enough to be weighted, or nothing."""
    values = None if fit.draws is None else fit.draws.values
    if values is None or not np.all(np.isfinite(values)):
        return "some draws are not finite"
    if values[..., 0].size < _FEWEST:
        return f"there are fewer than {_FEWEST} draws"
    return "a chain did not move" if np.any(np.ptp(values, axis=1) == 0) else ""


def power_scaling(problem: Problem, fit: Fit, tree: xr.DataTree, points: Sequence[Fit] = ()) -> PowerScaling:
    """Return what a posterior owes to its priors.

    Parameters
    ----------
    problem, fit
        A fit with draws, of that problem.
    tree
        Its tree, as `trees.fit_tree` makes it.
    points
        Point estimates of the same data, for the crossings.
    """
    key = {"scenario": problem.dataset, "estimator": fit.estimator}
    path = pd.DataFrame(power_path(problem, fit)).assign(**key)[list(TABLES["power_path"])]
    met = [{**key, **row} for point in points for row in crossings(path, point)]
    return PowerScaling(
        table=_sensitivities(problem, tree).assign(**key)[list(TABLES["power_scaling"])],
        path=path,
        crossings=pd.DataFrame(met, columns=list(TABLES["power_crossing"])),
    )


def _sensitivities(problem: Problem, tree: xr.DataTree) -> pd.DataFrame:
    """Return ArviZ's sensitivities to prior and likelihood, with their diagnosis."""
    layout, ml = problem.layout, likeliest(problem)
    tree = tree if "log_likelihood" in tree else _with_likelihood(problem, tree)
    tails = np.full(layout.size, np.nan) if ml is None else prior_tails(problem, ml)
    found = {group: _sensitivity(tree, layout, group) for group in ("prior", "likelihood")}
    table = pd.DataFrame({"parameter": layout.labels, **found})
    table["diagnosis"] = [_diagnosis(*pair) for pair in zip(table["prior"], table["likelihood"], strict=True)]
    return table.assign(ml=np.nan if ml is None else ml.estimate, tail=tails)


def _sensitivity(tree: xr.DataTree, layout: Layout, group: Literal["prior", "likelihood"]) -> Array:
    """Return ArviZ's sensitivity of each parameter to one component, NaN where ArviZ cannot say."""
    from arviz_stats import psense

    total = sum(
        each.sum([dim for dim in each.dims if dim not in ("chain", "draw")]).values
        for each in tree[f"log_{group}"].data_vars.values()
    )
    if np.ptp(total) == 0:
        # any power of a constant is a constant; ArviZ finds no tail to smooth
        return np.zeros(layout.size)
    try:
        return _flat(psense(tree, var_names=list(layout.variables), group=group), layout)
    except ValueError:
        # a density that is constant over the draws of its tails
        return np.full(layout.size, np.nan)


def _with_likelihood(problem: Problem, tree: xr.DataTree) -> xr.DataTree:
    """Return the tree of a model without groups with its log likelihood, one number a draw."""
    import xarray as xr

    posterior = tree["posterior"].to_dataset()
    names = ("beta", "sigma") if problem.layout.p else ("sigma",)
    values = np.concatenate([posterior[name].values.reshape(-1, problem.layout.p * (name == "beta") or 1)
                             for name in names], axis=1)  # fmt: skip
    total = log_likelihood(problem, values).reshape(posterior.sizes["chain"], -1)
    likelihood = xr.Dataset({response_variable(problem): (["chain", "draw"], total)})
    groups = {"posterior": posterior, "log_prior": tree["log_prior"].to_dataset(), "log_likelihood": likelihood}
    return xr.DataTree.from_dict({f"/{name}": each for name, each in groups.items()})


def _flat(dataset: xr.Dataset, layout: Layout) -> Array:
    """Return the values of a dataset in the layout's order."""
    out = np.full(layout.size, np.nan)
    for name, (place, _) in layout.variables.items():
        out[place] = dataset[name].values
    return out


def _diagnosis(prior: float, likelihood: float) -> str:
    """Return ArviZ's diagnosis in a word of ours."""
    if np.isnan(prior) or np.isnan(likelihood):
        return UNKNOWN
    if prior < THRESHOLD:
        return NOTHING
    return CONFLICT if likelihood >= THRESHOLD else PRIOR_DECIDES
