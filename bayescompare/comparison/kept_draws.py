"""How much of the draws of a fit is kept: all, the parameters alone, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from bayescompare.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["LARGEST", "KeepDraws", "chosen", "kept_tree", "size_of"]

#: Bytes up to which all draws are kept where nobody asks for more or less.
LARGEST = 50_000_000
# Groups of a tree that have a number for each group or row of the data.
_WIDE = ("log_likelihood", "posterior_predictive")


class KeepDraws(StrEnum):
    """What of a tree is kept."""

    ALL = "all"
    PARAMETERS = "parameters"
    NONE = "none"

    @classmethod
    def _missing_(cls, value: object) -> Self:
        raise InputError(f"draws must be all, parameters or none, not {value!r}.")


def size_of(trees: Mapping[Any, xr.DataTree]) -> int:
    """Return the bytes of all numbers of some trees, before compression."""
    return sum(tree.nbytes for tree in trees.values())


def chosen(asked: KeepDraws | None, trees: Mapping[Any, xr.DataTree]) -> KeepDraws:
    """Return what is asked for; where that is nothing, all up to 50 MB and the parameters beyond."""
    return asked or (KeepDraws.ALL if size_of(trees) <= LARGEST else KeepDraws.PARAMETERS)


def kept_tree(tree: xr.DataTree, keep: KeepDraws) -> xr.DataTree:
    """Return a tree, or what has no number for each group or row in it: draws of the parameters, and the data."""
    import xarray as xr

    if keep is KeepDraws.ALL:
        return tree
    groups = {name: each.to_dataset() for name, each in tree.children.items() if name not in _WIDE}
    wide = {array.dims[-1] for array in groups["posterior"].data_vars.values() if array.ndim > 3}
    groups["posterior"] = groups["posterior"].drop_dims(wide)
    kept = xr.DataTree.from_dict({f"/{name}": each for name, each in groups.items()})
    kept.attrs = {**tree.attrs, "draws": str(keep)}
    return kept
