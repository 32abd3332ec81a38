"""What wrong or odd data are answered."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from bayescompare.data import Dataset, read_data
from bayescompare.errors import DataError, ModelError
from bayescompare.model_frame import ModelFrame, model_frame

FORMULA = "y ~ x + (1 | g)"


def table(**changes: object) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"y": rng.normal(size=36), "x": rng.normal(size=36), "g": np.repeat(np.arange(6), 6)})
    return frame.assign(**changes)


def fitted(formula: str = FORMULA, na: str = "error", **changes: object) -> ModelFrame:
    return model_frame(formula, read_data(table(**changes), na=na))


def flags(frame: ModelFrame) -> dict[str, str]:
    return {note.flag: note.message for note in frame.notes}


def test_fault_08_grouping_by_a_continuous_column():
    with pytest.raises(ModelError, match=r"'x' is continuous \(36 different values in 36 rows\)"):
        fitted("y ~ (1 | x)")


def test_fault_09_one_level():
    with pytest.raises(ModelError, match="'g' has one level, '1'"):
        fitted(g=1)


@pytest.mark.parametrize(("count", "flagged"), [(2, True), (4, True), (6, False)])
def test_fault_10_few_levels(count, flagged):
    frame = fitted(g=np.arange(36) % count)
    assert ("few_levels" in flags(frame)) is flagged
    assert not flagged or f"few levels ({count})" in flags(frame)["few_levels"]


def test_fault_12_singletons():
    frame = fitted(g=[*range(20), *[20] * 16])
    assert "20 of 21 levels of g have a single row" in flags(frame)["singletons"]


def test_fault_13_rank_deficient():
    x = table().x
    frame = fitted("y ~ x + z + k + w + (1 | g)", z=2 * x + 1e6, k=3.7, w=x**2)
    assert frame.coefs == ("Intercept", "x", "w")
    assert flags(frame)["rank_deficient"].endswith("earlier ones: z, k.")


def test_fault_13_collinear_random_effects():
    with pytest.raises(ModelError, match=r"not identifiable: the random effects Intercept, x, z of 'g'"):
        fitted("y ~ (x + z | g)", z=2 * table().x)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_fault_14_constant_response(value):
    with pytest.raises(ModelError, match="The response 'y' is constant"):
        fitted(y=value)


@pytest.mark.parametrize("values", [(0, 1), (1, 2), (-3.5, 7.25), (False, True)])
def test_fault_14_a_response_with_two_values_has_one_note(values):
    frame = fitted(y=np.array(values)[np.arange(36) % 2])
    (note,) = (message for flag, message in flags(frame).items() if flag == "two_values")
    assert f"only two values, {values[0]:g} and {values[1]:g}, and is fitted as Gaussian" in note
    assert "two_values" not in flags(fitted(y=np.arange(36) % 3))
    assert "two_values" not in flags(model_frame(FORMULA, read_data(table(y=np.arange(36) % 2)), family="bernoulli"))


@pytest.mark.parametrize("column", ["y", "x", "g"])
def test_fault_16_missing_values(column):
    values = table()[column].astype(object)
    values[[3, 7]] = None
    with pytest.raises(DataError, match=rf"missing in {column} \(2\), first in row 4"):
        fitted(**{column: values})
    frame = fitted(na="drop", **{column: values})
    assert len(frame.y) == len(frame.X) == len(frame.groups) == 34
    assert flags(frame)["rows_dropped"] == f"2 of 36 rows were dropped for missing values: {column} (2)."


@pytest.mark.parametrize("dtype", ["float64", "Float64", "float64[pyarrow]"])
def test_fault_16_nan_of_any_type(dtype):
    values = table().x.astype(dtype).copy()
    values.iloc[0] = np.nan
    with pytest.raises(DataError, match=r"missing in x \(1\)"):
        fitted(x=values)


def test_fault_16_counts_rows_per_column_and_only_used_ones():
    holes = pd.Series(np.where(np.arange(36) < 3, np.nan, 1.0))
    frame = fitted(na="drop", y=table().y + holes, unused=np.nan)
    assert flags(frame)["rows_dropped"] == "3 of 36 rows were dropped for missing values: y (3)."
    with pytest.raises(DataError, match="0 rows are left"):
        fitted(na="drop", x=np.nan)


@pytest.mark.parametrize("kind", ["float64", "Float64", "float64[pyarrow]", "object", "float16"])
@pytest.mark.parametrize("column", ["y", "x"])
def test_fault_17_infinite(kind, column):
    values = table()[column].copy()
    values[5] = -np.inf
    with pytest.raises(DataError, match=rf"column '{column}' is infinite in 1 rows, first in row 6"):
        fitted(**{column: values.astype(kind)})


def test_fault_17_infinite_after_a_function():
    with pytest.raises(DataError, match=r"'log\(g\)' .* is -inf in 6 rows, first in row 1"):
        fitted("y ~ log(g)")
    with pytest.raises(DataError, match=r"'scale\(k\)' .* is nan in 36 rows"):
        fitted("y ~ scale(k)", k=2.0)


def test_fault_18_numbers_stored_as_text():
    with pytest.raises(
        DataError,
        match=r"'x' is text where numbers are needed; .* '1,5' in row 1 \(decimals need a point, not a comma\)",
    ):
        fitted(x="1,5")
    with pytest.raises(DataError, match="'y' is text where numbers are needed; the first such value is 'low' in row 3"):
        fitted(y=["1", "2", "low"] * 12)
    with pytest.raises(DataError, match="'x' mixes values of types int, str"):
        fitted(x=[1, "a", 2] * 12)
    with pytest.raises(DataError, match="'g' mixes values of types int, str"):
        fitted(g=[1, "1", 2] * 12)


def test_fault_18_row_numbers_are_those_of_the_data():
    x = ["a", None, *["3"] * 34]
    with pytest.raises(DataError, match="'a' in row 1"):
        fitted(na="drop", x=x)
    with pytest.raises(DataError, match="'b' in row 3"):
        fitted(na="drop", y=["1", None, "b", *["3"] * 33])


def test_fault_18_numbers_as_labels():
    with pytest.raises(DataError, match=r"or write C\(x\) if they are labels"):
        fitted(x=["1", "2", "10"] * 12)
    assert fitted("y ~ C(x)", x=["1", "2", "3"] * 12).coefs == ("Intercept", "C(x)[2]", "C(x)[3]")


def test_fault_13_categorical_of_one_level():
    frame = fitted("y ~ x + f + f:x + (1 | g)", f="a")
    assert frame.coefs == ("Intercept", "x")
    assert flags(frame)["rank_deficient"].endswith("earlier ones: f, f:x.")
    assert fitted("y ~ C(f)", f=3).coefs == ("Intercept",)


def test_fault_18_text_is_categorical():
    assert fitted(x=["low", "high", "mid"] * 12).coefs == ("Intercept", "x[low]", "x[mid]")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(36) + 1j, "complex"),
        (pd.Series(np.ones(36) + 1j, dtype=object), "complex"),
        (pd.date_range("2020-01-01", periods=36), "dates or times"),
        (pd.date_range("2020-01-01", periods=36, tz="UTC"), "dates or times"),
        (pd.timedelta_range("1D", periods=36), "dates or times"),
        (pd.period_range("2020-01", periods=36, freq="M"), "dates or times"),
        (pd.Series(pd.date_range("2020-01-01", periods=36)).dt.date, "dates or times"),
        (pd.Series(pd.date_range("2020-01-01", periods=36)).astype("timestamp[ns][pyarrow]"), "dates or times"),
        ([[1, 2]] * 36, "mixes values of types list|unhashable|list"),
    ],
)
def test_fault_19_types_that_are_no_numbers(values, message):
    with pytest.raises(DataError, match=message):
        fitted(x=values)


def test_fault_20_decimals_are_numbers():
    np.testing.assert_array_equal(fitted(x=[Decimal(i) for i in range(36)]).X[:, 1], np.arange(36.0))


def test_fault_21_unused_levels():
    frame = fitted(g=pd.Categorical(table().g.map(str), categories=[*"0123456", "zz"]))
    assert frame.levels == tuple("012345")
    assert "2 declared levels of g do not occur" in flags(frame)["unused_levels"]


def test_fault_22_duplicate_column_names():
    frame = table()
    frame.columns = ["y", "x", "x"]
    with pytest.raises(DataError, match="'x' occurs more than once"):
        read_data(frame)
    frame.columns = pd.MultiIndex.from_product([["a"], ["y", "x", "g"]])
    with pytest.raises(DataError, match="several rows of column names"):
        read_data(frame)


@pytest.mark.parametrize("rows", [0, 1])
def test_fault_23_too_few_rows(rows):
    with pytest.raises(DataError, match="there is 1 row of data" if rows else "there are no rows of data"):
        read_data(table().head(rows))


def test_fault_24_far_scales():
    x = table().x
    frame = fitted("y ~ a + b + (1 | g)", a=1e-6 * x, b=1e6 * x**2)
    assert frame.coefs == ("Intercept", "a", "b")
    assert "very different scales" in flags(frame)["scaled"]


def test_fault_25_long_integers_and_short_floats():
    with pytest.raises(DataError, match=rf"'x' holds {2**62 + 35}, beyond 2\*\*53"):
        fitted(x=2**62 + np.arange(36))
    with pytest.raises(DataError, match="beyond"):
        fitted(y=pd.Series(2**62 + np.arange(36), dtype="Int64"))
    assert fitted(x=table().x.astype("float16")).X.dtype == np.float64
    assert len(fitted(g=2**62 + table().g).levels) == 6


def write(tmp_path, content: str | bytes, name: str = "d.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("y,x\n", "there are no rows"),
        ("y,x\n1,2\n", "there is 1 row"),
        ("y;x\n1,5;2\n1,7;3\n", "line 1: the columns are separated by semicolons"),
        ("y\tx\n1\t2\n1\t3\n", "line 1: the columns are separated by tabs"),
        ("y,x\n1,2\n3,4,5\n", "line 3: 3 values, but the header names 2 columns"),
        ("y,x\n1,2\n3\n", "line 3: 1 values, but the header names 2 columns"),
        ("y,x\n1,2,\n3,4,\n", "line 2: 3 values, .*a comma too many"),
        ("y,x,\n1,2,\n3,4,\n", "line 1: column 3 has no name; remove the commas"),
        ("y,,x\n1,2,3\n3,4,5\n", "line 1: column 2 has no name"),
        ("y,x,y\n1,2,3\n3,4,5\n", "line 1: the column name 'y' occurs more than once"),
        (
            "name,y\nJosé,1\nZoë,2\n".encode("latin-1"),
            "line 2 holds the byte 0xe9; read as Latin-1 the line is 'José,1'",
        ),
        ("y,x\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"y,x\n1,\x002\n", "no text file"),
    ],
)
def test_fault_28_csv_files(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_data(write(tmp_path, content))


def test_fault_28_byte_order_mark_and_spaces_are_accepted(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbfy, x\r\n1, a\r\n\r\n2, b\r\n")
    assert list(read_data(path).frame.columns) == ["y", "x"]
    assert list(read_data(path).frame.x) == ["a", "b"]


def test_fault_28_no_such_file(tmp_path):
    write(tmp_path, "y\n1\n2\n", "trial.csv")
    with pytest.raises(DataError, match=r"no file .*trail\.csv\. Did you mean '.*trial\.csv'\?"):
        read_data(tmp_path / "trail.csv")
    with pytest.raises(DataError, match="Did you mean the bundled dataset 'sleepstudy'"):
        read_data("sleepstudi")
    with pytest.raises(DataError, match="is a folder"):
        read_data(tmp_path)
    with pytest.raises(DataError, match="nor a folder"):
        read_data(tmp_path / "none" / "d.csv")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"garbage"])
def test_fault_51_broken_parquet(tmp_path, content):
    with pytest.raises(DataError, match="no readable Parquet file"):
        read_data(write(tmp_path, content, "d.parquet"))


@pytest.mark.parametrize("name", ["with space.csv", "größe-数据.csv", "a" * 240 + ".csv"])
def test_fault_53_odd_paths(tmp_path, name):
    assert len(read_data(write(tmp_path, "y,x\n1,2\n3,4\n", name))) == 2


@pytest.mark.parametrize("name", ["d.pkl", "d.npy", "d.pickle"])
def test_fault_58_pickles_are_not_read(tmp_path, name):
    with pytest.raises(DataError, match="are not read; save the table as CSV or Parquet"):
        read_data(write(tmp_path, b"cos\nsystem\n(S'true'\ntR.", name))


@pytest.mark.parametrize("name", ["d.xlsx", "d.xls", "d.ods"])
def test_a_workbook_is_to_be_saved_as_csv(tmp_path, name):
    with pytest.raises(DataError, match="is a workbook; save its sheet as CSV"):
        read_data(write(tmp_path, b"PK", name))


def test_a_formula_in_place_of_the_data_says_so():
    with pytest.raises(DataError, match=r"'y ~ x' is a formula where data should be.*bc\.fit\(formula, data\)"):
        read_data("y ~ x")


@pytest.mark.parametrize("source", [3, None, [1, 2], {"y": [1]}, np.ones((3, 2))])
def test_other_sources_are_refused(source):
    with pytest.raises(DataError, match="cannot be read; give a path"):
        read_data(source)


def test_unknown_na_action():
    with pytest.raises(DataError, match="na='omit' is not known"):
        Dataset(frame=table(), name="d", na="omit")
    with pytest.raises(DataError, match="na='omit' is not known"):
        model_frame(FORMULA, read_data(table()), na="omit")
