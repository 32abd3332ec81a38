"""Where a point estimate lies in the posterior of the same data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import gamma, norm

from bayescompare.comparison.agreement import _hdi_level, agreement
from bayescompare.fits import Draws
from tests.comparison.fakes import LAYOUT, TRUTH, make_fit, record, rows

CENTRE, SPREAD = np.array([1.0, 2.0, 3.0, 0.5]), np.array([1.0, 0.5, 0.2, 0.1])


def drawn_fit(name: str, values: np.ndarray):
    flat = values.reshape(-1, 4)
    draws, estimand = Draws(values=values), ("posterior mean",) * 4
    return make_fit(name, flat.mean(axis=0), flat.std(axis=0, ddof=1), draws=draws, estimand=estimand)


def posterior(seed: int = 0, replicate: int = 0, values: np.ndarray | None = None):
    drawn = CENTRE + SPREAD * np.random.default_rng(seed).normal(size=(4, 5000, 4)) if values is None else values
    return record(drawn_fit("nuts", drawn), replicate)


def point(z: float, name: str = "lbfgs-ml", replicate: int = 0):
    return record(make_fit(name, CENTRE + z * SPREAD), replicate)


@pytest.mark.parametrize("z", [-2.5, -1.0, 0.3, 1.96])
def test_quantile_z_and_level_of_a_normal_posterior(z):
    table = agreement(rows(posterior(), point(z)))
    assert table["parameter"].tolist() == list(LAYOUT.labels)
    np.testing.assert_allclose(table["z"], z, atol=0.05)
    np.testing.assert_allclose(table["quantile"], norm.cdf(z), atol=4 * np.sqrt(0.25 / 20000))
    np.testing.assert_allclose(table["hdi_level"], 2 * norm.cdf(abs(z)) - 1, atol=0.06)


@pytest.mark.parametrize("value", [0.2, 1.5, 4.0])
def test_the_level_of_a_skewed_posterior_is_that_of_its_density(value):
    law = gamma(2)
    # the two points of equal density on either side of the mode, which is at one
    side = (1.0, 50.0) if value < 1 else (0.0, 1.0)
    other = brentq(lambda x: law.pdf(x) - law.pdf(value), *side)
    found = [_hdi_level(np.sort(np.random.default_rng(seed).gamma(2.0, size=20000)), value) for seed in range(8)]
    assert np.mean(found) == pytest.approx(abs(law.cdf(value) - law.cdf(other)), abs=0.03)


def test_outside_all_draws_the_level_is_one():
    draws = np.sort(np.abs(np.random.default_rng(0).normal(size=500)) + 0.1)
    assert _hdi_level(draws, 0.0) == 1.0
    assert _hdi_level(draws, 99.0) == 1.0


def test_draws_that_equal_the_estimate_count_half():
    values = np.concatenate([np.zeros((1, 50, 4)), np.ones((1, 50, 4))])
    table = agreement(rows(posterior(values=values), record(make_fit("lbfgs-ml", np.zeros(4)))))
    assert set(table["quantile"]) == {0.25}
    stuck = agreement(rows(posterior(values=np.ones((2, 50, 4))), record(make_fit("lbfgs-ml", np.ones(4)))))
    assert stuck["z"].isna().all()


def test_estimates_meet_the_posteriors_of_their_own_data_only():
    records = [posterior(0, 0), posterior(1, 1), point(0, "a", 0), point(1, "a", 1), point(0, "b", 1), point(0, "c", 2)]
    table = agreement(rows(*records))
    assert len(table) == 3 * 4
    assert sorted(set(map(tuple, table[["replicate", "estimator"]].to_numpy()))) == [(0, "a"), (1, "a"), (1, "b")]
    assert set(table["posterior"]) == {"nuts"}


def test_two_posteriors_are_both_held_against():
    other = record(drawn_fit("nuts:sampler=pymc", posterior(5).fit.draws.values))
    assert sorted(set(agreement(rows(posterior(), other, point(0)))["posterior"])) == ["nuts", "nuts:sampler=pymc"]


def test_what_was_not_estimated_and_what_is_not_finite_is_left_out():
    missing = CENTRE.copy()
    missing[2] = np.nan
    table = agreement(rows(posterior(), record(make_fit("adam-pooled", missing))))
    assert "sd_g[Intercept]" not in set(table["parameter"])
    broken = np.full((2, 10, 4), np.nan)
    assert agreement(rows(posterior(values=broken), point(0))).empty


def test_without_a_posterior_the_table_is_empty_with_its_columns():
    table = agreement(rows(point(0)))
    assert isinstance(table, pd.DataFrame)
    assert table.empty
    assert {"quantile", "z", "hdi_level"} <= set(table.columns)
    assert TRUTH.shape == (4,)
