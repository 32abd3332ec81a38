"""Draws of many groups: what is written stays within 50 MB unless more is asked for, and the terminal prints which."""

from __future__ import annotations

from pathlib import Path

import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.cli.draws_note import draws_note
from bayescompare.comparison import kept_draws
from bayescompare.comparison.kept_draws import KeepDraws, chosen, kept_tree, size_of
from bayescompare.comparison.results import results_of
from bayescompare.comparison.trees import fit_tree
from bayescompare.errors import InputError
from tests.comparison.drawn import CHAINS, DRAWS, drawn_fit
from tests.study import mocks  # noqa: F401

FIT = ["fit", "dyestuff", "yield ~ 1 + (1 | batch)", "--estimators", "lbfgs-ml,nuts:draws=60,tune=60,chains=2"]
WIDE = {"log_likelihood", "posterior_predictive"}


@pytest.fixture(scope="module")
def trees():
    problem, points, drawn = drawn_fit()
    return {("sleepstudy", 0): fit_tree(problem, drawn, points)}


@pytest.fixture
def little_room(monkeypatch):
    monkeypatch.setattr(kept_draws, "LARGEST", 10_000)


def read(folder: Path):
    tree = bc.read_results(folder).tree
    assert tree is not None
    return tree


def test_fault_73_all_draws_up_to_the_largest_size_and_those_of_the_parameters_beyond(trees, monkeypatch):
    whole = size_of(trees)
    assert chosen(None, trees) is KeepDraws.ALL
    for largest, kept in ((whole, KeepDraws.ALL), (whole - 1, KeepDraws.PARAMETERS)):
        monkeypatch.setattr(kept_draws, "LARGEST", largest)
        assert chosen(None, trees) is kept
        assert all(chosen(asked, trees) is asked for asked in KeepDraws)


def test_fault_73_nothing_that_grows_with_groups_or_rows_is_left_but_the_data(trees):
    (tree,) = trees.values()
    kept = kept_tree(tree, KeepDraws.PARAMETERS)
    assert set(tree.children) - set(kept.children) == WIDE
    assert set(tree["posterior"].data_vars) - set(kept["posterior"].data_vars) == {"b_subject"}
    assert dict(kept["posterior"].sizes) == {
        "chain": CHAINS, "draw": DRAWS, "coef": 2, "subject_effect": 2, "subject_pair": 1,
    }  # fmt: skip
    assert kept["posterior"]["sigma"].equals(tree["posterior"]["sigma"])
    assert tree["posterior"]["b_subject"].nbytes == CHAINS * DRAWS * 18 * 2 * 8
    assert kept.attrs == {**tree.attrs, "draws": "parameters"}


def test_fault_73_the_command_prints_which_draws_it_wrote_how_large_they_are_and_how_to_get_the_rest(
    little_room, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main([*FIT, "--out", str(out)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Draws: "))
    assert line.startswith(f"Draws: {out / 'draws'} (")
    assert "those of the parameters only. All of them, with the random effects, need" in line
    assert line.endswith("kB: --draws all writes them.")
    assert "b_batch" not in read(out)["posterior"]
    assert 'id="convergence"' in (out / "report.html").read_text("utf-8")
    assert main([*FIT, "--out", str(out), "--draws", "all"]) == 0
    assert f"Draws: {out / 'draws'} (" in capsys.readouterr().out
    assert read(out)["posterior"]["b_batch"].shape == (2, 60, 1, 6)
    assert main([*FIT, "--out", str(out), "--draws", "none"]) == 0
    assert "Draws: not written. All of them" in capsys.readouterr().out
    assert not list(out.rglob("*.nc"))
    assert bc.read_results(out).tree is None


def test_fault_73_a_study_keeps_draws_of_the_parameters_alone_where_all_are_too_large(little_room):
    scenario = {"name": "a", "formula": "y ~ x + (1 | g)", "groups": 40, "rows": 4, "covariates": {"x": "normal(0, 1)"}}
    scenario["truth"] = {"beta[x]": 2, "sd_g[Intercept]": 1, "sigma": 1}
    study = {"name": "s", "replicates": 1, "estimators": ["mock-drawn"], "scenario": [scenario]}
    tree = bc.run_study(bc.Study.from_dict(study)).tree
    assert tree is not None
    assert "sd_g" in tree["posterior"]
    assert not WIDE & set(tree.children)


def test_fits_without_draws_have_no_line_on_them():
    assert draws_note(results_of([]), Path("out"), KeepDraws.ALL) == ""


@pytest.mark.parametrize("draws", ["all", "parameters", "none"])
def test_python_writes_what_it_is_asked_for(trees, tmp_path, draws):
    bc.write_results(results_of([], trees=trees, about={"kind": "fit"}), tmp_path, draws=draws)
    there = bc.read_results(tmp_path).tree
    expected = {"all": {"b_subject"}, "parameters": set(), "none": None}[draws]
    assert (None if there is None else {"b_subject"} & set(there["posterior"].data_vars)) == expected


def test_another_word_is_refused(trees, tmp_path, capsys):
    with pytest.raises(InputError, match="draws must be all, parameters or none, not 'some'"):
        bc.write_results(results_of([], trees=trees), tmp_path, draws="some")
    assert main([*FIT, "--draws", "some"]) == 2
    assert "--draws" in capsys.readouterr().err
