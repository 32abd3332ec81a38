"""Numbers of any size are printed, beside an error of any size."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bayescompare.reporting.formats import interval, number, plain

SIZES = (0.0, np.inf, -np.inf, np.nan, 5e-324, 1e-9, -1e-9, 1.0, -1.0, 1e12, 1.7e308, -1.7e308)


@pytest.mark.parametrize(("value", "error"), list(product(SIZES, SIZES)))
def test_every_pair_of_numbers_is_printed(value: float, error: float) -> None:
    for text in (plain(value, error), number(value, error).text, interval(value, error).text):
        assert text


def test_a_zero_with_an_unbounded_interval_is_zero() -> None:
    assert plain(0.0, np.inf) == "0"
