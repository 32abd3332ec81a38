"""Data to model frames: the same arrays whatever the data came in."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayescompare.data import Dataset, read_data, select
from bayescompare.data.columns import natural_key
from bayescompare.errors import ModelError
from bayescompare.model_frame import model_frame
from bayescompare.model_frame.rank import are_identifiable, independent_columns


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "k": rng.integers(1, 4, n),
            "f": rng.choice(list("cab"), n),
            "flag": rng.random(n) > 0.5,
            "g": [f"s{i}" for i in np.repeat(np.arange(12), n // 12)],
        }
    )


def frame_of(formula: str, data: pd.DataFrame | None = None, **changes: object):
    data = table() if data is None else data
    return model_frame(formula, read_data(data.assign(**changes)))


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        pa.Table.from_pandas,
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
        lambda frame: frame.astype(object),
        lambda frame: frame.astype({"f": "category", "g": "category"}),
        lambda frame: frame.set_index(["g", "f"], drop=False),
        lambda frame: frame.set_axis([0] * len(frame)),
    ],
)
def test_fault_20_and_22_kinds_of_tables_give_the_same_arrays(convert):
    formula = "y ~ x + f + flag + C(k) + (1 + x | g)"
    expected = frame_of(formula)
    found = model_frame(formula, read_data(convert(table())))
    assert found.coefs == expected.coefs
    assert found.levels == expected.levels
    for name in ("y", "X", "Z", "groups"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.X.dtype == np.float64


def test_layout_of_a_frame():
    frame = frame_of("y ~ f*x + (x | g)")
    assert frame.coefs == ("Intercept", "f[b]", "f[c]", "x", "f[b]:x", "f[c]:x")
    assert frame.layout.labels[-4:] == ("sd_g[Intercept]", "sd_g[x]", "cor_g[Intercept, x]", "sigma")
    assert frame.levels[:3] + frame.levels[-2:] == ("s0", "s1", "s2", "s10", "s11")


def test_columns_hold_what_their_names_say():
    data = table()
    frame = frame_of("y ~ f:x + {x**2} + center(x) + (0 + f | g)", data)
    for position, name in enumerate(frame.coefs):
        x = data.x.to_numpy()
        expected = {"Intercept": np.ones(60), "I(x ** 2)": x**2, "center(x)": x - x.mean()}
        expected |= {f"f[{level}]:x": x * (data.f == level) for level in "abc"}
        np.testing.assert_allclose(frame.X[:, position], expected[name], atol=1e-12)
    np.testing.assert_array_equal(frame.Z, np.column_stack([data.f == level for level in "abc"]).astype(float))


def test_nonlinear_functions_span_what_they_should():
    data = table()
    frame = frame_of("y ~ poly(x, 2) + (1 | g)", data)
    assert frame.coefs == ("Intercept", "poly(x, 2)[0]", "poly(x, 2)[1]")
    residual = np.linalg.lstsq(frame.X, data.x.to_numpy() ** 2)[1]
    assert residual[0] < 1e-20
    assert frame_of("y ~ bs(x, df=4) + scale(x) + log(exp(x)) + (bs(x, df=3) | k)", data).Z.shape == (60, 4)


@pytest.mark.parametrize(
    ("nested", "written_out"),
    [
        ("f/x", "f + f:x"),
        ("C(k)/x", "C(k) + C(k):x"),
        ("(f + x + k)**2", "f + x + k + f:x + f:k + x:k"),
        ("f*x - x", "f + f:x"),
    ],
)
def test_operators_equal_their_expansion(nested, written_out):
    one, other = frame_of(f"y ~ {nested} + (1 | g)"), frame_of(f"y ~ {written_out} + (1 | g)")
    assert one.coefs == other.coefs
    np.testing.assert_array_equal(one.X, other.X)


def test_independent_terms_are_blocks():
    assert frame_of("y ~ (x || g)").blocks == (("Intercept",), ("x",))
    assert frame_of("y ~ (0 + x + f || g)").blocks == (("x",), ("f[a]", "f[b]", "f[c]"))


def test_interaction_factor():
    frame = frame_of("y ~ (1 | k:f)")
    assert frame.factor == "k_f"
    assert frame.levels[:2] == ("1:a", "1:b")
    data = table()
    assert [frame.levels[i] for i in frame.groups] == [f"{k}:{f}" for k, f in zip(data.k, data.f, strict=True)]


def test_categorical_order_is_kept():
    order = pd.Categorical(table().f, categories=["c", "a", "b", "unused"])
    frame = frame_of("y ~ f + (1 | g)", f=order)
    assert frame.coefs == ("Intercept", "f[a]", "f[b]")
    assert frame_of("y ~ (1 | f)", f=order).levels == ("c", "a", "b")


@pytest.mark.parametrize(
    ("ids", "levels"),
    [
        ([10, 9, 2], ("2", "9", "10")),
        ([10.0, 9.0, 2.0], ("2", "9", "10")),
        (["10", "9", "2"], ("2", "9", "10")),
        (["b2", "b10", "a"], ("a", "b2", "b10")),
        ([True, False, True], ("False", "True")),
        ([2**62 + 1, 2**62, 2**62 + 2], (str(2**62), str(2**62 + 1), str(2**62 + 2))),
    ],
)
def test_levels_are_in_natural_order(ids, levels):
    assert frame_of("y ~ (1 | g)", g=np.array(ids, dtype=object).repeat(20)).levels == levels


def test_natural_key_orders_digits_as_numbers():
    assert sorted(["x10", "x9", "X1", "x", ""], key=natural_key) == ["", "X1", "x", "x9", "x10"]


def test_fault_65_offsets_keep_all_columns():
    data = table()
    for offset in (0.0, 2000.0, 1e6):
        frame = frame_of("y ~ x*k + (1 + x | g)", data, x=data.x + offset)
        assert frame.coefs == ("Intercept", "x", "k", "x:k")
        assert "rank_deficient" not in {note.flag for note in frame.notes}


def test_fault_65_timestamps_are_not_constant():
    frame = frame_of("y ~ time + k + (1 + time | g)", time=1.7e9 + np.arange(60.0))
    assert frame.coefs == ("Intercept", "time", "k")
    assert frame.blocks == (("Intercept", "time"),)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("offset", [0.0, 2000.0, 1e6])
def test_collinear_columns_are_found_on_any_scale(scale, offset):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 80))
    X = np.column_stack(
        [np.ones(80), scale * a + offset * scale, b, 3 * scale * a - 2 * b, scale * a**2, np.full(80, 0.1)]
    )
    assert independent_columns(X) == (0, 1, 2, 4)


def test_identifiability_of_covariances():
    x = np.random.default_rng(5).normal(size=50) + 1e6
    one, blocks = np.ones(50), (slice(0, 1), slice(1, 2))
    assert are_identifiable(np.column_stack([one, x]), (slice(0, 2),))
    assert are_identifiable(np.column_stack([one, x]), blocks)
    assert not are_identifiable(np.column_stack([x, 2 * x]), blocks)
    assert not are_identifiable(np.column_stack([one, x, 3 - x]), (slice(0, 2), slice(2, 3)))
    assert not are_identifiable(np.column_stack([x, 2 * x]), (slice(0, 2),))
    assert are_identifiable(np.column_stack([one, x - 1e6, one + x - 1e6]), (*blocks, slice(2, 3)))


def test_truth_stays_apart_and_data_are_not_changed():
    data = table()
    before = data.copy()
    dataset = Dataset(frame=data, name="d", truth={"sigma": 1.0})
    frame = model_frame("y ~ x + f + (x | g)", dataset)
    pd.testing.assert_frame_equal(data, before)
    assert "sigma" not in select(dataset, ["y", "x"])[0]
    with pytest.raises(ValueError, match="read-only"):
        frame.X[0, 0] = 5.0


def test_other_families_skip_the_checks_of_the_residual_variance():
    data = table().assign(y=1.0)
    with pytest.raises(ModelError, match="is constant"):
        frame_of("y ~ (1 | g)", data)
    assert len(model_frame("y ~ (1 | g)", read_data(data), family="poisson").levels) == data.g.nunique()


def test_parquet_and_csv_give_the_same(tmp_path):
    data = table()
    data.to_csv(tmp_path / "d.csv", index=False)
    data.to_parquet(tmp_path / "d.parquet")
    frames = [model_frame("y ~ x + f + (1 | g)", read_data(tmp_path / name)) for name in ("d.csv", "d.parquet")]
    np.testing.assert_array_equal(frames[0].X, frames[1].X)
    assert read_data(str(tmp_path / "d.csv")).name == "d"
