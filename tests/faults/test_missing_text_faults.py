"""Texts that count as missing are named, and can be kept; what is asked for at reading holds until the fit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.data.files import MISSING
from bayescompare.data.read import read_data
from bayescompare.errors import DataError
from bayescompare.model_frame import model_frame

FORMULA = "y ~ c + (1 | g)"


@pytest.fixture
def path(tmp_path):
    """Return a file in which None is a level of c, as in level_none.csv of our own collection."""
    rng, to = np.random.default_rng(5), tmp_path / "levels.csv"
    frame = pd.DataFrame({"y": rng.normal(size=60), "g": np.arange(60) // 10, "c": ["None", "Mild", "Severe"] * 20})
    frame.to_csv(to, index=False)
    return to


def test_fault_16_a_text_that_counts_as_missing_is_named_with_the_way_to_keep_it(path):
    with pytest.raises(DataError) as error:
        bc.fit(FORMULA, path, "lbfgs-ml")
    assert str(error.value) == (
        "levels: values are missing in c (20, all 'None'), first in row 1; fill them in, or drop these rows with "
        "na='drop' (--na drop). The text 'None' counts as missing; to keep it as a value, name the texts that do, as "
        "in --missing NA (read_data(path, missing=['NA']))."
    )
    (note,) = (one for one in model_frame(FORMULA, read_data(path, na="drop")).notes if one.flag == "rows_dropped")
    assert note.message.startswith("20 of 60 rows were dropped for missing values: c (20, all 'None'). The text 'None'")


def test_fault_16_the_texts_of_one_column_are_counted_and_empty_cells_are_not_named(path):
    text = path.read_text().replace("None", "NA", 3).replace("None", "", 4)
    path.write_text(text)
    with pytest.raises(DataError, match=r"missing in c \(20, 13 'None', 3 'NA'\), first in row 1"):
        model_frame(FORMULA, read_data(path))
    path.write_text(text.replace("NA", "").replace("None", ""))
    with pytest.raises(DataError, match=r"missing in c \(20\), first in row 1; fill them in.*\(--na drop\)\.$"):
        model_frame(FORMULA, read_data(path))


@pytest.mark.parametrize("missing", [["NA"], "NA", []])
def test_fault_16_a_level_is_kept_where_its_text_does_not_count_as_missing(path, missing):
    data = read_data(path, missing=missing)
    assert model_frame(FORMULA, data).coefs == ("Intercept", "c[None]", "c[Severe]")
    assert len(bc.prior_predictive(FORMULA, data, draws=2).problem.y) == 60


def test_fault_16_texts_of_ones_own_count_as_missing_and_an_empty_cell_always_does(path):
    path.write_text("y,g,c\n-99,0,a\n" + path.read_text().split("\n", 1)[1] + "1.5,0,\n")
    frame = model_frame(FORMULA, read_data(path, missing=["-99"], na="drop"))
    assert len(frame.y) == 60
    assert frame.y.min() > -99


@pytest.mark.parametrize("text", MISSING)
def test_fault_16_every_text_of_the_list_counts_as_missing(path, text):
    path.write_text(path.read_text().replace("None", text))
    with pytest.raises(DataError, match=r"missing in c \(20, all "):
        model_frame(FORMULA, read_data(path))


@pytest.mark.parametrize("command", ["fit", "priors"])
def test_fault_16_the_command_line_keeps_a_level_and_lists_the_texts_that_count(path, command, capsys):
    order = [FORMULA, str(path)] if command == "priors" else [str(path), FORMULA]
    more = ["--draws", "10"] if command == "priors" else ["--estimators", "lbfgs-ml"]
    told = [command, *order, *more, "--out", str(path.parent / "out")]
    assert main(told) == 2
    assert "as in --missing NA (" in capsys.readouterr().err
    assert main([*told, "--missing", "NA,.", "--missing", "-"]) == 0
    assert "c[None]" in capsys.readouterr().out
    assert main([*told, "--missing", "NA", "--missing", "None"]) == 2
    assert "all 'None'" in capsys.readouterr().err
    assert main([command, "--help"]) == 0
    said = "".join(capsys.readouterr().out.split())
    assert f"[default:{','.join(MISSING)}]" in said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("sleepstudy", "The bundled data set 'sleepstudy' marks its missing values itself"),
        (pd.DataFrame({"y": [1, 2]}), "A data frame of type DataFrame marks"),
        (pl.DataFrame({"y": [1, 2]}), "A data frame of type DataFrame marks"),
        (read_data("sleepstudy"), "sleepstudy has been read already and marks"),
    ],
)
def test_fault_16_texts_that_would_be_ignored_are_refused(source, said):
    with pytest.raises(DataError, match="are for CSV files") as error:
        read_data(source, missing=["NA"])
    assert str(error.value).startswith(said)


def test_fault_16_parquet_has_no_texts_that_count_as_missing(path):
    table = path.with_suffix(".parquet")
    pd.read_csv(path, keep_default_na=False).to_parquet(table)
    assert "c[None]" in model_frame(FORMULA, read_data(table)).coefs
    with pytest.raises(DataError, match=r"Parquet file, which marks its missing values itself"):
        read_data(table, missing=["NA"])


def test_fault_16_what_was_asked_for_at_reading_holds_in_every_function(path):
    data = read_data(path, name="trial", na="drop")
    fits = bc.fit(FORMULA, data, "lbfgs-map")
    assert len(fits.problem.y) == len(bc.prior_predictive(FORMULA, data, draws=2).problem.y) == 40
    assert len(bc.sensitivity(FORMULA, data, under="brms", estimators="lbfgs-map").fits.problem.y) == 40
    assert (fits.problem.dataset, fits.data.source) == ("trial", str(path))
    again = read_data(data)
    assert (again.na, again.name, again.texts.keys()) == ("drop", "trial", {"c"})
    with pytest.raises(DataError, match="values are missing"):
        bc.fit(FORMULA, data, "lbfgs-map", na="error")
    assert len(bc.fit(FORMULA, path, "lbfgs-map", na="drop").problem.y) == 40
