"""Random numbers depend on named coordinates alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bayescompare.seeds import PURPOSES, as_sequences, generator, keras_seed, sequence


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


def test_seeds_for_keras_have_31_bits():
    seeds = [keras_seed(sequence(1, "a", k, "adam")) for k in range(200)]
    assert len(set(seeds)) == 200
    assert min(seeds) >= 0
    assert max(seeds) < 2**31
    assert max(seeds) > 2**30


def test_a_single_fit_has_a_stream_a_purpose():
    found = as_sequences(5, ("adam", "nuts"))
    assert first(found["adam"]) == first(sequence(5, "fit", 0, "adam"))
    assert first(found["adam"]) != first(found["nuts"])
    given = np.random.SeedSequence(3)
    assert as_sequences(given, ("adam",)) == {"adam": given}
