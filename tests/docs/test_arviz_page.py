"""The page on the tree lists what of ArviZ works on it and what does not: each call is run as it stands there."""

from __future__ import annotations

import re
import warnings

import pytest

from bayescompare.comparison.records import Record
from bayescompare.comparison.results import results_of
from bayescompare.comparison.trees import fit_tree
from bayescompare.study.store import read_results, write_results
from tests.comparison.drawn import drawn_fit
from tests.docs.pages import DOCS

az = pytest.importorskip("arviz")


def calls(heading: str) -> list[str]:
    """Return the calls in the first column of the table below a heading."""
    section = (
        (DOCS / "how-to" / "arviz-tree.md").read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    )
    cells = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    return [call for cell in cells for call in re.findall(r"`([^`]+)`", cell)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Return the tree of a small fit, read from its file."""
    problem, points, drawn = drawn_fit("yield ~ 1 + (1 | batch)", "dyestuff", draws=50)
    folder = tmp_path_factory.mktemp("out")
    records = [Record(study="fit", scenario="dyestuff", replicate=0, fit=one) for one in (*points, drawn)]
    trees = {("dyestuff", 0): fit_tree(problem, drawn, points)}
    write_results(results_of(records, trees=trees, about={"kind": "fit"}), folder)
    return read_results(folder).tree


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setenv("MPLBACKEND", "Agg")
    plt.switch_backend("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    plt.close("all")


@pytest.mark.parametrize("call", calls("What works"))
def test_what_the_page_lists_works(call, tree):
    assert eval(call, {"az": az, "tree": tree}) is not None


@pytest.mark.parametrize("call", calls("What does not"))
def test_what_the_page_says_not_to_do_is_an_error_and_no_number(call, tree):
    with pytest.raises((KeyError, ValueError, TypeError)):
        eval(call, {"az": az, "tree": tree})


def test_the_page_lists_what_people_try():
    listed = " ".join([*calls("What works"), *calls("What does not")])
    tried = "summary psense_summary rhat ess hdi extract loo compare loo_pit"
    plots = "forest trace trace_dist dist pair rank ess ppc_dist prior_posterior energy loo_pit"
    for name in [*tried.split(), *(f"plot_{name}" for name in plots.split())]:
        assert f"az.{name}(" in listed
