"""The simulation from a fit: the same bits whatever the way, kept and gone on with, and by the user's own settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayescompare as bc
from bayescompare.comparison.schema import TABLES, TIMES
from bayescompare.engines.catalog import estimator
from bayescompare.errors import InputError, InterruptedStudyError
from bayescompare.fits import Flag, Status
from bayescompare.study.fitted import NAME, fitted_study
from bayescompare.study.if_true import completed
from bayescompare.study.manifest import Manifest
from bayescompare.study.pilot import Cost, Pilot
from bayescompare.study.planned import planned
from bayescompare.study.run import results_in

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
N = 30


@pytest.fixture(scope="module")
def fits():
    return bc.fit(SLEEP, "sleepstudy", ["lbfgs-ml", "lbfgs-reml"])


@pytest.fixture(scope="module")
def found(fits):
    return bc.if_true(fits, replicates=N)


def assert_same(one: bc.IfTrue, two: bc.IfTrue) -> None:
    for name in one.tables:
        pd.testing.assert_frame_equal(one.tables[name], two.tables[name], check_exact=True)
    for name in ("estimates", "intervals", "fits"):
        left, right = (each.results.tables[name].drop(columns=list(TIMES), errors="ignore") for each in (one, two))
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_tables_have_their_columns_and_every_number_its_denominator_and_error(found):
    for name, table in found.tables.items():
        assert list(table.columns) == list(TABLES[name])
        assert len(table)
    known = found.table[found.table["value"].notna()]
    assert known["mcse"].notna().all()
    assert (known["n_used"] <= known["n_total"]).all()
    assert set(known["n_total"]) == {N}
    shares = known[known["measure"].isin(["coverage", "at_bound", "failed", "flagged", "flag"])]
    assert ((shares["lower"] <= shares["value"]) & (shares["value"] <= shares["upper"])).all()
    assert found.about["done"] == N


def test_the_measures_are_those_of_the_estimates_themselves(fits, found):
    estimates = found.results.tables["estimates"]
    unit = (
        found.results.tables["optimum"].query("parameter == 'sd_subject[days]'").drop_duplicates("replicate")["scale"]
    )
    mine = estimates.query("estimator == 'lbfgs-reml' and parameter == 'sd_subject[days]'")["estimate"].to_numpy()
    truth = fits["lbfgs-ml"].estimate[3]
    table = found.table.query("estimator == 'lbfgs-reml' and parameter == 'sd_subject[days]'").set_index("measure")
    assert table.loc["bias", "value"] == pytest.approx(mine.mean() - truth)
    assert table.loc["bias", "mcse"] == pytest.approx(mine.std(ddof=1) / np.sqrt(N))
    assert table.loc["standardised_bias", "value"] == pytest.approx((mine.mean() - truth) / unit.median())
    assert table.loc["standardised_bias", "mcse"] == pytest.approx(mine.std(ddof=1) / np.sqrt(N) / unit.median())
    assert table.loc["rmse", "value"] == pytest.approx(np.sqrt(np.mean((mine - truth) ** 2)))
    spread = found.estimates.query("estimator == 'lbfgs-reml' and parameter == 'sd_subject[days]'").iloc[0]
    assert (spread["truth"], spread["own"]) == (truth, fits["lbfgs-reml"].estimate[3])
    assert spread["median"] == np.median(mine)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(fits, found):
    assert_same(found, bc.if_true(fits, replicates=N))
    other = bc.if_true(fits, replicates=N, seed=2)
    assert not np.array_equal(
        other.results.tables["estimates"]["estimate"], found.results.tables["estimates"]["estimate"]
    )


def test_a_simulation_that_was_cut_short_goes_on_to_the_same_bits(fits, found, tmp_path):
    def stop(task):
        raise KeyboardInterrupt

    with pytest.raises(InterruptedStudyError, match="25 of 60 fits are done"):
        bc.if_true(fits, tmp_path / "s", replicates=N, announce=stop)
    done = []
    again = bc.if_true(fits, tmp_path / "s", replicates=N, announce=done.append)
    assert sum(task.count for task in done) == 35
    assert_same(found, again)
    # more data sets go on from there
    assert sum(task.count for task in plan_of(fits, tmp_path / "s", N + 10)) == 20


def plan_of(fits, folder, replicates):
    done = []
    bc.if_true(fits, folder, replicates=replicates, announce=done.append)
    return done


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one(fits, found, tmp_path):
    assert_same(found, bc.if_true(fits, tmp_path / "s", replicates=N, workers=2))


def test_estimators_and_settings_are_the_users_own():
    model = bc.Model("yield ~ 1 + (1 | batch)", priors={"set": "brms", "sd_batch": bc.HalfNormal(12.34567891)})
    asked = {"seed": 9, "time_limit": 100.0, "intervals": ["wald"], "refits": 60}
    fits = bc.fit(model, "dyestuff", ["lbfgs-map", "lbfgs-ml:starts=5"], **asked)
    engines = [*fits.engines, estimator("nuts:draws=20,chains=1")]
    made = fitted_study(fits, engines, truth="lbfgs-map", replicates=20, levels=(0.9, 0.5), seed=4)
    study = made.study
    assert [engine.label for engine in study.engines()] == [*fits, "nuts:chains=1,draws=20"]
    assert study.engines()[2].effects is False
    assert (study.levels, study.intervals, study.refits, study.time_limit) == ((0.9, 0.5), ("wald",), 60, 100.0)
    assert study.model(study.named(NAME)) == model
    assert study.named(NAME).truth == dict(zip(fits.problem.layout.labels, fits["lbfgs-map"].estimate, strict=True))


def test_more_estimators_than_there_is_time_for_are_left_out_by_name(fits, monkeypatch, tmp_path):
    slow = Pilot(
        costs={"lbfgs-ml": Cost(start=0, fit=9, bytes=0), "lbfgs-reml": Cost(start=0, fit=50, bytes=0)},
        errors=pd.DataFrame(), level=0.95, seconds=0.0,
    )  # fmt: skip
    monkeypatch.setattr("bayescompare.study.planned._timed", lambda study, fits: slow)
    asked = {"truth": "lbfgs-ml", "replicates": N, "levels": (0.95,), "seed": None, "workers": 1}
    chosen = planned(fits, None, estimators=None, **asked)
    assert chosen.study.estimators == ("lbfgs-ml",)
    assert chosen.left_out == (
        "lbfgs-reml is left out: 30 data sets would take it about 25 minutes; name the estimators to have it.",
    )
    assert chosen.seconds == N * 9
    # the same data sets, so that the numbers of the others do not change
    assert planned(fits, None, estimators=["lbfgs-reml"], **asked).seconds == N * 50
    # what goes on keeps to what was begun
    bc.if_true(fits, tmp_path / "s", replicates=N)
    monkeypatch.undo()
    assert bc.if_true(fits, tmp_path / "s", replicates=N).about["left_out"] == [
        "lbfgs-reml is left out, as it was when this simulation was begun; name the estimators to have it."
    ]
    both = bc.if_true(fits, tmp_path / "s", replicates=N, estimators=["lbfgs-ml", "lbfgs-reml"])
    assert set(both.table["estimator"]) == {"lbfgs-ml", "lbfgs-reml"}


def test_an_sd_of_zero_is_simulated_as_it_is():
    fits = bc.fit("yield ~ 1 + (1 | batch)", "dyestuff2", ["lbfgs-ml"])
    found = bc.if_true(fits, replicates=60)
    assert found.about["notes"][0].startswith("sd_batch[Intercept] is 0 in the lbfgs-ml fit, and so it is in the")
    spread = found.estimates.set_index("parameter").loc["sd_batch[Intercept]"]
    assert (spread["truth"], spread["own"], spread["lower"]) == (0, 0, 0)
    # 6 batches of 5: the ML estimate is zero where F = MSB / MSE is at most 6/5
    zero = stats.f.cdf(6 / 5, 5, 24)
    estimates = found.results.tables["estimates"].query("parameter == 'sd_batch[Intercept]'")["estimate"]
    assert abs(np.mean(estimates == 0) - zero) < 4 * np.sqrt(zero * (1 - zero) / 60)
    measured = found.table.set_index(["parameter", "measure"]).loc["sd_batch[Intercept]"]
    assert measured.loc["at_bound", "value"] >= np.mean(estimates == 0)
    # where Wald has no interval there is one by likelihood ratio, which holds zero: neither kind alone is the coverage
    assert measured.loc["first_coverage", "n_used"] == 60
    assert measured.loc["first_coverage", "value"] == np.mean(estimates == 0)
    assert set(measured.loc["first_coverage", "kind"].split(", ")) == {"wald", "lr"}


def test_a_correlation_without_a_meaning_has_no_truth(fits):
    found = bc.if_true(of(of(fits, 2, 0.0), 4, np.nan), replicates=20)
    assert "cor_subject[Intercept, days] has no true value, because an sd is 0." in found.about["notes"]
    row = found.estimates.set_index(["estimator", "parameter"]).loc[("lbfgs-ml", "cor_subject[Intercept, days]")]
    assert np.isnan(row["truth"])
    assert np.isfinite(row["mean"])
    assert not (found.table.query("measure == 'bias'")["parameter"] == "cor_subject[Intercept, days]").any()


def broken(fits, **changes):
    """Return fits whose ML fit is another."""
    return replace(fits, by_label={**fits.by_label, "lbfgs-ml": replace(fits["lbfgs-ml"], **changes)})


def of(fits, place: int, value: float, **changes):
    estimate = fits["lbfgs-ml"].estimate.copy()
    estimate[place] = value
    return broken(fits, estimate=estimate, **changes)


NO_TRUTH = [
    (lambda fits: broken(fits, status=Status.FAILED, message="it broke."), r"its fit is failed \(it broke\)"),
    (lambda fits: broken(fits, flags=(Flag.DIVERGED,)), "its fit is flagged diverged"),
    (lambda fits: of(fits, 2, np.inf), r"its estimate is inf, not a finite number, of sd_subject\[Intercept\]"),
    (lambda fits: of(fits, 0, np.nan), r"it has no estimate of beta\[Intercept\]"),
    (lambda fits: of(fits, 5, 0.0), "its sigma is 0"),
    (lambda fits: of(fits, 3, -1.0), "an sd is below 0"),
    (lambda fits: of(fits, 4, 1.5), "a correlation lies between -1 and 1"),
    (lambda fits: broken(fits, estimand=("sqrt(tau^2 + sigma^2)",) * 6), "estimates sqrt"),
    (lambda fits: replace(fits, data=None), "do not hold their data"),
]


@pytest.mark.parametrize(("change", "said"), NO_TRUTH)
def test_what_nothing_can_be_simulated_from_is_refused_in_a_sentence(fits, change, said):
    with pytest.raises(InputError, match=said):
        bc.if_true(change(fits), replicates=20)


ASKED = [
    ({"replicates": 0}, "10 to 100,000 data sets, better 200, not 0"),
    ({"replicates": -5}, "not -5"),
    ({"replicates": 10**9}, "not 1000000000"),
    ({"replicates": 20.0}, "not 20.0"),
    ({"replicates": True}, "not True"),
    ({"truth": "nuts"}, r"'nuts' is not among the estimators of the fit \(lbfgs-ml, lbfgs-reml\)"),
    ({"truth": "lbfgs-rml"}, "Did you mean 'lbfgs-reml'"),
    ({"estimators": ["nuts"]}, "does not fit your own"),
    ({"estimators": ["lbfgs-mll"]}, "There is no estimator 'lbfgs-mll'"),
    ({"estimators": []}, "name at least one"),
    ({"levels": (1.5,)}, "1.5"),
    ({"seed": -1}, "must be a whole number of at least 0"),
]


@pytest.mark.parametrize(("values", "said"), ASKED)
def test_values_that_cannot_be_meant_are_refused_in_a_sentence(fits, values, said):
    with pytest.raises(InputError, match=said):
        bc.if_true(fits, **values)


def test_a_folder_with_another_simulation_is_refused(fits, tmp_path):
    bc.if_true(fits, tmp_path / "s", replicates=20)
    with pytest.raises(InputError, match="holds another simulation"):
        bc.if_true(fits, tmp_path / "s", replicates=20, truth="lbfgs-reml")
    with pytest.raises(InputError, match="holds 20 data sets of this simulation; ask for at least as many"):
        bc.if_true(fits, tmp_path / "s", replicates=10)


def test_results_of_a_fit_take_up_what_there_is_of_their_simulation(fits, found, tmp_path):
    def stop(task):
        raise KeyboardInterrupt

    asked = {"truth": "lbfgs-ml", "replicates": N, "levels": (0.95,), "seed": None, "workers": 1, "estimators": None}
    chosen = planned(fits, None, **asked)
    plain = bc.compare(fits)
    results = replace(plain, about={**plain.about, "if_true": chosen.about})
    assert completed(plain, tmp_path) == (plain, "")
    assert completed(results, tmp_path)[1] == "the simulation from the fit has not begun"
    with pytest.raises(InterruptedStudyError):
        bc.if_true(fits, tmp_path / NAME, replicates=N, announce=stop)
    half, left = completed(results, tmp_path)
    assert left == "25 of 60 fits are done"
    assert half.about["if_true"]["done"] == 0
    assert set(half.tables["if_true"]["n_total"]) == {25}
    bc.if_true(fits, tmp_path / NAME, replicates=N)
    whole, _ = completed(results, tmp_path)
    assert whole.about["if_true"] == found.about
    pd.testing.assert_frame_equal(whole.tables["if_true"], found.table)
    assert completed(whole, tmp_path) == (whole, "")
    other = replace(results, about={**results.about, "if_true": {**chosen.about, "key": "0" * 64}})
    assert "holds a simulation from another fit" in completed(other, tmp_path)[1]


def test_the_study_of_a_simulation_is_a_study_like_any_other(fits, tmp_path):
    bc.if_true(fits, tmp_path / "s", replicates=20)
    assert bc.verify(tmp_path / "s", refit=2).faults == ()
    again = bc.rerun(tmp_path / "s", scenario=NAME, replicate=3, estimator="lbfgs-ml")
    assert list(again.data.columns) == ["days", "subject", "reaction"]
    assert again.fit.estimate[0] == bc.fit(SLEEP, again.data, ["lbfgs-ml"])["lbfgs-ml"].estimate[0]
    results, unfinished = results_in(tmp_path / "s")
    assert (len(results.tables["fits"]), bool(unfinished)) == (40, True)
    manifest = Manifest.read(tmp_path / "s")
    assert manifest.study["scenario"][0]["data"]["rows"] == 180
