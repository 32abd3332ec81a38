"""Fits under other priors: what they are, how far they move, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.comparison import sensitivity
from bayescompare.comparison.alternatives import alternatives
from bayescompare.comparison.schema import TABLES
from bayescompare.errors import InputError, PriorError
from bayescompare.fitting import fit_batch

FORMULA = "yield ~ 1 + (1 | batch)"
UNDER = ["gelman-2006-half-cauchy", "sd_batch=HalfNormal(5)", "brms; sigma=HalfNormal(20)"]


@pytest.fixture(scope="module")
def found() -> bc.Sensitivity:
    return bc.sensitivity(FORMULA, "dyestuff", under=UNDER, estimators="lbfgs-ml,lbfgs-map", seed=3)


@pytest.mark.parametrize(
    ("under", "priors"),
    [
        (UNDER[0], "gelman-2006-half-cauchy"),
        (UNDER[1], {"sd_batch": "HalfNormal(5)"}),
        (UNDER[2], {"set": "brms", "sigma": "HalfNormal(20)"}),
    ],
)
def test_a_refit_is_the_fit_under_that_prior_bit_for_bit(found, under, priors):
    alone = bc.fit(bc.Model(FORMULA, priors=priors), "dyestuff", "lbfgs-map", seed=3)["lbfgs-map"]
    refit = found.under[under]
    assert np.array_equal(refit["lbfgs-map"].estimate, alone.estimate)
    assert np.array_equal(refit["lbfgs-map"].se, alone.se, equal_nan=True)
    assert refit["lbfgs-map"].seed_key == alone.seed_key
    rows = found.table[found.table["under"] == under]
    assert list(rows["estimate"]) == list(alone.estimate)


def test_moves_are_in_standard_errors_of_the_reference(found):
    table = found.table
    assert list(table.columns) == list(TABLES["sensitivity"])
    assert set(table["estimator"]) == {"lbfgs-map"}
    own = table[table["under"] == ""].set_index("parameter")
    assert np.all(own["move"] == 0)
    other = table[table["under"] == UNDER[1]].set_index("parameter")
    expected = (other["estimate"] - own["estimate"]) / own["se"]
    assert np.allclose(other["move"], expected)
    assert np.allclose(other["lower_move"], (other["lower"] - own["lower"]) / own["se"], equal_nan=True)
    assert np.allclose(other["width_change"], other["upper_move"] - other["lower_move"], equal_nan=True)
    assert np.all(table["move_mcse"] == 0)
    assert other.loc["sd_batch[Intercept]", "move"] < -0.5
    assert other.loc["sd_batch[Intercept]", "prior"] == "HalfNormal(5)"


def test_which_alternatives_nuts_compiles_anew(found):
    assert found.compiled_anew == (UNDER[0], UNDER[2])


def test_a_set_replaces_all_priors_and_an_assignment_one():
    model = bc.Model(FORMULA, priors={"set": "bambi", "sigma": "HalfNormal(7)"})
    found = alternatives(["brms", "sd_batch=HalfNormal(5)", {"set": "flat", "sigma": bc.HalfNormal(3)}], model)
    assert list(found) == ["brms", "sd_batch=HalfNormal(5)", "flat; sigma=HalfNormal(3)"]
    brms, one, both = found.values()
    assert (brms.prior_set, brms.own_priors) == ("brms", {})
    assert (one.prior_set, set(one.own_priors)) == ("bambi", {"sigma", "sd_batch"})
    assert (both.prior_set, both.own_priors) == ("flat", {"sigma": bc.HalfNormal(3)})
    assert alternatives("brms", model) == {"brms": brms}


@pytest.mark.parametrize(
    ("under", "message"),
    [
        ("brns", "no set of priors named 'brns'. Did you mean 'brms'?"),
        ("HalfNormal(sigma=5)", "no set of priors named 'HalfNormal(sigma=5)'"),
        ("sd_batch=HalfNrmal(5)", "Did you mean 'HalfNormal'?"),
        ("sd_bach=HalfNormal(5)", "no parameter 'sd_bach' to set a prior on. Did you mean 'sd_batch'?"),
        ("brms; bambi", "gives 'set' twice"),
        (["brms", "brms"], "'brms' are asked for twice"),
        ("", "no set of priors named ''"),
    ],
)
def test_alternatives_that_cannot_be_read(under, message):
    with pytest.raises(PriorError) as caught:
        bc.sensitivity(FORMULA, "dyestuff", under=under, estimators="lbfgs-map")
    assert message in str(caught.value)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="no estimator here uses priors"):
        bc.sensitivity(FORMULA, "dyestuff", under="brms", estimators="lbfgs-ml")
    with pytest.raises(InputError, match="needs its data"):
        bc.sensitivity(FORMULA, under="brms")


def test_fits_have_their_own_seed_and_estimators(found):
    fits = bc.fit(FORMULA, "dyestuff", "lbfgs-ml,lbfgs-map", seed=3)
    again = bc.sensitivity(fits, under=UNDER[1])
    kept = found.table[found.table["under"].isin(["", UNDER[1]])].drop(columns="seconds").reset_index(drop=True)
    pd.testing.assert_frame_equal(again.table.drop(columns="seconds"), kept)


def test_the_command_writes_the_table_and_the_report_shows_it(tmp_path, capsys):
    arguments = [
        "--estimators",
        "lbfgs-ml,lbfgs-map",
        "--under",
        UNDER[1],
        "--under",
        "brms",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(["fit", "dyestuff", FORMULA, *arguments]) == 0
    table = pd.read_parquet(tmp_path / "o" / "tables" / "sensitivity.parquet")
    assert set(table["under"]) == {"", UNDER[1], "brms"}
    page = (tmp_path / "o" / "report.html").read_text("utf-8")
    assert "Fits under other priors" in page
    assert "2.5 sd(y) = 2.5 × 61.96" in page
    assert "sd_batch=HalfNormal(5)" in page
    capsys.readouterr()
    assert (
        main(["fit", "dyestuff", FORMULA, "--estimators", "lbfgs-ml", "--under", "brms", "--out", str(tmp_path / "n")])
        == 2
    )
    assert "no estimator here uses priors" in capsys.readouterr().err
    bad = ["--estimators", "lbfgs-map", "--under", "sd_bach=HalfNormal(5)", "--out", str(tmp_path / "n")]
    assert main(["fit", "dyestuff", FORMULA, *bad]) == 2
    assert "Did you mean 'sd_batch'?" in capsys.readouterr().err
    assert not (tmp_path / "n").exists()


def test_fits_under_other_priors_have_the_time_limit_and_the_refits_of_the_first(monkeypatch) -> None:
    fits, given = bc.fit(FORMULA, "dyestuff", "lbfgs-map", time_limit=7.5, refits=321), []

    def noted(*args, **settings):
        given.append(settings)
        return fit_batch(*args, **settings)

    monkeypatch.setattr(sensitivity, "fit_batch", noted)
    bc.sensitivity(fits, under="brms")
    assert [(one["limit"], one["refits"]) for one in given] == [(7.5, 321)]
