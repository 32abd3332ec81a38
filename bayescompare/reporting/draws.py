"""The parameters in an ArviZ tree, by their flat labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Diagnosis", "diagnoses", "labelled_draws", "sampler_of"]

#: Row of the sampler's diagnostics: label to R-hat, bulk and tail ESS.
Diagnosis = Mapping[str, float]

_SAMPLE = ("chain", "draw")


def labelled_draws(tree: xr.DataTree | None, labels: Sequence[str]) -> dict[str, xr.DataArray]:
    """Return the draws ``(chain, draw)`` of each parameter that a tree has, in the order of the labels."""
    if tree is None or "posterior" not in tree:
        return {}
    found: dict[str, Any] = {}
    for name, variable in tree["posterior"].data_vars.items():
        rest = [str(dim) for dim in variable.dims if dim not in _SAMPLE]
        if not rest:
            found[str(name)] = variable
        elif len(rest) == 1:
            for k, label in enumerate(variable[rest[0]].values):
                found[f"{name}[{label}]"] = variable.isel({rest[0]: k}, drop=True)
    return {label: found[label] for label in labels if label in found}


def sampler_of(tree: xr.DataTree | None) -> str:
    """Return the label of the estimator that a tree's draws come from."""
    return str(tree.attrs.get("estimator", "nuts")) if tree is not None else ""


def diagnoses(draws: Mapping[str, xr.DataArray]) -> dict[str, Diagnosis]:
    """Return R-hat and effective sample sizes, by ArviZ, of each parameter whose draws are finite and not constant."""
    import xarray as xr
    from arviz_stats import summary

    # ArviZ lets constant and infinite draws pass
    sound = {label: each for label, each in draws.items() if np.isfinite(each.values).all() and np.ptp(each.values) > 0}
    if not sound:
        return {}
    names = {f"v{k}": label for k, label in enumerate(sound)}
    data = xr.Dataset({name: sound[label].rename(None) for name, label in names.items()})
    table = summary(data, kind="diagnostics", ci_kind="eti", ci_prob=0.95, round_to="none")
    return {names[str(name)]: {str(k): float(v) for k, v in row.items()} for name, row in table.iterrows()}
