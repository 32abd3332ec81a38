"""The columns of each function of a formula, against R's; the numbers and where they are from: ``data/README.md``."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.data import read_data
from bayescompare.model_frame import model_frame

TABLE = pd.read_csv(Path(__file__).with_name("data") / "r_functions.csv")
Y = [1.0, 2.1, 2.9, 4.2, 5.1, 5.8]
X = [0, 0.7, 1.1, 1.9, 2.5, 3.2, 4.8, 5, 5, 6.3, 7.7, 10]


def columns_of(term: str) -> np.ndarray:
    data = pd.DataFrame({"x": X, "f": list("abcabccbaabc"), "y": np.arange(12.0) ** 0.5})
    frame = model_frame(f"y ~ {term}", read_data(data))
    return frame.X[:, 1:]


@pytest.mark.parametrize("term", dict.fromkeys(TABLE["term"]))
def test_columns_of_a_term_are_those_of_r(term):
    ours, rows = columns_of(term), TABLE[TABLE["term"] == term]
    theirs = rows.filter(regex="^v").to_numpy().T
    # a basis with the constant makes one of its columns redundant beside the intercept
    redundant = 1 if "intercept" in term else 0
    assert ours.shape[1] == theirs.shape[1] - redundant
    np.testing.assert_allclose(ours, theirs[:, : ours.shape[1]], atol=1e-10 * np.abs(theirs).max(), rtol=0)


def test_a_scaled_predictor_has_the_slope_of_r():
    # the sd of g is zero here, so that this is least squares: 17.15 / 17.5 a unit, times the sd of x with n - 1
    data = pd.DataFrame({"y": Y, "x": range(1, 7), "g": list("aabbcc")})
    fit = bc.fit("y ~ scale(x) + (1 | g)", data, ["lbfgs-reml"])["lbfgs-reml"]
    assert fit.estimate[fit.layout.index("beta[scale(x)]")] == pytest.approx(0.98 * 3.5**0.5, rel=1e-9)
