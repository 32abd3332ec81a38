"""The answer of a fit: whether the posterior is trusted, where the estimates lie in it, and why they differ."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gamma

from bayescompare.comparison.exact_places import exact_places
from bayescompare.comparison.results import Results
from bayescompare.reporting.fit_answer import FitAnswer, fit_answer
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject
from tests.reporting.samples import Page, own_data

SD = "sd_g[x]"


def answer(results: Results) -> FitAnswer:
    return fit_answer(Subject(results))


def reasons(results: Results, parameter: str) -> list[str]:
    return next(list(one.sentences) for one in answer(results).reasons if one.parameter == parameter)


def changed(results: Results, **tables: pd.DataFrame) -> Results:
    return replace(results, tables={**results.tables, **tables})


def calm(mean: float | None = None) -> Results:
    """Return a comparison in which every estimate is the optimum; the posterior mean of one sd may be another."""
    results = own_data()
    estimates, optimum = results.tables["estimates"].copy(), results.tables["optimum"].copy()
    truth = dict(zip(optimum["parameter"], optimum["marginal_ml"], strict=True))
    optimum["own_optimum"] = optimum["marginal_ml"]
    known = estimates["estimate"].notna()
    estimates.loc[known, "estimate"] = estimates.loc[known, "parameter"].map(truth)
    if mean is not None:
        estimates.loc[(estimates["estimator"] == "nuts") & (estimates["parameter"] == SD), "estimate"] = mean
    return changed(results, estimates=estimates, optimum=optimum)


def flagged(results: Results, label: str, *flags: str) -> Results:
    fits = results.tables["fits"].copy()
    fits["flags"] = [list(flags) if name == label else [] for name in fits["estimator"]]
    return changed(results, fits=fits)


def exact_gamma(results: Results) -> Results:
    """Return results with an exact posterior of each parameter, a Gamma(4) that is shifted to begin at -2."""
    x = np.linspace(gamma.ppf(0.002, 4), gamma.ppf(0.998, 4), 400)
    labels = list(dict.fromkeys(results.tables["estimates"]["parameter"]))
    curve = {"scenario": "cake", "value": x - 2, "density": gamma.pdf(x, 4)}
    moments = {"mean": 2.0, "sd": 2.0, "2.5 %": gamma.ppf(0.025, 4) - 2, "97.5 %": gamma.ppf(0.975, 4) - 2}
    rows = [
        {"scenario": "cake", "estimator": "nuts", "parameter": label, "quantity": name, "exact": value, "drawn": value,
         "mcse": 0.1, "errors": 0.0, "reason": ""}
        for label in labels
        for name, value in moments.items()
    ]  # fmt: skip
    curves = pd.concat([pd.DataFrame(curve | {"parameter": label}) for label in labels])
    return changed(results, densities=curves, exact=pd.DataFrame(rows))


def test_places_in_an_exact_density_are_those_of_its_distribution() -> None:
    found = exact_places(exact_gamma(own_data()).tables)
    estimates = own_data().tables["estimates"]
    merged = found.merge(estimates, on=["estimator", "parameter"])
    truly = gamma.cdf(merged["estimate"] + 2, 4)
    np.testing.assert_allclose(merged["quantile"], np.clip(truly, 0.002, 0.998), atol=1e-4)
    np.testing.assert_allclose(merged["z"], (merged["estimate"] - 2) / 2)
    assert "nuts" not in set(found["estimator"])
    # the density is as high at some place below the mode, 1; between the two lies the level
    row = merged[merged["parameter"] == "beta[x]"].iloc[0]
    x = np.linspace(0, 30, 200_000)
    denser = gamma.pdf(x, 4) > gamma.pdf(row["estimate"] + 2, 4)
    assert row["hdi_level"] == pytest.approx(np.trapezoid(gamma.pdf(x, 4) * denser, x), abs=0.01)


def test_draws_that_failed_are_named_first() -> None:
    found = answer(flagged(own_data(), "nuts", "rhat", "ess"))
    assert found.sentences[0] == (
        "The draws of nuts cannot be trusted (R-hat is above 1.01; the effective sample size is under 400), "
        "so take every place in them as rough."
    )
    assert found.doubtful
    shown = Page(page(flagged(own_data(), "nuts", "divergences")))
    assert "lead alarm" in [attrs.get("class") for tag, attrs in shown.tags if tag == "p"]


def test_flags_that_leave_draws_whole_are_no_warning() -> None:
    found = answer(flagged(own_data(), "nuts", "retried", "prior_conflict"))
    assert not found.doubtful
    assert "24 of 26 point estimates" in found.sentences[0]


def test_the_exact_posterior_takes_the_place_of_draws_that_failed() -> None:
    results = exact_gamma(flagged(own_data(), "nuts", "rhat"))
    found = answer(results)
    assert found.sentences[0].endswith("so the exact posterior takes their place.")
    assert "of the exact posterior, by quadrature; the farthest is" in found.sentences[1]
    assert not found.doubtful
    places = exact_places(results.tables)
    z = places.loc[places["z"].abs().idxmax(), "z"]
    assert f"{abs(z):.1f} posterior sds below the posterior mean" in found.sentences[1]


def test_the_exact_posterior_leaves_good_draws_where_they_are() -> None:
    assert answer(exact_gamma(own_data())).sentences == answer(own_data()).sentences


def test_estimates_that_agree_need_no_reason() -> None:
    found = answer(calm())
    assert found.sentences[-1] == "Nothing that was looked at moves an estimate by more than 0.1 standard errors."
    assert [one.sentences for one in found.reasons[:-1]] == [[]] * 5


def test_a_fit_that_stopped_early() -> None:
    results = calm()
    estimates = results.tables["estimates"].copy()
    estimates.loc[(estimates["estimator"] == "adam-marginal") & (estimates["parameter"] == SD), "estimate"] -= 0.043
    (sentence,) = reasons(changed(results, estimates=estimates), SD)
    assert sentence == (
        "adam-marginal is not converged: it stopped 0.43 standard errors below the optimum of its own objective."
    )


def test_an_objective_with_another_optimum() -> None:
    results = calm()
    estimates, optimum = results.tables["estimates"].copy(), results.tables["optimum"].copy()
    for table, column in ((estimates, "estimate"), (optimum, "own_optimum")):
        table.loc[(table["estimator"] == "lbfgs-reml") & (table["parameter"] == SD), column] += 0.032
    estimates.loc[estimates["estimator"] == "lbfgs-reml", "estimand"] = "REML mode"
    (sentence,) = reasons(changed(results, estimates=estimates, optimum=optimum), SD)
    assert sentence == (
        "The objective of lbfgs-reml has its optimum 0.32 standard errors above the maximum of the likelihood, "
        "as REML allows for the coefficients being estimated."
    )


def test_a_bound_is_the_first_reason() -> None:
    results = flagged(calm(0.9), "lbfgs-ml", "boundary")
    estimates = results.tables["estimates"].copy()
    estimates.loc[(estimates["estimator"] == "lbfgs-ml") & (estimates["parameter"] == SD), "estimate"] = 0.0
    found = answer(changed(results, estimates=estimates))
    assert f"They differ most in {SD}: lbfgs-ml puts it at its bound, zero" in found.sentences[-1]


@pytest.mark.parametrize(
    ("sensitivity", "words"),
    [(0.26, "The priors pull (power-scaling sensitivity 0.26)"), (0.004, "The priors hardly move it")],
)
def test_the_pull_of_the_priors(sensitivity: float, words: str) -> None:
    scaling = pd.DataFrame([{"scenario": "cake", "estimator": "nuts", "parameter": SD, "prior": sensitivity,
                             "likelihood": 0.3, "diagnosis": "nothing", "ml": 0.7, "tail": 0.4}])  # fmt: skip
    lies, pull = reasons(changed(calm(1.1), power_scaling=scaling), SD)
    assert lies.startswith("The posterior mean lies ")
    assert "posterior sds above the maximum of the likelihood" in lies
    assert words in pull


def test_a_posterior_that_is_lopsided() -> None:
    results = calm(1.1)
    intervals = results.tables["intervals"].copy()
    mine = (intervals["estimator"] == "nuts") & (intervals["parameter"] == SD)
    intervals.loc[mine, ["lower", "upper"]] = [1.0, 1.3]
    _, sentence = reasons(changed(results, intervals=intervals), SD)
    assert sentence.endswith("the interval reaches 2.0 times as far up from the mean as down.")


def test_the_answer_is_three_sentences_and_a_picture_at_most() -> None:
    scaling = pd.DataFrame([{"scenario": "cake", "estimator": "nuts", "parameter": SD, "prior": 0.3,
                             "likelihood": 0.3, "diagnosis": "nothing", "ml": 0.7, "tail": 0.4}])  # fmt: skip
    results = changed(exact_gamma(flagged(calm(2.0), "nuts", "rhat", "ess", "divergences")), power_scaling=scaling)
    found = answer(results)
    assert len(found.sentences) == 3
    assert not any(re.search(r"\.\s", sentence) for sentence in found.sentences)
    most = max(found.reasons, key=lambda one: one.size)
    assert len(most.sentences) > 1
    html = page(results)
    lead = html.index(found.sentences[-1])
    # the picture comes next, and the rest of the reasons below it
    assert html.index("<svg", lead) < html.index(most.sentences[1], lead)


def test_without_a_posterior_the_estimates_are_held_against_ml_in_its_standard_errors() -> None:
    results = own_data(draws=False)
    estimates = results.tables["estimates"].copy()
    found = answer(changed(results, estimates=estimates))
    wide = estimates.pivot_table("estimate", "parameter", "estimator", sort=False)
    se = estimates[estimates["estimator"] == "lbfgs-ml"].set_index("parameter")["se"]
    assert found.heading == "How far apart the point estimates are"
    assert found.picture is not None
    sheet = pd.read_csv(StringIO(found.picture.numbers))
    for row in sheet.itertuples():
        expected = (wide.loc[row.parameter, row.estimator] - wide.loc[row.parameter, "lbfgs-ml"]) / se[row.parameter]
        assert row.z == pytest.approx(expected, rel=1e-3, abs=1e-4)
    far = sheet.loc[sheet["z"].abs().idxmax()]
    assert f"the farthest is {far['parameter']} of {far['estimator']}" in found.sentences[0]
    assert f"of {len(sheet)} estimates beside those of lbfgs-ml" in found.sentences[0]
    assert set(sheet["estimator"]) == {"adam-marginal:lr=0.01,batch=3", "adam-marginal", "adam-pooled", "lbfgs-reml"}


def test_parameters_at_a_bound_have_no_standard_error_to_measure_in() -> None:
    results = own_data(draws=False)
    estimates = results.tables["estimates"].copy()
    mine = (estimates["estimator"] == "lbfgs-ml") & (estimates["parameter"] == SD)
    estimates.loc[mine, "se"] = np.nan
    picture = answer(changed(results, estimates=estimates)).picture
    assert picture is not None
    assert SD not in set(pd.read_csv(StringIO(picture.numbers))["parameter"])


def test_without_ml_there_is_no_picture_and_the_answer_says_so() -> None:
    results = own_data(draws=False)
    left = {name: table[table["estimator"] != "lbfgs-ml"] if "estimator" in table else table
            for name, table in results.tables.items()}  # fmt: skip
    found = answer(replace(results, tables=left))
    assert found.picture is None
    assert "compared with each other only" in found.sentences[0]
