"""Random numbers as a function of named coordinates, whatever the order or the worker."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["PURPOSES", "below", "generator", "seed_key", "sequence"]

#: What a stream of random numbers is for; its position is part of the key, so only append.
PURPOSES = ("data", "truth", "adam", "lbfgs", "nuts", "random_effects", "starts", "prior", "quadrature")


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


def below(seed: np.random.SeedSequence, *path: int) -> np.random.SeedSequence:
    """Return the seed sequence at ``path`` below another, without changing it."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *path))


def generator(seed: np.random.SeedSequence, *path: int) -> np.random.Generator:
    """Return a generator at ``path`` below a seed sequence, without changing the sequence."""
    return np.random.Generator(np.random.PCG64DXSM(below(seed, *path)))


def seed_key(seed: np.random.SeedSequence) -> str:
    """Return the coordinates of a seed sequence as text, for tables."""
    return "/".join(map(str, seed.spawn_key))
