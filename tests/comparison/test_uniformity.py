"""The exact band and its p-value, against closed forms, SciPy, simulation and ArviZ."""

import numpy as np
import pytest
from arviz_stats.ecdf_utils import ecdf_pit
from scipy import stats

from bayescompare.comparison.uniformity import _inside, band, p_value, shift_of, spread_of, spread_of_levels


def test_one_and_two_numbers_by_hand():
    assert _inside(np.array([0.2]), np.array([0.9])) == pytest.approx(0.7, rel=1e-12)
    lower, upper = np.array([0.1, 0.4]), np.array([0.7, 0.95])
    # twice the area of u < v with u and v in their intervals
    both = 2 * (np.subtract(0.7, 0.1) * np.subtract(0.95, 0.4) - (0.7 - 0.4) ** 2 / 2)
    assert _inside(lower, upper) == pytest.approx(both, rel=1e-12)
    assert _inside(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("n", "distance"), [(5, 0.4), (40, 0.2), (300, 0.07)])
def test_kolmogorov_s_distribution_is_that_of_scipy(n, distance):
    ranks = np.arange(1, n + 1)
    lower, upper = np.clip(ranks / n - distance, 0, 1), np.clip((ranks - 1) / n + distance, 0, 1)
    assert _inside(lower, upper) == pytest.approx(stats.kstwo.cdf(distance, n), rel=1e-7)


def test_p_values_of_uniform_numbers_are_uniform():
    rng = np.random.default_rng(5)
    found = [p_value(rng.uniform(size=25)) for _ in range(500)]
    assert stats.kstest(found, "uniform").pvalue > 1e-3


def test_the_band_holds_its_share_of_samples_and_agrees_with_the_p_value():
    rng, found = np.random.default_rng(6), band(60, 0.9)
    samples = np.sort(rng.uniform(size=(4000, 60)), axis=1)
    inside = np.all((samples >= found.lower) & (samples <= found.upper), axis=1)
    assert abs(inside.mean() - 0.9) < 4 * np.sqrt(0.09 / 4000)
    p = np.array([p_value(one) for one in samples[:80]])
    np.testing.assert_array_equal(p >= 0.1, inside[:80])


def test_the_band_is_that_of_arviz_within_its_simulation_error():
    n = 250
    at, _, lower, upper = ecdf_pit(np.linspace(0, 1, n), 0.95, 4000)
    ours = band(n).ecdf(at)
    # ArviZ looks at n points, we at all, and its level is a quantile of 4,000 simulations
    np.testing.assert_allclose(ours[0][1:-1], lower[1:-1], atol=0.013)
    np.testing.assert_allclose(ours[1][1:-1], upper[1:-1], atol=0.013)


@pytest.mark.parametrize(("s", "d"), [(1.0, 0.0), (1.6, 0.0), (0.6, 0.3), (1.2, -0.8)])
def test_width_and_centre_are_recovered(s, d):
    u = stats.norm.cdf(d + s * np.random.default_rng(7).normal(size=40_000))
    width, centre = spread_of(u), shift_of(u)
    assert width.lower - 0.01 < s < width.upper + 0.01
    assert abs(centre.value - d) < 0.02
    assert width.upper - width.lower < 0.05
    if d == 0:
        levels = spread_of_levels(np.abs(2 * u - 1))
        assert abs(levels.value - s) < 0.02 * s


def test_the_interval_of_a_width_covers():
    rng = np.random.default_rng(8)
    found = [spread_of(stats.norm.cdf(1.3 * rng.normal(size=200))) for _ in range(400)]
    share = np.mean([one.lower <= 1.3 <= one.upper for one in found])
    assert abs(share - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)


def test_small_p_values_have_digits_and_go_on_where_they_are_bounded():
    # of a single number the p-value is known: twice the tail
    for tail in (1e-3, 1e-6, 1e-8, 1e-12, 1e-200):
        assert p_value(np.array([tail])) == pytest.approx(2 * tail, rel=1e-6)
    worse = [p_value(np.append(np.linspace(0.01, 0.99, 60), [x])) for x in (1e-6, 1e-8, 1e-10, 1e-12, 1e-30, 1e-250)]
    assert np.all(np.diff(worse) < 0)
    assert min(worse) > 0


def test_what_is_plainly_wrong_has_no_chance():
    u = np.random.default_rng(9).uniform(size=300)
    assert p_value(u) > 0.01
    assert p_value(0.5 + 0.5 * (u - 0.5)) < 1e-6
    assert p_value(u**1.5) < 1e-3
    # two truths that the fits exclude altogether are enough
    assert p_value(np.append(u, [0.0])) == 0.0
    assert spread_of(np.repeat([0.0, 1.0], 50)).value == np.inf
