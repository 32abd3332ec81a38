"""Random numbers as a function of named coordinates, whatever the order or the worker."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

__all__ = ["PURPOSES", "generator", "keras_seed", "sequence"]

#: What a stream of random numbers is for; its position is part of the key, so only append.
PURPOSES = ("data", "truth", "adam", "lbfgs", "nuts", "random_effects", "starts", "prior")


def _word(coordinate: str | int) -> int:
    """Map a coordinate to 64 bits that are the same on every machine."""
    if isinstance(coordinate, int):
        return coordinate
    return int.from_bytes(hashlib.sha256(coordinate.encode()).digest()[:8], "big")


def sequence(root: int, scenario: str, replicate: int, purpose: str) -> np.random.SeedSequence:
    """Return the seed sequence at ``(scenario, replicate, purpose)`` under a root seed.

    Independent of which other coordinates are run, and in which order.

    Raises
    ------
    ValueError
        If ``purpose`` is not in `PURPOSES`.
    """
    key = (_word(scenario), replicate, PURPOSES.index(purpose))
    return np.random.SeedSequence(root, spawn_key=key)


def generator(seed: np.random.SeedSequence, *path: int) -> np.random.Generator:
    """Return a generator at ``path`` below a seed sequence, without changing the sequence."""
    below = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *path))
    return np.random.Generator(np.random.PCG64DXSM(below))


def keras_seed(seed: np.random.SeedSequence) -> int:
    """Return a 31-bit integer for libraries that take nothing larger."""
    return int(seed.generate_state(1, np.uint32)[0] >> 1)


def as_sequences(seed: int | np.random.SeedSequence, purposes: Sequence[str]) -> dict[str, np.random.SeedSequence]:
    """Return one seed sequence a purpose for a single data set."""
    if isinstance(seed, np.random.SeedSequence):
        return {purpose: seed for purpose in purposes}
    return {purpose: sequence(seed, "fit", 0, purpose) for purpose in purposes}
