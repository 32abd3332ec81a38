"""Tables and literature for other programs: nothing in a name is a formula or a command."""

from __future__ import annotations

import io
import re

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.errors import InputError, StoreError
from bayescompare.layout import Layout
from bayescompare.reporting.export import FORMATS, export
from bayescompare.reporting.export.bibliography import bibliography
from bayescompare.reporting.export.latex import latex_tables, tex
from bayescompare.reporting.export.sheets import sheets
from tests.reporting.samples import own_data, study

HOSTILE = ("=cmd|' /C calc'!A0", "@x", r"\input{/etc/passwd}", "a & b_1 %", "x\n\\end{longtable}")
LAYOUT = Layout(coefs=HOSTILE[:2], factor="g", blocks=(HOSTILE[2:4],), levels=("1", *HOSTILE[4:]))


@pytest.fixture(scope="module")
def results():
    return study(3)


def test_everything_is_written(tmp_path, results):
    written = export(results, tmp_path / "new")
    assert {path.suffix for path in written} == {".csv", ".tex", ".bib"}
    assert all(path.stat().st_size for path in written)
    assert {path.name for path in written} >= {"estimates.csv", "measures.csv", "measures.tex", "methods.bib"}
    assert bc.export is export


def test_only_what_is_asked_for(tmp_path, results):
    assert [path.name for path in export(results, tmp_path, ["bibtex", "bibtex"])] == ["methods.bib"]
    with pytest.raises(InputError, match=r"There is no format 'latx'\. Did you mean 'latex'"):
        export(results, tmp_path, ["latx"])
    assert FORMATS == ("csv", "latex", "bibtex")


def test_a_disk_that_refuses_is_said(tmp_path, results):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        export(results, tmp_path / "file")


def test_csv_has_all_digits_and_every_row(results):
    found = sheets(results)
    for name in ("estimates", "fits"):
        frame, own = pd.read_csv(io.StringIO(found[f"{name}.csv"])), results.tables[name]
        assert list(frame.columns) == list(own.columns)
        assert len(frame) == len(own)
    texts = pd.read_csv(io.StringIO(found["estimates.csv"]), dtype=str)["estimate"]
    np.testing.assert_array_equal(texts.astype(float), results.tables["estimates"]["estimate"])
    flags = pd.read_csv(io.StringIO(found["fits.csv"]), keep_default_na=False)["flags"]
    assert list(flags) == [";".join(own) for own in results.tables["fits"]["flags"]]


def test_fault_55_no_cell_of_a_csv_is_a_formula():
    found = sheets(own_data(layout=LAYOUT, scenario=HOSTILE[0]))
    cells = [
        cell
        for text in found.values()
        for column in pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).to_dict("list").values()
        for cell in column
    ]
    risky = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert all(re.fullmatch(r"-(inf|[\d.e+-]+)", cell) for cell in risky)
    assert f"'{HOSTILE[0]}" in cells


def test_fault_55_no_name_is_a_command_of_latex():
    (text,) = latex_tables(own_data(layout=LAYOUT, scenario=HOSTILE[0])).values()
    assert text.count(r"\end{longtable}") == 1
    assert r"\input" not in text
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    body = re.sub(r"\\[\\{}$&%#_,]|\\text[a-z]+\{\}", "", text)
    assert body.count("{") == body.count("}")
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines if "multicolumn" not in line and "&" in line} == {6}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("sd_g[x]", r"sd\_g[x]"),
        ("1.2 × 10⁻⁵", r"1.2 $\times$ 10$^{-5}$"),
        ("−0.3", "$-$0.3"),
        ("a\u202eb\tc\nd", "a b c d"),
        ("100 % ~^", r"100 \% \textasciitilde{}\textasciicircum{}"),
    ],
)
def test_texts_as_latex_prints_them(given, wanted):
    assert tex(given) == wanted


def test_the_tables_of_a_study_have_each_measure_with_its_error(results):
    found = latex_tables(results)
    assert set(found) == {"measures.tex", "verdicts.tex"}
    own = results.performance
    row = own[(own["reading"] == "all") & (own["measure"] == "coverage") & (own["n_used"] > 0)].iloc[0]
    line = next(line for line in found["measures.tex"].splitlines() if line.startswith(tex(row["scenario"]))
                and tex(f"{row['estimator']} ({row['kind']})") in line and tex(row["parameter"]) in line)  # fmt: skip
    assert re.search(r"\d \(\d", line)
    assert f"{row['n_used']}/{row['n_total']}" in line


def test_the_literature_is_that_of_what_was_used(results):
    keys = re.findall(r"@\w+\{([^,]+),", bibliography(results))
    assert len(keys) == len(set(keys))
    assert {"bayescompare", "kingma2015adam", "hoffman2014nuts", "morris2019simulation"} <= set(keys)
    assert "kucukelbir2017advi" not in keys
    alone = bibliography(own_data(estimators=[]))
    assert "morris2019simulation" not in alone
    assert bibliography(results).count("{") == bibliography(results).count("}")


def test_the_command(tmp_path, results, capsys):
    from bayescompare.cli import main

    bc.write_results(results, tmp_path)
    assert main(["export", str(tmp_path), "--format", "latex"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "export" / name) for name in
                                               ("measures.tex", "verdicts.tex")]  # fmt: skip
    assert main(["export", str(tmp_path / "none")]) == 2
