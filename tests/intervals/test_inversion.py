"""Where a value lies in the intervals of all levels, against closed forms and against the intervals themselves."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from bayescompare.datasets import load
from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit, Status
from bayescompare.intervals.bootstrap import Bootstrap
from bayescompare.intervals.inversion import located, located_in_draws
from bayescompare.intervals.posterior import EqualTails, Shortest
from bayescompare.intervals.profile.basis import every_profile
from bayescompare.intervals.student import of_fixed_effects
from bayescompare.intervals.wald import Wald
from bayescompare.layout import Layout
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model

LAYOUT = Layout(coefs=("Intercept",), factor="g", blocks=(("Intercept", "x"),), levels=tuple("abcdef"))
ESTIMATE = np.array([1.0, 2.0, 0.5, 0.3, 1.5])
SE = np.array([0.5, 0.6, 0.2, 0.15, 0.1])


def wald(se: np.ndarray = SE) -> Wald:
    fit = Fit(
        estimator="point",
        layout=LAYOUT,
        status=Status.OK,
        estimate=ESTIMATE,
        se=se,
        estimand=("ML mode",) * 5,
        reason=("",) * 5,
    )
    return Wald(fit)


def closed(truth: np.ndarray) -> np.ndarray:
    """Return the z-scores of Wald intervals: natural scale, log scale and Fisher z."""
    z = (truth - ESTIMATE) / SE
    for k in (1, 2, 4):
        z[k] = np.log(truth[k] / ESTIMATE[k]) * ESTIMATE[k] / SE[k]
    z[3] = (np.arctanh(truth[3]) - np.arctanh(ESTIMATE[3])) * (1 - ESTIMATE[3] ** 2) / SE[3]
    return z


@pytest.mark.parametrize(
    "truth", [[1.4, 1.1, 0.9, -0.2, 1.55], [-0.7, 3.9, 0.41, 0.6, 1.2], [1.001, 2.02, 0.7, 0.31, 1.49]]
)
def test_wald_is_inverted_to_its_closed_form(truth):
    z = closed(np.array(truth))
    found = located(wald(), np.array(truth))
    np.testing.assert_allclose([one.pit for one in found], stats.norm.cdf(z), atol=2e-6)
    np.testing.assert_allclose([one.covered_from for one in found], 2 * stats.norm.cdf(np.abs(z)) - 1, atol=2e-6)
    assert {(one.rank, one.n_ranks) for one in found} == {(0, 0)}


def test_student_is_inverted_to_the_t_distribution():
    basis = of_fixed_effects(np.array([2.0, -1.0]), np.array([0.5, 1.0]), np.array([4.0, np.inf]), ("", ""), 4)
    found = located(basis, np.array([3.2, -1.7, 1.0, 1.0]))
    np.testing.assert_allclose(found[0].pit, stats.t(4).cdf(2.4), atol=2e-6)
    np.testing.assert_allclose(found[1].pit, stats.norm.cdf(-0.7), atol=2e-6)
    assert np.isnan([found[2].pit, found[3].covered_from]).all()


def test_far_away_no_level_holds_the_truth_and_at_the_centre_every_one_does():
    far = located(wald(), np.array([50.0, 1e-9, 90.0, -0.99999, 1e3]))
    assert [one.covered_from for one in far] == [1.0] * 5
    assert [one.pit for one in far] == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert [one.covered_from for one in located(wald(), ESTIMATE)] == [0.0] * 5
    assert [one.pit for one in located(wald(), ESTIMATE)] == [0.5] * 5


def test_without_an_interval_there_is_no_place():
    found = located(wald(np.array([0.5, np.nan, 0.2, np.nan, 0.1])), ESTIMATE + 0.1)
    assert [np.isnan(one.covered_from) for one in found] == [False, True, False, True, False]


@pytest.fixture(scope="module")
def profiles():
    dataset = load("dyestuff")
    problem = build_problem(Model(f"{dataset.frame.columns[-1]} ~ 1 + (1 | batch)"), dataset)
    engine = estimator("lbfgs-ml")
    (fit,) = engine.fit([problem], [np.random.SeedSequence(1)])
    return fit, every_profile(problem, fit, engine, np.random.SeedSequence(1))


@pytest.mark.parametrize("move", [-0.7, 0.4, 1.3])
def test_a_profile_passes_the_truth_at_the_level_that_is_found(profiles, move):
    fit, basis = profiles
    truth = fit.estimate + move * np.array([20.0, 15.0, 6.0])
    for k, one in enumerate(located(basis, truth)):
        lower, upper = basis.bounds(one.covered_from)[k]
        assert (lower, upper)[int(move > 0)] == pytest.approx(truth[k], rel=1e-5)
        assert one.pit == pytest.approx(0.5 + np.sign(move) * one.covered_from / 2)


def test_draws_are_counted():
    draws = np.random.default_rng(1).normal(size=(4, 250, 2))
    values = np.array([0.7, -1.2])
    flat = draws.reshape(-1, 2)
    found = located(EqualTails(draws, ("", "")), values)
    below = (flat < values).sum(axis=0)
    np.testing.assert_allclose([one.pit for one in found], below / 1000)
    np.testing.assert_allclose([one.covered_from for one in found], np.abs(2 * below / 1000 - 1))
    assert [(one.rank, one.n_ranks) for one in found] == [(b, 1000) for b in below]
    assert located_in_draws(flat[:, 0], float(flat[3, 0])).pit == pytest.approx(
        ((flat < flat[3]).sum(axis=0)[0] + 0.5) / 1000
    )


@pytest.mark.parametrize("value", [0.05, 0.8, 2.4, 40.0])
def test_levels_whose_shortest_interval_misses_the_truth_are_counted(value):
    draws = np.random.default_rng(2).gamma(1.5, 1.0, 1280)
    (found,) = located(Shortest(draws[:, None], ("",)), np.array([value]))
    intervals = [array_stats.hdi(draws, prob=(k + 0.02) / 128) for k in range(1, 128)]
    missed = sum(not lower <= value <= upper for lower, upper in intervals)
    assert (found.rank, found.n_ranks) == (missed, 127)
    assert found.covered_from == pytest.approx((missed + 0.5) / 128)


def test_refits_are_counted_and_those_without_a_number_are_not():
    values = np.random.default_rng(3).normal(size=(400, 2))
    values[:100, 1] = np.nan
    basis = Bootstrap(values=values, n=400, n_failed=0, n_singular=0, reasons=("", ""))
    one, other = located(basis, np.array([0.3, 0.3]))
    assert (one.n_ranks, other.n_ranks) == (400, 300)
    assert other.pit == pytest.approx(np.mean(values[100:, 1] < 0.3))
