"""Random numbers depend on named coordinates alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bayescompare.seeds import PURPOSES, generator, sequence


def first(seed: np.random.SeedSequence) -> int:
    return int(generator(seed).integers(2**63))


def test_every_coordinate_counts():
    places = itertools.product((1, 2), ("a", "b"), (0, 1), PURPOSES)
    numbers = [first(sequence(*place)) for place in places]
    assert len(set(numbers)) == len(numbers) == 8 * len(PURPOSES)


def test_the_same_coordinates_give_the_same_numbers():
    assert first(sequence(7, "a", 3, "nuts")) == first(sequence(7, "a", 3, "nuts"))
    # on every machine and in every version: a study can be run again
    assert sequence(1, "a-intercepts", 0, "data").spawn_key == (8955209961412416617, 0, 0)


def test_using_a_sequence_does_not_change_it():
    seed = sequence(1, "a", 0, "lbfgs")
    before = first(seed)
    generator(seed, 3).normal(size=10)
    assert first(seed) == before
    assert first(seed) != int(generator(seed, 0).integers(2**63))
    assert seed.n_children_spawned == 0


def test_purposes_are_only_ever_appended():
    assert PURPOSES[:8] == ("data", "truth", "adam", "lbfgs", "nuts", "random_effects", "starts", "prior")


def test_an_unknown_purpose_is_refused():
    with pytest.raises(ValueError, match="not in"):
        sequence(1, "a", 0, "nothing")


def test_streams_of_neighbours_are_not_correlated():
    draws = np.array([generator(sequence(1, "a", k, "data")).normal(size=2000) for k in range(10)])
    off = np.corrcoef(draws)[np.triu_indices(10, 1)]
    assert np.abs(off).max() < 4.5 / np.sqrt(2000)
