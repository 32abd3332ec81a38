"""The bundled data sets."""

import pytest

from bayescompare import datasets
from bayescompare.data import read_data
from bayescompare.errors import DataError
from bayescompare.model_frame import model_frame

SHAPES = {
    "cbpp": (56, 4),
    "dyestuff": (30, 2),
    "dyestuff2": (30, 2),
    "pastes": (60, 4),
    "penicillin": (144, 3),
    "sleepstudy": (180, 3),
}


def test_all_are_listed():
    assert set(datasets.available()) == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_each_loads_and_its_formula_works(name):
    dataset = datasets.load(name)
    info = datasets.available()[name]
    assert dataset.frame.shape == SHAPES[name]
    assert dataset.source == info.source
    assert len(model_frame(info.formula, dataset).y) == SHAPES[name][0]


def test_read_data_takes_a_bundled_name():
    assert read_data("sleepstudy").name == "sleepstudy"
    assert read_data("sleepstudy", name="sleep", na="drop").na == "drop"


def test_unknown_name():
    with pytest.raises(DataError, match=r"no bundled data set 'sleepstudi'\. Did you mean 'sleepstudy'\?"):
        datasets.load("sleepstudi")
