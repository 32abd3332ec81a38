"""Labels are what the data say, to the last digit, whatever they come in; or they are refused."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import bayescompare as bc
from bayescompare.data import read_data
from bayescompare.errors import DataError, ModelError
from bayescompare.model_frame import model_frame
from bayescompare.study.fitted import fitted_study

# Ids of 18 digits that differ in their last digits, as of the file long_ids_missing.csv of our own collection:
# as floats the six are three.
LONG = [635284328055690862, 635284328055690863, 635284328055690990, 635284328055690991, 2**53, 2**53 + 1]
LEVELS = tuple(str(one) for one in sorted(LONG))
Y = np.random.default_rng(71).normal(size=24).tolist()


def ids(missing: object, values: list | None = None) -> list:
    """Return four rows of each id, one of which is missing."""
    column: list = [one for one in values or LONG for _ in range(4)]
    column[3] = missing
    return column


def csv(tmp_path: Path, g: list) -> Path:
    path = tmp_path / "d.csv"
    path.write_text("y,g\n" + "".join(f"{y!r},{one}\n" for y, one in zip(Y, g, strict=True)))
    return path


def parquet(tmp_path: Path, table: pa.Table) -> Path:
    import pyarrow.parquet as pq

    pq.write_table(table, tmp_path / "d.parquet")
    return tmp_path / "d.parquet"


KINDS = {
    "csv": lambda to: csv(to, ids("")),
    "csv NA": lambda to: csv(to, ids("NA")),
    "pandas object": lambda to: pd.DataFrame({"y": Y, "g": pd.Series(ids(None), dtype=object)}),
    "pandas object nan": lambda to: pd.DataFrame({"y": Y, "g": pd.Series(ids(np.nan), dtype=object)}),
    "pandas decimal": lambda to: pd.DataFrame({"y": Y, "g": [one and Decimal(one) for one in ids(None)]}),
    "pandas Int64": lambda to: pd.DataFrame({"y": Y, "g": pd.array(ids(None), dtype="Int64")}),
    "pandas arrow": lambda to: pd.DataFrame({"y": Y, "g": pd.array(ids(None), dtype="int64[pyarrow]")}),
    "pandas category": lambda to: pd.DataFrame({"y": Y, "g": pd.Series(ids(None), dtype="Int64").astype("category")}),
    "polars": lambda to: pl.DataFrame({"y": Y, "g": ids(None)}),
    "pyarrow": lambda to: pa.table({"y": Y, "g": ids(None)}),
    "parquet": lambda to: parquet(to, pa.table({"y": Y, "g": ids(None)})),
    "parquet unsigned": lambda to: parquet(to, pa.table({"y": Y, "g": pa.array(ids(None), pa.uint64())})),
    "parquet decimal": lambda to: parquet(
        to, pa.table({"y": Y, "g": pa.array([one and Decimal(one) for one in ids(None)], pa.decimal128(38, 0))})
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fault_71_long_ids_beside_a_missing_value_are_labels_as_written(tmp_path, kind):
    frame = model_frame("y ~ 1 + (1 | g)", read_data(KINDS[kind](tmp_path), na="drop"))
    assert frame.levels == LEVELS
    assert np.bincount(frame.groups).tolist() == [4, 4, 3, 4, 4, 4]


def test_fault_71_integers_beside_a_float_are_not_rounded():
    g = pd.Series([3.0, 3.0, *[None] * 2, *ids(None)[4:]], dtype=object)
    frame = model_frame("y ~ 1 + (1 | g)", read_data(pd.DataFrame({"y": Y, "g": g}), na="drop"))
    assert frame.levels == ("3", *(level for level in LEVELS if level != str(LONG[0])))


@pytest.mark.parametrize(
    "values",
    [
        [2**64 - 1, 2**64 - 2, 2**63 + 1, 2**63, 3, 1],
        [-(2**60), -(2**60) - 1, -7, 0, 2**63, 2**63 + 1],
        [10**30, 10**30 + 1, -(10**30), -(10**30) - 1, 5, 10],
    ],
)
@pytest.mark.parametrize("beside", ["", "17"])
def test_fault_71_ids_of_any_length_and_sign_are_in_the_order_of_their_numbers(tmp_path, values, beside):
    frame = model_frame("y ~ 1 + (1 | g)", read_data(csv(tmp_path, ids(beside, values)), na="drop"))
    assert frame.levels == tuple(str(one) for one in sorted([*values, *([17] if beside else [])]))


def test_fault_71_long_ids_as_a_predictor_are_labels_in_c_and_refused_as_numbers(tmp_path):
    data = read_data(csv(tmp_path, ids("")), na="drop")
    assert model_frame("y ~ C(g)", data).coefs[1:] == tuple(f"C(g)[{level}]" for level in LEVELS[1:])
    with pytest.raises(DataError, match=r"'g' holds \d+, beyond 2\*\*53"):
        model_frame("y ~ g", data)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array(LONG, dtype=float), "up to 635284328055691008, where float64 rounds"),
        (np.array([2**24 + 1, 2, 3, 4, 5, 6], dtype="float32"), "float32 rounds whole numbers"),
        (pd.array(LONG, dtype="Float64"), "float64 rounds"),
        (pd.array(np.array(LONG, dtype=float), dtype="float64[pyarrow]"), "float64 rounds"),
        (pd.Categorical(np.array(LONG, dtype=float)), "float64 rounds"),
        (pd.Series([float(LONG[0]), *LONG[1:]], dtype=object), "different labels may have become equal"),
    ],
)
@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "y ~ C(g)"])
def test_fault_71_ids_that_are_rounded_already_are_refused(values, said, formula):
    frame = pd.DataFrame({"y": np.arange(12.0), "g": pd.Series(values).repeat(2).to_numpy(dtype=object)})
    frame["g"] = frame["g"].astype(getattr(values, "dtype", object))
    with pytest.raises(DataError, match="column 'g' holds labels as floating-point numbers") as error:
        model_frame(formula, read_data(frame))
    assert said in str(error.value)


def test_fault_71_whole_floats_below_are_whole_numbers_and_others_are_continuous():
    frame = pd.DataFrame({"y": Y, "g": [np.nan, *[2.0**53 - 1] * 11, *[3.0] * 12]})
    assert model_frame("y ~ (1 | g)", read_data(frame, na="drop")).levels == ("3", str(2**53 - 1))
    with pytest.raises(ModelError, match="'g' is continuous"):
        model_frame("y ~ (1 | g)", read_data(frame.assign(g=[Decimal(k) / 7 for k in range(24)])))


@pytest.mark.parametrize(
    ("texts", "levels"),
    [
        (["007", "010", "100"], ("007", "010", "100")),
        (["1.0", "10.0", "2.0"], ("1.0", "2.0", "10.0")),
        (["-1", "-3", "+2"], ("-3", "-1", "+2")),
        (["1e3", "7", "2"], ("2", "7", "1e3")),
        (["TRUE", "FALSE", "FALSE"], ("FALSE", "TRUE")),
        (["10", "9", "2"], ("2", "9", "10")),
    ],
)
@pytest.mark.parametrize("gap", [False, True])
def test_fault_71_labels_are_the_texts_of_the_file(tmp_path, texts, levels, gap):
    rows = [f"{y!r},{texts[k % 3]}" for k, y in enumerate(Y)] + (["1.5,"] if gap else [])
    path = tmp_path / "d.csv"
    path.write_text("y,g\n" + "\n".join(rows) + "\n")
    data = read_data(path, na="drop")
    frame = model_frame("y ~ 1 + (1 | g)", data)
    assert frame.levels == levels
    assert [frame.levels[k] for k in frame.groups] == [texts[k % 3] for k in range(24)]
    assert model_frame("y ~ C(g)", data).coefs == ("Intercept", *(f"C(g)[{level}]" for level in levels[1:]))


def test_fault_71_a_column_with_leading_zeros_is_a_number_where_it_is_a_predictor(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("y,hour\n" + "".join(f"{y!r},{k % 12:02d}\n" for k, y in enumerate(Y)))
    frame = model_frame("y ~ hour + (1 | hour)", read_data(path))
    np.testing.assert_array_equal(frame.X[:, 1], np.arange(24) % 12)
    assert frame.levels == tuple(f"{k:02d}" for k in range(12))


@pytest.mark.parametrize(("one", "other"), [("7", "007"), ("1", "1.0"), ("100000", "1e5"), ("TRUE", "True")])
def test_fault_71_one_number_written_in_two_ways_is_neither_one_group_nor_two(tmp_path, one, other):
    path = tmp_path / "d.csv"
    path.write_text("y,g\n" + "".join(f"{y!r},{(one, other, '3')[k % 3]}\n" for k, y in enumerate(Y)))
    if one == "TRUE":
        path.write_text(path.read_text().replace(",3\n", ",FALSE\n"))
    with pytest.raises(DataError, match=rf"'g' has one number written in two ways, '{one}' in row 1 and '{other}' in"):
        model_frame("y ~ (1 | g)", read_data(path))


@pytest.mark.parametrize("g", [["", *LONG, "007"], ["-5", "-3", "010", "2", "1", "30", "4"]])
def test_fault_71_data_simulated_from_a_fit_have_the_same_labels(tmp_path, g):
    path = tmp_path / "d.csv"
    path.write_text("y,g\n" + "".join(f"{y!r},{g[k % len(g)]}\n" for k, y in enumerate(Y)))
    fits = bc.fit("y ~ 1 + (1 | g)", read_data(path, na="drop"), "lbfgs-ml")
    made = fitted_study(fits, fits.engines, truth="lbfgs-ml", replicates=10, levels=[0.95], seed=1)
    (scenario,) = made.study.scenarios()
    assert bc.simulate(scenario, 0, 1).frame["g"].astype(str).nunique() == len({*g} - {""})
    assert fits.problem.layout.levels == tuple(str(one) for one in sorted({*g} - {""}, key=int))
