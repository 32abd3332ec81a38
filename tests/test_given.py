"""The rows of a user's data as plain values: they come back as they were, and nothing else is read."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from bayescompare.data.given import Given, Values
from bayescompare.dataset import Dataset
from bayescompare.errors import DataError
from bayescompare.model_frame import model_frame

N = 24
RNG = np.random.default_rng(0)
GROUPS = np.repeat([f"s{k}" for k in range(6)], 4)
FRAME = pd.DataFrame({
    "x": RNG.normal(size=N),
    "whole": np.tile([1, 2, 3, 4], 6),
    "nullable": pd.array(np.tile([5, 1, 3, 2], 6), dtype="Int64"),
    "truth": np.tile([True, False], 12),
    "text": np.tile(["b", "a", "c", "ä"], 6),
    "unordered": pd.Categorical(np.tile(["low", "high", "mid", "mid"], 6), ["low", "mid", "high", "never"]),
    "ordered": pd.Categorical(np.tile([3, 1, 2, 1], 6), [3, 1, 2], ordered=True),
    "bins": pd.cut(RNG.normal(size=N), 3),
    "decimal": [Decimal(k) / 7 for k in range(N)],
    "g": GROUPS,
    "h": np.tile([10, 9], 12),
    "numbered": np.repeat([10.0, 9.0, 2.0, 1.0, 30.0, 4.0], 4),
})  # fmt: skip
RIGHT = (
    "x + (1 + x | g)",
    "whole + nullable + truth + decimal + (1 | numbered)",
    "C(whole) + text + (1 | g)",
    "unordered + (0 + unordered || h)",
    "ordered + bins + (1 | g)",
    "poly(x, 2) + scale(decimal) + (1 | g:h)",
    "C(truth) + (1 | unordered)",
    "x",
)


def again(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that has been text."""
    return Given.read(json.loads(json.dumps(Given.of(frame, "data").as_dict()))).frame()


@pytest.mark.parametrize("right", RIGHT)
def test_a_model_has_the_same_columns_on_rows_that_have_been_text(right):
    y = RNG.normal(size=N)
    one, two = (
        model_frame(f"y ~ {right}", Dataset(frame=frame.assign(y=y), name="data")) for frame in (FRAME, again(FRAME))
    )
    assert one.layout == two.layout
    for name in ("X", "Z", "groups"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_rows_of_each_group_are_counted():
    given = Given.of(FRAME.iloc[:-1], "data")
    assert sorted(given.sizes(["g"])) == [3, 4, 4, 4, 4, 4]
    assert len(given.sizes(["g", "h"])) == 12
    assert given.sizes([]) == ()


def test_other_rows_are_told_apart_by_their_hash_and_others_of_one_hash_are_equal():
    given, other = Given.of(FRAME, "data"), Given.of(FRAME.assign(x=FRAME["x"] + 1e-15), "data")
    assert Given.read(given.as_dict()) == given
    assert given != other
    assert given.sha256 in repr(given)
    assert given.sha256 != other.sha256
    assert len(repr(given)) < 300


COLUMN = {"values": [1.0, 2.0]}
WRONG = [
    ([], "data need source, rows and columns"),
    ({"source": "d", "rows": 2, "columns": {}, "code": "1"}, "and nothing else"),
    ({"source": 1, "rows": 2, "columns": {}}, "the source is a text"),
    ({"source": "d", "rows": True, "columns": {}}, "rows is a whole number"),
    ({"source": "d", "rows": 1, "columns": {}}, "2 to 10,000,000 rows, not 1"),
    ({"source": "d", "rows": 10**9, "columns": {}}, "2 to 10,000,000 rows"),
    ({"source": "d", "rows": 3, "columns": {"x": COLUMN}}, "'x' has 2 values for 3 rows"),
    ({"source": "d", "rows": 2, "columns": {"x": {"values": [1.0, "a"]}}}, "must all be numbers, all texts"),
    ({"source": "d", "rows": 2, "columns": {"x": {"values": [1.0, float("nan")]}}}, "not finite"),
    ({"source": "d", "rows": 2, "columns": {"x": {"values": [{}, {}]}}}, "must all be numbers"),
    ({"source": "d", "rows": 2, "columns": {"x": {"values": "ab"}}}, "must be a list"),
    ({"source": "d", "rows": 2, "columns": {"x": {"call": "os.system"}}}, "needs values, or codes"),
    ({"source": "d", "rows": 2, "columns": {"x": {"codes": [0, 2], "levels": ["a", "b"], "ordered": False}}}, "codes"),
    ({"source": "d", "rows": 2, "columns": {"x": {"codes": [0, -1], "levels": ["a"], "ordered": False}}}, "codes"),
    ({"source": "d", "rows": 2, "columns": {"x": {"codes": [0, 0], "levels": ["a", "a"], "ordered": False}}}, "codes"),
]


@pytest.mark.parametrize(("written", "said"), WRONG)
def test_anything_else_is_refused_in_a_sentence(written, said):
    with pytest.raises(DataError, match=said):
        Given.read(written)


def test_objects_that_are_no_plain_values_are_labels():
    assert Values.of(pd.Series([pd.Interval(0, 1), pd.Interval(1, 2)])).values == ("(0, 1]", "(1, 2]")
