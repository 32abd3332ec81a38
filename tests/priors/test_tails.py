"""Walls and tails of priors, read off their draws and densities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from bayescompare.priors import (
    LKJ,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    LogNormal,
    Normal,
    Prior,
    Uniform,
    UniformVariance,
)
from bayescompare.priors.tails import beyond, nearest_inside, walls


@dataclass(frozen=True, repr=False)
class Raising(Prior):
    """Uniform on (1, 2); its author uses ``math``, which raises elsewhere."""

    support = "positive"

    def logp(self, x, xp):
        return math.log(math.sqrt(x - 1) * math.sqrt(2 - x)) * 0.0

    def draw(self, rng, shape):
        return rng.uniform(1, 2, shape)


@pytest.mark.parametrize(
    ("prior", "lower", "upper"),
    [
        (Uniform(-1.0, 3.0), -1.0, 3.0),
        (Uniform(0.5, 3.0), 0.5, 3.0),
        (Uniform(0.0, 3.0), -math.inf, 3.0),
        (UniformVariance(9.0), -math.inf, 3.0),
        (Raising(), 1.0, 2.0),
    ],
    ids=repr,
)
def test_a_wall_is_where_the_density_ends_but_an_sd_of_zero_is_none(prior, lower, upper):
    assert walls(prior) == pytest.approx((lower, upper))


@pytest.mark.parametrize(
    "prior",
    [Normal(0, 2), HalfNormal(1), HalfCauchy(3), Gamma(2, 1), LogNormal(0, 3), InverseGamma(1, 5e-5),
     InverseGamma(0.001, 0.001), Exponential(1e9), Flat(), LKJ(2)],
    ids=repr,
)  # fmt: skip
def test_a_density_that_goes_on_has_no_wall(prior):
    assert walls(prior) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("prior", "law"),
    [(Normal(1, 2), stats.norm(1, 2)), (HalfNormal(3), stats.halfnorm(0, 3)), (HalfCauchy(2), stats.halfcauchy(0, 2))],
    ids=["normal", "halfnormal", "halfcauchy"],
)
@pytest.mark.parametrize("share", [0.0005, 0.003, 0.9994])
def test_a_tail_is_as_large_as_its_distribution_has_it(prior, law, share):
    # an interval of no width at a quantile; 100,000 draws, 9 cases
    expected = min(share, 1 - share)
    at = float(law.ppf(share))
    error = math.sqrt(expected * (1 - expected) / 100_000)
    assert abs(beyond(prior, at, at) - expected) < 4 * error


def test_a_tail_is_of_the_interval_and_what_is_farther_out():
    assert beyond(HalfNormal(1), 3.0, 9.0) == pytest.approx(2 * stats.norm.sf(3.0), abs=6e-4)
    assert beyond(HalfNormal(1), 1.0, 9.0) > 0.1
    assert beyond(Uniform(0, 1), 4.0, 6.0) == 0.0
    assert math.isnan(beyond(Flat(), 4.0, 6.0))


def test_the_tail_of_a_correlation_is_that_of_its_marginal_distribution():
    # LKJ(eta) of two effects: (r + 1) / 2 is Beta(eta, eta)
    expected = float(stats.beta(20, 20).sf((0.48 + 1) / 2))
    assert beyond(LKJ(20), 0.48, 0.48, d=2) == pytest.approx(expected, abs=4 * math.sqrt(expected / 100_000))


def test_the_nearest_value_inside():
    assert nearest_inside(Uniform(0, 1), 0.4) == 0.4
    assert 0.98 < nearest_inside(Uniform(0, 1), 5.0) <= 1.0
    assert nearest_inside(Flat(), 5.0) == 5.0
    assert np.isfinite(nearest_inside(InverseGamma(0.001, 0.001), 5.0))
