"""The page on prior sensitivity: what it shows runs, and says what it says it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.comparison.schema import TABLES

PAGE = (Path(__file__).parents[2] / "docs" / "prior-sensitivity.md").read_text("utf-8")


@pytest.fixture(scope="module")
def scope() -> dict[str, object]:
    """Return what the page's Python leaves behind; NUTS compiles once."""
    found: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, found)
    return found


def test_the_prior_predictive_of_the_page(scope):
    before = scope["before"]
    assert len(before.values) == 2000
    assert set(before.tree.children) == {"prior", "prior_predictive", "observed_data"}
    assert before.problem.priors.labels()["sd_batch[Intercept]"] == bc.HalfNormal(5)


def test_a_narrow_prior_moves_the_sd_and_a_wide_one_hardly(scope):
    moved = scope["moved"]
    assert moved["", "sd_batch[Intercept]"] == 0
    assert moved["sd_batch=HalfNormal(5)", "sd_batch[Intercept]"] < -1
    assert abs(moved["sd_batch=HalfNormal(100)", "sd_batch[Intercept]"]) < 0.3
    # both swap a number of the half-normal that the default has
    assert scope["found"].compiled_anew == ()


def test_a_refit_by_nuts_is_the_fit_under_that_prior_bit_for_bit(scope):
    found = scope["found"]
    model = bc.Model("yield ~ 1 + (1 | batch)", priors={"sd_batch": "HalfNormal(5)"})
    alone = bc.fit(model, "dyestuff", "nuts", seed=1)["nuts"]
    refit = found.under["sd_batch=HalfNormal(5)"]["nuts"]
    assert np.array_equal(refit.draws.values, alone.draws.values)
    assert np.array_equal(refit.random_effects.mode, alone.random_effects.mode)
    assert refit.flags == alone.flags


def test_moves_have_the_errors_of_both_means(scope):
    table = scope["found"].table
    own = table[table["under"] == ""].set_index("parameter")
    other = table[table["under"] == "sd_batch=HalfNormal(5)"].set_index("parameter")
    assert np.all(own["mcse"] > 0)
    assert np.allclose(other["move_mcse"], np.hypot(own["mcse"], other["mcse"]) / own["se"])
    # a mean of 4,000 draws: its error is about sd / sqrt(ESS), ESS between 400 and 8,000
    assert np.all(other["mcse"] / other["se"] > 8000**-0.5)
    assert np.all(other["mcse"] / other["se"] < 400**-0.5)
    # quantiles in the tails are known less well than means
    assert np.all(other["upper_move_mcse"] > other["move_mcse"])


def test_the_report_of_the_page_has_its_section(scope, tmp_path):
    found = scope["found"]
    results = bc.compare(found.fits, sensitivity=found)
    for name in ("power_scaling", "power_path", "power_crossing", "sensitivity"):
        assert list(results.tables[name].columns) == list(TABLES[name])
        assert len(results.tables[name])
    page = bc.report(results, tmp_path / "report.html").read_text("utf-8")
    section = page.partition('<section id="priors">')[2].partition("</section>")[0]
    assert section.count("<svg") >= 6
    for words in ("How far the priors must move", "Fits under other priors", "2.5 sd(y) = 2.5 × 61.96"):
        assert words in section
    again = bc.report(_stored(results, tmp_path / "kept"), tmp_path / "again.html").read_text("utf-8")
    assert again.partition('<section id="priors">')[2].partition("</section>")[0] == section


def _stored(results: bc.Results, folder: Path) -> bc.Results:
    bc.write_results(results, folder)
    return bc.read_results(folder)
