"""The exact posterior in results and in the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.comparison.results import Results
from bayescompare.comparison.schema import TABLES
from bayescompare.engines.exactness import checked
from bayescompare.fits import Draws, Fit
from bayescompare.fitting import Fits
from bayescompare.reporting.exact import exact
from bayescompare.reporting.figures.exact import exact_panel
from bayescompare.reporting.render import page
from bayescompare.reporting.subject import Subject

MODEL = bc.Model("yield ~ 1 + (1 | batch)", priors={"sd_batch": bc.HalfCauchy(25)})


@pytest.fixture(scope="module")
def fits() -> Fits:
    return bc.fit(MODEL, "dyestuff", ["lbfgs-ml", "quadrature"])


def sampled(fits: Fits, factor: float = 1.0) -> Fits:
    """Return the fits with one more, whose draws are the exact posterior's times a factor."""
    fit, rng = fits["quadrature"], np.random.default_rng(3)
    values = np.stack([one.quantile(rng.random((4, 250))) for one in fit.marginals], axis=-1)
    drawn = Draws(values=factor * values, stats={"energy": rng.normal(size=(4, 250))})
    nuts = replace(fit, estimator="nuts", marginals=(), draws=drawn, random_effects=None)
    held: list[Fit] = checked([*fits.values(), nuts], fits.problem)
    return replace(fits, by_label={one.estimator: one for one in held})


def test_point_estimates_have_a_place_in_the_exact_posterior(fits: Fits) -> None:
    results = bc.compare(fits)
    agreement = results.tables["agreement"].set_index("parameter")
    sd = fits["quadrature"].marginals[1]
    ml = fits["lbfgs-ml"].estimate[1]
    assert set(agreement["posterior"]) == {"quadrature"}
    assert agreement.loc["sd_batch[Intercept]", "quantile"] == pytest.approx(sd.cdf(ml), abs=2 / 400)


def test_tables_have_the_columns_that_are_described(fits: Fits) -> None:
    results = bc.compare(sampled(fits))
    for name in ("exact", "densities"):
        assert list(results.tables[name].columns) == list(TABLES[name])
    means = results.tables["exact"].query("quantity == 'mean'")
    np.testing.assert_allclose(means["exact"], fits["quadrature"].estimate)
    for _, rows in results.tables["densities"].groupby("parameter"):
        # without 0.2 % at each end
        assert np.trapezoid(rows["density"], rows["value"]) == pytest.approx(0.996, abs=2e-3)


def test_the_report_says_that_right_draws_are_right(fits: Fits) -> None:
    shown = exact(Subject(bc.compare(sampled(fits))))
    assert shown is not None
    assert len(shown.densities) == 3
    (verdict,) = shown.verdicts
    assert verdict.startswith("nuts is as near to the exact posterior as its draws allow")


def test_the_report_says_that_wrong_draws_are_wrong(fits: Fits) -> None:
    results = bc.compare(sampled(fits, 1.05))
    shown = exact(Subject(results))
    assert shown is not None
    (verdict,) = shown.verdicts
    assert verdict.startswith("nuts is wrong beyond its Monte Carlo error: it is off by")
    assert "share below" in " ".join(results.tables["exact"]["quantity"])
    text = page(results)
    assert "Against the exact posterior" in text
    assert "Its draws differ from the exact posterior by more than their Monte Carlo error allows." in text


def test_the_picture_in_words() -> None:
    x = np.linspace(0, 10, 101)
    alt = exact_panel("k", "sd_g[x]", x, np.where(x < 2, 0.4, 0.025), np.array([1.0, 20.0])).alt
    assert alt.startswith("Exact posterior density of sd_g[x]: highest between ")
    assert "50 % of the draws" in alt
    assert exact_panel("k", "sigma", x, np.full(101, 0.1), None).alt.endswith(".")


def test_without_quadrature_there_is_no_such_section(own_html: str) -> None:
    assert "Against the exact posterior" not in own_html


def test_results_come_back_from_disk(fits: Fits, tmp_path) -> None:
    results: Results = bc.compare(sampled(fits))
    bc.write_results(results, tmp_path)
    again = bc.read_results(tmp_path)
    assert "Against the exact posterior" in page(again)
