"""Results survive the disk, and damage is found."""

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest
from pyarrow import parquet

from bayescompare.errors import InputError, StoreError
from bayescompare.study.files import prepared, written_whole
from bayescompare.study.run import run_study
from bayescompare.study.store import read_results, write_results

_spec = importlib.util.spec_from_file_location("small_study", Path(__file__).with_name("small.py"))
study = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(study)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return run_study(study.small(tmp_path_factory.mktemp("study")))


@pytest.fixture
def folder(results, tmp_path):
    path = tmp_path / "results of ä"
    write_results(results, path)
    return path


def test_results_come_back_as_they_were(results, folder):
    back = read_results(folder)
    for name, table in results.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table, check_dtype=False)
    pd.testing.assert_frame_equal(back.verdicts, results.verdicts)
    assert back.about["title"] == results.about["title"]
    assert back.contrasts == results.contrasts


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def test_a_damaged_table_is_found_by_the_checksum_of_its_page(folder):
    path = folder / "tables" / "estimates.parquet"
    columns = parquet.ParquetFile(path).metadata.row_group(0)
    flip(path, columns.column(columns.num_columns - 3).data_page_offset + 60)
    with pytest.raises(StoreError, match=r"estimates\.parquet is damaged: .*checksum"):
        read_results(folder)


@pytest.mark.parametrize("keep", [0, 10, 2000])
def test_a_table_that_is_cut_short_is_found(folder, keep):
    path = folder / "tables" / "fits.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreError, match=r"fits\.parquet is damaged"):
        read_results(folder)


def test_a_table_that_is_missing_is_named(folder):
    (folder / "tables" / "fits.parquet").unlink()
    with pytest.raises(StoreError, match=r"not complete: .*fits\.parquet is missing"):
        read_results(folder)


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"about": 1}', '{"about": {}, "contrasts": [{"a": 1}]}'])
def test_a_damaged_about_is_found(folder, text):
    (folder / "about.json").write_text(text)
    with pytest.raises(StoreError, match=r"about\.json is damaged"):
        read_results(folder)


def test_tables_of_an_earlier_study_are_not_read(folder):
    about = json.loads((folder / "about.json").read_text())
    about["tables"].remove("verdicts")
    (folder / "about.json").write_text(json.dumps(about))
    assert "verdicts" not in read_results(folder).tables


def test_a_folder_without_results_is_the_callers_mistake(tmp_path):
    with pytest.raises(InputError, match="There are no results in"):
        read_results(tmp_path)


def test_a_name_cannot_lead_out_of_the_folder(folder):
    (folder.parent / "fits.parquet").write_bytes((folder / "tables" / "fits.parquet").read_bytes())
    about = json.loads((folder / "about.json").read_text())
    about["tables"] = ["../../fits"]
    (folder / "about.json").write_text(json.dumps(about))
    assert read_results(folder).tables.keys() == {"../../fits"}
    (folder / "tables" / "fits.parquet").unlink()
    with pytest.raises(StoreError, match="missing"):
        read_results(folder)


def interrupt(path: Path) -> None:
    """Make half of a file, where ``path`` is none yet, and be interrupted."""
    if not path.is_dir():
        path.write_text("ne")
    raise KeyboardInterrupt


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path):
    with pytest.raises(KeyboardInterrupt), prepared(tmp_path / "a" / "b") as folder:
        interrupt(folder / "tables")
    assert list(tmp_path.iterdir()) == []


def test_what_was_in_a_folder_stays(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(KeyboardInterrupt), prepared(tmp_path) as folder:
        interrupt(folder / "tables")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_write_that_is_interrupted_leaves_the_old_file(tmp_path):
    path = tmp_path / "table"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), written_whole(path) as temporary:
        interrupt(temporary)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("table", "old")]
