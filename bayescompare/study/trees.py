"""Posterior trees as netCDF, made in memory, and read only where their hash is the one that was noted."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayescompare.errors import StoreError
from bayescompare.study.files import digest, intact

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["KeptTrees", "MemoryTrees", "netcdf"]

# A file larger than this is not one of ours.
_LARGEST = 2_000_000_000


def netcdf(tree: xr.DataTree) -> bytes:
    """Return a tree as the bytes of a netCDF file, with checksums and light compression.

    In memory, since the HDF5 library crashes the process where the disk is full.
    """
    return bytes(tree.to_netcdf(None, engine="h5netcdf", encoding=_encoding(tree)))


def _encoding(tree: xr.DataTree) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        node.path: {
            str(name): {"fletcher32": True, "zlib": True, "complevel": 1}
            for name, array in node.data_vars.items()
            if array.ndim and array.dtype.kind in "fiub"
        }
        for node in tree.subtree
        if node.data_vars
    }


@dataclass(frozen=True, kw_only=True)
class KeptTrees(Mapping[tuple[str, int], "xr.DataTree"]):
    """The trees below a folder, each read when it is asked for.

    Parameters
    ----------
    index
        (scenario, replicate) to a file's name below the folder and its SHA-256.
    """

    folder: Path
    index: Mapping[tuple[str, int], tuple[str, str]]

    def __getitem__(self, key: tuple[str, int]) -> xr.DataTree:
        """Read one tree.

        Raises
        ------
        StoreError
            If the file is missing, or not the one that was written.
        """
        name, expected = self.index[key]
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise StoreError(f"{path} lies outside of the results and is not read.")
        with intact(path):
            if path.stat().st_size > _LARGEST:
                raise ValueError(f"it has more than {_LARGEST:,} bytes")
            content = path.read_bytes()
            if digest(content) != expected:
                raise ValueError("its SHA-256 is not the one that was noted when it was written")
            return _loaded(content)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Iterate over (scenario, replicate)."""
        return iter(self.index)

    def __len__(self) -> int:
        """Return the number of trees."""
        return len(self.index)


@dataclass(frozen=True, kw_only=True)
class MemoryTrees(Mapping[tuple[str, int], "xr.DataTree"]):
    """Trees as bytes in memory, each read when it is asked for."""

    contents: Mapping[tuple[str, int], bytes]

    def __getitem__(self, key: tuple[str, int]) -> xr.DataTree:
        """Read one tree."""
        return _loaded(self.contents[key])

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Iterate over (scenario, replicate)."""
        return iter(self.contents)

    def __len__(self) -> int:
        """Return the number of trees."""
        return len(self.contents)


def _loaded(content: bytes) -> xr.DataTree:
    import xarray as xr

    with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as tree:
        return tree.load()
